"""One claimed job: the lease, the fence, the private folder, and the transactions that only the holder can make.

Whatever a job does before `complete` can be thrown away: files lie in its folder, blobs under keys that nothing names.
`complete` and `fail` are single transactions under the fence, so a worker that was taken for dead changes nothing.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from google.protobuf import json_format

from threed.blobs import Blob, Store
from threed.errors import JobCrashed, JobFailed, ThreedError, Unavailable
from threed.records import away_is_unavailable, jobs
from threed.status import to_json
from threed.v1 import jobs_pb2
from threed_workers.sandbox import Child, Limits, Zygote
from threed_workers.telling import Teller
from threed_workers.warm import WarmEngines
from threed_workers.written import plain_file

log = logging.getLogger(__name__)

_TICK_S = 0.05  # between two ticks of one job
_PERSIST_S = 60.0  # how long a finished job tries to reach the database
_PHASE_LENGTH = 32


class LeaseLost(Exception):
    """Raised when another worker may have the job: stop, and write nothing."""


def was_killed(error: ThreedError) -> bool:
    """Whether a step died by a SIGKILL that was not ours: an operator's, or of the process that it was forked from.

    The limits and the kernel's lack of memory have errors of their own. So this says nothing about the file.
    """
    return isinstance(error, JobCrashed) and error.metadata.get("signal") == "SIGKILL"


@dataclass
class Outcome:
    """How a job ended. `keys` are the published blobs, `statements` go into the transaction that ends the job."""

    keys: Sequence[str] = ()
    statements: Sequence[sa.Executable] = ()
    error: ThreedError | None = None


@dataclass
class Claim:
    """A job that this worker holds."""

    row: Any
    folder: Path
    engine: sa.Engine
    store: Store
    zygote: Zygote
    limits: Limits
    engines: WarmEngines
    teller: Teller
    phase: str = "fetching"
    progress: float = 0.0
    sequence: int = 0
    lost: bool = False
    ended: bool = False
    # Claims up to so many more parts of the same whole, which end with this job at the latest; this is their leader.
    take_more: Callable[[int], list[Claim]] = field(default=lambda most: [])
    leader: Claim | None = None
    at_work: Claim | None = None  # the one of them that the running step is at, if not this one
    _children: set[Child] = field(default_factory=set)
    _stop: ThreedError | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ticked_at: float = 0.0

    def __post_init__(self) -> None:
        self.sequence = self.row.sequence

    @property
    def spec(self) -> jobs_pb2.Job:
        return json_format.ParseDict(self.row.spec, jobs_pb2.Job())

    @property
    def whole(self) -> jobs_pb2.Job:
        """The spec of the job that this one is a part of."""
        return json_format.ParseDict(self.row.whole_spec, jobs_pb2.Job())

    def report(self, phase: str, progress: float, **more: int) -> None:
        """Tell the watchers; the heartbeat records it. Returns at once and never fails: the next one says more.

        `more` are fields of `threed.events.Tick`; what has a `preview` is always told. A step is not trusted with the
        name of its phase: what the database would refuse is left out.
        """
        phase = "".join(filter(str.isprintable, phase))[:_PHASE_LENGTH]
        changed = phase != self.phase
        self.phase, self.progress = phase, max(0.0, min(progress, 1.0))
        now = time.monotonic()
        if not changed and "preview" not in more and now - self._ticked_at < _TICK_S:
            return
        self._ticked_at = now
        self.sequence += 1
        if self.row.parent:
            statement = jobs.tick_of_part("render", self.row.subject, self.phase, self.progress, **more)
        else:
            statement = jobs.tick(self.row.kind, self.row.subject, self.sequence, self.phase, self.progress, **more)
        self.teller.tell(statement)

    def ask(self, statement: sa.Executable) -> list[sa.Row]:
        """The rows of a statement outside the transaction that ends the job. Raises Unavailable."""
        with away_is_unavailable(), self.engine.connect() as connection:
            return list(connection.execution_options(isolation_level="AUTOCOMMIT").execute(statement))

    def fetch(self, blob: jobs_pb2.BlobRef, name: str) -> Path:
        """Copy a blob into the private folder, checked by its SHA-256."""
        path = self.folder / name
        self.store.fetch(blob.key, path, blob.sha256)
        return path

    def run(
        self,
        step: str,
        request: dict,
        on_event: Callable[[dict], None] = lambda event: None,
        wall_s: float = math.inf,
        programs: Path | None = None,
    ) -> dict:
        """Run one step in a confined child, in the private folder, at most `wall_s` seconds if a job may run longer.

        `programs`: a folder whose programs the step may run, one at a time, under its own limits; by default none.
        Several threads may run a step each.

        Raises what `Child.result` raises, or LeaseLost.
        """
        self.check()
        limits = dataclasses.replace(
            self.limits, wall_s=min(wall_s, self.limits.wall_s or math.inf), processes=2 if programs else 1
        )
        # Not under the lock: when the fork server died, this waits for the next one, and `stop` must not wait with it.
        read_dirs = [programs] if programs else []
        with self.zygote.start(step, request, self.folder, limits, read_dirs=read_dirs) as child:
            return self.follow(child, on_event)

    def follow(self, child: Child, on_event: Callable[[dict], None]) -> dict:
        """The result of a child that was asked for this job. Raises as `run` does."""
        self._attach(child)
        try:
            for event in child.events():
                on_event(event)
            return child.result()
        finally:
            with self._lock:
                self._children.discard(child)
                if self.lost:
                    raise LeaseLost

    def _attach(self, child: Child) -> None:
        """From now on `stop` kills this child; at once, if it was called meanwhile."""
        with self._lock:
            self._children.add(child)
            if self._stop:
                child.kill(self._stop)

    def output(self, name: object) -> Path:
        """A file that a step says it wrote. Raises JobFailed when it is none."""
        return plain_file(self.folder, name)

    def store_output(self, name: object) -> Blob:
        """Store a file that a step wrote."""
        return self.store_file(self.output(name))

    def store_file(self, path: Path) -> Blob:
        """Store a file, unless the job was stopped."""
        self.check()
        return self.store.put_file(path)

    def stop(self, error: ThreedError) -> None:
        """End the job from another thread: the running steps are killed, the next is not begun."""
        self._end_steps(error)
        if self.leader is not None:  # whose step works on this part, whether its own is done or not
            self.leader.stop(error)

    def lose(self) -> None:
        """The lease is over: kill everything that is this job's alone, and write nothing."""
        self.lost = True
        self._end_steps(JobFailed("The lease of the job was lost."))

    def _end_steps(self, error: ThreedError) -> None:
        with self._lock:
            self._stop = self._stop or error
            for child in self._children:
                child.kill(error)

    def check(self) -> None:
        """Raises LeaseLost, or the error that the job was stopped with."""
        with self._lock:
            self._check()

    def _check(self) -> None:
        if self.lost:
            raise LeaseLost
        if self._stop:
            raise self._stop

    # ------------------------------------------------------------ the end, under the fence

    def complete(self, outcome: Outcome) -> None:
        """Publish, if the lease still holds. At most one publication of a job ever happens."""
        statement = jobs.complete(self.row.id, self.row.fence, self.sequence, outcome.keys)
        if not self._persist(statement, outcome.statements):
            raise LeaseLost
        self.ended = True

    def fail(self, error: ThreedError, statements: Sequence[sa.Executable] = ()) -> None:
        """FAILED for good, or CANCELLED."""
        if not self._persist(jobs.fail(self.row.id, self.row.fence, to_json(error), self.sequence), statements):
            raise LeaseLost

    def release(self, error: ThreedError, delay_s: float) -> None:
        """Another attempt later, or FAILED when none is left."""
        self._persist(jobs.release(self.row.id, self.row.fence, to_json(error), delay_s, self.sequence))

    def give_back(self) -> None:
        """To the table, unbegun: for another claim, of this worker or another."""
        self.ended = True
        self._persist(jobs.give_back(self.row.id, self.row.fence))

    def _persist(self, statement: sa.Executable, then: Sequence[sa.Executable] = ()) -> bool:
        """Run a statement, again and again while the database is away; whether the fence still held.

        If it did, `then` runs in the same transaction. The fence makes repeating safe: a commit whose answer was lost
        looks like a lost lease the second time, and the job is then what it became.
        """
        deadline, delay = time.monotonic() + _PERSIST_S, 0.1
        while True:
            try:
                with away_is_unavailable(), self.engine.connect() as connection:
                    if not then:  # a single statement needs no BEGIN and no COMMIT of its own
                        connection.execution_options(isolation_level="AUTOCOMMIT")
                    with connection.begin():
                        held = connection.execute(statement).first() is not None
                        for other in then if held else ():
                            connection.execute(other)
                    return held
            except Unavailable:
                if self.lost:
                    raise LeaseLost from None
                if time.monotonic() > deadline:
                    raise
                time.sleep(delay)
                delay = min(delay * 2, 2.0)
