"""RenderService, from the outside, without a worker: films, several cameras, and what watchers miss."""

from __future__ import annotations

import asyncio
import uuid

import pytest
import sqlalchemy as sa
from google.protobuf import json_format
from tests.services.door import Door, refused
from tests.services.test_render_jobs import create, execute, get, make_scene

from threed import ids
from threed.errors import EngineFailed
from threed.records import jobs, render_jobs, workers
from threed.records.tables import assets as assets_table
from threed.records.tables import jobs as jobs_table
from threed.status import to_json
from threed.v1 import render_jobs_pb2
from threed.v1.render_jobs_pb2 import RenderJob

FAILURE = to_json(EngineFailed("It could not be drawn."))


async def asset(door: Door, **model) -> str:
    """A ready model; `model` is what is known of it."""
    made = await door.ready_asset()
    if model:
        id = ids.parse("asset", made.asset_id)
        await execute(door, sa.update(assets_table).where(assets_table.c.id == id).values(model=model))
    return made.asset_id


async def turntable(door: Door, frames: int = 3) -> RenderJob:
    return await create(door, {"assetId": await asset(door), "turntable": {"frames": frames, "seconds": 1}})


async def frames(door: Door, job: RenderJob, **fields) -> render_jobs_pb2.ListRenderFramesResponse:
    request = render_jobs_pb2.ListRenderFramesRequest(job_id=job.job_id, **fields)
    return await door.renders.ListRenderFrames(request, metadata=door.who("viewer"))


async def claimed(door: Door) -> sa.Row:
    return (await execute(door, jobs.claim(["render", "frame"], "w", 60))).one()


async def end(door: Door, row: sa.Row, error: dict | None = None) -> None:
    if error:
        await execute(door, jobs.fail(row.id, row.fence, error, row.sequence))
        return
    await execute(door, jobs.complete(row.id, row.fence, row.sequence))
    if row.parent:
        result = {"engine_used": "raster", "render_s": 0.5, "samples": 4}
        await execute(door, render_jobs.publish_frame(row.id, [f"frame-{row.ordinal}"], result))


async def test_a_turntable_becomes_an_mp4_of_frames_that_wait(door: Door):
    job = await turntable(door)
    assert (job.output_format, job.frame_count, job.frames_completed) == (RenderJob.MP4, 3, 0)
    assert job.status == RenderJob.PENDING
    listed = (await frames(door, job)).frames
    assert [(frame.frame, frame.status, round(frame.seconds, 3)) for frame in listed] == [
        (0, RenderJob.PENDING, 0.0),
        (1, RenderJob.PENDING, 0.333),
        (2, RenderJob.PENDING, 0.667),
    ]


async def test_a_film_is_processing_until_its_frames_are_put_together(door: Door):
    # Given a film, one frame of which is drawn
    job = await turntable(door)
    await end(door, await claimed(door))
    now = await get(door, job)
    assert (now.status, now.frames_completed, now.phase) == (RenderJob.PROCESSING, 1, "rendering")
    # When all are drawn
    await end(door, await claimed(door))
    await end(door, await claimed(door))
    # Then it still is, until the film is there
    assert (await get(door, job)).status == RenderJob.PROCESSING
    row = await claimed(door)
    assert (row.kind, row.parts) == ("render", 3)
    await end(door, row)
    done = await get(door, job)
    assert (done.status, done.frames_completed, done.progress) == (RenderJob.COMPLETED, 3, 1)
    shown = (await frames(door, job)).frames[0]
    assert (shown.engine_used, shown.samples, shown.render_s) == ("raster", 4, 0.5)


async def test_failed_frames_are_listed_with_their_reasons_and_retried_alone(door: Door):
    # Given a film whose first frame failed
    job = await turntable(door)
    await end(door, await claimed(door), FAILURE)
    await end(door, await claimed(door))
    await end(door, await claimed(door))
    failed = await get(door, job)
    assert (failed.status, failed.frames_failed, failed.frames_completed) == (RenderJob.FAILED, 1, 2)
    assert "RetryRenderJob" in failed.error.message
    (frame,) = (await frames(door, job, filter="status=FAILED")).frames
    assert (frame.frame, frame.error.message) == (0, "It could not be drawn.")
    # When it is retried
    retry = render_jobs_pb2.RetryRenderJobRequest(job_id=job.job_id)
    again = await door.renders.RetryRenderJob(retry, metadata=door.who())
    # Then only that frame is open
    assert (again.status, again.frames_completed, again.frames_failed) == (RenderJob.PENDING, 2, 0)
    assert (await claimed(door)).ordinal == 0


