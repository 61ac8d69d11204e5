"""The Runner with a real database, a real fork server and steps that misbehave: every job ends, once, and cleanly."""

from __future__ import annotations

import errno
import random
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from os import kill

import pytest
import sqlalchemy as sa
from tests.jobs.table import CANCELLED, PROJECT, JobTable, eventually
from tests.jobs.workplace import Workplace, step

from threed.errors import JobFailed, JobTimedOut, StoreFull, ThreedError, Unavailable
from threed.records import jobs
from threed_workers.claims import Claim, Outcome
from threed_workers.runner import Runner


def reason(row: sa.Row) -> str:
    return row.error["details"][0]["reason"]


def asleep(place: Workplace, id: uuid.UUID) -> int:
    """The process of the job's step, once it runs."""
    place.table.wait_for(id, "PROCESSING")
    (pid,) = eventually(place.children)
    return pid


@pytest.fixture(autouse=True)
def nothing_is_left(place: Workplace):
    """After every test: no folder of a job, and no process of a step."""
    yield
    assert place.leftovers() == []
    eventually(lambda: place.children() == [], 10, place.children)


# ---------------------------------------------------------------- what steps do


@pytest.mark.parametrize(
    ("name", "expected", "attempts"),
    [
        ("segfault", "JOB_CRASHED", 2),
        ("abort", "JOB_CRASHED", 2),
        ("leave_without_result", "JOB_CRASHED", 2),
        ("raise_an_exception", "JOB_FAILED", 2),
        ("return_something_else", "JOB_FAILED", 2),
        ("raise_a_known_error", "FILE_MALFORMED", 1),
        ("allocate_slowly", "JOB_OUT_OF_MEMORY", 1),
        ("spin_in_c", "JOB_TIMED_OUT", 1),
        ("fill_many_files", "JOB_DISK_FULL", 1),
        ("fill_one_file_natively", "JOB_DISK_FULL", 1),
    ],
)
def test_a_misbehaving_step_fails_its_job_with_a_reason(place: Workplace, name: str, expected: str, attempts: int):
    id = place.table.new()
    with place.runner(probe=step(name)) as runner:
        row = ended(place.table, id, runner)
    assert (row.state, reason(row), row.attempt) == ("FAILED", expected, attempts)
    assert place.table.outputs(id) == []


def ended(table: JobTable, id: uuid.UUID, runner: Runner) -> sa.Row:
    """The row of a job that became final; retries are not waited for, but run at once."""

    def look() -> sa.Row | None:
        row = table.row(id)
        if row.state == "PENDING" and row.attempt:
            table.change(id, run_after=sa.func.now())
            runner.wake()
        return row if row.finished_at else None

    return eventually(look, 40, lambda: table.row(id))


def test_a_step_that_sleeps_for_ever_is_ended_by_the_clock(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), job_timeout_s=0.5):
        row = place.table.wait_for(id, "FAILED")
    assert reason(row) == "JOB_TIMED_OUT"


def test_a_step_may_have_less_time_than_its_job(place: Workplace):
    def run(claim: Claim) -> Outcome:
        try:
            claim.run("misbehaving:sleep", {}, wall_s=0.5)
        except JobTimedOut:
            return Outcome()
        raise AssertionError("it slept for ever")

    id = place.table.new()
    with place.runner(probe=run):
        place.table.wait_for(id, "COMPLETED")


def test_the_neighbours_of_a_crashing_job_are_not_disturbed(place: Workplace):
    crashing = [place.table.new("render") for _ in range(4)]
    well = [place.table.new("probe") for _ in range(8)]
    with place.runner(render=step("segfault"), probe=step("echo")) as runner:
        for id in well:
            assert place.table.wait_for(id, "COMPLETED").attempt == 1
        for id in crashing:
            assert ended(place.table, id, runner).state == "FAILED"


def test_an_error_of_ours_fails_the_job_and_tells_nothing_of_it(place: Workplace):
    def run(claim: Claim) -> Outcome:
        raise KeyError("the password of the database")

    id = place.table.new()
    with place.runner(probe=run) as runner:
        row = ended(place.table, id, runner)
    assert (reason(row), row.attempt) == ("JOB_FAILED", 2)
    assert "password" not in str(row.error)


def test_what_the_database_refuses_fails_the_job(place: Workplace):
    # Given a job whose result no row can hold
    id = place.table.new()
    with place.runner(probe=lambda claim: Outcome(keys=["a NUL \0 in a key"])) as runner:
        row = ended(place.table, id, runner)
    assert (row.state, reason(row)) == ("FAILED", "JOB_FAILED")


