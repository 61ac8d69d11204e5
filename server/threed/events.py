"""Carries changes from the database to every watcher of this process.

One LISTEN connection for the process; per watched resource one `Feed` with the latest message. A change of a row is
read once, whoever watches; a tick of progress is not read at all. A slow watcher sees the latest message and not every
one; the last one is never skipped, because a feed keeps it. NOTIFY is not durable, so after a reconnect every feed is
read again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import psycopg

from threed.errors import ThreedError, TooManyWatchers
from threed.records.jobs import EVENTS

log = logging.getLogger(__name__)

_STOP_S = 5.0  # that a look at the database may take when the server stops


class Sequenced(Protocol):
    """What is watched: it carries a number that grows with every change."""

    sequence: int


State = TypeVar("State", bound=Sequenced)


@dataclass(frozen=True)
class Tick:
    """How far a running job is: not stored, only told."""

    sequence: int
    phase: str
    progress: float
    samples_done: int = 0
    samples: int = 0
    preview: int = 0  # number of the newest preview that is stored


@dataclass(frozen=True)
class Kind(Generic[State]):
    """What can be watched: how to read it, how a tick changes it, and when there is nothing more to come."""

    read: Callable[[uuid.UUID], Awaitable[State]]
    ticked: Callable[[State, Tick], State]
    finished: Callable[[State], bool]


@dataclass(eq=False)
class _Feed:
    latest: Sequenced | None
    watchers: int = 0
    stale: bool = False
    error: Exception | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def update(self, state: Sequenced, final: bool) -> None:
        """Take a state that was read, unless more is known: rows lag behind ticks, and reads overtake each other.

        A final one is always taken. Nothing comes after it, so nothing else would end the watch.
        """
        if self.latest is None or state.sequence > self.latest.sequence or final:
            self.latest = state


class Events:
    """The process's ear. `kinds` maps a job's kind to what its watchers see."""

    def __init__(self, url: str, kinds: dict[str, Kind], max_watchers: int):
        self._url = url
        self._kinds = kinds
        self._max_watchers = max_watchers
        self._feeds: dict[tuple[str, uuid.UUID], _Feed] = {}
        self._watchers = 0
        self._task: asyncio.Task | None = None
        self._reads: set[asyncio.Task] = set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="events")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._reads:
            # Not cancelled at once: while it connects, that would leave an open connection to nobody.
            _, late = await asyncio.wait(self._reads, timeout=_STOP_S)
            for read in late:
                read.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def watch(self, kind: str, id: uuid.UUID) -> AsyncIterator[Sequenced]:
        """The state now, then every change until it is finished. Raises TooManyWatchers and what `read` raises."""
        if self._watchers >= self._max_watchers:
            sentence = f"This server process already serves {self._max_watchers} watchers. Try again, or poll Get."
            raise TooManyWatchers(sentence, retry_after_s=5, max_watchers=self._max_watchers)
        rules, key = self._kinds[kind], (kind, id)
        feed = self._feeds.setdefault(key, _Feed(latest=None))
        feed.watchers += 1
        self._watchers += 1
        try:
            # Heard first, read second: a change in between is seen.
            state = await rules.read(id)
            feed.update(state, rules.finished(state))
            state = feed.latest
            while True:
                changed = feed.changed
                yield state
                if rules.finished(state):
                    return
                while feed.latest is state and not feed.error:
                    await changed.wait()
                    changed = feed.changed
                if feed.error:
                    raise feed.error
                state = feed.latest
        finally:
            self._watchers -= 1
            feed.watchers -= 1
            if not feed.watchers and self._feeds.get(key) is feed:
                del self._feeds[key]

    async def _listen(self) -> None:
        delay = 0.1
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=3, application_name="threed-events"
                ) as connection:
                    await connection.execute(f"LISTEN {EVENTS}")
                    for key, feed in list(self._feeds.items()):
                        self._read_again(key, feed)
                    delay = 0.1
                    async for notification in connection.notifies():
                        self._hear(notification.payload)
            except psycopg.Error as error:
                log.warning("listening broke: %s", str(error).splitlines()[0] if str(error) else "connection lost")
            except Exception:  # a payload that is not ours; every watcher hangs on this task
                log.exception("listening broke")
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2)

    def _hear(self, payload: str) -> None:
        event = json.loads(payload)
        key = (event["kind"], uuid.UUID(event["id"]))
        feed = self._feeds.get(key)
        if feed is None:
            return
        if event.get("changed"):
            self._read_again(key, feed)
        elif feed.latest is not None:
            more = {name: event[name] for name in ("samples_done", "samples", "preview") if name in event}
            tick = Tick(event["sequence"], event["phase"], event["progress"], **more)
            state = self._kinds[key[0]].ticked(feed.latest, tick)
            if state is not feed.latest:
                feed.latest = state
                feed.wake()

    def _read_again(self, key: tuple[str, uuid.UUID], feed: _Feed) -> None:
        """Read the row, once for any number of changes that come while it is being read."""
        if feed.stale:
            return
        feed.stale = True
        task = asyncio.create_task(self._read(key, feed))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)

    async def _read(self, key: tuple[str, uuid.UUID], feed: _Feed) -> None:
        while feed.stale and feed.watchers:
            feed.stale = False
            try:
                rules = self._kinds[key[0]]
                state = await rules.read(key[1])
                feed.update(state, rules.finished(state))
            except ThreedError as error:
                if error.retry_after_s is not None:
                    feed.stale = True
                    await asyncio.sleep(0.2)
                    continue
                feed.error = error
            except Exception as error:
                # Nobody awaits this task: who watches shall get the error, and not silence.
                feed.error = error
            feed.wake()
