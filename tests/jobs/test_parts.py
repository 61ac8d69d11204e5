"""Jobs of parts, such as a film of frames, and the turns of projects, on a real PostgreSQL."""

from __future__ import annotations

import threading
import uuid

import pytest
import sqlalchemy as sa
from tests.jobs.table import CANCELLED, FAILURE, PROJECT, JobTable

from threed import ids
from threed.records import jobs
from threed.records.tables import jobs as rows

KINDS = ("render", "frame")


def film(table: JobTable, parts: int = 3, project: str = PROJECT, **options: int) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """A render job of so many frames, which nobody has begun."""
    id, made = ids.uuid7(), [ids.uuid7() for _ in range(parts)]
    specs = [{"frame": {"number": number}} for number in range(parts)]
    priority, attempts = options.get("priority", 0), options.get("attempts", 1)
    spec = {"render": {"renderJob": {}}}
    table.run(jobs.create_whole(id, project, "render", spec, made, "frame", specs, priority, attempts))
    return id, made


def drawn(table: JobTable, fence: int = 1) -> uuid.UUID:
    """The next frame, claimed and completed."""
    row = table.claim(kinds=("frame",))
    assert table.run(jobs.complete(row.id, row.fence, row.sequence))
    return row.id


def failed(table: JobTable) -> uuid.UUID:
    row = table.claim(kinds=("frame",))
    assert table.run(jobs.fail(row.id, row.fence, FAILURE, row.sequence))
    return row.id


def statuses(table: JobTable, id: uuid.UUID) -> list[str]:
    return [entry["status"] for entry in table.row(id).history]


def test_frames_are_claimed_in_their_order_with_the_spec_of_the_whole_and_the_whole_last(table: JobTable):
    # Given a film of three frames
    film_id, frames = film(table)
    # When workers take all there is
    assert [drawn(table) for _ in frames] == frames
    # Then the film itself is what is left, and it has been PROCESSING since the first frame
    whole = table.claim(kinds=KINDS)
    assert (whole.id, whole.kind, whole.parts_open, whole.parts_failed) == (film_id, "render", 0, 0)
    assert table.run(jobs.complete(whole.id, whole.fence, whole.sequence))
    assert statuses(table, film_id) == ["PENDING", "PROCESSING", "COMPLETED"]


def test_a_frame_comes_with_the_spec_of_its_film(table: JobTable):
    film(table)
    assert table.claim(kinds=KINDS).whole_spec == {"render": {"renderJob": {}}}


def test_a_film_is_processing_from_the_begin_of_its_first_frame(table: JobTable):
    film_id, _ = film(table)
    assert table.row(film_id).status == "PENDING"
    table.claim(kinds=KINDS)
    assert (table.row(film_id).status, table.row(film_id).state) == ("PROCESSING", "WAITING")


def test_a_failed_frame_fails_the_film_only_when_no_other_is_open(table: JobTable):
    # Given a film whose first frame failed
    film_id, _ = film(table)
    failed(table)
    assert table.row(film_id).status == "PROCESSING"
    # When the others are drawn
    drawn(table)
    drawn(table)
    # Then the film has failed, says why, and there is nothing to claim
    row = table.row(film_id)
    assert (row.status, row.parts_failed, row.error["details"][0]["reason"]) == ("FAILED", 1, "FRAMES_FAILED")
    assert row.finished_at is not None
    assert table.claim(kinds=KINDS) is None


def test_a_retry_draws_only_the_frames_that_failed(table: JobTable):
    # Given a film with a failed frame
    film_id, frames = film(table)
    failed(table)
    drawn(table)
    drawn(table)
    # When it is retried
    assert table.run(jobs.retry(film_id, PROJECT))
    # Then that frame alone is open, and after it the film is ready to be put together
    assert (table.row(film_id).state, table.row(film_id).parts_open) == ("WAITING", 1)
    assert drawn(table) == frames[0]
    assert table.claim(kinds=KINDS).id == film_id
    assert not table.run(jobs.retry(film_id, PROJECT)), "it is under way"


def test_a_film_that_could_not_be_put_together_is_retried_without_its_frames(table: JobTable):
    film_id, _ = film(table, parts=1)
    drawn(table)
    whole = table.claim(kinds=KINDS)
    table.run(jobs.fail(whole.id, whole.fence, FAILURE, whole.sequence))
    assert table.run(jobs.retry(film_id, PROJECT))
    assert table.claim(kinds=KINDS).id == film_id


