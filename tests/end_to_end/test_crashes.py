"""The crash test: every part of a stack is killed at random under load, and nothing is lost, doubled or left behind.

THREED_CRASH_SECONDS and THREED_CRASH_SEED choose a longer or another run. With -s it prints what died, and how soon all
was final.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from tests.end_to_end.faults import Killer, killing
from tests.end_to_end.load import Caller, numbered
from tests.servers.folder import short_folder
from tests.servers.rabbitmq import PROGRAM, Node, absent
from tests.stack import RunningStack, running_stack

from threed.local.postgres import Postgres
from threed.v1.assets_pb2 import Asset
from threed.v1.render_jobs_pb2 import RenderJob
from threed_workers.samples.files import png_bytes, sample

SECONDS = float(os.environ.get("THREED_CRASH_SECONDS", "0"))
SEED = int(os.environ.get("THREED_CRASH_SEED", "1"))
PARTS = ("server", "worker", "job", "fork server", "postgres")
FINAL_WITHIN_S = 240  # only bounds how long a broken run waits
ENVIRONMENT = {
    "THREED_JOB_LEASE_S": "3",
    # A job may be hit by any number of faults here; that it gives up after a few is another test.
    "THREED_JOB_MAX_ATTEMPTS": "1000",
    "THREED_SHUTDOWN_GRACE_S": "2",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """For how long parts die, and how many uploads and renders go on meanwhile."""

    broker: str
    seconds: float
    uploads: int
    renders: int

    @property
    def pause_s(self) -> float:
        """Of each of four threads before each request, so that requests come until shortly before the end."""
        return 4 * self.seconds / (self.uploads + self.renders) * 0.8


RUNS = [
    Run(broker, SECONDS or seconds, max(count, int(SECONDS)), max(count, int(SECONDS)))
    for broker, seconds, count in (("postgres", 40, 50), ("rabbitmq", 30, 15))
]


class Broker:
    """A RabbitMQ that is killed and starts again with the messages that it confirmed."""

    def __init__(self, folder: Path):
        self._node = Node(folder)
        self._run = contextlib.ExitStack()
        self.url = ""

    def __enter__(self) -> Broker:
        running = self._run.enter_context(self._node.running())
        running.manage("PUT", "/api/vhosts/crash")
        self.url = running.url("crash")
        return self

    def __exit__(self, *_: object) -> None:
        self._run.close()

    def kill(self) -> bool:
        self._run.close()  # SIGKILL: see Node
        self._run.enter_context(self._node.running())
        return True


@contextlib.contextmanager
def stack_of(broker: str) -> Iterator[tuple[RunningStack, dict[str, Callable[[], bool]]]]:
    """A stack with that broker, and what of it can be killed besides its processes."""
    with contextlib.ExitStack() as resources:
        environment, parts = dict(ENVIRONMENT), {}
        if broker == "rabbitmq":
            if not PROGRAM.exists():
                absent("RabbitMQ is not installed. On Debian: `apt-get install rabbitmq-server`.")
            rabbitmq = resources.enter_context(Broker(resources.enter_context(short_folder())))
            environment["THREED_BROKER_URL"], parts["rabbitmq"] = rabbitmq.url, rabbitmq.kill
        folder = resources.enter_context(short_folder())
        stack = resources.enter_context(running_stack(folder, **environment))
        stack.wait_until_able()
        yield stack, parts


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.broker)
def test_nothing_is_lost_or_doubled_when_every_part_is_killed_again_and_again(run: Run):
    chance = random.Random(SEED)
    with stack_of(run.broker) as (stack, more), contextlib.closing(Caller(stack)) as caller:
        # Given a model and a picture that went through in peace
        model = caller.upload(numbered(sample("glb"), 0), "model.glb")
        picture = caller.upload(_picture(0), "picture.png")
        model, picture = (_validated(caller, asset.asset_id) for asset in (model, picture))
        # When parts die while others are uploaded and rendered
        killer = Killer({name: killing(stack, name, chance) for name in PARTS} | more, chance)
        killer.start()
        with ThreadPoolExecutor(4) as threads:
            uploads = [threads.submit(_upload, caller, run, number) for number in range(1, run.uploads + 1)]
            renders = [threads.submit(_render, caller, run, model.asset_id) for _ in range(run.renders)]
            _until_over(killer, run.seconds)
            sent = [upload.result() for upload in uploads]
            job_ids = [render.result() for render in renders]
        recovering = time.monotonic()
        # Then the stack is there, and everything that was acknowledged becomes final
        database = Postgres(stack.data / "postgres").conninfo
        _wait_until(lambda: _ask(database, "SELECT count(*) FROM jobs WHERE finished_at IS NULL") == [(0,)])
        print(f"{run.broker}: all final {time.monotonic() - recovering:.1f} s after the last acknowledgement;", end=" ")
        print("killed:", *(f"{count} x {name}" for name, count in killer.count().items()))
        assert stack.process.poll() is None, "the supervisor ended"
        assert set(killer.count()) == {*PARTS, *more}, "a part was never killed"
        _check_assets(caller, sent, {"model.glb": model, "picture.png": picture})
        assert len(set(job_ids)) == run.renders
        _check_renders(caller, job_ids)
        _check_rows(database, run.uploads + 2, run.renders)
        _check_folders(stack.data)


def _upload(caller: Caller, run: Run, number: int) -> tuple[str, str, str]:
    """(asset_id, file name, SHA-256) of an upload that was acknowledged."""
    time.sleep(run.pause_s)
    data, name = (numbered(sample("glb"), number), "model.glb") if number % 2 else (_picture(number), "picture.png")
    how = caller.upload_resumably if number % 5 == 0 else caller.upload
    return how(data, name).asset_id, name, hashlib.sha256(data).hexdigest()


def _render(caller: Caller, run: Run, asset_id: str) -> str:
    time.sleep(run.pause_s)
    return caller.render(asset_id).job_id


def _until_over(killer: Killer, seconds: float) -> None:
    try:
        time.sleep(seconds)
    finally:
        killer.stop()


def _picture(number: int) -> bytes:
    import numpy as np

    pixels = np.full((8, 8, 3), 200, np.uint8)
    pixels[0, 0] = number % 256, number // 256, 7
    return png_bytes(pixels)


def _validated(caller: Caller, asset_id: str) -> Asset:
    _wait_until(lambda: caller.asset(asset_id).status in (Asset.VALIDATED, Asset.FAILED))
    asset = caller.asset(asset_id)
    assert asset.status == Asset.VALIDATED, asset.error
    return asset


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FINAL_WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.25)


def _ask(database: str, query: str) -> list[tuple]:
    """Rows, or none while the database is away."""
    try:
        with psycopg.connect(database, autocommit=True, connect_timeout=3) as connection:
            return connection.execute(query).fetchall()
    except psycopg.OperationalError:
        return []


def _check_assets(caller: Caller, sent: list[tuple[str, str, str]], in_peace: dict[str, Asset]) -> None:
    """Each is what was sent, with every file that one has which was made in peace."""
    assert len({asset_id for asset_id, _, _ in sent}) == len(sent)
    for asset_id, name, sha256 in sent:
        asset = caller.asset(asset_id)
        assert asset.status == Asset.VALIDATED, asset.error
        assert asset.sha256 == sha256
        expected = {(file.kind, file.long_edge_px, file.media_type) for file in in_peace[name].files}
        assert {(file.kind, file.long_edge_px, file.media_type) for file in asset.files} == expected
        for file in asset.files:
            assert hashlib.sha256(caller.file(asset_id, file)).hexdigest() == file.sha256


def _check_renders(caller: Caller, job_ids: list[str]) -> None:
    for job_id in job_ids:
        job = caller.job(job_id)
        assert job.status == RenderJob.COMPLETED, job.error
        assert hashlib.sha256(caller.picture(job_id)).hexdigest() == job.output.sha256


def _check_rows(database: str, assets: int, renders: int) -> None:
    """One asset for each upload, one job for each asset and render, one output for each job."""
    assert _ask(database, "SELECT count(*), count(DISTINCT sha256) FROM assets") == [(assets, assets)]
    assert _ask(database, "SELECT count(*) FROM render_jobs") == [(renders,)]
    assert _ask(database, "SELECT state, count(*) FROM jobs GROUP BY state") == [("COMPLETED", assets + renders)]
    assert _ask(database, "SELECT count(*) FROM outputs") == [(assets + renders,)]


def _check_folders(data: Path) -> None:
    """One folder, of the worker that lives, and no job's in it."""
    workers = data / "scratch"
    _wait_until(lambda: len(list(workers.iterdir())) == 1)
    (worker,) = workers.iterdir()
    _wait_until(lambda: [path.name for path in worker.iterdir() if path.name != "validator"] == [])
