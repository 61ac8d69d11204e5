"""A caller who does not give up: every request is repeated, with the same request_id, until it is acknowledged."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import TypeVar

import grpc
from tests.stack import RunningStack

from threed.v1 import assets_pb2, assets_pb2_grpc, render_jobs_pb2, render_jobs_pb2_grpc
from threed_client import Client

T = TypeVar("T")
_GIVE_UP_S = 240.0
# Anything else is a refusal, and a mistake of the test or of the server.
_AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}


class Caller:
    """One caller through the gateway."""

    def __init__(self, stack: RunningStack):
        self._channel = grpc.insecure_channel(stack.address, [("grpc.max_reconnect_backoff_ms", 500)])
        self._assets = assets_pb2_grpc.AssetServiceStub(self._channel)
        self._renders = render_jobs_pb2_grpc.RenderServiceStub(self._channel)
        self._metadata = [("authorization", f"Bearer {stack.token()}")]
        # Longer than the supervisor waits before it starts a part again that keeps dying.
        self._client = Client(stack.url, stack.token(), timeout=_GIVE_UP_S, patience=_GIVE_UP_S)

    def close(self) -> None:
        self._channel.close()
        self._client.close()

    def upload(self, data: bytes, filename: str) -> assets_pb2.Asset:
        """In one stream."""
        request_id, half = str(uuid.uuid4()), len(data) // 2

        def messages() -> Iterator[assets_pb2.UploadAssetRequest]:
            yield assets_pb2.UploadAssetRequest(filename=filename, request_id=request_id, media={"data": data[:half]})
            yield assets_pb2.UploadAssetRequest(media={"data": data[half:]})

        return self._acknowledged(lambda: self._assets.UploadAsset(messages(), metadata=self._metadata, timeout=20))

    def upload_resumably(self, data: bytes, filename: str) -> assets_pb2.Asset:
        """In chunks, by the client library."""
        made = self._client.assets.upload(io.BytesIO(data), filename=filename, resumable=True)
        return self.asset(made.asset_id)

    def render(self, asset_id: str) -> render_jobs_pb2.RenderJob:
        job = render_jobs_pb2.RenderJob(asset_id=asset_id, resolution={"width": 64, "height": 64})
        request = render_jobs_pb2.CreateRenderJobRequest(render_job=job, request_id=str(uuid.uuid4()))
        return self._acknowledged(lambda: self._renders.CreateRenderJob(request, metadata=self._metadata, timeout=20))

    def asset(self, asset_id: str) -> assets_pb2.Asset:
        request = assets_pb2.GetAssetRequest(asset_id=asset_id)
        return self._acknowledged(lambda: self._assets.GetAsset(request, metadata=self._metadata, timeout=20))

    def job(self, job_id: str) -> render_jobs_pb2.RenderJob:
        request = render_jobs_pb2.GetRenderJobRequest(job_id=job_id)
        return self._acknowledged(lambda: self._renders.GetRenderJob(request, metadata=self._metadata, timeout=20))

    def picture(self, job_id: str) -> bytes:
        request = render_jobs_pb2.GetRenderJobDownloadUrlRequest(job_id=job_id)
        return _download(self._renders.GetRenderJobDownloadUrl(request, metadata=self._metadata, timeout=20))

    def file(self, asset_id: str, file: assets_pb2.AssetFile) -> bytes:
        request = assets_pb2.GetAssetDownloadUrlRequest(asset_id=asset_id, kind=file.kind)
        request.long_edge_px, request.media_type = file.long_edge_px, file.media_type
        return _download(self._assets.GetAssetDownloadUrl(request, metadata=self._metadata, timeout=20))

    def _acknowledged(self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + _GIVE_UP_S
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                if error.code() not in _AGAIN or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _download(url: assets_pb2.DownloadUrl) -> bytes:
    with urllib.request.urlopen(url.url, timeout=30) as reply:
        data = reply.read()
    assert hashlib.sha256(data).hexdigest() == url.sha256, "the download is not what was stored"
    return data


def numbered(glb: bytes, number: int) -> bytes:
    """The same model with a number in it, so that no two have the same bytes."""
    size = struct.unpack_from("<I", glb, 12)[0]
    document = json.loads(glb[20 : 20 + size])
    document["asset"]["extras"] = {"number": number}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = glb[20 + size :]
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest
