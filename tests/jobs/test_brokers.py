"""Hints over both brokers, between a real server and real worker processes; and what happens without the broker."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.jobs.table import PROJECT, JobTable, eventually
from tests.jobs.worker import serving, worker
from tests.servers.absent import absent
from tests.servers.folder import short_folder
from tests.servers.rabbitmq import PROGRAM, Node

from threed.ids import uuid7
from threed.queue import Queue, make_broker
from threed.records.tables import jobs
from threed.settings import Settings
from threed.v1 import system_pb2
from threed_workers.samples.files import sample

MODEL = sample("glb")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As for every server test, with a lease that runs out soon."""
    return dataclasses.replace(settings, job_lease_s=3.0, job_max_attempts=5)


@pytest.fixture(params=["postgres", "rabbitmq"])
def brokered(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The settings with one broker, then with the other."""
    if request.param == "postgres":
        return settings
    return dataclasses.replace(settings, broker_url=request.getfixturevalue("rabbitmq_url"))


@pytest.fixture
def rows(settings: Settings) -> Iterator[JobTable]:
    """The job table of this test's database."""
    engine = sa.create_engine(settings.sqlalchemy_url())
    yield JobTable(engine)
    engine.dispose()


def only_job(rows: JobTable) -> sa.Row:
    (row,) = rows.run(sa.select(jobs))
    return row


async def final(rows: JobTable, id: uuid.UUID) -> sa.Row:
    return await asyncio.to_thread(rows.wait_for, id, "COMPLETED", "FAILED", within_s=60)


async def taken(rows: JobTable) -> sa.Row:
    """The only job, once a worker runs a step of it."""
    look = lambda: (row := only_job(rows)).state == "PROCESSING" and row.phase != "fetching" and row  # noqa: E731
    return await asyncio.to_thread(eventually, look, 30, lambda: only_job(rows))


async def test_an_idle_worker_begins_at_once(brokered: Settings, rows: JobTable, tmp_path: Path):
    """Nobody sweeps here, and the worker has nothing to do when it starts."""
    with worker(brokered, tmp_path / "log"):
        async with serving(brokered, upkeep=False) as door:
            times = []
            for _ in range(10):
                began = time.monotonic()
                async with asyncio.timeout(30):
                    await door.system.ProbeJobs(system_pb2.ProbeJobsRequest(), metadata=door.who("admin"))
                times.append(time.monotonic() - began)
            print(f"create to done: median {sorted(times)[5] * 1000:.1f} ms, worst {max(times) * 1000:.1f} ms")
            asset = await door.upload(MODEL)
            assert (await final(rows, only_job(rows).id)).state == "COMPLETED"
            assert asset.asset_id


async def test_a_hint_alone_wakes_a_worker(brokered: Settings, rows: JobTable, tmp_path: Path):
    """For a worker that does not hear the database just then: here the database says nothing."""
    queue = Queue(make_broker(brokered.broker_url, brokered.libpq_url()))
    with worker(brokered, tmp_path / "log"):
        # Given a worker that has started: it looked into the table once by itself, and found the first of these
        for _ in range(3):
            id = unheard_job(rows)
            queue.hint("probe", id)
            assert (await final(rows, id)).state == "COMPLETED"
    queue.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: number.name)
async def test_a_worker_that_vanishes_in_mid_job_is_replaced(
    brokered: Settings, rows: JobTable, tmp_path: Path, number: signal.Signals
):
    with worker(brokered, tmp_path / "one") as one, worker(brokered, tmp_path / "two") as two:
        async with serving(brokered, upkeep=True) as door:
            # Given two workers, one of which has the job
            await door.upload(MODEL)
            row = await taken(rows)
            holder = one if f"-{one.pid}-" in row.worker else two
            # When that one is killed, or stands still for longer than its lease
            began = time.monotonic()
            os.kill(holder.pid, number)
            # Then the other finishes the job, once
            await asyncio.to_thread(eventually, lambda: rows.row(row.id).attempt == 2)
            print(f"{number.name}: claimed by the other after {time.monotonic() - began:.1f} s, the lease is 3 s")
            row = await final(rows, row.id)
            assert (row.state, row.attempt) == ("COMPLETED", 2)
            if number == signal.SIGSTOP:
                os.kill(holder.pid, signal.SIGCONT)
                await asyncio.to_thread(lost_lease, tmp_path, one if holder is one else two, one)
            assert rows.row(row.id) == row
            assert [output.fence for output in rows.outputs(row.id)] == [2]


def lost_lease(folder: Path, holder: subprocess.Popen[bytes], one: subprocess.Popen[bytes]) -> None:
    """Until the worker that woke up again has noticed."""
    log = folder / ("one" if holder is one else "two")
    eventually(lambda: b"the lease was lost" in log.read_bytes(), 30, lambda: log.read_text()[-2000:])


async def test_a_worker_that_is_told_to_stop_gives_its_job_to_another(
    brokered: Settings, rows: JobTable, tmp_path: Path
):
    with worker(brokered, tmp_path / "one") as one:
        async with serving(brokered, upkeep=True) as door:
            await door.upload(MODEL)
            row = await taken(rows)
            one.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(one.wait, 30) == 0
            after = rows.row(row.id)
            # It may have come to its end in the two seconds that Dramatiq takes to stop.
            assert (after.state, after.attempt) in (("PENDING", 0), ("COMPLETED", 1))
            assert list(brokered.scratch.iterdir()) == [], "the worker left its folder"
            with worker(brokered, tmp_path / "two"):
                assert (await final(rows, row.id)).state == "COMPLETED"


@pytest.fixture
def node() -> Iterator[Node]:
    """A RabbitMQ of this test alone, not running."""
    if not PROGRAM.exists():
        absent("RabbitMQ is not installed. On Debian: `apt-get install rabbitmq-server`.")
    with short_folder() as folder:
        yield Node(folder)


async def test_jobs_run_without_their_broker_and_hints_come_again_when_it_is_back(
    settings: Settings, rows: JobTable, node: Node, tmp_path: Path
):
    with node.running() as broker:
        settings = dataclasses.replace(settings, broker_url=broker.url("/"))
        with worker(settings, tmp_path / "log"):
            async with serving(settings, upkeep=True) as door:
                await door.upload(MODEL)
                first = await final(rows, only_job(rows).id)
                assert first.state == "COMPLETED"
                # Given a broker that is killed under server and worker
                os.kill(broker.pid, signal.SIGKILL)
                # When an upload comes, then it is taken, and its job runs: the worker hears the database
                asset = await door.upload(sample("obj"), filename="box.obj")
                (row,) = rows.run(sa.select(jobs).where(jobs.c.id != first.id))
                row = await final(rows, row.id)
                assert asset.asset_id and (row.state, row.attempt) == ("COMPLETED", 1)
                # And when a worker did not hear of a job, it is hinted again once the broker is back
                id = unheard_job(rows)
                with node.running():
                    began = time.monotonic()
                    row = await final(rows, id)
                    print(f"done {time.monotonic() - began:.1f} s after the broker was back")
                    assert (row.state, row.attempt) == ("COMPLETED", 1)


def unheard_job(rows: JobTable) -> uuid.UUID:
    """A probe that no notification told of, and whose hint was not sent."""
    id = uuid7()
    spec = {"probe": {}}
    values = {"id": id, "subject": id, "project": PROJECT, "kind": "probe", "spec": spec, "max_attempts": 5}
    rows.run(sa.insert(jobs).values(**values))
    return id
