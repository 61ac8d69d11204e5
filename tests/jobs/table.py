"""The job table in the words of a test: what happened, and what a row looks like afterwards."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import sqlalchemy as sa

from threed import ids
from threed.errors import JobAttemptsExhausted, JobCancelled, JobFailed
from threed.records import jobs
from threed.records.tables import assets, event_log, outputs
from threed.records.tables import jobs as rows
from threed.status import to_json

KINDS = ("ingest", "render", "probe")
PROJECT = "default"
FAILURE = to_json(JobFailed("It failed."))
LOST = to_json(JobAttemptsExhausted("It lost its worker too often."))
CANCELLED = to_json(JobCancelled("ada cancelled the job."))
FINAL = ("COMPLETED", "FAILED", "CANCELLED")


class JobTable:
    """Statements on a real database, each in a transaction of its own."""

    def __init__(self, engine: sa.Engine):
        self.engine = engine

    def run(self, statement: sa.Executable) -> list[sa.Row]:
        with self.engine.begin() as connection:
            result = connection.execute(statement)
            return list(result) if result.returns_rows else []

    def new(self, kind: str = "probe", *, priority: int = 0, max_attempts: int = 5, **columns: Any) -> uuid.UUID:
        """A PENDING job; `columns` are set afterwards."""
        id = ids.uuid7()
        self.run(jobs.create(id, PROJECT, kind, id, {kind: {}}, priority, max_attempts))
        if columns:
            self.change(id, **columns)
        return id

    def new_ingest(self) -> tuple[uuid.UUID, uuid.UUID]:
        """An UPLOADED asset and its job."""
        asset, job = ids.uuid7(), ids.uuid7()
        bare = {"project": PROJECT, "status": "UPLOADED", "asset_type": "TYPE_UNSPECIFIED"}
        bytes_ = {"blob_key": "sha256/aa/bb/cc", "sha256": "c" * 64, "size_bytes": 3}
        self.run(sa.insert(assets).values(id=asset, job_id=job, **bare, **bytes_))
        self.run(jobs.create(job, PROJECT, "ingest", asset, {"ingest": {}}, 0, 2))
        return asset, job

    def change(self, id: uuid.UUID, **columns: Any) -> None:
        self.run(sa.update(rows).where(rows.c.id == id).values(**columns))

    def expire(self, id: uuid.UUID) -> None:
        """The lease is over, as after a long silence."""
        self.change(id, lease_until=sa.text("now() - interval '1 second'"))

    def row(self, id: uuid.UUID) -> sa.Row:
        return self.run(sa.select(rows).where(rows.c.id == id))[0]

    def asset(self, id: uuid.UUID) -> sa.Row:
        return self.run(sa.select(assets).where(assets.c.id == id))[0]

    def outputs(self, id: uuid.UUID) -> list[sa.Row]:
        return self.run(sa.select(outputs).where(outputs.c.job_id == id))

    def events(self) -> list[sa.Row]:
        """Everything that was recorded, the first first."""
        return self.run(sa.select(event_log).order_by(event_log.c.sequence))

    def states(self, ids: list[uuid.UUID]) -> set[str]:
        return {row.state for row in self.run(sa.select(rows.c.state).where(rows.c.id.in_(ids)))}

    def claim(self, worker: str = "worker-1", kinds: tuple[str, ...] = KINDS, lease_s: float = 10) -> sa.Row | None:
        found = self.run(jobs.claim(kinds, worker, lease_s))
        return found[0] if found else None

    def sweep(self) -> list[sa.Row]:
        return self.run(jobs.sweep(LOST))

    def wait_for(self, id: uuid.UUID, *states: str, within_s: float = 30) -> sa.Row:
        """The row, once it is in one of these states."""
        return eventually(lambda: (row := self.row(id)).state in states and row, within_s, lambda: self.row(id))

    @contextlib.contextmanager
    def listening(self, channel: str) -> Iterator[Callable[[], list[Any]]]:
        """What is notified in the block, read by calling the value of the `with`."""
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"LISTEN {channel}")
            yield lambda: [_parsed(heard.payload) for heard in connection.notifies(timeout=0.2)]


def eventually(look: Callable[[], Any], within_s: float = 30, describe: Callable[[], Any] = lambda: "") -> Any:
    """What `look` answers once it is true. Time only bounds how long a broken test waits."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within_s} s: {describe()}"
        time.sleep(0.02)
    return found


def _parsed(payload: str) -> Any:
    return json.loads(payload) if payload.startswith("{") else payload
