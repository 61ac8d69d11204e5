"""The statements of the job table, on a real PostgreSQL: who may run what, and what can be published."""

from __future__ import annotations

import collections
import threading

import pytest
import sqlalchemy as sa
from tests.jobs.table import CANCELLED, FAILURE, LOST, PROJECT, JobTable

from threed import ids
from threed.records import jobs

# ---------------------------------------------------------------- claiming


def test_the_most_urgent_job_is_claimed_first_and_among_equals_the_oldest(table: JobTable):
    second, third, first = table.new(), table.new(), table.new(priority=5)
    assert [table.claim().id for _ in range(3)] == [first, second, third]
    assert table.claim() is None


def test_a_claim_takes_only_the_kinds_that_the_worker_knows(table: JobTable):
    table.new("render", priority=9)
    probe = table.new("probe")
    assert table.claim(kinds=("probe",)).id == probe
    assert table.claim(kinds=("probe",)) is None


def test_a_job_is_not_claimed_before_its_time(table: JobTable):
    table.new(run_after=sa.text("now() + interval '1 hour'"))
    assert table.claim() is None


def test_a_claim_raises_the_fence_and_counts_the_attempt(table: JobTable):
    table.new()
    row = table.claim("worker-7", lease_s=10)
    assert (row.state, row.fence, row.attempt, row.worker, row.phase) == ("PROCESSING", 1, 1, "worker-7", "fetching")
    assert row.lease_until > row.started_at


