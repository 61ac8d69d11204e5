"""Stand-ins for the real servers: small programs that write their pids where the test looks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.servers.absent import absent
from tests.servers.folder import short_folder

from threed.local import cluster, process, supervisor
from threed.local.errors import ChildFailed, FolderBusy, ProgramMissing
from threed.local.folders import FolderLock
from threed.local.postgres import Postgres
from threed.local.process import Child, Service
from threed.local.supervisor import Supervisor

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as one:
        yield one


def child(name: str, folder: Path, code: str = "time.sleep(600)", **options) -> Child:
    """A program that notes its start in `<folder>/<name>.started` and then runs `code`."""
    start = f"import os, signal, sys, time; open({str(folder / name)!r} + '.started', 'a').write(f'{{os.getpid()}}\\n')"
    return Child(name, (sys.executable, "-I", "-S", "-c", start + "\n" + textwrap.dedent(code)), **options)


def service(name: str, folder: Path, code: str = "time.sleep(600)", **options) -> Service:
    return Service(child(name, folder, code, **options), ready=lambda: bool(starts(folder, name)), ready_within_s=30)


def starts(folder: Path, name: str) -> list[int]:
    path = folder / f"{name}.started"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


async def until(what: Callable[[], bool], within_s: float = 30) -> None:
    limit = time.monotonic() + within_s
    while not await asyncio.to_thread(what):
        assert time.monotonic() < limit, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_stage_waits_until_the_one_before_is_ready(folder):
    slow = Service(child("first", folder, "time.sleep(0.3); open('ready', 'w'); time.sleep(600)", cwd=folder))
    slow = Service(slow.child, ready=(folder / "ready").exists)
    second = child("second", folder, f"assert os.path.exists({str(folder / 'ready')!r}); time.sleep(600)")
    async with Supervisor([[slow], [Service(second, ready=lambda: bool(starts(folder, "second")))]], folder) as running:
        assert set(running.pids()) == {"first", "second"}
        await asyncio.sleep(0.2)
        assert len(starts(folder, "second")) == 1


async def test_a_service_that_ends_before_it_is_ready_stops_the_start_and_shows_its_log(folder):
    first = service("first", folder)
    broken = Service(child("broken", folder, "sys.exit('no such table: chairs')"), ready=lambda: False)
    with pytest.raises(ChildFailed, match=r"broken ended with status 1(?s:.*)no such table: chairs"):
        await Supervisor([[first], [broken], [service("never", folder)]], folder).start()
    assert not alive(starts(folder, "first")[0])
    assert starts(folder, "never") == []


async def test_a_service_that_never_becomes_ready_stops_the_start(folder):
    stuck = Service(child("stuck", folder), ready=lambda: False, ready_within_s=0.3)
    with pytest.raises(ChildFailed, match="stuck was not ready after"):
        await Supervisor([[stuck]], folder).start()
    assert not any(alive(pid) for pid in starts(folder, "stuck"))


async def test_a_program_that_is_missing_stops_the_start(folder):
    missing = Service(Child("missing", ("/nowhere/program",)), ready=lambda: False)
    with pytest.raises(ChildFailed, match="cannot run /nowhere/program: No such file"):
        await Supervisor([[missing]], folder).start()


async def test_a_killed_child_is_started_again(folder):
    async with Supervisor([[service("worker", folder)], [service("other", folder)]], folder) as running:
        os.kill(running.pids()["worker"], signal.SIGKILL)
        await until(lambda: len(starts(folder, "worker")) == 2)
        assert len(starts(folder, "other")) == 1


async def test_what_a_child_left_in_its_group_ends_before_it_starts_again(folder):
    code = """
    grandchild = os.fork()
    if grandchild == 0:
        open('grandchild', 'a').write(f'{os.getpid()}\\n')
    time.sleep(600)
    """
    async with Supervisor([[service("worker", folder, code, cwd=folder)]], folder) as running:
        await until(lambda: (folder / "grandchild").exists() and (folder / "grandchild").read_text().endswith("\n"))
        first = int((folder / "grandchild").read_text())
        os.kill(running.pids()["worker"], signal.SIGKILL)
        await until(lambda: len(starts(folder, "worker")) == 2)
        assert not alive(first)


async def test_a_service_that_keeps_ending_is_started_more_and_more_slowly_and_reported(folder, caplog, monkeypatch):
    monkeypatch.setattr(supervisor, "LOOP", 3)
    code = f"""
    if len(open({str(folder / "broken.started")!r}).readlines()) > 1:
        sys.exit("the disk is on fire")
    time.sleep(600)
    """
    with caplog.at_level(logging.WARNING, "threed.local"):
        async with Supervisor([[service("broken", folder, code)]], folder) as running:
            os.kill(running.pids()["broken"], signal.SIGKILL)
            await until(lambda: any(record.levelno == logging.ERROR for record in caplog.records))
    delays = [record.args[-1] for record in caplog.records if "starts again" in record.msg]
    assert delays == [0.1, 0.2, 0.4]
    report = next(record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
    assert "broken has ended 3 times in a row" in report and "the disk is on fire" in report


async def test_the_last_stage_ends_first(folder):
    code = """
    def end(*_):
        open('order', 'a').write(sys.argv[-1])
        sys.exit()
    signal.signal(signal.SIGTERM, end)
    time.sleep(600)
    """
    stages = [[service(name, folder, code.replace("sys.argv[-1]", repr(name)), cwd=folder)] for name in "abc"]
    async with Supervisor(stages, folder):
        await asyncio.sleep(0.3)
    assert (folder / "order").read_text() == "cba"


async def test_a_child_that_ignores_the_stop_signal_is_killed_after_its_grace_period(folder):
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w'); time.sleep(600)"
    deaf = Service(child("deaf", folder, code, cwd=folder, grace_s=0.3), ready=(folder / "deaf").exists)
    async with Supervisor([[deaf]], folder):
        pass
    assert not alive(starts(folder, "deaf")[0])


async def test_logs_are_private_and_a_large_one_makes_room_at_the_next_start(folder, monkeypatch):
    monkeypatch.setattr(process, "LOG_LIMIT", 10)
    (folder / "talker.log").write_text("an old and long log")
    talker = service("talker", folder, "print('new', flush=True); time.sleep(600)")
    async with Supervisor([[talker]], folder):
        await until(lambda: (folder / "talker.log").read_text() == "new\n")
    assert (folder / "talker.log.1").read_text() == "an old and long log"
    assert (folder / "talker.log").stat().st_mode & 0o777 == 0o600


def test_a_log_that_is_cut_goes_on_from_its_start(folder):
    descriptor = process.open_log(folder, "talker")
    os.write(descriptor, b"before")
    process.cut_log(folder / "talker.log")
    os.write(descriptor, b"after")
    os.close(descriptor)
    assert (folder / "talker.log.1").read_text() == "before"
    assert (folder / "talker.log").read_text() == "after"


# What follows runs a supervisor in a process of its own, because it is killed.

STACK = """
import asyncio, sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.local.test_supervisor import service
from threed.local import supervisor
from threed.local.folders import FolderLock
from threed.local.postgres import Postgres