def test_a_phase_that_no_row_can_hold_harms_nobody(place: Workplace):
    # Given a step that names its phase with what the database refuses, for longer than its lease
    def run(claim: Claim) -> Outcome:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            claim.report("draw\0ing \ud800" + "x" * 100, float("nan"))
            time.sleep(0.05)
        return Outcome()

    id = place.table.new()
    with place.runner(probe=run, job_lease_s=1):
        row = place.table.wait_for(id, "COMPLETED")
    assert row.attempt == 1


@pytest.mark.parametrize("error", [Unavailable("The store is away."), StoreFull("The store is full.")])
def test_a_cause_that_may_pass_is_tried_until_no_attempt_is_left(place: Workplace, error: ThreedError):
    def run(claim: Claim) -> Outcome:
        raise error

    id = place.table.new(max_attempts=3)
    with place.runner(probe=run) as runner:
        row = ended(place.table, id, runner)
    assert (row.state, row.attempt, reason(row)) == ("FAILED", 3, error.reason)


def test_a_scratch_disk_without_room_does_not_fail_the_job(place: Workplace):
    def run(claim: Claim) -> Outcome:
        raise OSError(errno.ENOSPC, "No space left on device")

    id = place.table.new()
    with place.runner(probe=run):
        row = eventually(lambda: (row := place.table.row(id)).hinted_at is None and row)
    assert (row.state, reason(row)) == ("PENDING", "JOB_DISK_FULL")


def test_a_step_that_an_operator_killed_is_run_again(place: Workplace):
    # Given a job whose process is killed from outside in its first two attempts
    id = place.table.new()
    with place.runner(probe=step("sleep")) as runner:
        for attempt in (1, 2):
            eventually(lambda n=attempt: place.table.row(id).attempt == n)
            kill(asleep(place, id), signal.SIGKILL)
            place.table.wait_for(id, "PENDING")
            assert reason(place.table.row(id)) == "JOB_CRASHED"
            place.table.change(id, run_after=sa.func.now() if attempt == 1 else sa.text("now() + interval '1 hour'"))
            runner.wake()
    # Then it is not the file's fault: the job waits for another attempt
    assert place.table.row(id).state == "PENDING"


# ---------------------------------------------------------------- leases


def test_a_running_job_keeps_its_lease(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), job_lease_s=1.5, job_threads=1):
        asleep(place, id)
        for _ in range(30):
            assert place.table.sweep() == []
            time.sleep(0.1)
        assert (place.table.row(id).state, place.table.row(id).attempt) == ("PROCESSING", 1)


def test_a_job_whose_lease_was_lost_is_killed_and_writes_nothing(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), job_lease_s=1, job_threads=1):
        asleep(place, id)
        # When its lease is taken away, and nobody may claim it again
        place.table.change(id, state="PENDING", run_after=sa.text("now() + interval '1 hour'"), sequence=77)
        before = place.table.row(id)
        # Then the step is killed
        eventually(lambda: place.children() == [], 10)
        eventually(lambda: place.leftovers() == [], 10)
        assert place.table.row(id) == before


def test_a_job_that_the_same_worker_claims_again_is_kept_by_its_new_lease(place: Workplace):
    # Given a job that loses its lease while it runs, so that another slot of this runner claims it
    runs: list[int] = []

    def run(claim: Claim) -> Outcome:
        runs.append(claim.row.fence)
        claim.run("misbehaving:sleep", {}) if claim.row.fence == 1 else time.sleep(4)
        return Outcome(keys=[f"fence-{claim.row.fence}"])

    id = place.table.new()
    with place.runner(probe=run, job_lease_s=1.5) as runner:
        asleep(place, id)
        place.table.expire(id)
        place.table.sweep()
        runner.wake()
        # Then the first run is killed, and the second, longer than its lease, is renewed to its end
        deadline = time.monotonic() + 20
        while place.table.row(id).state != "COMPLETED":
            place.table.sweep()
            assert time.monotonic() < deadline, place.table.row(id)
            time.sleep(0.1)
    assert runs == [1, 2]
    assert [output.keys for output in place.table.outputs(id)] == [["fence-2"]]


