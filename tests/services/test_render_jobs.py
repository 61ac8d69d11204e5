"""RenderService, from the outside, without a worker: what is known before one looks."""

from __future__ import annotations

import asyncio
import uuid

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf import json_format
from tests.services.door import Door, refused

from threed import ids
from threed.records import jobs, workers
from threed.records.tables import jobs as jobs_table
from threed.v1 import assets_pb2, jobs_pb2, render_jobs_pb2, scenes_pb2
from threed.v1.render_jobs_pb2 import RenderJob


async def create(door: Door, job: dict, **fields) -> RenderJob:
    message = json_format.ParseDict(job, RenderJob())
    request = render_jobs_pb2.CreateRenderJobRequest(render_job=message, **fields)
    return await door.renders.CreateRenderJob(request, metadata=door.who())


async def get(door: Door, job: RenderJob) -> RenderJob:
    return await door.renders.GetRenderJob(
        render_jobs_pb2.GetRenderJobRequest(job_id=job.job_id), metadata=door.who("viewer")
    )


async def make_scene(door: Door, nodes: list, **scene) -> scenes_pb2.Scene:
    message = json_format.ParseDict({"nodes": nodes, **scene}, scenes_pb2.Scene())
    return await door.scenes.CreateScene(scenes_pb2.CreateSceneRequest(scene=message), metadata=door.who())


async def execute(door: Door, statement) -> sa.CursorResult:
    async with door.backend.records.transaction() as connection:
        return await connection.execute(statement)


async def test_a_job_fills_in_its_defaults_and_waits(door: Door):
    asset = await door.ready_asset()
    job = await create(door, {"assetId": asset.asset_id, "jobId": "rnd_mine", "progress": 1})
    assert (job.status, job.progress, job.phase, job.attempts) == (RenderJob.PENDING, 0, "queued", 0)
    assert (job.output_format, job.tone_mapping) == (RenderJob.PNG, RenderJob.PBR_NEUTRAL)
    assert (job.resolution.width, job.resolution.height) == (1024, 1024)
    assert job.job_id != "rnd_mine"
    assert await get(door, job) == job


async def test_a_job_keeps_the_scene_as_it_was(door: Door):
    asset = await door.ready_asset()
    scene = await make_scene(door, [{"id": "a", "assetId": asset.asset_id}])
    job = await create(door, {"sceneId": scene.scene_id})
    assert job.scene_revision == 1
    change = scenes_pb2.UpdateSceneRequest(scene=scenes_pb2.Scene(scene_id=scene.scene_id, nodes=[{"id": "other"}]))
    await door.scenes.UpdateScene(change, metadata=door.who())
    row = (await execute(door, sa.select(jobs_table).where(jobs_table.c.kind == "render"))).one()
    spec = json_format.ParseDict(row.spec, jobs_pb2.Job()).render
    assert [node.id for node in spec.scene.nodes] == ["a"]
    assert spec.models[asset.asset_id].key == "sha256/aa/bb/cc"


@pytest.mark.parametrize(
    ("job", "reason", "field"),
    [
        ({}, "FIELD_INVALID", "render_job"),
        ({"sceneId": "x", "assetId": "y"}, "FIELD_INVALID", "render_job"),
        (
            {"assetId": "ASSET", "resolution": {"width": 8, "height": 64}},
            "FIELD_INVALID",
            "render_job.resolution.width",
        ),
        ({"assetId": "ASSET", "samples": 10**6}, "FIELD_INVALID", "render_job.samples"),
        ({"assetId": "ASSET", "engine": "Not An Engine"}, "FIELD_INVALID", "render_job.engine"),
        (
            {"assetId": "ASSET", "outputFormat": "JPEG", "background": {"transparent": True}},
            "FIELD_INVALID",
            "render_job.output_format",
        ),
        (
            {"assetId": "ASSET", "cameraConfig": {"lookAt": {"eye": [1, 1, 1], "target": [1, 1, 1]}}},
            "FIELD_INVALID",
            "render_job.camera_config.look_at.target",
        ),
        (
            {"assetId": "ASSET", "cameraConfig": {"sceneCamera": "eye"}},
            "SCENE_INVALID",
            "render_job.camera_config.scene_camera",
        ),
    ],
)
async def test_a_wrong_field_is_named(door: Door, job: dict, reason: str, field: str):
    asset = await door.ready_asset()
    job = {name: asset.asset_id if value == "ASSET" else value for name, value in job.items()}
    with refused(reason) as refusal:
        await create(door, job)
    assert field in refusal.violations, refusal.violations


