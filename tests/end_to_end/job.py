"""The steps of the main job, over any door: a model goes in, a picture comes out."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from PIL import Image
from tests.end_to_end.doors import Grpc, Rest, get

from threed.v1.assets_pb2 import Asset, UploadAssetRequest
from threed.v1.render_jobs_pb2 import RenderJob
from threed.v1.scenes_pb2 import Scene
from threed_workers.samples import animated_model, glb_bytes, sample, triangle

SMALL = {"width": 96, "height": 64}
_numbers = itertools.count(1)


def model(name: str = "model") -> bytes:
    """A GLB whose bytes no other test has."""
    document = triangle()
    document.json["asset"]["extras"] = {"made for": name, "number": next(_numbers)}
    return glb_bytes(document)


def texture() -> bytes:
    """A PNG whose bytes no other test has: checked much faster than a model."""
    text = b"Comment\0number %d" % next(_numbers)
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    data = sample("png")
    return data[:33] + chunk + data[33:]


def showpiece() -> bytes:
    """The textured, animated sample."""
    return animated_model()


def upload(door: Grpc | Rest, data: bytes, filename: str = "model.glb", **fields: Any) -> Asset:
    """One UploadAsset."""
    return door("UploadAsset", UploadAssetRequest(filename=filename, media={"data": data}, **fields))


def ready(door: Grpc | Rest, data: bytes, filename: str = "model.glb", **fields: Any) -> Asset:
    """Upload a file, and watch it until it is VALIDATED."""
    asset = upload(door, data, filename, **fields)
    *_, last = door.watch("WatchAsset", asset_id=asset.asset_id)
    assert last.asset.status == Asset.VALIDATED, last.asset.error
    return last.asset


def rendered(door: Grpc | Rest, **fields: Any) -> RenderJob:
    """Create a render job of a small picture, and watch it until it is COMPLETED."""
    job = door("CreateRenderJob", render_job={"resolution": SMALL, **fields})
    *_, last = door.watch("WatchRenderJob", job_id=job.job_id)
    assert last.render_job.status == RenderJob.COMPLETED, last.render_job.error
    return last.render_job


def picture(door: Grpc | Rest, job: RenderJob) -> Image.Image:
    """The picture of a completed job, read by its signed URL without a token."""
    url = door("GetRenderJobDownloadUrl", job_id=job.job_id)
    answer = get(url.url)
    assert (answer.status, answer.headers["content-type"]) == (200, job.output.media_type)
    assert len(answer.body) == job.output.size_bytes
    return decoded(answer.body)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def differing(a: Image.Image, b: Image.Image) -> float:
    """The part of the pixels that differ clearly, 0 to 1."""
    pairs = zip(a.convert("RGB").get_flattened_data(), b.convert("RGB").get_flattened_data(), strict=True)
    different = sum(max(abs(x - y) for x, y in zip(*pair, strict=True)) > 16 for pair in pairs)
    return different / (a.width * a.height)


@dataclass(frozen=True)
class Project:
    """One of each resource, for tests that only look."""

    asset: Asset
    environment: Asset
    scene: Scene
    job: RenderJob
    upload_id: str

    @classmethod
    def filled(cls, door: Grpc | Rest) -> Project:
        asset = ready(door, showpiece(), "showpiece.glb", tags=["shown"])
        environment = ready(door, sample("hdr"), "sky.hdr")
        scene = door("CreateScene", scene={"display_name": "one", "nodes": [{"id": "a", "asset_id": asset.asset_id}]})
        job = rendered(door, asset_id=asset.asset_id)
        began = door("CreateUpload", upload={"filename": "later.glb"})
        return cls(asset, environment, scene, job, began.upload_id)
