"""Uploads: statements. `writer` fences: whoever writes holds the number that it took, or has lost the upload."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound, UploadBusy, UploadClosed
from threed.records.tables import uploads


async def get(connection: AsyncConnection, project: str, id: uuid.UUID, *, for_update: bool = False) -> sa.Row:
    """One upload. Raises NotFound."""
    statement = sa.select(uploads).where(uploads.c.id == id, uploads.c.project == project)
    row = (await connection.execute(statement.with_for_update() if for_update else statement)).first()
    if row is None:
        upload_id = ids.write("upload", id)
        raise NotFound(f"There is no upload {upload_id} in this project. Create a new one.", upload_id=upload_id)
    return row


async def create(connection: AsyncConnection, lifetime_s: float, **values: Any) -> sa.Row:
    statement = sa.insert(uploads).values(**values, expire_time=_from_now(lifetime_s)).returning(uploads)
    return (await connection.execute(statement)).one()


async def take(connection: AsyncConnection, project: str, id: uuid.UUID) -> sa.Row:
    """Become the writer of an OPEN upload. Raises NotFound, UploadClosed."""
    statement = (
        sa.update(uploads)
        .where(uploads.c.id == id, uploads.c.project == project, uploads.c.status == "OPEN")
        .values(writer=uploads.c.writer + 1)
        .returning(uploads)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        raise closed(await get(connection, project, id))
    return row


async def advance(
    connection: AsyncConnection, id: uuid.UUID, writer: int, committed_size: int, lifetime_s: float
) -> sa.Row:
    """Record that so many bytes are durable. Raises UploadBusy when another writer took over, or it was closed."""
    statement = (
        sa.update(uploads)
        .where(uploads.c.id == id, uploads.c.writer == writer, uploads.c.status == "OPEN")
        .values(
            committed_size=sa.func.greatest(uploads.c.committed_size, committed_size),
            expire_time=_from_now(lifetime_s),
        )
        .returning(uploads)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        raise busy(id)
    return row


async def finish(connection: AsyncConnection, id: uuid.UUID, writer: int, **values: Any) -> sa.Row | None:
    """Set a final status and what belongs to it. None when another writer took over."""
    statement = sa.update(uploads).where(uploads.c.id == id, uploads.c.writer == writer, uploads.c.status == "OPEN")
    return (await connection.execute(statement.values(**values).returning(uploads))).first()


def expire(limit: int = 100) -> sa.Executable:
    """OPEN uploads whose time is over become EXPIRED. Rows: id."""
    over = sa.select(uploads.c.id).where(uploads.c.status == "OPEN", uploads.c.expire_time < sa.func.now())
    over = over.limit(limit).with_for_update(skip_locked=True)
    return sa.update(uploads).where(uploads.c.id.in_(over)).values(status="EXPIRED").returning(uploads.c.id)


def closed(row: sa.Row) -> UploadClosed:
    """Why this upload takes no more bytes."""
    upload_id = ids.write("upload", row.id)
    sentence = f"The upload {upload_id} is {row.status} and takes no more bytes. Create a new one."
    return UploadClosed(sentence, upload_id=upload_id, status=row.status)


def busy(id: uuid.UUID) -> UploadBusy:
    """What a writer hears that lost the upload to another."""
    upload_id = ids.write("upload", id)
    sentence = f"Another writer took {upload_id} over, or closed it. Get the upload, and go on from committed_size."
    return UploadBusy(sentence, retry_after_s=1, upload_id=upload_id)


def _from_now(seconds: float) -> sa.ColumnElement:
    return sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
