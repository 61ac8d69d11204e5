"""threed's gRPC doors, straight to the server: UploadAsset, and WriteUpload with a checksum for each message."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import google_crc32c
import grpc
from google.api import httpbody_pb2

from measuring.doors import Door
from measuring.stacks import Measured
from threed.v1 import assets_pb2, uploads_pb2, uploads_pb2_grpc

_MESSAGE_BYTES = 1 << 20


def upload_asset(
    stack: Measured, channel: grpc.Channel, name: str = "threed: gRPC UploadAsset, disk, SHA-256, flushed"
) -> Door:
    # Messages are made before the clock starts: the server is measured, not this client.
    call = channel.stream_unary(
        "/threed.v1.AssetService/UploadAsset",
        request_serializer=None,
        response_deserializer=assets_pb2.Asset.FromString,
    )

    def send(path: Path) -> float:
        first = assets_pb2.UploadAssetRequest(filename="sample.stl").SerializeToString()
        messages = [
            assets_pb2.UploadAssetRequest(media=httpbody_pb2.HttpBody(data=data)).SerializeToString()
            for _, data in _pieces(path)
        ]
        begin = time.perf_counter()
        asset = call(iter([first, *messages]), metadata=stack.bearer)
        seconds = time.perf_counter() - begin
        assert asset.size_bytes == path.stat().st_size
        return seconds

    return Door(name, send, (stack.server_pid,), stack.forget_blobs)


def write_upload(stack: Measured, channel: grpc.Channel) -> Door:
    uploads = uploads_pb2_grpc.UploadServiceStub(channel)
    call = channel.stream_stream(
        "/threed.v1.UploadService/WriteUpload",
        request_serializer=None,
        response_deserializer=uploads_pb2.WriteUploadResponse.FromString,
    )

    def send(path: Path) -> float:
        upload = uploads_pb2.Upload(filename="sample.stl", size_bytes=path.stat().st_size)
        made = uploads.CreateUpload(uploads_pb2.CreateUploadRequest(upload=upload), metadata=stack.bearer)
        first = uploads_pb2.WriteUploadRequest(upload_id=made.upload_id).SerializeToString()
        last = uploads_pb2.WriteUploadRequest(finish=True).SerializeToString()
        messages = [
            uploads_pb2.WriteUploadRequest(offset=at, data=data, crc32c=google_crc32c.value(data)).SerializeToString()
            for at, data in _pieces(path)
        ]
        begin = time.perf_counter()
        *_, answer = call(_in_order(first, messages, last), metadata=stack.bearer)
        seconds = time.perf_counter() - begin
        assert answer.asset.size_bytes == path.stat().st_size
        return seconds

    name = "threed: gRPC WriteUpload, CRC32C, disk, SHA-256, flushed"
    return Door(name, send, (stack.server_pid,), stack.forget_blobs)


def _pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes), one message each."""
    with path.open("rb") as file:
        at = 0
        while data := file.read(_MESSAGE_BYTES):
            yield at, data
            at += len(data)


def _in_order(first: bytes, messages: Iterable[bytes], last: bytes) -> Iterator[bytes]:
    yield first
    yield from messages
    yield last
