"""The real PostgreSQL and the real gateway around stand-ins for server and worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.servers.absent import absent
from tests.servers.folder import short_folder

from threed.local import cluster, envoy
from threed.local.errors import FolderBusy, PortTaken, ProgramMissing
from threed.local.ports import answers, free_ports
from threed.local.stack import Commands, Stack

# A server that is only healthy. It counts its starts in the database and shows its environment in its folder.
SERVE = """
import json, os, psycopg, grpc
from concurrent.futures import ThreadPoolExecutor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
with psycopg.connect(os.environ["THREED_DATABASE_URL"].replace("+psycopg", "")) as connection:
    connection.execute("SELECT pg_advisory_xact_lock(1)")
    connection.execute("CREATE TABLE IF NOT EXISTS starts (n serial)")
    connection.execute("INSERT INTO starts DEFAULT VALUES")
with open("seen.json", "w") as seen:
    json.dump(dict(os.environ), seen)
servicer = health.HealthServicer()
server = grpc.server(ThreadPoolExecutor(4))
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
for name in ("", "threed.v1.AssetService"):
    servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
server.add_insecure_port(os.environ["THREED_LISTEN"])
server.start()
server.wait_for_termination()
"""
WORK = "import time; time.sleep(600)"

COMMANDS = Commands(serve=(sys.executable, "-c", SERVE), work=(sys.executable, "-c", WORK))


@pytest.fixture
def data() -> Iterator[Path]:
    try:
        cluster.programs(), envoy.program()
    except ProgramMissing as missing:
        absent(str(missing))
    with short_folder() as folder:
        yield folder / "data"


def a_stack(data: Path, **options) -> Stack:
    return Stack(data, port=free_ports(1)[0], commands=COMMANDS, **options)


def healthy(stack: Stack) -> bool:
    return answers(stack.port, "/healthz")


async def until(what: Callable[[], bool]) -> None:
    for _ in range(600):
        if await asyncio.to_thread(what):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


async def test_a_stack_starts_whole_and_again_on_what_it_left(data):
    for start in (1, 2):
        stack = a_stack(data, servers=2, workers=2)
        with stack.locked():
            async with stack.supervisor() as running:
                assert set(running.pids()) == {"postgres", "server-0", "server-1", "worker-0", "worker-1", "envoy"}
                assert healthy(stack)
                with psycopg.connect(stack.postgres.conninfo) as connection:
                    assert connection.execute("SELECT count(*) FROM starts").fetchone() == (2 * start,)
        assert not healthy(stack)


async def test_children_find_the_stack_in_their_environment(data):
    given = {"THREED_LOG_LEVEL": "debug", "THREED_LISTEN": "x:1", "THREED_DATABASE_URL": ""}
    stack = a_stack(data, environment={**os.environ, **given})
    with stack.locked():
        async with stack.supervisor():
            seen = json.loads((data / "seen.json").read_text())
    assert seen["THREED_DATA_DIR"] == str(data)
    assert seen["THREED_DATABASE_URL"] == stack.postgres.url
    assert seen["THREED_PUBLIC_URL"] == stack.url
    assert seen["THREED_LOG_LEVEL"] == "debug"
    assert (seen["THREED_LISTEN"],) == stack.gateway().grpc
    assert seen["THREED_BLOBS_LISTEN"] == stack.gateway().blobs


def test_a_bucket_takes_the_place_of_the_disk_store_at_the_gateway(data):
    given = {"THREED_S3_ENDPOINT": "127.0.0.1:9000", "THREED_JWKS": "https://issuer.example/jwks.json"}
    stack = a_stack(data, environment={**os.environ, **given})
    with stack.locked():
        gateway = stack.gateway()
    assert (gateway.blobs, gateway.s3, gateway.s3_bucket) == (None, "127.0.0.1:9000", "threed")
    assert (gateway.jwks_file, gateway.jwks_url) == (None, "https://issuer.example/jwks.json")


async def test_a_database_of_the_operator_takes_the_place_of_the_embedded_one(data, database_url):
    stack = a_stack(data, environment={**os.environ, "THREED_DATABASE_URL": database_url})
    with stack.locked():
        async with stack.supervisor() as running:
            assert set(running.pids()) == {"server-0", "worker-0", "envoy"}
    assert not (data / "postgres").exists()


async def test_every_killed_child_comes_back(data):
    stack = a_stack(data)
    with stack.locked():
        async with stack.supervisor() as running:
            before = running.pids()
            for pid in before.values():
                os.kill(pid, signal.SIGKILL)

            def healed() -> bool:
                now = running.pids()
                if set(now) != set(before) or set(now.values()) & set(before.values()):
                    return False
                with contextlib.suppress(psycopg.OperationalError):
                    psycopg.connect(stack.postgres.conninfo).close()
                    return healthy(stack)
                return False

            await until(healed)


async def test_the_folder_of_a_stack_is_closed_to_others_but_for_the_way_to_the_database(data):
    stack = a_stack(data)
    with stack.locked():
        async with stack.supervisor():
            pass
    (data / "seen.json").unlink()
    for path in (data, *data.iterdir()):
        assert path.stat().st_mode & 0o007 == 0, path


def test_a_port_that_is_taken_is_refused_with_a_clear_sentence_before_anything_starts(data):
    stack = a_stack(data)
    with socket.create_server(("127.0.0.1", stack.port)), stack.locked():
        with pytest.raises(PortTaken, match=rf"Port {stack.port} .* choose another port"):
            stack.supervisor()
    assert not stack.logs.exists()


def test_a_second_stack_on_one_folder_is_refused(data):
    with a_stack(data).locked(), pytest.raises(FolderBusy), a_stack(data).locked():
        pass


RUN = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.local.test_stack import a_stack
stack = a_stack(Path({data!r}))
asyncio.run(stack.run(lambda: print(stack.port, flush=True)))
"""


async def test_a_stack_that_is_killed_leaves_nothing_and_starts_again(data):
    code = RUN.format(root=str(Path(__file__).parents[2]), data=str(data))
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:  # noqa: ASYNC220
            port = int(running.stdout.readline())
            assert answers(port, "/healthz")
            running.kill()
        await until(lambda port=port: not answers(port, "/healthz"))
        await until(lambda: not any(_belongs(process, data) for process in Path("/proc").glob("[0-9]*")))


def _belongs(process: Path, folder: Path) -> bool:
    try:
        return os.readlink(process / "cwd").startswith(str(folder)) or bytes(folder) in (
            (process / "cmdline").read_bytes()
        )
    except OSError:
        return False
