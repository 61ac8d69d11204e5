"""Which workers live, and what they can do."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from threed.records.tables import workers

_ALIVE_S = 30  # seconds without a sign of life


def seen(id: str, capabilities: dict[str, Any]) -> sa.Executable:
    """A sign of life."""
    values = {"capabilities": capabilities, "seen_at": sa.func.now()}
    return insert(workers).values(id=id, **values).on_conflict_do_update(index_elements=["id"], set_=values)


def alive() -> sa.Executable:
    """Rows of the workers that were seen lately."""
    limit = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, _ALIVE_S)
    return sa.select(workers).where(workers.c.seen_at > limit).order_by(workers.c.id)


def gone(id: str) -> sa.Executable:
    """A worker that stopped."""
    return sa.delete(workers).where(workers.c.id == id)


def forget() -> sa.Executable:
    """Drop those that were not seen for an hour."""
    return sa.delete(workers).where(workers.c.seen_at < sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 1))
