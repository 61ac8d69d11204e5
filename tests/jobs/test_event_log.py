"""Events are recorded by the statements that change the state: one each, and none for what changed nothing."""

from __future__ import annotations

import threading
import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from tests.jobs.table import CANCELLED, FAILURE, LOST, PROJECT, JobTable

from threed import ids
from threed.records import derivatives, event_log, jobs, render_jobs, retention
from threed.records import tables as rows
from threed.v1 import jobs_pb2

ASSET, SCENE = ids.uuid7(), ids.uuid7()


def new(table: JobTable, kind: str) -> uuid.UUID:
    """A PENDING job of that kind, with what it is about. Its id."""
    if kind == "ingest":
        return table.new_ingest()[1]
    id = table.new(kind, max_attempts=2)
    if kind == "derive":
        digests = dict.fromkeys(("source_sha256", "recipe_sha256", "cache_key"), "c" * 64)
        table.run(sa.insert(rows.derivatives).values(id=id, project=PROJECT, asset_id=ASSET, request={}, **digests))
    if kind == "render":
        made = {"request": {}, "output_format": "PNG", "asset_id": ASSET, "scene_id": SCENE}
        table.run(sa.insert(rows.render_jobs).values(id=id, project=PROJECT, **made))
    return id


def claim(table: JobTable) -> sa.Row:
    return table.claim(kinds=("ingest", "derive", "render", "probe"))


def about(table: JobTable) -> list[tuple]:
    """Type and status of every event, the first first."""
    return [(event.type, event.status) for event in table.events()]


ENDS = [
    ("ingest", ("asset_ready", "VALIDATED"), ("asset_failed", "FAILED"), ("asset_failed", "FAILED")),
    (
        "derive",
        ("derivative_ready", "COMPLETED"),
        ("derivative_failed", "FAILED"),
        ("derivative_cancelled", "CANCELLED"),
    ),
    (
        "render",
        ("render_job_completed", "COMPLETED"),
        ("render_job_failed", "FAILED"),
        ("render_job_cancelled", "CANCELLED"),
    ),
]
every_kind = pytest.mark.parametrize(("kind", "completed", "failed", "cancelled"), ENDS)


def test_every_kind_of_job_but_probes_and_parts_has_events():
    kinds = {field.name for field in jobs_pb2.Job.DESCRIPTOR.oneofs_by_name["spec"].fields}
    assert kinds - {"probe", "frame"} == {kind for kind, *_ in ENDS}


@every_kind
def test_each_end_of_a_job_is_recorded_once(table: JobTable, kind, completed, failed, cancelled):
    # Given a job that fails, is retried and then cancelled while it waits, retried and then done
    id = new(table, kind)
    row = claim(table)
    table.run(jobs.fail(id, row.fence, FAILURE, 5))
    table.run(jobs.retry(id, PROJECT))
    table.run(jobs.cancel(id, PROJECT, CANCELLED))
    table.run(jobs.cancel(id, PROJECT, CANCELLED))
    table.run(jobs.retry(id, PROJECT))
    row = claim(table)
    for _ in range(2):
        table.run(jobs.complete(id, row.fence, 5))
    # Then each end has one event, in that order, with why it was one
    assert about(table) == [failed, cancelled, completed]
    assert [event.error for event in table.events()] == [FAILURE, CANCELLED, None]
    assert {event.project for event in table.events()} == {PROJECT}


@every_kind
def test_an_event_names_what_it_is_about(table: JobTable, kind, completed, failed, cancelled):
    id = new(table, kind)
    row = claim(table)
    table.run(jobs.complete(id, row.fence, 5))
    (event,) = table.events()
    names = {
        "ingest": (row.subject, None, None, None),
        "derive": (ASSET, id, None, None),
        "render": (ASSET, None, id, SCENE),
    }
    assert (event.asset_id, event.derivative_id, event.render_job_id, event.scene_id) == names[kind]
    assert event.created_at == table.row(id).finished_at


@pytest.mark.parametrize("end", ["fail", "release", "hand_back", "sweep"])
def test_a_running_job_that_is_cancelled_has_its_event_when_it_ends(table: JobTable, end: str):
    id = new(table, "render")
    row = claim(table)
    table.run(jobs.cancel(id, PROJECT, CANCELLED))
    assert about(table) == [], "it still runs"
    if end == "sweep":
        table.expire(id)
    ends = {
        "fail": jobs.fail(id, row.fence, FAILURE, 5),
        "release": jobs.release(id, row.fence, FAILURE, 0, 5),
        "hand_back": jobs.hand_back("worker-1"),
        "sweep": jobs.sweep(LOST),
    }
    table.run(ends[end])
    assert about(table) == [("render_job_cancelled", "CANCELLED")]
    assert table.events()[0].error == CANCELLED


def test_a_new_attempt_is_no_event_and_the_last_one_is(table: JobTable):
    id = new(table, "derive")
    for _ in range(2):
        assert about(table) == []
        claim(table)
        table.expire(id)
        table.sweep()
        table.change(id, run_after=sa.func.now())
    table.sweep()
    assert about(table) == [("derivative_failed", "FAILED")]
    assert table.events()[0].error == LOST


