"""Render jobs from the outside: cancelled, tried again, deleted, refused."""

from __future__ import annotations

import pytest
from tests.end_to_end.job import model, picture, rendered, upload

from threed.v1.render_jobs_pb2 import RenderJob

LARGE = {"width": 4096, "height": 4096}


def watched(door, job_id: str) -> RenderJob:
    *_, last = door.watch("WatchRenderJob", job_id=job_id)
    return last.render_job


def test_a_cancelled_job_ends_and_can_be_tried_again(project, door, refused):
    # Given a job that takes its time
    job = door("CreateRenderJob", render_job={"asset_id": project.asset.asset_id, "resolution": LARGE})
    # When it is cancelled
    door("CancelRenderJob", job_id=job.job_id)
    ended = watched(door, job.job_id)
    # Then it ends so, and says who did it
    assert ended.status == RenderJob.CANCELLED
    assert ended.error.message == "tester cancelled the job."
    # And cancelling again changes nothing
    assert door("CancelRenderJob", job_id=job.job_id).status == RenderJob.CANCELLED
    with refused("JOB_NOT_FINISHED"):
        door("GetRenderJobDownloadUrl", job_id=job.job_id)
    # When it is retried
    assert door("RetryRenderJob", job_id=job.job_id).status in (RenderJob.PENDING, RenderJob.PROCESSING)
    with refused("JOB_NOT_FINISHED"):
        door("DeleteRenderJob", job_id=job.job_id)
    door("CancelRenderJob", job_id=job.job_id)
    assert watched(door, job.job_id).status == RenderJob.CANCELLED
    door("DeleteRenderJob", job_id=job.job_id)


def test_a_job_that_waits_is_cancelled_at_once(project, door):
    # Given every place at the worker taken, and one more job
    asked = {"asset_id": project.asset.asset_id, "resolution": LARGE}
    busy = [door("CreateRenderJob", render_job=asked | {"priority": 1}) for _ in range(3)]
    waiting = door("CreateRenderJob", render_job=asked | {"priority": -100})
    # When that one is cancelled
    cancelled = door("CancelRenderJob", job_id=waiting.job_id)
    for job in busy:
        door("CancelRenderJob", job_id=job.job_id)
    # Then the answer says so already
    assert (cancelled.status, cancelled.attempts) == (RenderJob.CANCELLED, 0)
    assert {watched(door, job.job_id).status for job in busy} == {RenderJob.CANCELLED}


def test_a_finished_job_is_deleted_with_its_picture(project, door, refused):
    job = rendered(door, asset_id=project.asset.asset_id)
    with refused("JOB_NOT_RETRYABLE"):
        door("RetryRenderJob", job_id=job.job_id)
    assert door("CancelRenderJob", job_id=job.job_id).status == RenderJob.COMPLETED
    door("DeleteRenderJob", job_id=job.job_id)
    for method in ("GetRenderJob", "DeleteRenderJob", "GetRenderJobDownloadUrl", "CancelRenderJob"):
        with refused("NOT_FOUND"):
            door(method, job_id=job.job_id)


def test_a_job_keeps_its_asset_though_that_is_deleted(project, rest, refused):
    # Given a picture of an asset
    asset = upload(rest, model())
    list(rest.watch("WatchAsset", asset_id=asset.asset_id))
    job = rendered(rest, asset_id=asset.asset_id)
    # When the asset is deleted
    rest("DeleteAsset", asset_id=asset.asset_id)
    # Then the picture stays, and another is refused
    assert picture(rest, job).size == (96, 64)
    with refused("ASSET_DELETED"):
        rest("CreateRenderJob", render_job={"asset_id": asset.asset_id})


def test_watching_in_the_middle_shows_what_is_going_on(project, door):
    job = door("CreateRenderJob", render_job={"asset_id": project.asset.asset_id})
    seen = list(door.watch("WatchRenderJob", job_id=job.job_id))
    numbers = [each.sequence for each in seen]
    assert numbers == sorted(set(numbers)), "every message says something new"
    assert [each.render_job.progress for each in seen] == sorted(each.render_job.progress for each in seen)
    assert seen[-1].render_job.status == RenderJob.COMPLETED
    # And who watches again sees the end at once
    again = list(door.watch("WatchRenderJob", job_id=job.job_id))
    assert [each.render_job for each in again] == [seen[-1].render_job]


REFUSED = {
    "nothing to render": ({}, "FIELD_INVALID"),
    "two things to render": ({"asset_id": "a", "scene_id": "s"}, "FIELD_INVALID"),
    "a picture of no size": ({"asset_id": "a", "resolution": {"width": 1, "height": 1}}, "FIELD_INVALID"),
    "an id of another kind": ({"asset_id": "scn_00000000000000000000000000"}, "ID_INVALID"),
    "an asset that is not there": ({"asset_id": "ast_01k7uu3sj1ecd94psrvs55f5bq"[:-4] + "0000"}, "NOT_FOUND"),
    "an eye in its own target": (
        {"asset_id": "*", "camera_config": {"look_at": {"eye": [1, 1, 1], "target": [1, 1, 1]}}},
        "FIELD_INVALID",
    ),
    "a camera that is not there": ({"asset_id": "*", "camera_config": {"scene_camera": "none"}}, "SCENE_INVALID"),
    "an engine that is not there": ({"asset_id": "*", "engine": "nosuch"}, "ENGINE_UNAVAILABLE"),
    "a panorama that is a model": ({"asset_id": "*", "environment": {"asset_id": "*"}}, "ASSET_NOT_READY"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_rendered_is_refused_at_once(project, door, refused, case):
    def filled(value):
        if isinstance(value, dict):
            return {name: filled(each) for name, each in value.items()}
        return project.asset.asset_id if value == "*" else value

    asked, reason = REFUSED[case]
    with refused(reason) as refusal:
        door("CreateRenderJob", render_job=filled(asked))
    assert refusal.value.message.endswith("."), "a sentence that says what to do"


def test_a_dry_run_says_the_plan_and_makes_nothing(project, door):
    before = [job.job_id for job in door("ListRenderJobs").render_jobs]
    planned = door("CreateRenderJob", render_job={"asset_id": project.asset.asset_id}, validate_only=True)
    assert (planned.job_id, planned.output_format, planned.resolution.width) == ("", RenderJob.PNG, 1024)
    assert [job.job_id for job in door("ListRenderJobs").render_jobs] == before
