"""EventService, from the outside, and the events of what callers do themselves."""

from __future__ import annotations

import dataclasses
import re
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from google.protobuf import json_format
from tests.services.door import Door, refused

from threed import ids
from threed.records import event_log, jobs
from threed.records.tables import assets, derivatives
from threed.records.tables import event_log as table
from threed.records.tables import jobs as jobs_table
from threed.settings import Settings
from threed.upkeep import Upkeep
from threed.v1 import assets_pb2, derivatives_pb2, events_pb2, render_jobs_pb2
from threed.v1.assets_pb2 import Asset
from threed.v1.events_pb2 import Event

PROTO = Path(__file__).parents[2] / "protos/threed/v1/events.proto"


async def listed(door: Door, **fields) -> list[Event]:
    request = events_pb2.ListEventsRequest(**fields)
    return list((await door.events.ListEvents(request, metadata=door.who("viewer"))).events)


async def types(door: Door, **fields) -> list[str]:
    """The types of all events, the first first."""
    return [event.type for event in await listed(door, order_by="created_at", **fields)]


async def execute(door: Door, statement: sa.Executable) -> None:
    async with door.backend.records.transaction() as connection:
        await connection.execute(statement)


async def end(door: Door, state: str = "COMPLETED", error: dict | None = None) -> None:
    """What a worker does: claim the next job and end it."""
    async with door.backend.records.transaction() as connection:
        row = (await connection.execute(jobs.claim(["ingest", "derive", "render"], "worker-1", 10))).one()
        if state == "COMPLETED":
            await connection.execute(jobs.complete(row.id, row.fence, 5))
        else:
            await connection.execute(jobs.fail(row.id, row.fence, error, 5))


async def delete(door: Door, asset: Asset, role: str = "editor", **fields) -> None:
    request = assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id, **fields)
    await door.assets.DeleteAsset(request, metadata=door.who(role))


async def test_an_asset_that_becomes_ready_is_one_event(door: Door):
    asset = await door.upload(b"solid nothing\nendsolid nothing\n", "nothing.stl")
    assert await listed(door) == [], "it is only UPLOADED"
    await end(door)
    (event,) = await listed(door)
    assert (event.type, event.asset_id, event.status) == ("asset_ready", asset.asset_id, "VALIDATED")
    assert (event.derivative_id, event.job_id, event.scene_id, event.HasField("error")) == ("", "", "", False)
    assert (event.project, event.created_at.seconds >= asset.upload_timestamp.seconds) == ("default", True)
    got = await door.events.GetEvent(events_pb2.GetEventRequest(event_id=event.event_id), metadata=door.who("viewer"))
    assert got == event and ids.parse("event", event.event_id).version == 7


async def test_an_asset_that_failed_says_why(door: Door):
    await door.upload(b"solid nothing\nendsolid nothing\n", "nothing.stl")
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "FILE_MALFORMED", "domain": "threed.dev"}
    await end(door, "FAILED", {"code": 3, "message": "It has no triangles.", "details": [detail]})
    (event,) = await listed(door, filter="type=asset_failed AND status=FAILED")
    assert event.error.message == "It has no triangles."
    assert json_format.MessageToDict(event.error)["details"][0]["reason"] == "FILE_MALFORMED"


async def test_deleting_an_asset_and_having_it_back_are_events_once(door: Door):
    asset = await door.ready_asset()
    for _ in range(2):
        await delete(door, asset)
    undelete = assets_pb2.UndeleteAssetRequest(asset_id=asset.asset_id)
    await door.assets.UndeleteAsset(undelete, metadata=door.who())
    assert await types(door) == ["asset_deleted", "asset_undeleted"]
    await delete(door, asset, "admin", purge=True)
    purged = (await listed(door))[0]
    assert (purged.type, purged.asset_id, purged.status) == ("asset_purged", asset.asset_id, "VALIDATED")


