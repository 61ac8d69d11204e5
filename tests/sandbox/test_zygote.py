"""The fork server: what it starts, how it is stopped, and who survives whom."""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from threed import errors
from threed_workers import steps
from threed_workers.sandbox import PLACES, Limits, Zygote

HERE = Path(__file__).parent


def test_a_step_reports_and_returns(zygote, folder):
    with zygote.start("misbehaving:echo", {"text": "ä\0\ud800"}, folder) as child:
        assert list(child.events()) == [{"text": "ä\ufffd?"}]
        result = child.result()
    assert result["folder"] == result["cwd"] == str(folder)
    assert child.ending.status == 0 and child.ending.peak_bytes > 0


def test_every_layer_that_the_machine_has_is_applied(zygote, folder):
    with zygote.start("misbehaving:echo", {}, folder) as child:
        child.result()
    assert child.layers == zygote.layers
    assert child.layers["rlimits"] and child.layers["privileges"] and child.layers["watch"]


def test_an_optional_module_may_be_missing(zygote):
    assert zygote.missing == {
        "a_module_that_nobody_has": "ModuleNotFoundError: No module named 'a_module_that_nobody_has'"
    }


def test_a_request_of_megabytes_arrives(zygote, folder):
    with zygote.start("misbehaving:echo", {"nodes": ["x" * 1000] * 5000}, folder) as child:
        assert len(child.result()["request"]["nodes"]) == 5000


def test_a_cache_is_given_as_a_copy(zygote, folder, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "shader").write_text("trusted")
    place = folder / PLACES["XDG_CACHE_HOME"] / "shader"
    with zygote.start("misbehaving:attempt", {"what": "write", "path": str(place)}, folder, cache=cache) as child:
        assert child.result() == {"met": "done"}
    assert place.read_text() == "x" and (cache / "shader").read_text() == "trusted"


def test_a_result_may_be_asked_for_more_than_once(zygote, folder):
    with zygote.start("misbehaving:echo", {}, folder) as child:
        assert child.result() == child.result()


def test_steps_run_side_by_side(zygote, tmp_path):
    def run(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        with zygote.start("misbehaving:echo", {"number": number}, folder) as child:
            return child.result()["request"]["number"]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(24))) == list(range(24))


def test_cancelling_kills_the_step_and_all_its_processes(zygote, folder, gone):
    with zygote.start("misbehaving:fork_many", {"then_s": 1000}, folder, Limits(processes=100)) as child:
        events = child.events()
        pids = next(events)["pids"]
        threading.Timer(0.05, child.kill).start()
        assert list(events) == []
        with pytest.raises(errors.JobCancelled):
            child.result()
    assert gone(child.pid, *pids)


def test_a_killer_may_give_the_reason_and_the_first_counts(zygote, folder):
    with zygote.start("misbehaving:sleep", {}, folder) as child:
        child.kill(errors.JobAttemptsExhausted("The lease was lost."))
        child.kill()
        with pytest.raises(errors.JobAttemptsExhausted):
            child.result()


def test_killing_what_has_ended_does_nothing(zygote, folder):
    with zygote.start("misbehaving:echo", {}, folder) as child:
        child.result()
        child.kill()
        child.result()


def test_leaving_the_block_ends_the_step(zygote, folder, gone):
    with zygote.start("misbehaving:sleep", {}, folder) as child:
        pid = next(child.events())["asleep"]
    assert gone(pid)


def test_a_killed_fork_server_fails_what_runs_and_is_replaced(folder, gone):
    with Zygote(preload=["misbehaving"], module_dirs=[HERE]) as zygote:
        limits = Limits(processes=100)
        with zygote.start("misbehaving:fork_many", {"then_s": 1000}, folder, limits) as child:
            pids = next(child.events())["pids"]
            killed = zygote.pid
            os.kill(killed, signal.SIGKILL)
            with pytest.raises(errors.JobCrashed):
                child.result()
        assert gone(child.pid, *pids)
        with zygote.start("misbehaving:echo", {}, folder) as child:
            child.result()
        assert zygote.pid != killed


def test_a_fork_server_that_is_killed_while_it_starts_is_no_fault_of_the_job(folder):
    with Zygote() as zygote:
        # Given a fork server that died
        os.kill(zygote.pid, signal.SIGKILL)
        assert zygote._server.gone.wait(10)
        # When the next one is killed before it is ready
        killer = threading.Thread(target=_kill_the_next, args=(_fork_servers(),))
        killer.start()
        with pytest.raises(errors.JobCrashed, match="while it started") as caught:
            zygote.start("nothing", {}, folder)
        killer.join()
        # Then that is told as any other kill, and the one after that works
        assert caught.value.metadata["signal"] == "SIGKILL"
        with zygote.start("nothing", {}, folder) as child:
            assert child.result() == {}