def test_a_worker_that_was_taken_for_dead_publishes_nothing(place: Workplace):
    # Given a runner that falls asleep in its last step and wakes up when another has done the job
    asleep_in_work, go_on = threading.Event(), threading.Event()

    def slow(claim: Claim) -> Outcome:
        asleep_in_work.set()
        go_on.wait(30)
        return Outcome(keys=["of the zombie"])

    id = place.table.new()
    with place.runner("zombie", probe=slow, job_threads=1):
        assert asleep_in_work.wait(30)
        place.table.expire(id)
        place.table.sweep()
        with place.runner("alive", probe=lambda claim: Outcome(keys=["of the living"])):
            place.table.wait_for(id, "COMPLETED")
        before = place.table.row(id)
        go_on.set()
    assert place.table.row(id) == before
    assert [output.keys for output in place.table.outputs(id)] == [["of the living"]]


# ---------------------------------------------------------------- cancelling and stopping


def test_a_cancellation_reaches_the_running_step(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), job_lease_s=60):
        asleep(place, id)
        began = time.monotonic()
        place.table.run(jobs.cancel(id, PROJECT, CANCELLED))
        # The lease is long, so it is the notification that reaches it, not the heartbeat.
        row = place.table.wait_for(id, "CANCELLED", within_s=5)
        print(f"cancelled after {time.monotonic() - began:.3f} s")
        assert row.error == CANCELLED
        eventually(lambda: place.children() == [], 5)


def test_a_cancellation_that_was_not_heard_is_found_by_the_heartbeat(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), job_lease_s=1.5):
        asleep(place, id)
        place.table.change(id, cancel_requested=True, error=CANCELLED)
        place.table.wait_for(id, "CANCELLED")


def test_a_cancellation_reaches_all_steps_that_run_at_once(place: Workplace):
    # Given a job that runs two steps in threads of its own
    ended: list[str] = []

    def sleep(claim: Claim) -> None:
        try:
            claim.run("misbehaving:sleep", {})
        except ThreedError as error:
            ended.append(error.reason)
            raise

    def run(claim: Claim) -> Outcome:
        with ThreadPoolExecutor(1) as other:
            future = other.submit(sleep, claim)
            sleep(claim)
            future.result()
        return Outcome()

    id = place.table.new()
    with place.runner(probe=run, job_lease_s=60):
        eventually(lambda: len(place.children()) == 2, 20, place.children)
        # When it is cancelled
        place.table.run(jobs.cancel(id, PROJECT, CANCELLED))
        # Then both are killed, and know why
        place.table.wait_for(id, "CANCELLED", within_s=5)
    assert ended == ["JOB_CANCELLED", "JOB_CANCELLED"]


def test_a_cancelled_job_does_not_begin_its_next_step(place: Workplace):
    reached, go_on, began = threading.Event(), threading.Event(), []

    def run(claim: Claim) -> Outcome:
        reached.set()
        go_on.wait(30)
        began.append(claim.run("nothing", {}))
        return Outcome()

    id = place.table.new()
    with place.runner(probe=run) as runner:
        reached.wait(30)
        place.table.run(jobs.cancel(id, PROJECT, CANCELLED))
        (claim,) = runner._claims.values()
        eventually(lambda: claim._stop)
        go_on.set()
        place.table.wait_for(id, "CANCELLED")
    assert began == []


def test_a_stopping_worker_hands_its_jobs_back_and_another_does_them(place: Workplace):
    ids = [place.table.new() for _ in range(3)]
    with place.runner("stopping", probe=step("sleep")):
        eventually(lambda: len(place.children()) == 2)
    # Then nothing runs, and no attempt was counted
    assert place.children() == []
    assert [(row.state, row.attempt, row.worker) for row in map(place.table.row, ids)] == [("PENDING", 0, None)] * 3
    with place.runner("next", probe=step("echo")):
        for id in ids:
            place.table.wait_for(id, "COMPLETED")


def test_a_worker_can_stop_while_jobs_come_in(place: Workplace):
    # Given runners that are stopped at random moments while jobs are made and hinted
    ids: list[uuid.UUID] = []
    chance = random.Random(7)
    for round_ in range(6):
        with place.runner(f"stopping-{round_}", probe=step("echo")) as runner:
            for _ in range(4):
                ids.append(place.table.new())
                runner.wake()
            time.sleep(chance.random() * 0.15)
    # Then no job is held by a worker that is gone
    assert place.table.states(ids) <= {"PENDING", "COMPLETED"}
    with place.runner("last", probe=step("echo")):
        for id in ids:
            place.table.wait_for(id, "COMPLETED")


# ---------------------------------------------------------------- hints


