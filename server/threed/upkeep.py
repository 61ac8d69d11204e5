"""What every server process does beside answering: lost leases, unsent hints, and things whose time is over.

Sweeping runs in every process (SKIP LOCKED lets them overlap); collecting in one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from threed.errors import JobAttemptsExhausted, ThreedError, Unavailable
from threed.records import event_log, jobs, requests, retention, uploads, workers
from threed.records.tables import uploads as uploads_table
from threed.services import Backend
from threed.status import to_json

log = logging.getLogger(__name__)

_STAGING_S = 86400.0  # a worker may take that long to store a large output
_STOP_S = 5.0  # that a look at the database may take when the server stops
_BATCH = 500  # blobs whose references are looked up at once


class Upkeep:
    """Two loops that never end by an error."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._tasks: list[asyncio.Task] = []
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        settings = self._backend.settings
        self._tasks = [
            asyncio.create_task(self._every(settings.sweep_interval_s, self.sweep), name="sweep"),
            asyncio.create_task(self._every(settings.collect_interval_s, self.collect), name="collect"),
        ]

    async def stop(self) -> None:
        """Let what is under way end: cancelled while it connects, it would leave an open connection to nobody."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def sweep(self) -> None:
        """Give lost jobs back, and send the hints that are due."""
        sentence = "The job lost its worker as often as it may. Retry it; if it happens again, tell the operator."
        lost = to_json(JobAttemptsExhausted(sentence, max_attempts=self._backend.settings.job_max_attempts))
        async with self._backend.records.transaction() as connection:
            for row in await connection.execute(jobs.sweep(lost)):
                log.warning("job %s lost its worker in attempt %d: %s", row.id, row.attempt, row.state)
            due = (await connection.execute(jobs.unhinted())).all()
        for row in due:
            self._backend.queue.hint(row.kind, row.id)

    async def collect(self) -> None:
        """Remove what nobody can reach any more, if no other process does it now."""
        async with self._backend.records.transaction() as connection:
            if not (
                await connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(retention.COLLECTING)))
            ).scalar():
                return
            await connection.execute(uploads.expire())
            await connection.execute(retention.purge_assets())
            await connection.execute(retention.purge_scenes())
            await connection.execute(requests.forget(self._backend.settings.request_id_retention_s))
            await connection.execute(event_log.forget(self._backend.settings.event_retention_s))
            await connection.execute(workers.forget())
        await self._collect_blobs()

    async def _collect_blobs(self) -> None:
        before = time.time() - self._backend.settings.orphan_age_s
        blobs = self._backend.blobs
        old = [stat.key async for stat in blobs.keys(older_than=before)]
        for start in range(0, len(old), _BATCH):
            async with self._backend.records.autocommit() as connection:
                orphans = (
                    (await connection.execute(retention.unreferenced(old[start : start + _BATCH]))).scalars().all()
                )
            for key in orphans:
                # Only if it is still that old: an upload of the same bytes may just have been given this key.
                if await blobs.delete(key, older_than=before):
                    log.info("removed the orphan %s", key)
        async with self._backend.records.autocommit() as connection:
            statement = sa.select(uploads_table.c.id).where(uploads_table.c.status == "OPEN")
            open_uploads = {id.hex for id in (await connection.execute(statement)).scalars()}
        await blobs.sweep(min(before, time.time() - _STAGING_S), open_uploads.__contains__)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            try:
                await work()
            except Unavailable as error:
                log.warning("%s waits: %s", work.__name__, error)
            except ThreedError as error:
                log.error("%s failed: %s", work.__name__, error)
            except Exception:
                log.exception("%s failed", work.__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)
