"""Models in a stack, to be worked on by jobs."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from measuring.stacks import Measured
from threed.v1 import assets_pb2, assets_pb2_grpc

_PIECE = 1 << 20


def messages(data: bytes, filename: str = "model.glb") -> Iterator[assets_pb2.UploadAssetRequest]:
    """What UploadAsset takes of a file."""
    yield assets_pb2.UploadAssetRequest(filename=filename)
    for start in range(0, len(data), _PIECE):
        request = assets_pb2.UploadAssetRequest()
        request.media.data = data[start : start + _PIECE]
        yield request


def upload(stack: Measured, channel: grpc.Channel, data: bytes, filename: str = "model.glb") -> str:
    """Upload a file, wait until it is VALIDATED; its asset_id. Raises RuntimeError when it is not."""
    service = assets_pb2_grpc.AssetServiceStub(channel)
    asset = service.UploadAsset(messages(data, filename), metadata=stack.bearer).asset_id
    watch = assets_pb2.WatchAssetRequest(asset_id=asset)
    *_, last = service.WatchAsset(watch, metadata=stack.bearer, timeout=300)
    if last.asset.status != assets_pb2.Asset.VALIDATED:
        raise RuntimeError(
            f"the asset is {assets_pb2.Asset.Status.Name(last.asset.status)}: {last.asset.error.message}"
        )
    return asset
