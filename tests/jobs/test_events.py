"""Events on a real database: what watchers see when rows lag behind ticks, and when listening breaks."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import AsyncIterator

import pytest_asyncio
import sqlalchemy as sa
from tests.jobs.table import JobTable, eventually

from threed.events import Events, Kind, Tick
from threed.records import jobs
from threed.settings import Settings


@dataclasses.dataclass(frozen=True)
class State:
    """What a watcher of these tests sees."""

    sequence: int
    state: str
    progress: float


@pytest_asyncio.fixture
async def events(table: JobTable, job_database: str) -> AsyncIterator[Events]:
    async def read(id: uuid.UUID) -> State:
        row = await asyncio.to_thread(table.row, id)
        return State(row.sequence, row.state, row.progress)

    def ticked(state: State, tick: Tick) -> State:
        if tick.sequence <= state.sequence:
            return state
        return State(tick.sequence, state.state, tick.progress)

    kind = Kind(read, ticked, finished=lambda state: state.state == "COMPLETED")
    events = Events(Settings(database_url=job_database).libpq_url(), {"probe": kind}, max_watchers=10)
    await events.start()
    yield events
    await events.stop()


def running(table: JobTable) -> sa.Row:
    table.new()
    return table.claim()


async def until(watch: AsyncIterator[State], sequence: int) -> list[State]:
    """What comes up to that number."""
    seen = []
    async with asyncio.timeout(20):
        while not seen or seen[-1].sequence < sequence:
            seen.append(await anext(watch))
    return seen


async def listens(table: JobTable) -> None:
    """Until the process has its ear at the database."""
    ears = "application_name = 'threed-events' AND query LIKE 'LISTEN%' AND state = 'idle'"
    query = sa.text(f"SELECT count(*) FROM pg_stat_activity WHERE {ears}")
    await asyncio.to_thread(eventually, lambda: table.run(query)[0][0])


async def test_a_second_watcher_does_not_take_the_first_one_back(table: JobTable, events: Events):
    # Given a watcher who has seen ticks that no row records
    row = running(table)
    await listens(table)
    first = events.watch("probe", row.id)
    await anext(first)
    table.run(jobs.tick("probe", row.id, row.sequence + 20, "drawing", 0.5))
    await until(first, row.sequence + 20)
    # When another comes, for whom the row is read
    second = events.watch("probe", row.id)
    assert (await anext(second)).sequence == row.sequence + 20, "it knows what the process knows"
    table.run(jobs.tick("probe", row.id, row.sequence + 21, "drawing", 0.6))
    # Then the first goes on where it was
    assert [state.sequence for state in await until(first, row.sequence + 21)] == [row.sequence + 21]
    table.run(jobs.complete(row.id, row.fence, row.sequence + 21))
    for watch in (first, second):
        assert [state async for state in watch][-1].state == "COMPLETED"


async def test_what_was_changed_while_nobody_listened_is_seen(table: JobTable, events: Events):
    row = running(table)
    await listens(table)
    watch = events.watch("probe", row.id)
    await anext(watch)
    # When the connection breaks, and the job ends before the next one listens
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'threed-events'"
    table.run(sa.text(cut))
    table.run(jobs.complete(row.id, row.fence, row.sequence))
    async with asyncio.timeout(20):
        assert [state async for state in watch][-1].state == "COMPLETED"


async def test_a_payload_that_is_not_ours_deafens_nobody(table: JobTable, events: Events):
    row = running(table)
    await listens(table)
    watch = events.watch("probe", row.id)
    await anext(watch)
    for payload in ("not JSON", "{}", '{"kind": "probe", "id": "no id"}', "[]"):
        table.run(sa.select(sa.func.pg_notify(jobs.EVENTS, payload)))
    table.run(jobs.complete(row.id, row.fence, row.sequence))
    async with asyncio.timeout(20):
        assert [state async for state in watch][-1].state == "COMPLETED"
