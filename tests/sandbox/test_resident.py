"""Children that stay, and answer one request after another."""

from __future__ import annotations

import dataclasses
import os
import signal
import time

import pytest

from threed import errors
from threed_workers.sandbox import Limits


@pytest.fixture
def resident(zygote, folder):
    """Makes residents of a step; each may use the private folder."""
    made = []

    def make(step="misbehaving:remember", limits=Limits(), **more):  # noqa: B008  it is frozen
        made.append(zygote.resident(step, folder, limits, **more))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()


def ask(resident, folder, request, place="a"):
    (folder / place).mkdir(exist_ok=True)
    resident.ask(request, place)
    return resident.result()


def test_a_resident_answers_in_one_process_and_keeps_what_it_has_loaded(resident, folder):
    child = resident()
    first = ask(child, folder, {"text": "one"}, "a")
    second = ask(child, folder, {"text": "two"}, "b")
    assert first == {"pid": child.pid, "kept": ["one"], "folder": str((folder / "a").resolve()), "threads": None}
    assert second == {
        "pid": child.pid,
        "kept": ["one", "two"],
        "folder": str((folder / "b").resolve()),
        "threads": None,
    }
    assert child.is_quiet and child.ending is None


def test_events_are_those_of_the_request(resident, folder):
    child = resident()
    ask(child, folder, {"text": "one"})
    child.ask({"text": "two"}, "a")
    assert [event for event in child.events()] == [{"kept": 2}]
    assert child.result()["kept"] == ["one", "two"]


def test_the_error_of_a_request_is_raised(resident, folder):
    child = resident("misbehaving:raise_what_is_asked")
    with pytest.raises(errors.JobFailed, match="ended by KeyError"):
        ask(child, folder, {})


def test_the_time_of_a_request_counts_anew(resident, folder):
    """And an idle process has no limit: it is two seconds old, with a limit of one."""
    child = resident(limits=Limits(wall_s=1.0))
    ask(child, folder, {"text": "one"})
    time.sleep(2)
    assert ask(child, folder, {"text": "two"})["kept"] == ["one", "two"]
    with pytest.raises(errors.JobTimedOut):
        ask(child, folder, {"sleep_s": 1000})
    assert not child.is_quiet


def test_the_processor_time_of_a_request_counts_anew(resident, folder):
    child = resident(limits=Limits(cpu_s=2))
    for _ in range(2):  # 2.4 s together
        ask(child, folder, {"spin_s": 1.2})
    with pytest.raises(errors.JobTimedOut, match="processor time"):
        ask(child, folder, {"spin_s": 1000})


def test_a_resident_that_crashes_fails_its_request(resident, folder):
    child = resident("misbehaving:segfault")
    with pytest.raises(errors.JobCrashed) as caught:
        ask(child, folder, {})
    assert caught.value.metadata["signal"] == "SIGSEGV"
    assert not child.is_quiet


def test_a_resident_that_was_killed_while_idle_is_not_quiet(resident, folder, gone):
    child = resident()
    pid = ask(child, folder, {"text": "one"})["pid"]
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert not child.is_quiet


def test_one_that_speaks_unasked_is_not_quiet(resident, folder):
    """What it says then would be taken for the answer to the next request."""
    child = resident("misbehaving:answer_twice")
    assert ask(child, folder, {}) == {"first": True}
    for _ in range(500):
        if not child.is_quiet:
            break
        time.sleep(0.01)
    assert not child.is_quiet


def test_cancelling_ends_the_request_and_the_process(resident, folder, gone):
    child = resident()
    (folder / "a").mkdir()
    child.ask({"text": "one", "sleep_s": 1000}, "a")
    next(child.events())
    child.kill()
    with pytest.raises(errors.JobCancelled):
        child.result()
    assert gone(child.pid)


def test_memory_is_watched_over_all_requests(resident, folder):
    child = resident(limits=dataclasses.replace(Limits(), memory_bytes=256 << 20))
    ask(child, folder, {"megabytes": 100})
    assert child.memory_bytes > 100 << 20
    with pytest.raises((errors.JobOutOfMemory, errors.JobFailed)) as caught:
        ask(child, folder, {"megabytes": 1000})
    assert caught.value.reason == "JOB_OUT_OF_MEMORY"


def test_it_reads_what_it_is_shown_and_may_not_change_it(resident, folder, tmp_path):
    shown, hidden = tmp_path / "shown", tmp_path / "hidden"
    for place in (shown, hidden):
        place.mkdir()
        (place / "file").write_text("text")
    child = resident("misbehaving:open_and_change", read_dirs=[shown])
    answer = ask(child, folder, {"paths": [str(shown / "file"), str(hidden / "file")]})
    if not child.layers["landlock"]:
        pytest.skip("this kernel has no Landlock")
    assert answer == {"read": [True, False], "changed": [False, False], "linked": [False, False]}
    assert (shown / "file").read_text() == "text"