def test_concurrent_claimers_never_get_the_same_job(table: JobTable):
    # Given more claimers than jobs, all at once
    made = {table.new() for _ in range(60)}
    claimed, start = collections.Counter(), threading.Barrier(8)

    def claimer(name: str) -> None:
        start.wait()
        while row := table.claim(name):
            claimed[row.id] += 1

    threads = [threading.Thread(target=claimer, args=(f"worker-{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then each job was claimed once
    assert claimed == dict.fromkeys(made, 1)


def test_a_claim_does_not_wait_for_a_row_that_another_transaction_holds(table: JobTable):
    held, free = table.new(priority=1), table.new()
    with table.engine.begin() as other:
        assert other.execute(jobs.claim(["probe"], "worker-1", 10)).one().id == held
        assert table.claim("worker-2").id == free


# ---------------------------------------------------------------- the fence


@pytest.fixture
def zombie(table: JobTable) -> sa.Row:
    """What a worker holds whose lease ran out, and whose job another worker has claimed since."""
    table.new()
    row = table.claim("zombie")
    table.expire(row.id)
    table.sweep()
    assert table.claim("worker-2").fence == row.fence + 1
    return row


def _of_a_zombie(row: sa.Row) -> dict[str, sa.Executable]:
    return {
        "heartbeat": jobs.heartbeat(row.id, row.fence, 10, "drawing", 0.5, 50),
        "complete": jobs.complete(row.id, row.fence, 50),
        "fail": jobs.fail(row.id, row.fence, FAILURE, 50),
        "release": jobs.release(row.id, row.fence, FAILURE, 0, 50),
        "hand_back": jobs.hand_back("zombie"),
    }


@pytest.mark.parametrize("what", ["heartbeat", "complete", "fail", "release", "hand_back"])
def test_a_zombie_changes_nothing(table: JobTable, zombie: sa.Row, what: str):
    before = table.row(zombie.id)
    assert table.run(_of_a_zombie(zombie)[what]) == []
    assert table.row(zombie.id) == before


def test_a_heartbeat_renews_the_lease_and_records_how_far_the_job_is(table: JobTable):
    table.new()
    row = table.claim(lease_s=1)
    (answer,) = table.run(jobs.heartbeat(row.id, row.fence, 100, "drawing", 0.5, row.sequence + 7))
    after = table.row(row.id)
    assert answer.cancel_requested is False
    assert (after.phase, after.progress, after.sequence) == ("drawing", 0.5, row.sequence + 7)
    assert (after.lease_until - row.lease_until).total_seconds() > 90


def test_a_lease_that_ran_out_cannot_be_renewed(table: JobTable):
    table.new()
    row = table.claim()
    table.expire(row.id)
    assert table.run(jobs.heartbeat(row.id, row.fence, 10, "drawing", 0.5, 50)) == []


def test_a_job_is_completed_once(table: JobTable):
    table.new()
    row = table.claim()
    assert len(table.run(jobs.complete(row.id, row.fence, 5))) == 1
    assert table.run(jobs.complete(row.id, row.fence, 5)) == []
    after = table.row(row.id)
    assert (after.state, after.phase, after.progress, after.error) == ("COMPLETED", "done", 1, None)
    assert after.finished_at >= after.started_at and after.lease_until is None


def test_a_second_publication_is_impossible(table: JobTable):
    table.new()
    row = table.claim()
    table.run(jobs.complete(row.id, row.fence, 1, ["a"]))
    table.change(row.id, state="PROCESSING")  # no statement of ours does
    with pytest.raises(sa.exc.IntegrityError):
        table.run(jobs.complete(row.id, row.fence, 2, ["b"]))
    assert [output.keys for output in table.outputs(row.id)] == [["a"]]


# ---------------------------------------------------------------- ends and new attempts


def test_a_failed_job_says_why(table: JobTable):
    table.new()
    row = table.claim()
    table.run(jobs.fail(row.id, row.fence, FAILURE, 5))
    after = table.row(row.id)
    assert (after.state, after.error, after.phase) == ("FAILED", FAILURE, "done")
    assert after.finished_at is not None


def test_a_released_job_waits_and_is_then_tried_again(table: JobTable):
    table.new()
    row = table.claim()
    table.run(jobs.release(row.id, row.fence, FAILURE, 3600, 5))
    after = table.row(row.id)
    assert (after.state, after.worker, after.hinted_at, after.finished_at) == ("PENDING", None, None, None)
    assert table.claim() is None
    table.change(row.id, run_after=sa.func.now())
    assert table.claim().attempt == 2


def test_a_job_without_attempts_left_fails_instead_of_being_released(table: JobTable):
    table.new(max_attempts=1)
    row = table.claim()
    table.run(jobs.release(row.id, row.fence, FAILURE, 0, 5))
    after = table.row(row.id)
    assert (after.state, after.error, after.phase) == ("FAILED", FAILURE, "done")
    assert after.finished_at is not None


def test_the_sweeper_gives_back_only_what_lost_its_lease(table: JobTable):
    table.new()
    table.new()
    lost, held = table.claim("dead"), table.claim("alive")
    table.expire(lost.id)
    assert [row.id for row in table.sweep()] == [lost.id]
    assert table.row(held.id).state == "PROCESSING"
    assert table.row(lost.id).state == "PENDING"


def test_the_first_loss_is_repeated_at_once_and_later_ones_later_and_later(table: JobTable):
    id, waits = table.new(max_attempts=9), []
    for _ in range(8):
        table.change(id, run_after=sa.func.now())
        table.claim()
        table.expire(id)
        (row,) = table.sweep()
        now = table.run(sa.select(sa.func.now()))[0][0]
        waits.append(round((row.run_after - now).total_seconds()))
    assert waits == [0, 4, 8, 16, 32, 60, 60, 60]


def test_a_job_that_lost_its_worker_too_often_fails(table: JobTable):
    id = table.new(max_attempts=2)
    for _ in range(2):
        table.change(id, run_after=sa.func.now())
        table.claim()
        table.expire(id)
        table.sweep()
    after = table.row(id)
    assert (after.state, after.error, after.attempt, after.phase) == ("FAILED", LOST, 2, "done")
    assert after.finished_at is not None
    assert table.sweep() == []


def test_sweepers_overlap_without_sweeping_a_job_twice(table: JobTable):
    for _ in range(4):
        table.new()
        table.expire(table.claim().id)
    with table.engine.begin() as other:
        first = other.execute(jobs.sweep(LOST, limit=2)).all()
        second = table.sweep()
    assert len(first) == len(second) == 2
    assert {row.id for row in first}.isdisjoint(row.id for row in second)


def test_a_stopping_worker_hands_back_its_own_jobs_and_no_attempt_is_counted(table: JobTable):
    table.new()
    table.new()
    mine, other = table.claim("stopping"), table.claim("going-on")
    assert [row.id for row in table.run(jobs.hand_back("stopping"))] == [mine.id]
    after = table.row(mine.id)
    assert (after.state, after.attempt, after.worker, after.hinted_at) == ("PENDING", 0, None, None)
    assert table.row(other.id).state == "PROCESSING"
    assert table.claim().fence == mine.fence + 1


# ---------------------------------------------------------------- cancelling and retrying


def test_a_waiting_job_is_cancelled_at_once(table: JobTable):
    id = table.new()
    assert len(table.run(jobs.cancel(id, PROJECT, CANCELLED))) == 1
    after = table.row(id)
    assert (after.state, after.error, after.phase) == ("CANCELLED", CANCELLED, "done")
    assert after.finished_at is not None
    assert table.claim() is None


def test_the_worker_of_a_running_job_is_told_that_it_is_cancelled(table: JobTable):
    table.new()
    row = table.claim()
    with table.listening(jobs.CANCELS) as heard:
        table.run(jobs.cancel(row.id, PROJECT, CANCELLED))
        assert heard() == [str(row.id)]
    assert table.row(row.id).state == "PROCESSING"
    (answer,) = table.run(jobs.heartbeat(row.id, row.fence, 10, "drawing", 0.5, row.sequence))
    assert answer.cancel_requested is True


def _ends(row: sa.Row) -> dict[str, sa.Executable]:
    return {
        "fail": jobs.fail(row.id, row.fence, FAILURE, 5),
        "release": jobs.release(row.id, row.fence, FAILURE, 0, 5),
        "hand_back": jobs.hand_back("worker-1"),
        "sweep": jobs.sweep(LOST),
    }


@pytest.mark.parametrize("end", ["fail", "release", "hand_back", "sweep"])
def test_a_cancelled_job_ends_cancelled_however_its_worker_ends(table: JobTable, end: str):
    # Given a running job that somebody cancelled, and somebody else too
    asset, id = table.new_ingest()
    row = table.claim()
    table.run(jobs.cancel(id, PROJECT, CANCELLED))
    table.run(jobs.cancel(id, PROJECT, FAILURE))
    # When its worker fails, gives up, stops, or is lost
    if end == "sweep":
        table.expire(id)
    table.run(_ends(row)[end])
    # Then it is CANCELLED by the first of the two, and nobody will run it
    after = table.row(id)
    assert (after.state, after.error, after.phase) == ("CANCELLED", CANCELLED, "done")
    assert after.finished_at is not None
    assert table.asset(asset).status == "FAILED"
    assert table.asset(asset).error == CANCELLED
    assert table.claim() is None


def test_a_job_that_is_done_before_the_cancellation_reaches_it_stays_done(table: JobTable):
    table.new()
    row = table.claim()
    table.run(jobs.cancel(row.id, PROJECT, CANCELLED))
    table.run(jobs.complete(row.id, row.fence, 5))
    after = table.row(row.id)
    assert (after.state, after.error) == ("COMPLETED", None)


def test_a_finished_job_cannot_be_cancelled_and_another_projects_job_neither(table: JobTable):
    table.new()
    row = table.claim()
    assert table.run(jobs.cancel(row.id, "somebody else's", CANCELLED)) == []
    table.run(jobs.complete(row.id, row.fence, 5))
    assert table.run(jobs.cancel(row.id, PROJECT, CANCELLED)) == []


def test_a_retried_job_has_all_its_attempts_again(table: JobTable):
    table.new(max_attempts=1)
    row = table.claim()
    assert table.run(jobs.retry(row.id, PROJECT)) == [], "it still runs"
    table.run(jobs.cancel(row.id, PROJECT, CANCELLED))
    table.run(jobs.fail(row.id, row.fence, FAILURE, 5))
    assert table.run(jobs.retry(row.id, "somebody else's")) == []
    assert len(table.run(jobs.retry(row.id, PROJECT))) == 1
    after = table.row(row.id)
    assert (after.state, after.attempt, after.cancel_requested, after.error) == ("PENDING", 0, False, None)
    assert (after.finished_at, after.started_at, after.progress) == (None, None, 0)
    again = table.claim()
    assert again.fence == row.fence + 1, "the worker of the first run must not be able to write"


def test_a_completed_job_cannot_be_retried(table: JobTable):
    table.new()
    row = table.claim()
    table.run(jobs.complete(row.id, row.fence, 5))
    assert table.run(jobs.retry(row.id, PROJECT)) == []


# ---------------------------------------------------------------- what others see


def test_the_asset_of_an_ingest_job_follows_in_the_same_statement(table: JobTable):
    asset, id = table.new_ingest()
    seen = [table.asset(asset)]

    def after(statement: sa.Executable) -> None:
        table.run(statement)
        seen.append(table.asset(asset))

    after(jobs.claim(["ingest"], "worker-1", 10))
    after(jobs.release(id, 1, FAILURE, 0, 5))
    after(jobs.claim(["ingest"], "worker-1", 10))
    after(jobs.fail(id, 2, FAILURE, 5))
    after(jobs.retry(id, PROJECT))
    after(jobs.claim(["ingest"], "worker-1", 10))
    after(jobs.complete(id, 3, 5))
    statuses = [row.status for row in seen]
    assert statuses == [
        *("UPLOADED", "PROCESSING", "UPLOADED", "PROCESSING", "FAILED", "UPLOADED", "PROCESSING", "VALIDATED")
    ]
    assert [row.error for row in seen] == [*[None] * 4, FAILURE, *[None] * 3]
    assert [row.revision for row in seen] == list(range(1, 9))


def test_every_change_of_state_is_told_once(table: JobTable):
    id = table.new()
    with table.listening(jobs.EVENTS) as heard:
        table.claim()
        table.run(jobs.heartbeat(id, 1, 10, "drawing", 0.5, 7))
        table.run(jobs.tick("probe", id, 8, "drawing", 0.6))
        table.run(jobs.complete(id, 1, 8))
        events = heard()
    assert [(event["kind"], event["id"], event.get("changed")) for event in events] == [
        ("probe", str(id), True),
        ("probe", str(id), None),
        ("probe", str(id), True),
    ]
    assert events[1]["phase"] == "drawing" and events[1]["progress"] == 0.6


def test_nothing_is_told_of_what_is_rolled_back(table: JobTable):
    table.new()
    with table.listening(jobs.EVENTS) as heard:
        with table.engine.connect() as connection:
            connection.execute(jobs.claim(["probe"], "worker-1", 10))
            connection.rollback()
        assert heard() == []
    assert table.claim().fence == 1


def test_a_watcher_never_sees_a_smaller_sequence(table: JobTable):
    # Given what is told while a job is lost, cancelled by request, retried and done, with ticks that no row records
    id, told = table.new(max_attempts=9), []

    def ticks(row: sa.Row) -> int:
        for number in range(1, 40):
            table.run(jobs.tick("probe", id, row.sequence + number, "drawing", number / 100))
        return row.sequence + 39

    with table.listening(jobs.EVENTS) as heard:
        ticks(table.claim("lost"))
        table.expire(id)
        table.sweep()
        table.change(id, run_after=sa.func.now())
        ticks(table.claim("stopping"))
        table.run(jobs.hand_back("stopping"))
        row = table.claim()
        last = ticks(row)
        table.run(jobs.cancel(id, PROJECT, CANCELLED))
        table.run(jobs.fail(id, row.fence, FAILURE, last))
        table.run(jobs.retry(id, PROJECT))
        row = table.claim()
        table.run(jobs.complete(id, row.fence, ticks(row)))
        told = [event["sequence"] for event in heard()]
    # Then each message has a larger number than the one before
    assert len(told) == 4 * 40 + 6
    assert told == sorted(set(told))


# ---------------------------------------------------------------- hints


def test_whoever_listens_hears_of_every_job_that_can_be_claimed(table: JobTable):
    with table.listening(jobs.READY) as heard:
        # Given a new job, one that came back to be tried at once, and one that has to wait
        table.new()
        row = table.claim()
        table.run(jobs.release(row.id, row.fence, {}, 0, 1))
        row = table.claim()
        table.run(jobs.release(row.id, row.fence, {}, 60, 2))
        # Then the first two are told, by their kind
        assert heard() == ["probe", "probe"]


def test_a_claim_says_whether_it_leaves_others_behind(table: JobTable):
    table.new()
    table.new(kind="render")
    table.new()
    assert [table.claim(kinds=("probe",)).more for _ in range(2)] == [True, False]


def test_a_new_job_counts_as_hinted_and_is_hinted_again_when_nobody_came(table: JobTable):
    id = table.new()
    assert table.run(jobs.unhinted()) == []
    table.change(id, hinted_at=sa.text("now() - interval '11 seconds'"))
    assert [(row.id, row.kind) for row in table.run(jobs.unhinted())] == [(id, "probe")]
    assert table.run(jobs.unhinted()) == [], "it was hinted just now"


def test_a_job_that_came_back_is_hinted_when_its_time_has_come(table: JobTable):
    table.new()
    row = table.claim()
    table.run(jobs.release(row.id, row.fence, FAILURE, 3600, 5))
    assert table.run(jobs.unhinted()) == []
    table.change(row.id, run_after=sa.func.now())
    assert [due.id for due in table.run(jobs.unhinted())] == [row.id]


def test_a_running_or_finished_job_is_not_hinted(table: JobTable):
    table.new(hinted_at=None)
    row = table.claim()
    assert table.run(jobs.unhinted()) == []
    table.run(jobs.complete(row.id, row.fence, 5))
    assert table.run(jobs.unhinted()) == []


def test_no_two_servers_send_the_same_hint(table: JobTable):
    for _ in range(4):
        table.new(hinted_at=None)
    with table.engine.begin() as other:
        first = {row.id for row in other.execute(jobs.unhinted(limit=2))}
        second = {row.id for row in table.run(jobs.unhinted())}
    assert len(first) == len(second) == 2
    assert first.isdisjoint(second)


def test_an_unknown_job_is_none(table: JobTable):
    assert table.run(jobs.cancel(ids.uuid7(), PROJECT, CANCELLED)) == []
    assert table.run(jobs.retry(ids.uuid7(), PROJECT)) == []
    assert table.run(jobs.complete(ids.uuid7(), 1, 1)) == []