async def main(folder, tools):
    if "untethered" in tools:
        # As on a system whose kernel has no death signal.
        supervisor.Child.command = lambda child: list(child.argv)
    stages = [[service("server", folder), service("worker", folder, "os.fork(); time.sleep(600)")]]
    if "postgres" in tools:
        stages.insert(0, [Postgres(folder / "postgres").service()])
    with FolderLock(folder):
        await supervisor.Supervisor(stages, folder / "logs").run(lambda: print("ready", flush=True))

asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
"""


@contextlib.contextmanager
def stack(folder: Path, *tools: str) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in its own process, ready."""
    argv = [sys.executable, "-c", STACK.format(root=str(ROOT)), str(folder), *tools]
    running = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout.readline() == "ready\n"
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def everything_in(folder: Path) -> list[int]:
    """Every living process that was started for this folder, by its command line or working folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            line = (entry / "cmdline").read_bytes()
            here = os.readlink(entry / "cwd").startswith(str(folder))
            if (here or bytes(folder) in line) and int(entry.name) != os.getpid() and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("tool", ["tethered", "untethered", "postgres"])
async def test_a_kill_of_the_supervisor_leaves_nothing_running(folder, tool):
    if tool == "postgres":
        _require_postgres()
    with stack(folder, tool) as running:
        # Given a stack, with a worker that has a child of its own
        await until(lambda: len(everything_in(folder)) >= 4)
        # When its supervisor is killed
        running.send_signal(signal.SIGKILL)
        running.wait()
        # Then everything ends
        await until(lambda: everything_in(folder) == [])


async def test_a_kill_of_supervisor_and_watchdog_leaves_no_child_running(folder):
    with stack(folder) as running:
        pgrep = ["pgrep", "-P", str(running.pid), "-f", "watchdog.py"]
        watchdog = int(await asyncio.to_thread(subprocess.check_output, pgrep))
        os.kill(watchdog, signal.SIGKILL)
        running.send_signal(signal.SIGKILL)
        running.wait()
        children = [pid for name in ("server", "worker") for pid in starts(folder, name)]
        await until(lambda: not any(alive(pid) for pid in children))
        for orphan in everything_in(folder):
            os.kill(orphan, signal.SIGKILL)


async def test_a_second_start_after_a_kill_recovers_everything(folder):
    _require_postgres()
    with stack(folder, "postgres") as running:
        server = Postgres(folder / "postgres")
        with psycopg.connect(server.conninfo) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        running.send_signal(signal.SIGKILL)
        running.wait()
        # At once: whatever is still going down must not be in the way.
        with stack(folder, "postgres"), psycopg.connect(server.conninfo) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


async def test_a_killed_postgres_is_back_with_its_rows(folder):
    _require_postgres()
    server = Postgres(folder)
    with server.locked():
        async with Supervisor([[server.service()]], folder) as running:
            with psycopg.connect(server.conninfo) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
            os.kill(running.pids()["postgres"], signal.SIGKILL)
            await until(lambda: running.pids().get("postgres") is not None and server.ready())
            with psycopg.connect(server.conninfo) as connection:
                assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_stack_in_good_order(folder, number):
    with stack(folder) as running:
        running.send_signal(number)
        assert await asyncio.to_thread(running.wait, 30) == 0
        assert not any(alive(pid) for name in ("server", "worker") for pid in starts(folder, name))


def test_a_second_stack_on_the_same_folder_is_refused_with_a_clear_sentence(folder):
    with stack(folder) as running:
        with pytest.raises(FolderBusy, match=f"{folder} is already in use by process {running.pid}. Stop that one"):
            FolderLock(folder).__enter__()


def _require_postgres() -> None:
    try:
        cluster.programs()
    except ProgramMissing as missing:
        absent(str(missing))
