"""A server of the real contract that does next to nothing, so that what a test sees is the gateway's doing.

`metadata` of a returned asset holds the gRPC metadata that arrived; `size_bytes` the bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from threed.v1 import assets_pb2, assets_pb2_grpc, scenes_pb2_grpc, uploads_pb2, uploads_pb2_grpc

MESSAGE_LIMIT = 16 << 20
SERVICES = ("threed.v1.AssetService", "threed.v1.SceneService", "threed.v1.UploadService", reflection.SERVICE_NAME)


def echo(context: grpc.aio.ServicerContext, **fields: object) -> assets_pb2.Asset:
    asset = assets_pb2.Asset(**fields)
    asset.metadata.update({key: value for key, value in context.invocation_metadata() if isinstance(value, str)})
    return asset


class Assets(assets_pb2_grpc.AssetServiceServicer):
    def __init__(self) -> None:
        self.messages: list[int] = []
        self.uploads: dict[str, str] = {}  # "open", "cut" or "whole", by file name

    async def UploadAsset(self, requests: AsyncIterator, context: grpc.aio.ServicerContext) -> assets_pb2.Asset:
        first, size, digest = assets_pb2.UploadAssetRequest(), 0, hashlib.sha256()
        self.messages.clear()
        try:
            async for request in requests:
                if not first.filename:
                    first = request
                    self.uploads[first.filename] = "open"
                size += len(request.media.data)
                digest.update(request.media.data)
                self.messages.append(len(request.media.data))
                if first.display_name == "slow":
                    await asyncio.sleep(0.02)
            # grpc.aio ends the iteration of a broken stream like that of a whole one; the next await tells them apart.
            await context.send_initial_metadata(())
        except asyncio.CancelledError:
            self.uploads[first.filename] = "cut"
            raise
        self.uploads[first.filename] = "whole"
        return echo(
            context,
            filename=first.filename,
            size_bytes=size,
            sha256=digest.hexdigest(),
            file_format=first.media.content_type,
        )

    async def GetAsset(self, request, context):
        if request.asset_id == "missing":
            await context.abort_with_status(rpc_status.to_status(not_found("No asset missing in this project.")))
        if request.asset_id == "slow":
            await asyncio.sleep(30)
        return echo(context, asset_id=request.asset_id)

    async def ListAssets(self, request, context):
        return assets_pb2.ListAssetsResponse(assets=[{"asset_id": f"ast_{i}"} for i in range(request.page_size)])

    async def UpdateAsset(self, request, context):
        asset = request.asset
        asset.storage_path = ",".join(request.update_mask.paths)
        return asset

    async def UndeleteAsset(self, request, context):
        return echo(context, asset_id=request.asset_id)

    async def DeleteAsset(self, request, context):
        return echo(context, asset_id=request.asset_id)

    async def WatchAsset(self, request, context):
        """Three messages; `quiet-N` waits N seconds before the last."""
        word, _, seconds = request.asset_id.partition("-")
        for number in range(3):
            if number == 2 and word == "quiet":
                await asyncio.sleep(float(seconds))
            yield assets_pb2.WatchAssetResponse(asset=echo(context, asset_id=request.asset_id, size_bytes=number))
            await asyncio.sleep(0.2)
        if word == "broken":
            await context.abort_with_status(rpc_status.to_status(not_found("It went away.")))


class Scenes(scenes_pb2_grpc.SceneServiceServicer):
    async def CreateScene(self, request, context):
        return request.scene

    async def UpdateScene(self, request, context):
        return request.scene

    async def ReplaceScene(self, request, context):
        return request.scene


class Uploads(uploads_pb2_grpc.UploadServiceServicer):
    async def CreateUpload(self, request, context):
        return request.upload

    async def UploadChunk(self, request, context):
        data = request.media.data
        return uploads_pb2.Upload(
            upload_id=request.upload_id,
            committed_size=request.offset + len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=request.crc32c,
        )

    async def FinalizeUpload(self, request, context):
        return assets_pb2.Asset(asset_id=request.upload_id)


def not_found(sentence: str) -> status_pb2.Status:
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason="NOT_FOUND", domain="threed.dev", metadata={"asset_id": "missing"}))
    return status_pb2.Status(code=5, message=sentence, details=[info])


class StandIn:
    """The server, in a thread with an event loop of its own. `serving(False)` makes its health say otherwise."""

    def __init__(self, port: int):
        self.address = f"127.0.0.1:{port}"
        self.assets = Assets()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._health: health.aio.HealthServicer
        self._server: grpc.aio.Server

    def _run(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _start(self) -> None:
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_LIMIT)])
        self._health = health.aio.HealthServicer()
        assets_pb2_grpc.add_AssetServiceServicer_to_server(self.assets, self._server)
        scenes_pb2_grpc.add_SceneServiceServicer_to_server(Scenes(), self._server)
        uploads_pb2_grpc.add_UploadServiceServicer_to_server(Uploads(), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(SERVICES, self._server)
        channelz.add_channelz_servicer(self._server)
        self._server.add_insecure_port(self.address)
        await self._server.start()

    def serving(self, serves: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serves else health_pb2.HealthCheckResponse.NOT_SERVING
        self._run(self._health.set("", status))

    @contextlib.contextmanager
    def running(self) -> Iterator[StandIn]:
        self._thread.start()
        try:
            self._run(self._start())
            self.serving(True)
            yield self
        finally:
            self._run(self._server.stop(0))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()
