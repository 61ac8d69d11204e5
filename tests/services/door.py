"""How a test calls the server, and what it reads out of an error."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.rpc import error_details_pb2, status_pb2

from threed import ids
from threed.local.keys import Keys
from threed.records.tables import assets
from threed.services import Backend
from threed.v1 import (
    assets_pb2,
    assets_pb2_grpc,
    derivatives_pb2_grpc,
    events_pb2_grpc,
    render_jobs_pb2_grpc,
    saved_recipes_pb2_grpc,
    scenes_pb2_grpc,
    system_pb2_grpc,
    uploads_pb2_grpc,
)

CHUNK = 256 << 10


@dataclass
class Refusal:
    """What a refused call said."""

    code: grpc.StatusCode | None = None
    reason: str = ""
    message: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def refused(reason: str) -> Iterator[Refusal]:
    """The block's call is refused with this reason, and with exactly one ErrorInfo."""
    refusal = Refusal()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield refusal
    refusal.code, refusal.message = caught.value.code(), caught.value.details()
    status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    infos = []
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            infos.append(info)
        elif detail.Unpack(bad):
            refusal.violations = {v.field: v.description for v in bad.field_violations}
    assert [(info.reason, info.domain) for info in infos] == [(reason, "threed.dev")], refusal.message
    refusal.reason, refusal.metadata = reason, dict(infos[0].metadata)


class Door:
    """Stubs of every service; `who(...)` gives the metadata of a caller."""

    def __init__(self, channel: grpc.aio.Channel, keys: Keys, backend: Backend):
        self.channel = channel
        self.keys = keys
        self.backend = backend
        self.assets = assets_pb2_grpc.AssetServiceStub(channel)
        self.uploads = uploads_pb2_grpc.UploadServiceStub(channel)
        self.scenes = scenes_pb2_grpc.SceneServiceStub(channel)
        self.recipes = saved_recipes_pb2_grpc.RecipeServiceStub(channel)
        self.derivatives = derivatives_pb2_grpc.DerivativeServiceStub(channel)
        self.renders = render_jobs_pb2_grpc.RenderServiceStub(channel)
        self.events = events_pb2_grpc.EventServiceStub(channel)
        self.system = system_pb2_grpc.SystemServiceStub(channel)

    def who(self, role: str = "editor", project: str = "default", **claims: Any) -> list[tuple[str, str]]:
        token = self.keys.mint(role=role, project=project, subject="ada", **claims)
        return [("authorization", f"Bearer {token}")]

    async def upload(self, data: bytes, filename: str = "box.glb", who: Any = None, **fields: Any) -> assets_pb2.Asset:
        """One UploadAsset call."""
        return await self.assets.UploadAsset(messages(data, filename=filename, **fields), metadata=who or self.who())

    async def ready_asset(self, asset_type: str = "MODEL", **columns: Any) -> assets_pb2.Asset:
        """An asset that looks as a worker leaves it."""
        asset = await self.upload(tiny_glb(len(columns.get("display_name", ""))), **{})
        file = {"media_type": "model/gltf-binary", "key": "sha256/aa/bb/cc", "size_bytes": 3, "sha256": "c" * 64}
        values = {
            "status": "VALIDATED",
            "asset_type": asset_type,
            "file_format": "glb",
            "files": [{"kind": kind, **file} for kind in ("NORMALIZED", "RENDER_COPY")],
            **columns,
        }
        async with self.backend.records.transaction() as connection:
            where = assets.c.id == ids.parse("asset", asset.asset_id)
            await connection.execute(sa.update(assets).where(where).values(**values))
        return await self.assets.GetAsset(assets_pb2.GetAssetRequest(asset_id=asset.asset_id), metadata=self.who())


async def messages(data: bytes, **fields: Any) -> AsyncIterator[assets_pb2.UploadAssetRequest]:
    """The messages of an upload, the first with the fields."""
    yield assets_pb2.UploadAssetRequest(media={"data": data[:CHUNK]}, **fields)
    for start in range(CHUNK, len(data), CHUNK):
        yield assets_pb2.UploadAssetRequest(media={"data": data[start : start + CHUNK]})


def tiny_glb(padding: int = 0) -> bytes:
    """A valid GLB with nothing in it; `padding` makes its bytes differ."""
    text = b'{"asset":{"version":"2.0"}}' + b" " * padding
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text