async def test_what_was_refused_was_no_event(door: Door):
    asset = await door.ready_asset()
    with refused("ETAG_MISMATCH"):
        await delete(door, asset, etag="another")
    assert await listed(door) == []


async def test_an_asset_that_is_purged_when_its_time_is_over_is_an_event(door: Door):
    asset = await door.ready_asset()
    await delete(door, asset)
    await execute(door, sa.update(assets).values(purge_time=sa.text("now() - interval '1 second'")))
    for _ in range(2):
        await Upkeep(door.backend).collect()
    assert await types(door, filter=f"asset_id={asset.asset_id}") == ["asset_deleted", "asset_purged"]


async def derive(door: Door, asset: Asset) -> derivatives_pb2.Derivative:
    request = derivatives_pb2.CreateDerivativeRequest(asset_id=asset.asset_id)
    request.derivative.recipe.steps.add().weld.SetInParent()
    return await door.derivatives.CreateDerivative(request, metadata=door.who())


async def test_a_derivative_that_was_made_before_is_ready_too(door: Door):
    # Given a derivative that a worker made
    asset = await door.ready_asset()
    await execute(door, sa.delete(jobs_table))  # of the upload
    first = await derive(door, asset)
    await end(door)
    file = {"format": "EXPORT_GLB", "key": "sha256/aa/bb/cc", "size_bytes": 3, "sha256": "c" * 64}
    await execute(door, sa.update(derivatives).values(files=[file]))
    # When the same is asked for again
    again = await derive(door, asset)
    # Then it is handed out, and that is an event of its own
    assert again.cached
    events = await listed(door, order_by="created_at", filter="type=derivative_ready")
    assert [event.derivative_id for event in events] == [first.derivative_id, again.derivative_id]
    assert {(event.asset_id, event.status) for event in events} == {(asset.asset_id, "COMPLETED")}
    # And each can be listed, and deleted, by itself
    named = derivatives_pb2.DeleteDerivativeRequest(asset_id=asset.asset_id, derivative_id=again.derivative_id)
    await door.derivatives.DeleteDerivative(named, metadata=door.who())
    said = await types(door, filter=f"derivative_id={again.derivative_id}")
    assert said == ["derivative_ready", "derivative_deleted"]


async def test_a_render_job_that_waits_is_cancelled_and_deleted(door: Door):
    asset = await door.ready_asset()
    request = render_jobs_pb2.CreateRenderJobRequest(render_job={"asset_id": asset.asset_id})
    job = await door.renders.CreateRenderJob(request, metadata=door.who())
    cancel = render_jobs_pb2.CancelRenderJobRequest(job_id=job.job_id)
    for _ in range(2):
        await door.renders.CancelRenderJob(cancel, metadata=door.who())
    await door.renders.DeleteRenderJob(render_jobs_pb2.DeleteRenderJobRequest(job_id=job.job_id), metadata=door.who())
    deleted, cancelled = await listed(door, filter=f"job_id={job.job_id}")
    assert (cancelled.type, deleted.type) == ("render_job_cancelled", "render_job_deleted")
    assert cancelled.error.message == "ada cancelled the job."
    assert {event.asset_id for event in (cancelled, deleted)} == {asset.asset_id}


# ---------------------------------------------------------------- listing


@pytest.fixture
async def seven(door: Door) -> list[uuid.UUID]:
    """Events of seven assets, a minute apart, the oldest first: their assets. One more is another project's."""
    made = [ids.uuid7() for _ in range(7)]
    common = {"type": "asset_ready", "status": "VALIDATED"}
    for number, id in enumerate(made):
        at = sa.func.timestamptz(f"2026-11-21T10:0{number}:00Z")
        await execute(door, sa.insert(table).values(project="default", asset_id=id, created_at=at, **common))
    await execute(door, sa.insert(table).values(project="theirs", asset_id=ids.uuid7(), **common))
    return made


