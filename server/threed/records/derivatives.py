"""Derivatives: the rows that callers see as Derivative, joined with the job that makes them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records import event_log
from threed.records import jobs as job_records
from threed.records.tables import derivatives, jobs
from threed.v1.recipes_pb2 import Recipe

PROOF = "PROOF"  # the format of a `files` entry that is the picture of the visual proof; the last one

_JOB_COLUMNS = [
    jobs.c[name]
    for name in ("state", "priority", "attempt", "progress", "phase", "sequence", "error", "started_at", "finished_at")
]
selected = sa.select(derivatives, *_JOB_COLUMNS).join(jobs, jobs.c.id == derivatives.c.id)


def not_found(id: uuid.UUID) -> NotFound:
    """The one sentence for those that never were and those of another asset or project."""
    derivative_id = ids.write("derivative", id)
    sentence = f"There is no derivative {derivative_id} of this asset in this project. List them to find it."
    return NotFound(sentence, derivative_id=derivative_id)


def recipe_sha256(recipe: Recipe) -> str:
    """The digest of a recipe with its defaults filled in: equal recipes have equal digests."""
    return hashlib.sha256(recipe.SerializeToString(deterministic=True)).hexdigest()


async def get(connection: AsyncConnection, project: str, asset_id: uuid.UUID, id: uuid.UUID) -> sa.Row:
    """One derivative. Raises NotFound."""
    mine = (derivatives.c.id == id, derivatives.c.asset_id == asset_id, derivatives.c.project == project)
    row = (await connection.execute(selected.where(*mine))).first()
    if row is None:
        raise not_found(id)
    return row


async def made_before(connection: AsyncConnection, project: str, cache_key: str) -> sa.Row | None:
    """A COMPLETED derivative of the same content, held until the end of the transaction: its blobs stay."""
    same = (derivatives.c.project == project, derivatives.c.cache_key == cache_key, jobs.c.state == "COMPLETED")
    statement = selected.where(*same).order_by(derivatives.c.created_at).limit(1).with_for_update(read=True)
    return (await connection.execute(statement)).first()


async def create(
    connection: AsyncConnection, id: uuid.UUID, project: str, spec: dict[str, Any], max_attempts: int, **values: Any
) -> None:
    """A PENDING derivative and its job."""
    priority = values["request"].get("priority", 0)
    await connection.execute(job_records.create(id, project, "derive", id, spec, priority, max_attempts))
    await connection.execute(sa.insert(derivatives).values(id=id, project=project, **values))


async def hand_out_again(
    connection: AsyncConnection, id: uuid.UUID, project: str, spec: dict[str, Any], made: sa.Row, **values: Any
) -> None:
    """A COMPLETED derivative with the files of one that was made before, and its event."""
    keys = [file["key"] for file in made.files]
    await connection.execute(job_records.create_completed(id, project, "derive", id, spec, keys))
    again = {"files": made.files, "result": made.result, "cached": True}
    handed_out = sa.insert(derivatives).values(id=id, project=project, **again, **values)
    handed_out = handed_out.returning(derivatives.c.id, derivatives.c.project, derivatives.c.asset_id)
    await connection.execute(event_log.of_derivatives_made(handed_out.cte("handed_out")))


def publish(id: uuid.UUID, files: Sequence[dict[str, Any]], result: dict[str, Any]) -> sa.Executable:
    """What the job made. In the transaction that completes the job."""
    return sa.update(derivatives).where(derivatives.c.id == id).values(files=list(files), result=result)


async def delete(connection: AsyncConnection, id: uuid.UUID) -> None:
    """Remove it; its derivatives and outputs rows go with the job, and an event stays."""
    gone = sa.delete(jobs).where(jobs.c.id == id).returning(jobs.c.id, jobs.c.project, jobs.c.state)
    await connection.execute(event_log.of_derivatives_deleted(gone.cte("gone")))
