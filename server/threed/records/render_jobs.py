"""Render jobs: the rows that callers see as RenderJob, joined with the job that makes them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records import event_log
from threed.records import jobs as job_records
from threed.records.tables import jobs, outputs, previews, render_frames, render_jobs

_JOB_COLUMNS = [
    jobs.c[name]
    for name in (
        *("state", "status", "priority", "attempt", "progress", "phase", "sequence", "error", "started_at"),
        *("finished_at", "parts", "parts_done", "parts_failed", "history"),
    )
]
selected = sa.select(render_jobs, *_JOB_COLUMNS).join(jobs, jobs.c.id == render_jobs.c.id)

# One row a frame: the job that draws it, and what it has drawn.
_FRAME_COLUMNS = [jobs.c[name] for name in ("id", "ordinal", "status", "attempt", "error")]
_frames = sa.select(*_FRAME_COLUMNS, render_frames.c.result).outerjoin(render_frames, render_frames.c.id == jobs.c.id)


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


async def made_before(connection: AsyncConnection, project: str, cache_key: str) -> sa.Row | None:
    """A COMPLETED job that drew the same, held until the end of the transaction: its blobs stay."""
    same = (render_jobs.c.project == project, render_jobs.c.cache_key == cache_key, jobs.c.state == "COMPLETED")
    statement = selected.where(*same).order_by(render_jobs.c.created_at).limit(1).with_for_update(read=True)
    return (await connection.execute(statement)).first()


async def create(
    connection: AsyncConnection,
    id: uuid.UUID,
    project: str,
    spec: dict[str, Any],
    max_attempts: int,
    **values: Any,
) -> str:
    """A PENDING render job; of several frames, with a job for each. Answers with the kind of job that is ready."""
    priority, kind, frame_count = values["request"].get("priority", 0), "render", values["frame_count"]
    if frame_count == 1:
        statement = job_records.create(id, project, kind, id, spec, priority, max_attempts)
    else:
        parts = [ids.uuid7() for _ in range(frame_count)]
        specs = [{"frame": {"number": number}} for number in range(frame_count)]
        statement = job_records.create_whole(id, project, kind, spec, parts, "frame", specs, priority, max_attempts)
    await connection.execute(statement)
    await connection.execute(sa.insert(render_jobs).values(id=id, project=project, **values))
    return kind if frame_count == 1 else "frame"


async def hand_out_again(
    connection: AsyncConnection, id: uuid.UUID, project: str, spec: dict[str, Any], made: sa.Row, **values: Any
) -> None:
    """A COMPLETED render job with the outputs of one that was made before."""
    keys = [output["key"] for output in made.outputs]
    await connection.execute(job_records.create_completed(id, project, "render", id, spec, keys))
    again = {"outputs": made.outputs, "engine_used": made.engine_used, "losses": made.losses, "cached": True}
    made = sa.insert(render_jobs).values(id=id, project=project, **again, **values)
    made = made.returning(render_jobs.c.id, render_jobs.c.project, render_jobs.c.asset_id, render_jobs.c.scene_id)
    await connection.execute(event_log.of_render_jobs_made(made.cte("made")))


def publish(id: uuid.UUID, **values: Any) -> sa.Executable:
    """What the job made: outputs, engine_used, losses. In the transaction that completes the job."""
    return sa.update(render_jobs).where(render_jobs.c.id == id).values(**values)


def publish_frame(id: uuid.UUID, keys: Sequence[str], result: dict[str, Any]) -> sa.Executable:
    """What one frame has drawn, by the id of its job. In the transaction that completes that job."""
    return sa.insert(render_frames).values(id=id, keys=list(keys), result=result)


def frames(row: sa.Row) -> sa.Subquery:
    """The frames of the render job in `row`: their ordinal, status, attempt, error and result."""
    if row.cached:
        return _frames_again(row)
    # A job of one frame draws it itself.
    return _frames.where(jobs.c.parent == row.id if row.parts else jobs.c.id == row.id).subquery("frames")


def _frames_again(row: sa.Row) -> sa.Subquery:
    """Those of a job that handed out what another drew: nobody attempted them; their results are of that one's frames.

    When that one is deleted, all that is known of each is which engine drew it.
    """
    same = (render_jobs.c.project == row.project, render_jobs.c.cache_key == row.cache_key)
    first = sa.select(jobs.c.id).join(render_jobs, render_jobs.c.id == jobs.c.id)
    first = first.where(*same, ~render_jobs.c.cached, jobs.c.state == "COMPLETED").order_by(render_jobs.c.created_at)
    it = first.limit(1).scalar_subquery()
    drawn = _frames.where(sa.or_(jobs.c.parent == it, sa.and_(jobs.c.id == it, jobs.c.parts == 0))).subquery("drawn")
    numbers = sa.func.generate_series(0, row.frame_count - 1).table_valued(sa.column("number", sa.Integer))
    numbers = numbers.render_derived("numbers")
    known = sa.func.jsonb_build_object("engine_used", sa.cast(row.engine_used, sa.Text), type_=JSONB)
    columns = (
        numbers.c.number.label("ordinal"),
        sa.literal("COMPLETED", sa.Text).label("status"),
        sa.literal(0).label("attempt"),
        sa.cast(sa.null(), JSONB).label("error"),
        sa.func.coalesce(drawn.c.result, known, type_=JSONB).label("result"),
    )
    joined = sa.select(*columns).outerjoin_from(numbers, drawn, drawn.c.ordinal == numbers.c.number)
    return joined.subquery("frames")


def frames_of(id: uuid.UUID) -> sa.Select:
    """The frames of a render job, in their order."""
    return _frames.where(jobs.c.parent == id).order_by(jobs.c.ordinal)


def drop_frames(id: uuid.UUID) -> list[sa.Executable]:
    """Let go of the pictures of a film's frames. In the transaction that publishes the film."""
    of_it = sa.select(jobs.c.id).where(jobs.c.parent == id).scalar_subquery()
    return [
        sa.update(render_frames).where(render_frames.c.id.in_(of_it)).values(keys=[]),
        sa.delete(outputs).where(outputs.c.job_id.in_(of_it)),
    ]


def show(id: uuid.UUID, **values: Any) -> sa.Executable:
    """The newest preview of a render job: frame, samples_done, samples, media_type, width_px, height_px, image."""
    number = {"number": sa.literal(1)}
    statement = insert(previews).values(id=id, **number, **values)
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={"number": previews.c.number + 1, **values}
    ).returning(previews.c.number)


def preview(id: uuid.UUID) -> sa.Select:
    """The newest preview of a render job: one row or none."""
    return sa.select(previews).where(previews.c.id == id)


async def delete(connection: AsyncConnection, id: uuid.UUID) -> None:
    """Remove the job; its frames, render_jobs and outputs rows go with it, and an event stays."""
    gone = sa.delete(jobs).where(jobs.c.id == id).returning(jobs.c.id, jobs.c.project, jobs.c.state)
    await connection.execute(event_log.of_render_jobs_deleted(gone.cte("gone")))