async def test_what_cannot_be_seen_or_used_is_refused(door: Door):
    waiting = await door.upload(b"ply\n" + b" " * 100, filename="a.ply")
    with refused("ASSET_NOT_READY") as refusal:
        await create(door, {"assetId": waiting.asset_id})
    assert refusal.metadata["status"] == "UPLOADED"
    picture = await door.ready_asset("TEXTURE")
    with refused("ASSET_NOT_READY"):
        await create(door, {"assetId": picture.asset_id})
    empty = await make_scene(door, [{"id": "nothing"}])
    with refused("SCENE_INVALID"):
        await create(door, {"sceneId": empty.scene_id})
    gone = await door.ready_asset()
    await door.assets.DeleteAsset(assets_pb2.DeleteAssetRequest(asset_id=gone.asset_id), metadata=door.who())
    with refused("ASSET_DELETED"):
        await create(door, {"assetId": gone.asset_id})
    with refused("NOT_FOUND"):
        await create(door, {"assetId": "ast_" + "0" * 26})
    model = await door.ready_asset()
    with refused("ASSET_NOT_READY"):
        await create(door, {"assetId": model.asset_id, "environment": {"assetId": model.asset_id}})


async def test_an_engine_that_no_worker_has_is_refused_with_those_there_are(door: Door):
    asset = await door.ready_asset()
    await create(door, {"assetId": asset.asset_id, "engine": "raster"})
    known = [{"name": "raster", "available": True}, {"name": "path", "unavailable_reason": "no LLVM"}]
    await execute(door, workers.seen("w1", {"engines": known}))
    for engine in ("path", "unheard_of"):
        with refused("ENGINE_UNAVAILABLE") as refusal:
            await create(door, {"assetId": asset.asset_id, "engine": engine})
        assert refusal.metadata["available"] == "raster"
    await create(door, {"assetId": asset.asset_id, "engine": "raster"})


async def test_creation_is_idempotent_and_can_be_tried_out(door: Door):
    asset = await door.ready_asset()
    tried = await create(door, {"assetId": asset.asset_id}, validate_only=True)
    assert not tried.job_id and tried.resolution.width == 1024
    request_id = str(uuid.uuid4())
    job = {"assetId": asset.asset_id}
    made = await asyncio.gather(*(create(door, job, request_id=request_id) for _ in range(8)))
    assert len({each.job_id for each in made}) == 1
    with refused("REQUEST_ID_REUSED"):
        await create(door, {**job, "samples": 2}, request_id=request_id)
    # A repeat answers with the first job even when a new one could not be made any more.
    delete = assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id)
    await door.assets.DeleteAsset(delete, metadata=door.who())
    assert (await create(door, job, request_id=request_id)).job_id == made[0].job_id
    listed = await door.renders.ListRenderJobs(render_jobs_pb2.ListRenderJobsRequest(), metadata=door.who())
    assert len(listed.render_jobs) == 1


async def test_a_waiting_job_is_cancelled_at_once_and_can_be_retried(door: Door):
    job = await create(door, {"assetId": (await door.ready_asset()).asset_id})
    with refused("JOB_NOT_RETRYABLE"):
        await door.renders.RetryRenderJob(render_jobs_pb2.RetryRenderJobRequest(job_id=job.job_id), metadata=door.who())
    cancel = render_jobs_pb2.CancelRenderJobRequest(job_id=job.job_id)
    cancelled = await door.renders.CancelRenderJob(cancel, metadata=door.who())
    assert cancelled.status == RenderJob.CANCELLED and cancelled.error.code == grpc.StatusCode.CANCELLED.value[0]
    assert cancelled.HasField("completed_at")
    assert await door.renders.CancelRenderJob(cancel, metadata=door.who()) == cancelled
    retry = render_jobs_pb2.RetryRenderJobRequest(job_id=job.job_id)
    again = await door.renders.RetryRenderJob(retry, metadata=door.who())
    assert again.status == RenderJob.PENDING and not again.HasField("error")