def test_a_zombie_records_nothing(table: JobTable):
    # Given a worker that lost its job to another, which has completed it
    id = new(table, "render")
    zombie = claim(table)
    table.expire(id)
    table.sweep()
    row = claim(table)
    table.run(jobs.complete(id, row.fence, 5))
    # When the first one comes to its end, whichever
    table.run(jobs.complete(id, zombie.fence, 50))
    table.run(jobs.fail(id, zombie.fence, FAILURE, 50))
    table.run(jobs.release(id, zombie.fence, FAILURE, 0, 50))
    # Then the log says nothing of it
    assert about(table) == [("render_job_completed", "COMPLETED")]


def test_what_is_rolled_back_was_no_event(table: JobTable):
    id = new(table, "render")
    row = claim(table)
    with table.engine.connect() as connection:
        connection.execute(jobs.complete(id, row.fence, 5))
        connection.rollback()
    assert about(table) == []
    table.run(jobs.complete(id, row.fence, 5))
    assert len(about(table)) == 1


def test_those_who_end_a_job_at_once_record_one_end(table: JobTable):
    # Given jobs that their worker completes while somebody cancels them
    claimed = [new(table, "render") and claim(table) for _ in range(20)]
    start = threading.Barrier(2)

    def complete() -> None:
        start.wait()
        for row in claimed:
            table.run(jobs.complete(row.id, row.fence, 5))

    def cancel() -> None:
        start.wait()
        for row in claimed:
            table.run(jobs.cancel(row.id, PROJECT, CANCELLED))

    threads = [threading.Thread(target=target) for target in (complete, cancel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(event.render_job_id for event in table.events()) == sorted(row.id for row in claimed)


def test_a_probe_has_no_events(table: JobTable):
    table.new("probe")
    row = table.claim()
    table.run(jobs.complete(row.id, row.fence, 5))
    assert table.row(row.id).state == "COMPLETED" and about(table) == []


def test_the_ids_of_events_sort_by_time(table: JobTable):
    for _ in range(50):
        id = new(table, "render")
        table.run(jobs.cancel(id, PROJECT, CANCELLED))
    made = [event.id for event in table.events()]
    assert {id.version for id in made} == {7} and {id.variant for id in made} == {uuid.RFC_4122}
    milliseconds = [id.int >> 80 for id in made]
    assert milliseconds == sorted(milliseconds) and len(set(made)) == 50
    for event in table.events():
        assert abs((event.id.int >> 80) - event.created_at.timestamp() * 1000) < 60_000, "it is the time of the change"


def test_the_end_of_an_asset_that_is_gone_is_no_event(table: JobTable):
    # Given an asset that is purged while a worker looks at it
    asset, id = table.new_ingest()
    row = claim(table)
    table.change(id, subject=ids.uuid7())  # as if its job had been read just before
    table.run(retention.purge(sa.select(rows.assets.c.id).where(rows.assets.c.id == asset)))
    # When the worker is done
    table.run(jobs.complete(id, row.fence, 5))
    # Then the last that is said of the asset is that it is gone
    assert about(table) == [("asset_purged", "PROCESSING")]


def test_a_sequence_tells_in_which_order_an_asset_changed(table: JobTable):
    # Given an asset that somebody deletes while its job ends: the end has to wait for the asset's row
    asset, id = table.new_ingest()
    row = claim(table)
    with table.engine.begin() as connection:
        connection.execute(sa.update(rows.assets).where(rows.assets.c.id == asset).values(delete_time=sa.func.now()))
        ending = threading.Thread(target=table.run, args=(jobs.complete(id, row.fence, 5),))
        ending.start()
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
        while not table.run(waiting)[0][0]:
            assert ending.is_alive()
        changed = sa.select(rows.assets).where(rows.assets.c.id == asset).cte("changed")
        connection.execute(event_log.of_assets(event_log.ASSET_DELETED, changed))
    ending.join()
    # Then the log has them in the order of the rows
    assert [event.type for event in table.events()] == ["asset_deleted", "asset_ready"]


async def _deleting(url: sa.URL, kind: str, id: uuid.UUID) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await {"derive": derivatives, "render": render_jobs}[kind].delete(connection, id)
    await engine.dispose()


@pytest.mark.parametrize(("kind", "type"), [("derive", "derivative_deleted"), ("render", "render_job_deleted")])
async def test_what_is_deleted_leaves_its_events(table: JobTable, kind: str, type: str):
    # Given something that was cancelled
    id = new(table, kind)
    table.run(jobs.cancel(id, PROJECT, CANCELLED))
    # When it is deleted, twice
    for _ in range(2):
        await _deleting(table.engine.url, kind, id)
    # Then its row is gone, and the log has both
    assert table.run(sa.select(rows.jobs)) == []
    cancelled, deleted = table.events()
    assert (deleted.type, deleted.status, deleted.error) == (type, "CANCELLED", None)
    named = [event._mapping for event in (cancelled, deleted)]
    for name in ("asset_id", "derivative_id", "render_job_id", "scene_id"):
        assert named[0][name] == named[1][name]


def test_only_events_that_are_old_enough_are_forgotten(table: JobTable):
    for days in (31, 29):
        table.run(jobs.cancel(new(table, "render"), PROJECT, CANCELLED))
        ago = sa.func.now() - sa.func.make_interval(0, 0, 0, days)
        latest = sa.select(sa.func.max(rows.event_log.c.sequence)).scalar_subquery()
        table.run(sa.update(rows.event_log).where(rows.event_log.c.sequence == latest).values(created_at=ago))
    _, young = table.events()
    table.run(event_log.forget(30 * 86400.0))
    assert table.events() == [young]
