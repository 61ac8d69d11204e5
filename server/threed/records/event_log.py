"""The event log: what became of assets, derivatives and render jobs. Rows are inserted, and go when their time is over.

Most of this is parts of other statements, so that an event is recorded by the statement that changes the state, once
and under the same fence. Each kind of job has a line in `_ENDS` for each state that it can end in; one without lines,
such as a probe or a frame, has no events.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records.tables import derivatives, event_log, render_jobs

# Kind of job and state that it ends in; type of the event; status of the resource.
_ENDS = (
    ("ingest", "COMPLETED", "asset_ready", "VALIDATED"),
    ("ingest", "FAILED", "asset_failed", "FAILED"),
    ("ingest", "CANCELLED", "asset_failed", "FAILED"),
    ("derive", "COMPLETED", "derivative_ready", "COMPLETED"),
    ("derive", "FAILED", "derivative_failed", "FAILED"),
    ("derive", "CANCELLED", "derivative_cancelled", "CANCELLED"),
    ("render", "COMPLETED", "render_job_completed", "COMPLETED"),
    ("render", "FAILED", "render_job_failed", "FAILED"),
    ("render", "CANCELLED", "render_job_cancelled", "CANCELLED"),
)
ASSET_DELETED, ASSET_UNDELETED, ASSET_PURGED = "asset_deleted", "asset_undeleted", "asset_purged"
_DERIVATIVE_READY, _DERIVATIVE_DELETED = "derivative_ready", "derivative_deleted"
_RENDER_JOB_DELETED = "render_job_deleted"
TYPES = (
    *dict.fromkeys(type for _, _, type, _ in _ENDS),
    *(ASSET_DELETED, ASSET_UNDELETED, ASSET_PURGED, _DERIVATIVE_DELETED, _RENDER_JOB_DELETED),
)

# An INSERT on the rows of `changed` and `whole` (jobs) and `ingested` (id of their assets). An asset's event waits for
# the asset's row, so that its sequence is larger than those of the changes that it waited for.
OF_CHANGED_JOBS = f"""
        INSERT INTO event_log (project, type, status, error, asset_id, derivative_id, render_job_id, scene_id)
        SELECT c.project, e.type, e.status, CASE WHEN e.state <> 'COMPLETED' THEN c.error END,
          coalesce(i.id, d.asset_id, r.asset_id), d.id, r.id, r.scene_id
        FROM (TABLE changed UNION ALL TABLE whole) c
        JOIN (VALUES {", ".join(map(str, _ENDS))}) AS e(kind, state, type, status) USING (kind, state)
        LEFT JOIN ingested i ON c.kind = 'ingest' AND i.id = c.subject
        LEFT JOIN derivatives d ON c.kind = 'derive' AND d.id = c.subject
        LEFT JOIN render_jobs r ON c.kind = 'render' AND r.id = c.subject
        WHERE coalesce(i.id, d.id, r.id) IS NOT NULL"""


def of_assets(type: str, changed: sa.CTE) -> sa.Insert:
    """One of ASSET_... for each row of `changed`, which has the columns project, id and status of assets."""
    row = sa.select(changed.c.project, sa.literal(type), changed.c.status, changed.c.id)
    return sa.insert(event_log).from_select(["project", "type", "status", "asset_id"], row)


def of_derivatives_made(made: sa.CTE) -> sa.Insert:
    """For each row of `made`, which has the columns project, id and asset_id of derivatives, COMPLETED at once."""
    row = sa.select(made.c.project, sa.literal(_DERIVATIVE_READY), sa.literal("COMPLETED"), made.c.asset_id, made.c.id)
    return sa.insert(event_log).from_select(["project", "type", "status", "asset_id", "derivative_id"], row)


def of_derivatives_deleted(gone: sa.CTE) -> sa.Insert:
    """For each row of `gone`, which has the columns project, id and state of jobs."""
    row = sa.select(
        gone.c.project, sa.literal(_DERIVATIVE_DELETED), gone.c.state, derivatives.c.asset_id, gone.c.id
    ).join(derivatives, derivatives.c.id == gone.c.id)
    return sa.insert(event_log).from_select(["project", "type", "status", "asset_id", "derivative_id"], row)


def of_render_jobs_made(made: sa.CTE) -> sa.Insert:
    """For each row of `made`, which has columns of render_jobs, COMPLETED at once."""
    shown = (made.c.id, made.c.asset_id, made.c.scene_id)
    row = sa.select(made.c.project, sa.literal("render_job_completed"), sa.literal("COMPLETED"), *shown)
    columns = ["project", "type", "status", "render_job_id", "asset_id", "scene_id"]
    return sa.insert(event_log).from_select(columns, row)


def of_render_jobs_deleted(gone: sa.CTE) -> sa.Insert:
    """For each row of `gone`, which has the columns project, id and state of jobs."""
    shown = (render_jobs.c.asset_id, render_jobs.c.scene_id)
    row = sa.select(gone.c.project, sa.literal(_RENDER_JOB_DELETED), gone.c.state, gone.c.id, *shown)
    row = row.join(render_jobs, render_jobs.c.id == gone.c.id)
    columns = ["project", "type", "status", "render_job_id", "asset_id", "scene_id"]
    return sa.insert(event_log).from_select(columns, row)


async def get(connection: AsyncConnection, project: str, id: uuid.UUID) -> sa.Row:
    """One event. Raises NotFound."""
    statement = sa.select(event_log).where(event_log.c.id == id, event_log.c.project == project)
    row = (await connection.execute(statement)).first()
    if row is None:
        event_id = ids.write("event", id)
        sentence = f"There is no event {event_id} in this project, or its time is over. List the events."
        raise NotFound(sentence, event_id=event_id)
    return row


def forget(older_than_s: float) -> sa.Executable:
    """Drop what is older than the promise."""
    limit = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
    return sa.delete(event_log).where(event_log.c.created_at < limit)