def test_a_film_with_frames_under_way_cannot_be_retried(table: JobTable):
    film_id, _ = film(table)
    failed(table)
    assert not table.run(jobs.retry(film_id, PROJECT))
    assert table.row(film_id).parts_failed == 1


def test_a_cancelled_film_that_nobody_has_begun_ends_at_once(table: JobTable):
    film_id, frames = film(table)
    assert table.run(jobs.cancel(film_id, PROJECT, CANCELLED))
    assert table.states([film_id, *frames]) == {"CANCELLED"}
    assert table.claim(kinds=KINDS) is None


def test_a_cancelled_film_ends_with_the_last_frame_that_is_being_drawn(table: JobTable):
    # Given a film, one frame of which is being drawn
    film_id, frames = film(table)
    running = table.claim(kinds=KINDS)
    # When it is cancelled
    with table.listening(jobs.CANCELS) as told:
        assert table.run(jobs.cancel(film_id, PROJECT, CANCELLED))
        # Then its worker is told, and nobody may begin another
        assert str(running.id) in told()
    assert table.row(film_id).status == "PROCESSING"
    assert table.claim(kinds=KINDS) is None
    # And with that frame it is CANCELLED, for the reason that the caller gave
    assert table.run(jobs.fail(running.id, running.fence, FAILURE, running.sequence))
    assert table.row(film_id).status == "CANCELLED"
    assert table.row(film_id).error == CANCELLED
    assert table.states(frames) == {"CANCELLED"}


def test_a_retry_of_a_cancelled_film_keeps_what_was_drawn(table: JobTable):
    film_id, frames = film(table)
    drawn(table)
    table.run(jobs.cancel(film_id, PROJECT, CANCELLED))
    assert table.run(jobs.retry(film_id, PROJECT))
    assert [drawn(table) for _ in range(2)] == frames[1:]
    assert table.claim(kinds=KINDS).id == film_id


def test_a_paused_film_finishes_what_is_being_drawn_and_begins_nothing(table: JobTable):
    film_id, frames = film(table)
    running = table.claim(kinds=KINDS)
    assert table.run(jobs.pause(film_id, PROJECT, True))
    assert table.row(film_id).status == "PAUSED"
    assert table.run(jobs.complete(running.id, running.fence, running.sequence))
    assert table.claim(kinds=KINDS) is None
    # And goes on when it is resumed, which idle workers are told
    with table.listening(jobs.READY) as told:
        assert table.run(jobs.pause(film_id, PROJECT, False))
        assert "frame" in told()
    assert table.row(film_id).status == "PROCESSING"
    assert [drawn(table) for _ in range(2)] == frames[1:]


def test_a_frame_that_comes_back_while_its_film_is_paused_waits(table: JobTable):
    film_id, _ = film(table, parts=1, attempts=5)
    running = table.claim(kinds=KINDS)
    table.run(jobs.pause(film_id, PROJECT, True))
    table.run(jobs.release(running.id, running.fence, FAILURE, 0, running.sequence))
    assert table.claim(kinds=KINDS) is None
    table.run(jobs.pause(film_id, PROJECT, False))
    assert table.claim(kinds=KINDS).id == running.id


def test_a_pending_job_is_paused_and_a_finished_one_stays_as_it_is(table: JobTable):
    job = table.new("render")
    assert table.run(jobs.pause(job, PROJECT, True))
    assert table.row(job).status == "PAUSED"
    assert table.claim(kinds=KINDS) is None
    table.run(jobs.cancel(job, PROJECT, CANCELLED))
    assert not table.run(jobs.pause(job, PROJECT, False))
    assert statuses(table, job) == ["PENDING", "PAUSED", "CANCELLED"]


def test_another_project_can_neither_pause_nor_cancel_nor_retry_it(table: JobTable):
    film_id, frames = film(table)
    for statement in (jobs.pause(film_id, "other", True), jobs.cancel(film_id, "other", CANCELLED)):
        assert not table.run(statement)
    assert not table.run(jobs.retry(film_id, "other"))
    assert table.states([film_id]) == {"WAITING"}
    assert table.states(frames) == {"PENDING"}


