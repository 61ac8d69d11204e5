"""A worker process that kills itself with SIGKILL at one point of its job: what no product code can be asked to do."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import sqlalchemy as sa
from tests.jobs.table import JobTable
from tests.jobs.workplace import workplace

from threed.blobs import Blob
from threed.blobs.disk import DiskStore
from threed.records.tables import assets, outputs
from threed_workers.claims import Claim, Outcome
from threed_workers.runner import Runner

POINTS = ("claimed", "put", "before commit", "after commit")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def store_a_file(claim: Claim) -> Outcome:
    """A job whose output has other bytes in each attempt, so that what a dead one stored is nobody's."""
    (claim.folder / "made").write_bytes(os.urandom(1000))
    blob = claim.store_output("made")
    file = {"kind": "NORMALIZED", "key": blob.key, "sha256": blob.sha256, "size_bytes": blob.size}
    statement = sa.update(assets).where(assets.c.id == claim.row.subject).values(files=[file])
    return Outcome(keys=[blob.key], statements=[statement])


def work_and_die(url: str, folder: Path, point: str) -> None:
    """Run the first job that there is, up to the point."""
    engine = sa.create_engine(url)
    place = workplace(JobTable(engine), url, None, folder)  # no step runs here, so no fork server
    runner = Runner("dying", place.settings, _Store(place.store, point), None, place.scratch, {"ingest": _job(point)})
    if point == "before commit":
        sa.event.listen(runner.engine, "commit", _when_completed)
    if point == "after commit":
        runner._end = _then_die(runner._end)
    runner.start()
    signal.pause()


def _job(point: str):
    def run(claim: Claim) -> Outcome:
        if point == "claimed":
            die()
        return store_a_file(claim)

    return run


class _Store:
    """The store, up to the moment when the blob is durable and nobody knows it yet."""

    def __init__(self, store: DiskStore, point: str):
        self._store = store
        self._point = point

    def put_file(self, path: Path) -> Blob:
        blob = self._store.put_file(path)
        if self._point == "put":
            die()
        return blob


def _when_completed(connection: sa.Connection) -> None:
    """Die between the last statement of the transaction that completes a job, and its COMMIT."""
    if connection.execute(sa.select(sa.func.count()).select_from(outputs)).scalar():
        die()


def _then_die(end):
    def ended(*arguments) -> None:
        end(*arguments)
        die()

    return ended