def test_no_hint_is_lost(place: Workplace):
    """Each job is hinted once, and nobody sweeps: whatever a hint loses stays PENDING for ever."""
    chance, ids = random.Random(11), []

    def run(claim: Claim) -> Outcome:
        time.sleep(chance.random() * 0.01)
        return Outcome(keys=[str(claim.row.id)])

    with place.runner("one", probe=run, job_threads=2) as one, place.runner("two", probe=run, job_threads=1) as two:

        def make(runner: Runner, seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(60):
                ids.append(place.table.new())
                runner.wake()
                time.sleep(chance.random() * 0.03)

        makers = [threading.Thread(target=make, args=(runner, n)) for n, runner in enumerate((one, one, two))]
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
        eventually(lambda: place.table.states(ids) == {"COMPLETED"}, 60, lambda: place.table.states(ids))
    assert all(place.table.row(id).attempt == 1 for id in ids)
    assert len(ids) == 180


def test_a_job_is_never_run_by_two_at_once(place: Workplace):
    running: set[uuid.UUID] = set()
    doubled: list[uuid.UUID] = []
    lock = threading.Lock()

    def run(claim: Claim) -> Outcome:
        with lock:
            if claim.row.id in running:
                doubled.append(claim.row.id)
            running.add(claim.row.id)
        time.sleep(0.01)
        with lock:
            running.discard(claim.row.id)
        return Outcome(keys=["k"])

    ids = [place.table.new() for _ in range(60)]
    with place.runner("one", probe=run), place.runner("two", probe=run), place.runner("three", probe=run):
        eventually(lambda: place.table.states(ids) == {"COMPLETED"})
    assert doubled == []
    assert {len(place.table.outputs(id)) for id in ids} == {1}


def test_all_slots_are_used(place: Workplace):
    together = threading.Barrier(2)

    def run(claim: Claim) -> Outcome:
        together.wait(30)  # only two at once come past this
        return Outcome()

    ids = [place.table.new() for _ in range(2)]
    with place.runner(probe=run):
        for id in ids:
            place.table.wait_for(id, "COMPLETED")


# ---------------------------------------------------------------- faults around a job


def test_a_fork_server_that_dies_is_replaced_and_its_jobs_are_run_again(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), render=step("echo")) as runner:
        asleep(place, id)
        place.zygote._running().process.kill()
        place.table.wait_for(id, "PENDING")
        assert reason(place.table.row(id)) == "JOB_CRASHED"
        place.table.change(id, run_after=sa.text("now() + interval '1 hour'"))
        other = place.table.new("render")
        runner.wake()
        place.table.wait_for(other, "COMPLETED")


def test_a_worker_that_came_before_the_tables_begins_when_they_are_there(place: Workplace):
    table = place.table
    table.run(sa.text("ALTER TABLE jobs RENAME TO not_yet_made"))
    try:
        with place.runner(probe=step("echo")) as runner:
            for _ in range(5):
                runner.wake()
            time.sleep(0.5)
            table.run(sa.text("ALTER TABLE not_yet_made RENAME TO jobs"))
            id = table.new()
            # No hint: what it had been told before is not forgotten.
            table.wait_for(id, "COMPLETED")
    finally:
        table.run(sa.text("ALTER TABLE IF EXISTS not_yet_made RENAME TO jobs"))


def test_connections_that_break_change_nothing(place: Workplace):
    """Every connection of the runner is cut again and again while jobs run."""
    chance = random.Random(3)
    ids = [place.table.new(max_attempts=50) for _ in range(30)]
    cut = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'threed%'")
    with place.runner(probe=step("echo"), job_lease_s=1.5) as runner:

        def look() -> bool:
            place.table.run(cut)
            place.table.sweep()
            place.table.run(sa.text("UPDATE jobs SET run_after = now() WHERE state = 'PENDING'"))
            runner.wake()
            time.sleep(chance.random() * 0.1)
            return place.table.states(ids) == {"COMPLETED"}

        eventually(look, 90, lambda: place.table.states(ids))
    assert {len(place.table.outputs(id)) for id in ids} == {1}


def test_an_error_without_attempts_left_is_told(place: Workplace):
    def run(claim: Claim) -> Outcome:
        raise JobFailed("The engine has no such camera.")

    id = place.table.new(max_attempts=1)
    with place.runner(probe=run):
        row = place.table.wait_for(id, "FAILED")
    assert row.error["message"] == "The engine has no such camera."


def test_a_job_that_was_deleted_while_it_ran_leaves_nothing(place: Workplace):
    id = place.table.new()
    with place.runner(probe=step("sleep"), job_lease_s=1.5):
        asleep(place, id)
        place.table.run(sa.text(f"DELETE FROM jobs WHERE id = '{id}'"))
        eventually(lambda: place.children() == [], 10)
