"""The rpcs: one module per proto file, of the same name. Handlers read ids, ask below, and answer."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from threed.blobs.aio import AsyncStore
from threed.events import Events
from threed.queue import Queue
from threed.records import Records
from threed.records.paging import PageTokens
from threed.settings import Settings

__all__ = ["assets", "derivatives", "events", "render_jobs", "saved_recipes", "scenes", "system", "uploads"]


@dataclass(frozen=True)
class Backend:
    """What every service stands on. `threed.app` puts it together."""

    settings: Settings
    records: Records
    blobs: AsyncStore
    queue: Queue
    events: Events
    pages: PageTokens

    def from_now(self, seconds: float) -> datetime.datetime:
        """A time in UTC, for URLs that expire."""
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
