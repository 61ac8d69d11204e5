"""A threed server in memory that can be told to misbehave: real grpc.aio, real HTTP, none of the product's services.

What breaks in the field has to break here on purpose and on time, so tests script it:

    server.faults["GetAsset"] = [Unavailable("away")]      the next calls raise these, one each
    server.break_writes = [3 << 20]                         WriteUpload is cut after that many bytes, one entry a stream
    server.break_watches = [1]                              a watch is cut after that many messages, one entry a stream
    server.files.cut = [100_000]                            a download is cut after that many bytes, one entry a request
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import google_crc32c
import grpc
from google.protobuf import any_pb2, duration_pb2, empty_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from tests.clients.python.files import Files

from threed import errors, ids
from threed.error import DOMAIN
from threed.v1 import (
    assets_pb2,
    assets_pb2_grpc,
    derivatives_pb2,
    derivatives_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    render_jobs_pb2,
    render_jobs_pb2_grpc,
    saved_recipes_pb2,
    saved_recipes_pb2_grpc,
    scenes_pb2,
    scenes_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
    uploads_pb2,
    uploads_pb2_grpc,
)

TOKEN = "a-good-token"
COMMIT_BYTES = 8 << 20
# What every validate_only of CreateDerivative is answered with.
PLAN = derivatives_pb2.DerivativePlan(
    steps=[
        {"name": "reading", "memory_bytes": 34 << 20, "seconds": 0.13},
        {"name": "weld", "memory_bytes": 211 << 20, "seconds": 12.3},
        {"name": "validating", "seconds": 0.02},
    ],
    memory_bytes=211 << 20,
    memory_limit_bytes=4 << 30,
    seconds=12.45,
)
# What every validate_only of CreateRenderJob is answered with.
RENDER_PLAN = render_jobs_pb2.RenderPlan(engine="raster", frame_count=96, seconds=200.4, memory_bytes=260 << 20)
PREVIEW = b"RIFF preview of a duck WEBP"
PICTURE = b"\x89PNG picture of a duck " * 1000


def new_id(kind: str) -> str:
    return ids.write(kind, ids.uuid7())


def status_of(error: errors.ThreedError) -> status_pb2.Status:
    """The google.rpc.Status of an error of the table, with all its details."""
    status = status_pb2.Status(code=error.code, message=error.message)

    def add(detail: Any) -> None:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)

    add(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    if error.violations:
        found = [error_details_pb2.BadRequest.FieldViolation(field=f, description=d) for f, d in error.violations]
        add(error_details_pb2.BadRequest(field_violations=found))
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        add(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


class Server:
    """Everything that the services below share, and the script of what goes wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.files = Files()
        self.assets: dict[str, assets_pb2.Asset] = {}
        self.uploads: dict[str, uploads_pb2.Upload] = {}
        self.scenes: dict[str, scenes_pb2.Scene] = {}
        self.recipes: dict[str, list[saved_recipes_pb2.SavedRecipe]] = {}  # every revision, the first first
        self.events: list[events_pb2.Event] = []  # the newest first
        self.jobs: dict[str, render_jobs_pb2.RenderJob] = {}
        self.frames: list[render_jobs_pb2.RenderFrame] = []  # of every job
        self.outputs = ["picture.png"]  # what a worker would make of every job
        self.frame_count = 1
        self.contents: dict[str, bytearray] = {}
        self.calls: list[tuple[str, Any]] = []
        self.faults: dict[str, list[errors.ThreedError]] = {}
        self.break_writes: list[int] = []
        self.break_watches: list[int] = []
        self.received_bytes = 0
        # What a worker would find: the final state of every asset and job.
        self.outcome: errors.ThreedError | None = None

    async def enter(self, method: str, request: Any, context: grpc.aio.ServicerContext) -> None:
        """Record a call, check its token, and raise what the test has planned for it."""
        self.calls.append((method, request))
        if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
            await self.refuse(context, errors.TokenMissing("This call needs a token. Make one with `threed token`."))
        if planned := self.faults.get(method):
            await self.refuse(context, planned.pop(0))

    async def refuse(self, context: grpc.aio.ServicerContext, error: errors.ThreedError) -> None:
        await context.abort_with_status(rpc_status.to_status(status_of(error)))

    async def found(self, table: dict[str, Any], key: str, context: grpc.aio.ServicerContext) -> Any:
        if key not in table:
            await self.refuse(context, errors.NotFound(f"There is no {key} in this project.", id=key))
        return table[key]

    def called(self, method: str) -> list[Any]:
        """The requests of every call of that method, in order."""
        return [request for name, request in self.calls if name == method]

    def add_asset(self, filename: str, data: bytes, **fields: Any) -> assets_pb2.Asset:
        """An asset that is UPLOADED, with its bytes downloadable."""
        asset = assets_pb2.Asset(
            asset_id=new_id("asset"),
            filename=filename,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            file_format="glb",
            asset_type=assets_pb2.Asset.MODEL,
            status=assets_pb2.Asset.UPLOADED,
            etag="1",
            **{"display_name": filename, **fields},
        )
        asset.upload_timestamp.FromJsonString("2026-11-21T10:00:00Z")
        self.assets[asset.asset_id] = asset
        self.files.put(asset.asset_id, data)
        return asset

    def add_job(self, job_id: str, **fields: Any) -> render_jobs_pb2.RenderJob:
        """A render job of that id, with its outputs downloadable."""
        job = render_jobs_pb2.RenderJob(job_id=job_id, **fields)
        self.jobs[job_id] = job
        for number, name in enumerate(self.outputs):
            self.files.put(f"{job_id}-{name}", PICTURE + (name.encode() if number else b""))
        return job

    def check(self, asset: assets_pb2.Asset) -> None:
        """Do what the worker would do."""
        asset.validation.validator = "threed"
        if self.outcome is None:
            asset.status = assets_pb2.Asset.VALIDATED
            asset.model.triangle_count, asset.model.vertex_count, asset.model.material_count = 4212, 2399, 1
            asset.validation.warning_count = 1
            issue = asset.validation.issues.add(code="UNUSED_OBJECT", severity=2, pointer="/nodes/1")
            issue.message = "This object may be unused."
        else:
            asset.status = assets_pb2.Asset.FAILED
            asset.error.CopyFrom(status_of(self.outcome))
            asset.validation.error_count = 1
            issue = asset.validation.issues.add(code="MALFORMED", severity=1, pointer="/accessors/0")
            issue.message = "The accessor ends behind its buffer."

    async def watched(self, messages: list[Any], context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        """Stream these, cut where the test has planned it."""
        cut = self.break_watches.pop(0) if self.break_watches else None
        for number, message in enumerate(messages):
            if number == cut:
                await self.refuse(context, errors.Unavailable("The server is stopping."))
            yield message


class AssetService(assets_pb2_grpc.AssetServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def UploadAsset(self, requests: AsyncIterator, context: grpc.aio.ServicerContext) -> assets_pb2.Asset:
        first, data = None, bytearray()
        async for request in requests:
            first = first or request
            data += request.media.data
        await self.server.enter("UploadAsset", first, context)
        if not data:
            await self.server.refuse(context, errors.FileEmpty(f"{first.filename} has no bytes."))
        assert hashlib.sha256(data).hexdigest() == first.sha256
        return self.server.add_asset(first.filename, bytes(data), tags=first.tags)

    async def GetAsset(self, request, context):
        await self.server.enter("GetAsset", request, context)
        return await self.server.found(self.server.assets, request.asset_id, context)

    async def ListAssets(self, request, context):
        await self.server.enter("ListAssets", request, context)
        if request.filter == "nonsense=1":
            sentence = "Unknown field 'nonsense' at position 0."
            await self.server.refuse(context, errors.FilterInvalid(sentence, violations=(("filter", sentence),)))
        everything = list(self.server.assets.values())[::-1]
        start, size = int(request.page_token or 0), request.page_size or 50
        following = str(start + size) if start + size < len(everything) else ""
        return assets_pb2.ListAssetsResponse(assets=everything[start : start + size], next_page_token=following)

    async def UpdateAsset(self, request, context):
        await self.server.enter("UpdateAsset", request, context)
        asset = await self.server.found(self.server.assets, request.asset.asset_id, context)
        if request.asset.etag and request.asset.etag != asset.etag:
            await self.server.refuse(context, errors.EtagMismatch("Somebody changed it.", etag=asset.etag))
        request.update_mask.MergeMessage(request.asset, asset, True, True)
        asset.etag = str(int(asset.etag) + 1)
        return asset

    async def DeleteAsset(self, request, context):
        await self.server.enter("DeleteAsset", request, context)
        asset = await self.server.found(self.server.assets, request.asset_id, context)
        asset.delete_time.GetCurrentTime()
        return asset

    async def UndeleteAsset(self, request, context):
        await self.server.enter("UndeleteAsset", request, context)
        asset = await self.server.found(self.server.assets, request.asset_id, context)
        asset.ClearField("delete_time")
        return asset

    async def WatchAsset(self, request, context):
        await self.server.enter("WatchAsset", request, context)
        asset = await self.server.found(self.server.assets, request.asset_id, context)
        queued, reading, done = assets_pb2.Asset(), assets_pb2.Asset(), assets_pb2.Asset()
        for state in (queued, reading, done):
            state.CopyFrom(asset)
        reading.status = assets_pb2.Asset.PROCESSING
        if asset.status == assets_pb2.Asset.UPLOADED:
            self.server.check(done)
        steps = [(1, queued, "queued", 0.0), (2, reading, "reading", 0.4), (3, done, "done", 1.0)]
        messages = [
            assets_pb2.WatchAssetResponse(sequence=number, asset=state, phase=phase, progress=progress)
            for number, state, phase, progress in (steps if done.status != asset.status else steps[-1:])
        ]
        async for message in self.server.watched(messages, context):
            yield message
        asset.CopyFrom(done)

    async def GetAssetDownloadUrl(self, request, context):
        await self.server.enter("GetAssetDownloadUrl", request, context)
        await self.server.found(self.server.assets, request.asset_id, context)
        return self.server.files.sign(request.asset_id)


class UploadService(uploads_pb2_grpc.UploadServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def CreateUpload(self, request, context):
        await self.server.enter("CreateUpload", request, context)
        upload = uploads_pb2.Upload()
        upload.CopyFrom(request.upload)
        upload.upload_id, upload.status = new_id("upload"), uploads_pb2.Upload.OPEN
        self.server.uploads[upload.upload_id] = upload
        self.server.contents[upload.upload_id] = bytearray()
        return upload

    async def GetUpload(self, request, context):
        await self.server.enter("GetUpload", request, context)
        return await self.server.found(self.server.uploads, request.upload_id, context)

    async def WriteUpload(self, requests, context):
        first = await anext(requests)
        await self.server.enter("WriteUpload", first, context)
        assert not first.data, "the first message carries no data"
        upload = await self.server.found(self.server.uploads, first.upload_id, context)
        if upload.status != uploads_pb2.Upload.OPEN:
            await self.server.refuse(context, errors.UploadClosed("The upload takes no more bytes."))
        content = self.server.contents[upload.upload_id]
        # Bytes that were not committed are lost with the stream that brought them.
        del content[upload.committed_size :]
        cut = self.server.break_writes.pop(0) if self.server.break_writes else None
        yield uploads_pb2.WriteUploadResponse(committed_size=upload.committed_size)
        received = 0
        async for request in requests:
            if request.offset != len(content):
                have = len(content)
                error = errors.UploadOffsetMismatch(f"Continue at {have}.", committed_size=have)
                await self.server.refuse(context, error)
            if request.data and request.crc32c != google_crc32c.value(request.data):
                await self.server.refuse(context, errors.UploadChunkCorrupt("The chunk's CRC32C is wrong."))
            if planned := self.server.faults.get("WriteUpload.chunk"):
                await self.server.refuse(context, planned.pop(0))
            content += request.data
            received += len(request.data)
            self.server.received_bytes += len(request.data)
            if cut is not None and received >= cut:
                await self.server.refuse(context, errors.Unavailable("The server is stopping."))
            if len(content) - upload.committed_size >= COMMIT_BYTES or request.finish:
                upload.committed_size = len(content)
                answer = uploads_pb2.WriteUploadResponse(committed_size=upload.committed_size)
                if request.finish:
                    answer.asset.CopyFrom(self.finish(upload))
                    if planned := self.server.faults.get("WriteUpload.answer"):
                        await self.server.refuse(context, planned.pop(0))
                yield answer

    async def FinalizeUpload(self, request, context):
        await self.server.enter("FinalizeUpload", request, context)
        upload = await self.server.found(self.server.uploads, request.upload_id, context)
        return self.server.assets[upload.asset_id] if upload.asset_id else self.finish(upload)

    async def DeleteUpload(self, request, context):
        await self.server.enter("DeleteUpload", request, context)
        (await self.server.found(self.server.uploads, request.upload_id, context)).status = 4
        return empty_pb2.Empty()

    def finish(self, upload: uploads_pb2.Upload) -> assets_pb2.Asset:
        data = bytes(self.server.contents[upload.upload_id])
        asset = self.server.add_asset(upload.filename, data, tags=upload.tags, metadata=upload.metadata)
        upload.status, upload.asset_id = uploads_pb2.Upload.FINISHED, asset.asset_id
        return asset


class SceneService(scenes_pb2_grpc.SceneServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def CreateScene(self, request, context):
        await self.server.enter("CreateScene", request, context)
        scene = scenes_pb2.Scene()
        scene.CopyFrom(request.scene)
        scene.scene_id, scene.revision = new_id("scene"), 1
        self.server.scenes[scene.scene_id] = scene
        return scene

    async def GetScene(self, request, context):
        await self.server.enter("GetScene", request, context)
        return await self.server.found(self.server.scenes, request.scene_id, context)

    async def ListScenes(self, request, context):
        await self.server.enter("ListScenes", request, context)
        return scenes_pb2.ListScenesResponse(scenes=self.server.scenes.values())

    async def UpdateScene(self, request, context):
        await self.server.enter("UpdateScene", request, context)
        scene = await self.server.found(self.server.scenes, request.scene.scene_id, context)
        request.update_mask.MergeMessage(request.scene, scene, True, True)
        return scene


class RecipeService(saved_recipes_pb2_grpc.RecipeServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def CreateSavedRecipe(self, request, context):
        await self.server.enter("CreateSavedRecipe", request, context)
        saved = saved_recipes_pb2.SavedRecipe()
        saved.CopyFrom(request.saved_recipe)
        saved.recipe_id, saved.revision = new_id("recipe"), 1
        self.server.recipes[saved.recipe_id] = [saved]
        return saved

    async def GetSavedRecipe(self, request, context):
        await self.server.enter("GetSavedRecipe", request, context)
        revisions = await self.server.found(self.server.recipes, request.recipe_id, context)
        return revisions[request.revision - 1]

    async def ListSavedRecipes(self, request, context):
        await self.server.enter("ListSavedRecipes", request, context)
        latest = [revisions[-1] for revisions in self.server.recipes.values()]
        return saved_recipes_pb2.ListSavedRecipesResponse(saved_recipes=latest)

    async def UpdateSavedRecipe(self, request, context):
        await self.server.enter("UpdateSavedRecipe", request, context)
        revisions = await self.server.found(self.server.recipes, request.saved_recipe.recipe_id, context)
        saved = saved_recipes_pb2.SavedRecipe()
        saved.CopyFrom(revisions[-1])
        request.update_mask.MergeMessage(request.saved_recipe, saved, True, True)
        saved.revision += 1
        revisions.append(saved)
        return saved

    async def DeleteSavedRecipe(self, request, context):
        await self.server.enter("DeleteSavedRecipe", request, context)
        await self.server.found(self.server.recipes, request.recipe_id, context)
        del self.server.recipes[request.recipe_id]
        return empty_pb2.Empty()


class DerivativeService(derivatives_pb2_grpc.DerivativeServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def CreateDerivative(self, request, context):
        await self.server.enter("CreateDerivative", request, context)
        made = derivatives_pb2.Derivative()
        made.CopyFrom(request.derivative)
        if made.recipe_id:
            revisions = await self.server.found(self.server.recipes, made.recipe_id, context)
            saved = revisions[made.recipe_revision - 1]
            made.recipe.CopyFrom(saved.recipe)
            made.recipe_revision = saved.revision
        if request.validate_only:
            made.plan.CopyFrom(PLAN)
        return made


class RenderService(render_jobs_pb2_grpc.RenderServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def CreateRenderJob(self, request, context):
        await self.server.enter("CreateRenderJob", request, context)
        job = render_jobs_pb2.RenderJob()
        job.CopyFrom(request.render_job)
        if request.validate_only:
            job.resolution.width, job.resolution.height, job.output_format = 1024, 768, 5
            job.plan.CopyFrom(RENDER_PLAN)
            return job
        fields = {"status": render_jobs_pb2.RenderJob.PENDING, "phase": "queued"}
        job.MergeFrom(self.server.add_job(new_id("render_job"), **fields))
        self.server.jobs[job.job_id] = job
        return job

    async def GetRenderJob(self, request, context):
        await self.server.enter("GetRenderJob", request, context)
        return await self.server.found(self.server.jobs, request.job_id, context)

    async def CancelRenderJob(self, request, context):
        return await self._become("CancelRenderJob", request, context, render_jobs_pb2.RenderJob.CANCELLED)

    async def RetryRenderJob(self, request, context):
        return await self._become("RetryRenderJob", request, context, render_jobs_pb2.RenderJob.PENDING)

    async def PauseRenderJob(self, request, context):
        return await self._become("PauseRenderJob", request, context, render_jobs_pb2.RenderJob.PAUSED)

    async def ResumeRenderJob(self, request, context):
        return await self._become("ResumeRenderJob", request, context, render_jobs_pb2.RenderJob.PROCESSING)

    async def _become(self, method, request, context, status):
        await self.server.enter(method, request, context)
        job = await self.server.found(self.server.jobs, request.job_id, context)
        job.status = status
        return job

    async def ListRenderFrames(self, request, context):
        await self.server.enter("ListRenderFrames", request, context)
        start, size = int(request.page_token or 0), request.page_size or 50
        following = str(start + size) if start + size < len(self.server.frames) else ""
        page = self.server.frames[start : start + size]
        return render_jobs_pb2.ListRenderFramesResponse(frames=page, next_page_token=following)

    async def WatchRenderJob(self, request, context):
        await self.server.enter("WatchRenderJob", request, context)
        job = await self.server.found(self.server.jobs, request.job_id, context)
        messages = []
        for sequence, (phase, progress) in enumerate([("queued", 0.0), ("rendering", 0.5), ("done", 1.0)], 1):
            if job.status != render_jobs_pb2.RenderJob.CANCELLED:
                job.phase, job.progress, job.status = phase, progress, min(sequence, 3)
                job.engine_used = "filament"
                job.frame_count = self.server.frame_count
                job.frames_completed = min(sequence - 1, job.frame_count) if sequence < 3 else job.frame_count
            if job.status == render_jobs_pb2.RenderJob.COMPLETED and self.server.outcome is None:
                self._complete(job)
            message = render_jobs_pb2.WatchRenderJobResponse(
                render_job=job, sequence=sequence, resume_token=f"token-{sequence}", samples_done=sequence, samples=3
            )
            if phase == "rendering":
                message.eta_s = 4.2
                if request.previews:
                    message.preview.image, message.preview.media_type = PREVIEW, "image/webp"
            messages.append(message)
        if self.server.outcome is not None:
            messages[-1].render_job.status = render_jobs_pb2.RenderJob.FAILED
            messages[-1].render_job.error.CopyFrom(status_of(self.server.outcome))
        async for message in self.server.watched(messages, context):
            yield message

    def _complete(self, job):
        """Give it what a worker would have made."""
        del job.outputs[:]
        for name in self.server.outputs:
            size = len(self.server.files.contents[f"{job.job_id}-{name}"])
            job.outputs.add(name=name, media_type="image/png", size_bytes=size, width_px=640, height_px=480)
        job.output.CopyFrom(job.outputs[0])

    async def GetRenderJobDownloadUrl(self, request, context):
        await self.server.enter("GetRenderJobDownloadUrl", request, context)
        return self.server.files.sign(f"{request.job_id}-{request.output or self.server.outputs[0]}")

    async def DeleteRenderJob(self, request, context):
        await self.server.enter("DeleteRenderJob", request, context)
        self.server.jobs.pop(request.job_id, None)
        return empty_pb2.Empty()


class EventService(events_pb2_grpc.EventServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def GetEvent(self, request, context):
        await self.server.enter("GetEvent", request, context)
        events = {event.event_id: event for event in self.server.events}
        return await self.server.found(events, request.event_id, context)

    async def ListEvents(self, request, context):
        await self.server.enter("ListEvents", request, context)
        start, size = int(request.page_token or 0), request.page_size or 50
        following = str(start + size) if start + size < len(self.server.events) else ""
        return events_pb2.ListEventsResponse(events=self.server.events[start : start + size], next_page_token=following)


class SystemService(system_pb2_grpc.SystemServiceServicer):
    def __init__(self, server: Server):
        self.server = server

    async def GetCapabilities(self, request, context):
        await self.server.enter("GetCapabilities", request, context)
        found = system_pb2.Capabilities(version="0.1.0", environments=["studio"], worker_count=1)
        found.formats.add(name="glb", media_type="model/gltf-binary", extensions=[".glb"], asset_type=1)
        found.engines.add(name="filament", version="0.2.1", available=True)
        found.engines.add(name="pathtracer", unavailable_reason="libatomic.so.1 is missing: apt-get install libatomic1")
        found.limits.max_upload_bytes = 10 << 30
        return found

    async def ProbeJobs(self, request, context):
        await self.server.enter("ProbeJobs", request, context)
        return system_pb2.ProbeJobsResponse(worker="worker-1")


@contextmanager
def running(certificate: tuple[bytes, bytes] | None = None) -> Iterator[Server]:
    """A stand-in that listens on a free port of this machine, with its event loop in a thread.

    With `certificate` (chain and key, as PEM) it speaks TLS.
    """
    server = Server()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> grpc.aio.Server:
        listening = grpc.aio.server()
        assets_pb2_grpc.add_AssetServiceServicer_to_server(AssetService(server), listening)
        uploads_pb2_grpc.add_UploadServiceServicer_to_server(UploadService(server), listening)
        saved_recipes_pb2_grpc.add_RecipeServiceServicer_to_server(RecipeService(server), listening)
        derivatives_pb2_grpc.add_DerivativeServiceServicer_to_server(DerivativeService(server), listening)
        scenes_pb2_grpc.add_SceneServiceServicer_to_server(SceneService(server), listening)
        render_jobs_pb2_grpc.add_RenderServiceServicer_to_server(RenderService(server), listening)
        events_pb2_grpc.add_EventServiceServicer_to_server(EventService(server), listening)
        system_pb2_grpc.add_SystemServiceServicer_to_server(SystemService(server), listening)
        if certificate:
            chain, key = certificate
            credentials = grpc.ssl_server_credentials([(key, chain)])
            server.url = f"https://127.0.0.1:{listening.add_secure_port('127.0.0.1:0', credentials)}"
        else:
            server.url = f"http://127.0.0.1:{listening.add_insecure_port('127.0.0.1:0')}"
        await listening.start()
        return listening

    listening = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        with server.files.served():
            yield server
    finally:
        asyncio.run_coroutine_threadsafe(listening.stop(0), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