async def test_the_frames_of_a_long_film_come_in_pages(door: Door):
    job = await turntable(door, 5)
    first = await frames(door, job, page_size=3)
    rest = await frames(door, job, page_size=3, page_token=first.next_page_token)
    assert [frame.frame for frame in [*first.frames, *rest.frames]] == [0, 1, 2, 3, 4]
    assert not rest.next_page_token
    other = await turntable(door, 5)
    with refused("PAGE_TOKEN_INVALID"):
        await frames(door, other, page_size=3, page_token=first.next_page_token)


async def test_a_still_has_one_frame(door: Door):
    job = await create(door, {"assetId": await asset(door)})
    (frame,) = (await frames(door, job)).frames
    assert (frame.frame, frame.status, job.frame_count) == (0, RenderJob.PENDING, 1)


async def test_several_cameras_are_as_many_frames(door: Door):
    views = [{"autoFrame": {"yaw": yaw}} for yaw in (0.0, 1.0, 2.0)]
    job = await create(door, {"assetId": await asset(door), "cameras": views})
    assert [frame.camera for frame in (await frames(door, job)).frames] == [0, 1, 2]
    assert job.output_format == RenderJob.PNG


async def test_a_job_can_be_paused_and_resumed(door: Door):
    job = await turntable(door)
    pause = render_jobs_pb2.PauseRenderJobRequest(job_id=job.job_id)
    paused = await door.renders.PauseRenderJob(pause, metadata=door.who())
    assert paused.status == RenderJob.PAUSED
    assert await door.renders.PauseRenderJob(pause, metadata=door.who()) == paused
    assert (await execute(door, jobs.claim(["render", "frame"], "w", 60))).first() is None
    resume = render_jobs_pb2.ResumeRenderJobRequest(job_id=job.job_id)
    assert (await door.renders.ResumeRenderJob(resume, metadata=door.who())).status == RenderJob.PENDING
    assert (await claimed(door)).ordinal == 0


async def test_other_projects_see_neither_the_job_nor_its_frames(door: Door):
    job = await turntable(door)
    stranger = door.who("editor", project="other")
    for call, request in (
        (door.renders.PauseRenderJob, render_jobs_pb2.PauseRenderJobRequest(job_id=job.job_id)),
        (door.renders.ResumeRenderJob, render_jobs_pb2.ResumeRenderJobRequest(job_id=job.job_id)),
        (door.renders.ListRenderFrames, render_jobs_pb2.ListRenderFramesRequest(job_id=job.job_id)),
    ):
        with refused("NOT_FOUND"):
            await call(request, metadata=stranger)


def path(*seconds: float) -> dict:
    """A camera path with keyframes at these times."""
    looks = [{"eye": [0, 0, 1 + number], "target": [0, 0, 0]} for number in range(len(seconds))]
    keyframes = [{"seconds": at, "lookAt": look} for at, look in zip(seconds, looks, strict=True)]
    return {"cameraPath": {"keyframes": keyframes}}