async def test_events_are_paged_newest_first(door: Door, seven):
    found, token = [], ""
    for expected in (3, 3, 1):
        request = events_pb2.ListEventsRequest(page_size=3, page_token=token)
        page = await door.events.ListEvents(request, metadata=door.who("viewer"))
        assert len(page.events) == expected
        found += [ids.parse("asset", event.asset_id) for event in page.events]
        token = page.next_page_token
        # An event that comes meanwhile moves nothing
        row = {"project": "default", "type": "asset_ready", "status": "VALIDATED", "asset_id": ids.uuid7()}
        await execute(door, sa.insert(table).values(**row))
    assert found == seven[::-1] and token == ""


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("created_at>2026-11-21T10:04:00Z", [5, 6]),
        ('created_at >= "2026-11-21T10:04:00Z" AND created_at < "2026-11-21T10:06:00Z"', [4, 5]),
        ("asset_id={2}", [2]),
        ("asset_id={2} OR asset_id={3}", [2, 3]),
        ("type=asset_ready AND NOT asset_id={0}", [1, 2, 3, 4, 5, 6]),
        ("type=asset_failed", []),
        ("derivative_id:*", []),
        ("status=VALIDATED AND sequence>0", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
async def test_events_are_filtered(door: Door, seven, filter: str, expected: list[int]):
    written = [ids.write("asset", id) for id in seven]
    found = await listed(door, filter=filter.format(*written), order_by="created_at")
    assert [written.index(event.asset_id) for event in found] == expected


@pytest.mark.parametrize(
    ("filter", "says"),
    [("type=asset_redy", "asset_ready, asset_failed"), ("kind=asset_ready", "Known: event_id, type, created_at")],
)
async def test_a_filter_that_cannot_fit_is_refused(door: Door, filter: str, says: str):
    with refused("FILTER_INVALID") as refusal:
        await listed(door, filter=filter)
    assert says in refusal.message


async def test_another_project_sees_nothing(door: Door, seven):
    (event, *_) = await listed(door)
    stranger = door.who("admin", "stranger")
    assert not (await door.events.ListEvents(events_pb2.ListEventsRequest(), metadata=stranger)).events
    for id in (event.event_id, ids.write("event", ids.uuid7())):
        with refused("NOT_FOUND") as refusal:
            await door.events.GetEvent(events_pb2.GetEventRequest(event_id=id), metadata=stranger)
        expected = "There is no event ID in this project, or its time is over. List the events."
        assert refusal.message.replace(id, "ID") == expected
    # And the token of a page is worth nothing there
    page = await door.events.ListEvents(events_pb2.ListEventsRequest(page_size=1), metadata=door.who("viewer"))
    with refused("PAGE_TOKEN_INVALID"):
        request = events_pb2.ListEventsRequest(page_size=1, page_token=page.next_page_token)
        await door.events.ListEvents(request, metadata=stranger)


async def test_events_go_when_their_time_is_over(door: Door, settings: Settings, seven):
    # Given a server that keeps events for a day, and events that are 22 to 28 hours old
    for hours, id in enumerate(seven[::-1], 22):
        ago = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, hours)
        await execute(door, sa.update(table).where(table.c.asset_id == id).values(created_at=ago))
    backend = dataclasses.replace(door.backend, settings=dataclasses.replace(settings, event_retention_s=86400.0))
    # When it collects
    await Upkeep(backend).collect()
    # Then those are left that are younger
    left = [event.asset_id for event in await listed(door)]
    assert left == [ids.write("asset", id) for id in (seven[-1], seven[-2])]


def test_the_contract_names_every_type_and_no_other():
    comment = PROTO.read_text().partition("// What happened.")[2].partition("string type")[0]
    lists = re.findall(r"// \* ((?:`[a-z_]+`(?:, )?)+):", comment)
    named = re.findall(r"`([a-z_]+)`", " ".join(lists))
    assert sorted(named) == sorted(event_log.TYPES)
