"""What goes when its time is over, and which blobs nothing refers to any more."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from threed.records import event_log
from threed.records.tables import assets, derivatives, jobs, scenes

# Any fixed number: who holds this advisory lock collects, the others skip.
COLLECTING = 0x636F6C6C656374


def purge_assets(limit: int = 1000) -> sa.Executable:
    """Soft-deleted assets whose time is over, with their derivatives and the jobs of both."""
    return purge(sa.select(assets.c.id).where(assets.c.purge_time < sa.func.now()).limit(limit))


def purge(asset_ids: sa.Select) -> sa.Executable:
    """Remove these assets for good, with their derivatives and the jobs of both; their events stay."""
    gone = sa.delete(assets).where(assets.c.id.in_(asset_ids))
    gone = gone.returning(assets.c.id, assets.c.project, assets.c.status).cte("gone")
    looked = _jobs_of(sa.select(gone.c.id)).cte("looked")
    return event_log.of_assets(event_log.ASSET_PURGED, gone).add_cte(looked)


def _jobs_of(asset_ids: sa.Select) -> sa.Delete:
    """Every job that looked at these assets, or makes something of them; derivatives go with their jobs."""
    made = sa.select(derivatives.c.id).where(derivatives.c.asset_id.in_(asset_ids))
    looked = sa.and_(jobs.c.kind == "ingest", jobs.c.subject.in_(asset_ids))
    return sa.delete(jobs).where(sa.or_(looked, jobs.c.id.in_(made)))


def purge_scenes(limit: int = 1000) -> sa.Executable:
    """Soft-deleted scenes whose time is over."""
    over = sa.select(scenes.c.id).where(scenes.c.purge_time < sa.func.now()).limit(limit)
    return sa.delete(scenes).where(scenes.c.id.in_(over))


def unreferenced(keys: Sequence[str]) -> sa.Executable:
    """Those of the keys that no asset, no render job and no derivative names. Rows: key."""
    statement = sa.text("""
        SELECT key FROM unnest(:keys) AS keys (key)
        WHERE NOT EXISTS (SELECT FROM assets WHERE blob_key = key)
          AND NOT EXISTS (SELECT FROM assets WHERE files @> jsonb_build_array(jsonb_build_object('key', key)))
          AND NOT EXISTS (SELECT FROM render_jobs WHERE outputs @> jsonb_build_array(jsonb_build_object('key', key)))
          AND NOT EXISTS (SELECT FROM render_frames WHERE render_frames.keys @> ARRAY[keys.key])
          AND NOT EXISTS (SELECT FROM derivatives WHERE files @> jsonb_build_array(jsonb_build_object('key', key)))""")
    return statement.bindparams(sa.bindparam("keys", list(keys), type_=ARRAY(sa.Text)))
