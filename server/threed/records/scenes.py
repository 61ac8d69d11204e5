"""Scenes: statements."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records.tables import scenes


async def get(connection: AsyncConnection, project: str, id: uuid.UUID, *, for_update: bool = False) -> sa.Row:
    """One scene, soft-deleted ones too. Raises NotFound."""
    statement = sa.select(scenes).where(scenes.c.id == id, scenes.c.project == project)
    row = (await connection.execute(statement.with_for_update() if for_update else statement)).first()
    if row is None:
        scene_id = ids.write("scene", id)
        raise NotFound(f"There is no scene {scene_id} in this project. List the scenes to find it.", scene_id=scene_id)
    return row


async def create(connection: AsyncConnection, **values: Any) -> sa.Row:
    return (await connection.execute(sa.insert(scenes).values(**values).returning(scenes))).one()


async def change(connection: AsyncConnection, id: uuid.UUID, **values: Any) -> sa.Row:
    """Write these columns and count the revision."""
    statement = (
        sa.update(scenes)
        .where(scenes.c.id == id)
        .values(**values, update_time=sa.func.now(), revision=scenes.c.revision + 1)
    )
    return (await connection.execute(statement.returning(scenes))).one()


async def purge(connection: AsyncConnection, id: uuid.UUID) -> None:
    await connection.execute(sa.delete(scenes).where(scenes.c.id == id))
