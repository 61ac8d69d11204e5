"""From a RenderJob as asked for to the spec of a worker: defaults filled in, the scene frozen, its files named."""

from __future__ import annotations

import math

import sqlalchemy as sa
from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import AssetDeleted, FieldInvalid, SceneInvalid
from threed.records import assets, scenes
from threed.services.readiness import check_ready, not_ready
from threed.settings import Settings
from threed.v1.jobs_pb2 import BlobRef, RenderSpec
from threed.v1.render_jobs_pb2 import RenderJob
from threed.v1.scenes_pb2 import Scene

_INPUTS = (
    "scene_id",
    "asset_id",
    "camera_config",
    "engine",
    "output_format",
    "resolution",
    "samples",
    "background",
    "environment",
    "tone_mapping",
    "exposure",
    "priority",
)


async def prepare(connection: AsyncConnection, project: str, asked: RenderJob, settings: Settings) -> RenderSpec:
    """Everything that can be known before a worker looks. Raises what CreateRenderJob documents."""
    job = _with_defaults(asked)
    _check_picture(job, settings)
    if job.scene_id:
        row = await scenes.get(connection, project, ids.parse("scene", job.scene_id, "render_job.scene_id"))
        if row.delete_time is not None:
            raise AssetDeleted(f"The scene {job.scene_id} is deleted. Undelete it first.", scene_id=job.scene_id)
        scene = json_format.ParseDict(row.content, Scene())
        job.scene_revision = row.revision
    else:
        scene = Scene()
        scene.nodes.add(id="asset", asset_id=job.asset_id)
    for name in ("background", "environment"):
        if job.HasField(name):
            getattr(scene, name).CopyFrom(getattr(job, name))
    _check_camera(job, scene)
    spec = RenderSpec(render_job=job, scene=scene)
    await _add_files(connection, project, spec)
    return spec


def _with_defaults(asked: RenderJob) -> RenderJob:
    """The fields that a caller can give, with every default that is the server's to choose."""
    job = RenderJob()
    for field, value in asked.ListFields():
        if field.name in _INPUTS:
            if field.message_type:
                getattr(job, field.name).CopyFrom(value)
            else:
                setattr(job, field.name, value)
    job.output_format = job.output_format or RenderJob.PNG
    job.tone_mapping = job.tone_mapping or RenderJob.PBR_NEUTRAL
    if not job.HasField("resolution"):
        job.resolution.width = job.resolution.height = 1024
    return job


def _check_picture(job: RenderJob, settings: Settings) -> None:
    pixels = job.resolution.width * job.resolution.height
    if pixels > settings.max_render_pixels:
        sentence = f"The picture has {pixels} pixels; this server makes at most {settings.max_render_pixels}."
        raise FieldInvalid(sentence, violations=(("render_job.resolution", sentence),))
    if job.output_format == RenderJob.JPEG and job.background.transparent:
        sentence = "JPEG has no alpha channel. Ask for PNG or WEBP, or for a background that is not transparent."
        raise FieldInvalid(sentence, violations=(("render_job.output_format", sentence),))
    look_at = job.camera_config.look_at
    if job.camera_config.HasField("look_at") and math.dist(look_at.eye, look_at.target) == 0:
        sentence = "eye and target are the same point. Move one of them."
        raise FieldInvalid(sentence, violations=(("render_job.camera_config.look_at.target", sentence),))


def _check_camera(job: RenderJob, scene: Scene) -> None:
    wanted = job.camera_config.scene_camera
    if job.camera_config.WhichOneof("view") != "scene_camera":
        return
    cameras = [node.id for node in scene.nodes if node.HasField("camera")]
    if wanted not in cameras:
        have = ", ".join(cameras[:10]) or "none"
        sentence = f"The scene has no camera node {wanted!r}. It has: {have}."
        raise SceneInvalid(sentence, violations=(("render_job.camera_config.scene_camera", sentence),))


async def _add_files(connection: AsyncConnection, project: str, spec: RenderSpec) -> None:
    """Name the stored file of every asset that is drawn. Raises NotFound, AssetDeleted, AssetNotReady, SceneInvalid."""
    lit_by, environment = spec.scene.environment, None
    if lit_by.WhichOneof("source") == "asset_id":
        environment = ids.parse("asset", lit_by.asset_id, "render_job.environment.asset_id")
    drawn = {node.asset_id for node in spec.scene.nodes if node.WhichOneof("content") == "asset_id"}
    models = [ids.parse("asset", asset_id) for asset_id in sorted(drawn)]
    if not models:
        raise SceneInvalid("There is nothing to see: no node holds an asset. Add one to the scene.")
    rows = await assets.get_many(connection, project, [*models, *filter(None, [environment])])
    for id in models:
        spec.models[ids.write("asset", id)].CopyFrom(_render_copy(rows[id]))
    if environment:
        spec.environment.CopyFrom(_panorama(rows[environment]))


def _render_copy(row: sa.Row) -> BlobRef:
    check_ready(row, "MODEL")
    for file in row.files:
        if file["kind"] == "RENDER_COPY":
            return BlobRef(key=file["key"], sha256=file["sha256"], size_bytes=file["size_bytes"])
    raise not_ready(row.id, "has no copy that an engine can read")


def _panorama(row: sa.Row) -> BlobRef:
    check_ready(row, "ENVIRONMENT")
    return BlobRef(key=row.blob_key, sha256=row.sha256, size_bytes=row.size_bytes)