def _fork_servers() -> set[int]:
    """The fork servers of this process that run now."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            for pid in (task / "children").read_text().split():
                if b"sandbox.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.add(int(pid))
    return found


def _kill_the_next(before: set[int]) -> None:
    deadline = time.monotonic() + 10
    while not (new := _fork_servers() - before) and time.monotonic() < deadline:
        time.sleep(0.001)
    for pid in new:
        os.kill(pid, signal.SIGKILL)


def test_a_fork_server_that_hangs_is_killed_so_that_no_caller_waits_for_ever(folder, gone, monkeypatch):
    monkeypatch.setattr("threed_workers.sandbox.keeper.STUCK_S", 0.5)
    with Zygote(preload=["misbehaving"], module_dirs=[HERE]) as zygote:
        with zygote.start("misbehaving:sleep", {}, folder) as running:
            pid = next(running.events())["asleep"]
            os.kill(zygote.pid, signal.SIGSTOP)
            with zygote.start("misbehaving:echo", {}, folder) as waiting, pytest.raises(errors.JobCrashed):
                waiting.result()
            running.kill()
            with pytest.raises((errors.JobCancelled, errors.JobCrashed)):
                running.result()
    assert gone(pid)


def test_a_step_runs_in_a_process_that_was_forked_ahead(folder, gone):
    with Zygote() as zygote:
        spare = _spare(zygote)
        with zygote.start("nothing", {}, folder) as child:
            child.result()
        assert child.pid == spare
        # Then there is another one for the next step, and it ends with its server
        other = _spare(zygote)
        assert other != spare
    assert gone(other)


def test_a_spare_process_that_was_killed_gets_no_step(folder, gone):
    with Zygote() as zygote:
        spare = _spare(zygote)
        os.kill(spare, signal.SIGKILL)
        assert gone(spare)
        with zygote.start("nothing", {}, folder) as child:
            assert child.result() == {}
        assert child.pid != spare


def _spare(zygote: Zygote) -> int:
    """The process that waits for a step."""
    deadline = time.monotonic() + 10
    while not (found := Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(found[0])


def test_closing_ends_the_server_and_its_children(folder, gone):
    with Zygote(preload=["misbehaving"], module_dirs=[HERE]) as zygote:
        server = zygote.pid
        child = zygote.start("misbehaving:sleep", {}, folder)
        pid = next(child.events())["asleep"]
    with child, pytest.raises(errors.JobCrashed):
        child.result()
    assert gone(server, pid)


def test_a_killed_worker_leaves_nothing_running(folder, gone):
    # Given a worker with a forking step and a confined program
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_WORKER), str(HERE), str(folder)], stdout=subprocess.PIPE, text=True
    )
    with worker:
        pids = [int(pid) for pid in worker.stdout.readline().split()]
        assert len(pids) == 53 and not any(map(gone_now, pids))
        # When it is killed
        worker.kill()
    # Then the server, the children, what they started and the program die too
    assert gone(*pids)


def gone_now(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


_WORKER = """
    import sys, time
    from pathlib import Path
    from threed_workers.sandbox import PLACES, Limits, Zygote, spawn_program
    here, folder = map(Path, sys.argv[1:])
    zygote = Zygote(preload=["misbehaving"], module_dirs=[here])
    child = zygote.start("misbehaving:fork_many", {"then_s": 1000}, folder, Limits(processes=100))
    pids = next(child.events())["pids"]
    program = spawn_program(["sleep", "1000"], Limits(), folder=folder)
    print(zygote.pid, child.pid, program.pid, *pids, flush=True)
    time.sleep(1000)
"""


def test_filament_renders_in_a_confined_child(folder):
    pytest.importorskip("filly", reason="filly is not installed, or libGL is missing", exc_type=ImportError)
    with Zygote(preload=["numpy", "trimesh", "filly", "misbehaving"], module_dirs=[HERE]) as zygote:
        with zygote.start("misbehaving:render", {}, folder) as child:
            assert child.result()["brightest"] > 50


def test_a_step_that_nobody_listed_is_refused(zygote, folder):
    with pytest.raises(KeyError):
        zygote.start("no_such_step", {}, folder)


def test_a_folder_that_is_not_there_is_refused(zygote, folder):
    with pytest.raises(FileNotFoundError):
        zygote.start("misbehaving:echo", {}, folder / "none")


def test_every_listed_step_can_be_imported():
    for step in steps.STEPS:
        module, _, name = steps.target(step).partition(":")
        assert callable(getattr(importlib.import_module(module), name)), step
