"""Events of a real stack, through every door: what workers and callers did, once each."""

from __future__ import annotations

from collections.abc import Callable

from tests.end_to_end.job import model, picture, ready, rendered, upload

from threed.v1.derivatives_pb2 import Derivative
from threed.v1.events_pb2 import Event


def of(door, asset_id: str) -> list[Event]:
    """Everything that is said of the asset and of what was made of it, the first first."""
    return list(door("ListEvents", filter=f"asset_id={asset_id}", order_by="created_at").events)


def types(events: list[Event]) -> list[str]:
    return [event.type for event in events]


def derived(door, asset_id: str, **derivative) -> Derivative:
    made = door("CreateDerivative", asset_id=asset_id, derivative={"recipe": {"steps": [{"weld": {}}]}, **derivative})
    *_, last = door.watch("WatchDerivative", asset_id=asset_id, derivative_id=made.derivative_id)
    assert last.derivative.status == Derivative.COMPLETED, last.derivative.error
    return last.derivative


def test_the_life_of_an_asset_can_be_read_afterwards(door):
    # Given an asset that is uploaded, derived from, rendered, and deleted with its derivative
    asset = ready(door, model())
    derivative = derived(door, asset.asset_id)
    job = rendered(door, asset_id=asset.asset_id)
    assert picture(door, job).size == (96, 64)
    door("DeleteDerivative", asset_id=asset.asset_id, derivative_id=derivative.derivative_id)
    door("DeleteAsset", asset_id=asset.asset_id)
    # Then the log has each of that once, in order
    events = of(door, asset.asset_id)
    assert types(events) == [
        *("asset_ready", "derivative_ready", "render_job_completed", "derivative_deleted", "asset_deleted")
    ]
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    assert [event.derivative_id for event in events if event.derivative_id] == [derivative.derivative_id] * 2
    assert events[2].job_id == job.job_id and events[2].created_at == job.completed_at
    # And each can be got by its id
    assert [door("GetEvent", event_id=event.event_id) for event in events] == events


def test_a_file_that_fails_says_why(door):
    # Given a GLB whose JSON is none
    data = model()
    asset = upload(door, data[:20] + b"no JSON" + data[27:], "broken.glb")
    *_, last = door.watch("WatchAsset", asset_id=asset.asset_id)
    # Then its one event has the same error
    (event,) = of(door, asset.asset_id)
    assert (event.type, event.status) == ("asset_failed", "FAILED")
    assert event.error == last.asset.error


def test_what_was_cancelled_is_one_event_for_each_time(project, door):
    # Given a long job that is cancelled, retried and cancelled again
    asked = {"asset_id": project.asset.asset_id, "resolution": {"width": 4096, "height": 4096}}
    job = door("CreateRenderJob", render_job=asked)
    door("CancelRenderJob", job_id=job.job_id)
    list(door.watch("WatchRenderJob", job_id=job.job_id))
    door("RetryRenderJob", job_id=job.job_id)
    door("CancelRenderJob", job_id=job.job_id)
    list(door.watch("WatchRenderJob", job_id=job.job_id))
    door("DeleteRenderJob", job_id=job.job_id)
    events = door("ListEvents", filter=f"job_id={job.job_id}").events
    assert types(events) == ["render_job_deleted", "render_job_cancelled", "render_job_cancelled"]
    assert events[1].error.message == "tester cancelled the job."


def test_a_type_that_is_none_is_refused(door, refused: Callable):
    with refused("FILTER_INVALID") as refusal:
        door("ListEvents", filter="type=asset_redy")
    assert "asset_ready" in refusal.value.message