def test_frames_that_end_at_the_same_time_are_each_counted_once(table: JobTable):
    # Given a film of many frames, all claimed
    film_id, frames = film(table, parts=40)
    claimed = [table.claim(f"worker-{number}", kinds=KINDS) for number in range(len(frames))]
    start = threading.Barrier(4)

    def end(share: list[sa.Row]) -> None:
        start.wait()
        for row in share:
            table.run(jobs.complete(row.id, row.fence, row.sequence))

    # When four workers end them at once
    threads = [threading.Thread(target=end, args=(claimed[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then none is open, and the film was made ready once
    row = table.row(film_id)
    assert (row.state, row.parts_open, row.parts_failed) == ("PENDING", 0, 0)
    assert statuses(table, film_id) == ["PENDING", "PROCESSING"]


def test_a_lost_worker_costs_its_frame_and_nothing_else(table: JobTable):
    film_id, _ = film(table, attempts=5)
    done = drawn(table)
    lost = table.claim(kinds=KINDS)
    table.expire(lost.id)
    assert [row.id for row in table.sweep()] == [lost.id]
    assert table.row(done).state == "COMPLETED"
    assert table.row(film_id).parts_open == 2
    assert lost.id in [table.claim(kinds=KINDS).id for _ in range(2)]


@pytest.mark.parametrize("change", ["claim", "complete", "pause", "cancel"])
def test_the_watchers_of_a_film_are_told_by_growing_numbers(table: JobTable, change: str):
    film_id, _ = film(table)
    running = table.claim(kinds=KINDS) if change != "claim" else None
    before = table.row(film_id).sequence
    statements = {
        "claim": lambda: jobs.claim(KINDS, "worker-1", 10),
        "complete": lambda: jobs.complete(running.id, running.fence, running.sequence),
        "pause": lambda: jobs.pause(film_id, PROJECT, True),
        "cancel": lambda: jobs.cancel(film_id, PROJECT, CANCELLED),
    }
    with table.listening(jobs.EVENTS) as told:
        table.run(jobs.tick_of_part("render", film_id, "rendering", 0.5, frame=1))
        table.run(statements[change]())
        heard = told()
    assert [event["id"] for event in heard] == [str(film_id)] * 2, "no frame has watchers of its own"
    assert before < heard[0]["sequence"] < heard[1]["sequence"] == table.row(film_id).sequence


def test_the_project_that_has_least_running_is_next(table: JobTable):
    # Given a long queue of one project, and later one job of another
    film(table, parts=50, project="long")
    table.claim(kinds=KINDS)
    _, (other,) = film(table, parts=1, project="short")
    # When the next worker comes
    # Then the other project has its turn
    assert table.claim(kinds=KINDS).id == other


def test_a_higher_priority_comes_before_a_fair_share(table: JobTable):
    _, urgent = film(table, parts=2, project="long", priority=5)
    film(table, parts=1, project="short")
    assert [table.claim(kinds=KINDS).id for _ in range(2)] == urgent


def test_a_project_runs_no_more_than_it_may(table: JobTable):
    film(table, parts=5, project="long")
    take = lambda: table.run(jobs.claim(KINDS, "worker-1", 10, most_of_project=2))  # noqa: E731
    assert [len(take()) for _ in range(3)] == [1, 1, 0]
    running = table.run(sa.select(rows).where(rows.c.state == "PROCESSING"))[0]
    table.run(jobs.complete(running.id, running.fence, running.sequence))
    assert len(take()) == 1


def test_deleting_a_film_deletes_its_frames(table: JobTable):
    film_id, _ = film(table)
    table.run(sa.delete(rows).where(rows.c.id == film_id))
    assert table.run(sa.select(rows)) == []


def test_idle_workers_are_told_of_a_film_whose_frames_are_all_drawn(table: JobTable):
    film(table, parts=1)
    running = table.claim(kinds=KINDS)
    with table.listening(jobs.READY) as told:
        table.run(jobs.complete(running.id, running.fence, running.sequence))
        assert told() == ["render"]


def test_the_end_of_a_film_has_a_larger_number_than_anything_that_was_told_of_it(table: JobTable):
    # Given a film whose frames were told of in the database's time, after the numbers of its own row
    film_id, _ = film(table, parts=1)
    drawn(table)
    with table.listening(jobs.EVENTS) as told:
        table.run(jobs.tick_of_part("render", film_id, "rendering", 1.0))
        (tick,) = told()
    # When it is put together, or not
    whole = table.claim(kinds=KINDS)
    assert whole.sequence > tick["sequence"]
    table.run(jobs.tick_of_part("render", film_id, "rendering", 1.0))
    table.run(jobs.complete(whole.id, whole.fence, whole.sequence))
    # Then that is the last that a watcher takes
    assert table.row(film_id).sequence > whole.sequence + 1
