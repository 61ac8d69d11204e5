"""Assets: statements and fields for filters."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records import event_log, retention
from threed.records.jobs import EVENTS
from threed.records.tables import assets, scenes


def not_found(id: uuid.UUID) -> NotFound:
    """The one sentence for assets that never were and those of another project."""
    asset_id = ids.write("asset", id)
    return NotFound(f"There is no asset {asset_id} in this project. List the assets to find it.", asset_id=asset_id)


async def get(connection: AsyncConnection, project: str, id: uuid.UUID, *, for_update: bool = False) -> sa.Row:
    """One asset, soft-deleted ones too. Raises NotFound."""
    statement = sa.select(assets).where(assets.c.id == id, assets.c.project == project)
    row = (await connection.execute(statement.with_for_update() if for_update else statement)).first()
    if row is None:
        raise not_found(id)
    return row


async def get_many(connection: AsyncConnection, project: str, wanted: list[uuid.UUID]) -> dict[uuid.UUID, sa.Row]:
    """All of these assets by id. Raises NotFound for the first that is missing."""
    statement = sa.select(assets).where(assets.c.id.in_(wanted), assets.c.project == project)
    rows = {row.id: row for row in await connection.execute(statement)}
    for id in wanted:
        if id not in rows:
            raise not_found(id)
    return rows


async def create(connection: AsyncConnection, **values: Any) -> sa.Row:
    return (await connection.execute(sa.insert(assets).values(**values).returning(assets))).one()


async def delete(connection: AsyncConnection, id: uuid.UUID, purge_time: datetime.datetime) -> sa.Row:
    """Hide it until it is purged."""
    row = await change(connection, id, delete_time=sa.func.now(), purge_time=purge_time)
    await _record(connection, event_log.ASSET_DELETED, id)
    return row


async def undelete(connection: AsyncConnection, id: uuid.UUID) -> sa.Row:
    """Show it again."""
    row = await change(connection, id, delete_time=None, purge_time=None)
    await _record(connection, event_log.ASSET_UNDELETED, id)
    return row


async def change(connection: AsyncConnection, id: uuid.UUID, **values: Any) -> sa.Row:
    """Write these columns, count the revision, and tell the watchers."""
    statement = (
        sa.update(assets)
        .where(assets.c.id == id)
        .values(**values, update_time=sa.func.now(), revision=assets.c.revision + 1)
    )
    row = (await connection.execute(statement.returning(assets))).one()
    event = sa.func.json_build_object("kind", "ingest", "id", str(id), "sequence", 0, "changed", True)
    await connection.execute(sa.select(sa.func.pg_notify(EVENTS, sa.cast(event, sa.Text))))
    return row


async def purge(connection: AsyncConnection, id: uuid.UUID) -> None:
    """Remove an asset for good, with its derivatives and the jobs of both; one that runs finds its lease gone."""
    await connection.execute(retention.purge(sa.select(assets.c.id).where(assets.c.id == id)))


async def scene_using(connection: AsyncConnection, project: str, id: uuid.UUID) -> uuid.UUID | None:
    """A scene, not deleted, that names this asset."""
    statement = sa.select(scenes.c.id).where(
        scenes.c.project == project, scenes.c.delete_time.is_(None), scenes.c.asset_ids.contains([id])
    )
    return (await connection.execute(statement.limit(1))).scalar()


async def _record(connection: AsyncConnection, type: str, id: uuid.UUID) -> None:
    changed = sa.select(assets.c.id, assets.c.project, assets.c.status).where(assets.c.id == id).cte("changed")
    await connection.execute(event_log.of_assets(type, changed))