async def test_a_watch_shows_ticks_and_every_state_and_ends(door: Door):
    job = await create(door, {"assetId": (await door.ready_asset()).asset_id})
    id = ids.parse("render_job", job.job_id)
    request = render_jobs_pb2.WatchRenderJobRequest(job_id=job.job_id)
    watch = door.renders.WatchRenderJob(request, metadata=door.who("viewer"))
    seen = [await watch.read()]
    row = (await execute(door, jobs.claim(["render"], "w", 60))).one()
    seen.append(await watch.read())
    await execute(door, jobs.tick("render", id, row.sequence + 1, "rendering", 0.5))
    seen.append(await watch.read())
    await execute(door, jobs.complete(id, row.fence, row.sequence + 1))
    seen.append(await watch.read())
    assert await watch.read() is grpc.aio.EOF
    states = [(RenderJob.Status.Name(s.render_job.status), s.render_job.phase, s.render_job.progress) for s in seen]
    assert states == [
        ("PENDING", "queued", 0.0),
        ("PROCESSING", "fetching", 0.0),
        ("PROCESSING", "rendering", 0.5),
        ("COMPLETED", "done", 1.0),
    ]
    sequences = [state.sequence for state in seen]
    assert sequences == sorted(set(sequences))


async def test_watchers_go_on_after_the_database_connection_breaks(door: Door):
    job = await create(door, {"assetId": (await door.ready_asset()).asset_id})
    watch = door.renders.WatchRenderJob(render_jobs_pb2.WatchRenderJobRequest(job_id=job.job_id), metadata=door.who())
    assert (await watch.read()).render_job.status == RenderJob.PENDING
    ears = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'threed-events'"
    await execute(door, sa.text(ears))
    await door.renders.CancelRenderJob(render_jobs_pb2.CancelRenderJobRequest(job_id=job.job_id), metadata=door.who())
    while (state := await watch.read()).render_job.status != RenderJob.CANCELLED:
        pass
    assert state.render_job.status == RenderJob.CANCELLED


async def test_only_a_finished_job_is_deleted_or_downloaded(door: Door):
    job = await create(door, {"assetId": (await door.ready_asset()).asset_id})
    delete = render_jobs_pb2.DeleteRenderJobRequest(job_id=job.job_id)
    with refused("JOB_NOT_FINISHED"):
        await door.renders.DeleteRenderJob(delete, metadata=door.who())
    with refused("JOB_NOT_FINISHED"):
        await door.renders.GetRenderJobDownloadUrl(
            render_jobs_pb2.GetRenderJobDownloadUrlRequest(job_id=job.job_id), metadata=door.who()
        )
    cancel = render_jobs_pb2.CancelRenderJobRequest(job_id=job.job_id)
    await door.renders.CancelRenderJob(cancel, metadata=door.who())
    await door.renders.DeleteRenderJob(delete, metadata=door.who())
    with refused("NOT_FOUND"):
        await get(door, job)


async def test_a_list_filters_by_what_the_job_became(door: Door):
    asset = await door.ready_asset()
    made = [await create(door, {"assetId": asset.asset_id, "priority": i}) for i in range(3)]
    cancel = render_jobs_pb2.CancelRenderJobRequest(job_id=made[0].job_id)
    await door.renders.CancelRenderJob(cancel, metadata=door.who())
    request = render_jobs_pb2.ListRenderJobsRequest(filter="status=PENDING", order_by="priority desc", page_size=1)
    page = await door.renders.ListRenderJobs(request, metadata=door.who())
    request.page_token = page.next_page_token
    rest = await door.renders.ListRenderJobs(request, metadata=door.who())
    assert [job.job_id for job in [*page.render_jobs, *rest.render_jobs]] == [made[2].job_id, made[1].job_id]


async def test_a_job_shows_its_error_when_it_has_ended_and_not_before(door: Door):
    job = await create(door, {"assetId": (await door.ready_asset()).asset_id})
    id = ids.parse("render_job", job.job_id)
    row = (await execute(door, jobs.claim(["render"], "w", 60))).one()
    error = {"code": 13, "message": "It crashed."}
    await execute(door, jobs.release(id, row.fence, error, 0, row.sequence))
    waiting = await get(door, job)
    assert (waiting.status, waiting.attempts, waiting.HasField("error")) == (RenderJob.PENDING, 1, False)
    row = (await execute(door, jobs.claim(["render"], "w", 60))).one()
    await execute(door, jobs.fail(id, row.fence, error, row.sequence))
    assert (await get(door, job)).error.message == "It crashed."