ON_ITSELF = {"orthographic": {"eye": [1, 1, 1], "target": [1, 1, 1]}}
WRONG = {
    "a film as PNG": ({"turntable": {}, "outputFormat": "PNG"}, "output_format"),
    "a still as MP4": ({"outputFormat": "MP4"}, "output_format"),
    "a transparent MP4": ({"turntable": {}, "background": {"transparent": True}}, "output_format"),
    "H264 in WEBM": ({"turntable": {}, "outputFormat": "WEBM", "videoCodec": "H264"}, "video_codec"),
    "a codec for GIF": ({"turntable": {}, "outputFormat": "GIF", "videoCodec": "AV1"}, "video_codec"),
    "odd pixels": ({"turntable": {}, "resolution": {"width": 101, "height": 100}}, "resolution"),
    "too many frames": (path(0, 1e6), "camera_path"),
    "keyframes out of order": (path(2, 1), "camera_path.keyframes"),
    "AOVs of a film": ({"turntable": {}, "aovs": ["DEPTH"]}, "aovs"),
    "AOVs by raster": ({"aovs": ["DEPTH"], "engine": "raster"}, "engine"),
    "EXR by compat": ({"outputFormat": "EXR", "engine": "compat"}, "engine"),
    "16 bits of JPEG": ({"outputFormat": "JPEG", "bitDepth": 16}, "bit_depth"),
    "a region outside": ({"region": {"x": 1000, "width": 100, "height": 10}}, "region"),
    "two cameras of a film": ({"turntable": {}, "cameras": [{}, {}]}, "cameras"),
    "32k": ({"resolution": {"width": 32768, "height": 16}}, "resolution.width"),
    "an unknown preset": ({"preset": "poster"}, "preset"),
    "looking at oneself": ({"cameras": [ON_ITSELF]}, "cameras[0].orthographic.target"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_what_does_not_go_together_is_refused_by_its_field(door: Door, name: str):
    job, field = WRONG[name]
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": await asset(door), **job})
    assert list(refusal.violations) == [f"render_job.{field}"]


async def test_a_preset_fills_in_what_is_not_given(door: Door):
    job = await create(door, {"assetId": await asset(door), "preset": "turntable", "turntable": {"frames": 12}})
    assert (job.turntable.frames, job.turntable.seconds) == (12, 4.0), "a given field replaces the preset's wholly"
    assert (job.output_format, job.environment.builtin, job.preset) == (RenderJob.MP4, "studio", "turntable")
    model = await asset(door)
    scene = await make_scene(
        door, [{"id": "a", "assetId": model}, {"id": "eye", "camera": {"perspective": {"yfov": 0.7}}}]
    )
    assert (await create(door, {"assetId": model, "preset": "product"})).camera_config.auto_frame.margin == 0.1
    own = await create(door, {"sceneId": scene.scene_id, "preset": "product"})
    assert not own.HasField("camera_config"), "the scene's own camera is not replaced"
    still = await create(
        door, {"assetId": await asset(door), "preset": "thumbnail", "resolution": {"width": 64, "height": 64}}
    )
    assert (still.output_format, still.resolution.width, still.background.transparent) == (RenderJob.WEBP, 64, True)


async def test_a_plan_says_what_a_job_will_take_and_creates_nothing(door: Door):
    model = await asset(door)
    small = await create(door, {"assetId": model, "turntable": {"frames": 10}}, validate_only=True)
    large = await create(door, {"assetId": model, "turntable": {"frames": 100}}, validate_only=True)
    assert not small.job_id and small.plan.frame_count == 10
    assert 0 < small.plan.seconds < large.plan.seconds
    assert small.plan.memory_bytes > 2**20
    assert not (await execute(door, sa.select(jobs_table).where(jobs_table.c.kind == "render"))).all()


async def test_an_equal_job_is_answered_with_the_outputs_of_the_first(door: Door):
    # Given a worker that is known, and a job that was drawn
    engines = [{"name": "raster", "version": "1", "available": True}]
    await execute(door, workers.seen("w", {"engines": engines}))
    model = await asset(door)
    job = await create(door, {"assetId": model})
    row = await claimed(door)
    await end(door, row)
    output = {"key": "k", "name": "picture.png", "media_type": "image/png", "size_bytes": "3", "sha256": "0" * 64}
    publish = render_jobs.publish(row.id, outputs=[output], engine_used="raster", losses=[])
    await execute(door, publish)
    # When the same is asked for again
    again = await create(door, {"assetId": model, "priority": 7})
    # Then it is there, and nothing waits
    assert (again.status, again.cached, again.engine_used) == (RenderJob.COMPLETED, True, "raster")
    assert again.outputs == (await get(door, job)).outputs and again.job_id != job.job_id
    # But not if it is refused, for another picture, or by another version
    assert (await create(door, {"assetId": model}, no_cache=True)).status == RenderJob.PENDING
    assert (await create(door, {"assetId": model, "exposure": 1})).status == RenderJob.PENDING
    engines[0]["version"] = "2"
    await execute(door, workers.seen("w", {"engines": engines}))
    assert (await create(door, {"assetId": model})).status == RenderJob.PENDING


async def drawn(door: Door, job: dict) -> RenderJob:
    """A film whose frames are all drawn, by a worker that says what it can."""
    await execute(door, workers.seen("w", {"engines": [{"name": "raster", "version": "1", "available": True}]}))
    made = await create(door, job)
    for _ in range(made.frame_count + (made.frame_count > 1)):
        row = await claimed(door)
        await end(door, row)
    output = {"key": "k", "name": "film.zip", "media_type": "application/zip", "size_bytes": "3", "sha256": "0" * 64}
    id = ids.parse("render_job", made.job_id)
    await execute(door, render_jobs.publish(id, outputs=[output], engine_used="raster", losses=[]))
    return await get(door, made)


async def test_the_frames_of_a_cached_film_are_those_that_were_drawn(door: Door):
    # Given a film, and another one that gets its outputs
    job = {"assetId": await asset(door), "turntable": {"frames": 5, "seconds": 1}, "outputFormat": "ZIP"}
    first = await drawn(door, job)
    again = await create(door, job)
    assert (again.cached, again.frame_count, again.frames_completed) == (True, 5, 5)
    # Then it lists as many frames, which nobody attempted again
    listed = (await frames(door, again)).frames
    assert [(frame.frame, frame.status, frame.attempts) for frame in listed] == [
        (number, RenderJob.COMPLETED, 0) for number in range(5)
    ]
    assert [(frame.samples, frame.render_s) for frame in listed] == [(4, 0.5)] * 5
    assert [frame.seconds for frame in listed] == [frame.seconds for frame in (await frames(door, first)).frames]
    # And in pages, and by filters, as those of any job
    page = await frames(door, again, page_size=3)
    rest = await frames(door, again, page_size=3, page_token=page.next_page_token)
    assert [frame.frame for frame in [*page.frames, *rest.frames]] == [0, 1, 2, 3, 4]
    assert [frame.frame for frame in (await frames(door, again, filter="frame > 2 AND status = COMPLETED")).frames] == [
        3,
        4,
    ]
    # When the job that drew them is deleted
    delete = render_jobs_pb2.DeleteRenderJobRequest(job_id=first.job_id)
    await door.renders.DeleteRenderJob(delete, metadata=door.who())
    # Then they are still there, with what is still known
    left = (await frames(door, again, filter="engine_used = raster")).frames
    assert [(frame.frame, frame.engine_used, frame.samples) for frame in left] == [(n, "raster", 0) for n in range(5)]


async def test_a_watcher_that_comes_back_sees_every_status_that_it_missed(door: Door):
    # Given a watcher that saw a job wait
    job = await create(door, {"assetId": await asset(door)})
    request = render_jobs_pb2.WatchRenderJobRequest(job_id=job.job_id)
    watch = door.renders.WatchRenderJob(request, metadata=door.who("viewer"))
    token = (await watch.read()).resume_token
    watch.cancel()
    # When the job begins, and fails, while nobody looks
    await end(door, await claimed(door), FAILURE)
    # Then it is told of both, in their order
    request.resume_token = token
    seen = [response async for response in door.renders.WatchRenderJob(request, metadata=door.who("viewer"))]
    assert [response.render_job.status for response in seen] == [RenderJob.PROCESSING, RenderJob.FAILED]
    assert [response.render_job.HasField("error") for response in seen] == [False, True]
    assert seen[0].sequence < seen[1].sequence
    # And with the last token, of nothing but how it is
    request.resume_token = seen[-1].resume_token
    (last,) = [response async for response in door.renders.WatchRenderJob(request, metadata=door.who("viewer"))]
    assert last.render_job.status == RenderJob.FAILED


async def test_a_resume_token_of_another_job_is_refused(door: Door):
    model = await asset(door)
    first, second = await create(door, {"assetId": model}), await create(door, {"assetId": model})
    watch = door.renders.WatchRenderJob(
        render_jobs_pb2.WatchRenderJobRequest(job_id=first.job_id), metadata=door.who("viewer")
    )
    token = (await watch.read()).resume_token
    watch.cancel()
    for wrong in (token, "%%%", "abcd"):
        request = render_jobs_pb2.WatchRenderJobRequest(job_id=second.job_id, resume_token=wrong)
        with refused("RESUME_TOKEN_INVALID"):
            await door.renders.WatchRenderJob(request, metadata=door.who("viewer")).read()


async def test_a_late_watcher_gets_the_latest_preview_first_and_a_new_one_when_it_comes(door: Door):
    # Given a job that is being drawn, and has a preview
    job = await create(door, {"assetId": await asset(door)})
    row, id = await claimed(door), ids.parse("render_job", job.job_id)
    await _show(door, id, b"rough", 1)
    # When somebody looks now
    request = render_jobs_pb2.WatchRenderJobRequest(job_id=job.job_id, previews=True)
    watch = door.renders.WatchRenderJob(request, metadata=door.who("viewer"))
    first = await watch.read()
    assert (first.preview.image, first.preview.samples_done, first.preview.samples) == (b"rough", 1, 8)
    # And a better one comes later
    number = await _show(door, id, b"better", 4)
    await asyncio.sleep(0.6)
    more = {"samples_done": 4, "samples": 8, "preview": number}
    await execute(door, jobs.tick("render", id, row.sequence + 1, "rendering", 0.5, **more))
    second = await watch.read()
    assert (second.preview.image, second.samples_done, second.samples) == (b"better", 4, 8)
    watch.cancel()
    # Then who did not ask for previews gets none
    plain = door.renders.WatchRenderJob(
        render_jobs_pb2.WatchRenderJobRequest(job_id=job.job_id), metadata=door.who("viewer")
    )
    assert not (await plain.read()).HasField("preview")
    plain.cancel()


async def _show(door: Door, id: uuid.UUID, image: bytes, done: int) -> int:
    size = {"width_px": 2, "height_px": 1, "frame": 0, "samples_done": done, "samples": 8}
    return (await execute(door, render_jobs.show(id, image=image, media_type="image/webp", **size))).scalar()


async def test_a_film_of_a_derivative_names_its_glb(door: Door):
    with refused("NOT_FOUND"):
        await create(door, {"assetId": await asset(door), "derivativeId": ids.write("derivative", ids.uuid7())})


def test_every_preset_is_a_job_that_can_be_made():
    from threed.services.render_presets import PRESETS

    assert {"thumbnail", "product", "turntable", "hero", "film"} == set(PRESETS)
    assert all(json_format.MessageToDict(preset) for preset in PRESETS.values())
