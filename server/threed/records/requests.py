"""Idempotent creation (AIP-155): a request_id answers with the resource that it made the first time."""

from __future__ import annotations

import hashlib
import uuid

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from threed.errors import RequestIdReused
from threed.records.tables import requests


def digest(method: str, content: Message | bytes) -> bytes:
    """What makes two requests the same: the method and all of its content but the request_id."""
    if isinstance(content, Message):
        copy = type(content)()
        copy.CopyFrom(content)
        copy.ClearField("request_id")
        content = copy.SerializeToString(deterministic=True)
    return hashlib.sha256(method.encode() + b"\0" + content).digest()


async def first(
    connection: AsyncConnection, project: str, request_id: str, content: bytes, resource: uuid.UUID
) -> uuid.UUID | None:
    """Note that this request makes `resource`, or return the one that it made before. None: it is the first.

    Two that come at once wait for each other: the second sees what the first committed. An empty request_id is always
    the first. Raises RequestIdReused when the id came with other content.
    """
    if not request_id:
        return None
    statement = insert(requests).values(project=project, request_id=request_id, digest=content, resource=resource)
    statement = statement.on_conflict_do_nothing().returning(requests.c.resource)
    if (await connection.execute(statement)).first():
        return None
    return await earlier(connection, project, request_id, content)


async def earlier(connection: AsyncConnection, project: str, request_id: str, content: bytes) -> uuid.UUID | None:
    """The resource that this request made before, if it did. Raises RequestIdReused."""
    if not request_id:
        return None
    where = (requests.c.project == project) & (requests.c.request_id == request_id)
    row = (await connection.execute(sa.select(requests.c.digest, requests.c.resource).where(where))).first()
    if row and row.digest != content:
        raise RequestIdReused(
            f"request_id {request_id} came before with another method or content. Make a new one for a new request.",
            violations=(("request_id", "It belongs to another request."),),
            request_id=request_id,
        )
    return row.resource if row else None


def forget(older_than_s: float) -> sa.Executable:
    """Drop what is older than the promise."""
    limit = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
    return sa.delete(requests).where(requests.c.created_at < limit)
