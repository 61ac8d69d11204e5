"""Render jobs: the rows that callers see as RenderJob, joined with the job that makes them."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records import event_log
from threed.records.tables import jobs, render_jobs

_JOB_COLUMNS = [
    jobs.c[name]
    for name in ("state", "priority", "attempt", "progress", "phase", "sequence", "error", "started_at", "finished_at")
]
selected = sa.select(render_jobs, *_JOB_COLUMNS).join(jobs, jobs.c.id == render_jobs.c.id)


def not_found(id: uuid.UUID) -> NotFound:
    """The one sentence for jobs that never were and those of another project."""
    job_id = ids.write("render_job", id)
    return NotFound(f"There is no render job {job_id} in this project. List the jobs to find it.", job_id=job_id)


async def get(connection: AsyncConnection, project: str, id: uuid.UUID) -> sa.Row:
    """One render job. Raises NotFound."""
    row = (await connection.execute(selected.where(render_jobs.c.id == id, render_jobs.c.project == project))).first()
    if row is None:
        raise not_found(id)
    return row


async def create(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(sa.insert(render_jobs).values(**values))


def publish(id: uuid.UUID, **values: Any) -> sa.Executable:
    """What the job made: output_key, output, engine_used, losses. In the transaction that completes the job."""
    return sa.update(render_jobs).where(render_jobs.c.id == id).values(**values)


async def delete(connection: AsyncConnection, id: uuid.UUID) -> None:
    """Remove the job; its render_jobs and outputs rows go with it, and an event stays."""
    gone = sa.delete(jobs).where(jobs.c.id == id).returning(jobs.c.id, jobs.c.project, jobs.c.state)
    await connection.execute(event_log.of_render_jobs_deleted(gone.cte("gone")))
