"""From a RenderJob as asked for to the spec of a worker: defaults filled in, the scene frozen, its files named."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncConnection

import threed
from threed import ids
from threed.errors import AssetDeleted, AssetNotReady, FieldInvalid, JobNotFinished, NotFound, SceneInvalid
from threed.records import assets, derivatives, scenes
from threed.services import render_checks, render_clips, render_frames
from threed.services.readiness import check_ready, not_ready
from threed.services.render_clips import Looks
from threed.services.render_presets import PRESETS
from threed.settings import Settings
from threed.v1.derivatives_pb2 import Derivative
from threed.v1.jobs_pb2 import BlobRef, RenderSpec
from threed.v1.recipes_pb2 import Recipe
from threed.v1.render_jobs_pb2 import RenderJob
from threed.v1.scenes_pb2 import Scene

# What a caller can say, in the order of the contract.
_INPUTS = (
    *("scene_id", "asset_id", "derivative_id", "preset", "material_variant", "animation"),
    *("camera_config", "cameras", "turntable", "animation_film", "camera_path"),
    *("engine", "output_format", "video_codec", "bit_depth", "aovs", "resolution", "region"),
    *("samples", "denoise", "max_seconds", "background", "environment", "ground_shadow"),
    *("tone_mapping", "exposure", "priority"),
)
# What does not change what is drawn: it is no part of what a result is found again by.
_NOT_DRAWN = ("scene_id", "asset_id", "derivative_id", "scene_revision", "preset", "priority")


async def prepare(connection: AsyncConnection, project: str, asked: RenderJob, settings: Settings) -> RenderSpec:
    """Everything that can be known before a worker looks. Raises what CreateRenderJob documents."""
    spec = RenderSpec(render_job=_with_defaults(asked))
    job, scene = spec.render_job, spec.scene
    scene.CopyFrom(await _scene(connection, project, job))
    for name in ("background", "environment"):
        if job.HasField(name):
            getattr(scene, name).CopyFrom(getattr(job, name))
    if scene.HasField("background"):
        job.background.CopyFrom(scene.background)
    render_checks.check(job, settings)
    render_checks.check_scene_cameras(job, scene)
    models = await _add_files(connection, project, spec)
    render_clips.check(job, models)
    render_frames.fill_defaults(job, render_clips.seconds(job.animation_film.clip, models))
    job.frame_count = render_frames.count(job, settings.max_render_frames)
    return spec


def cache_key(spec: RenderSpec, engines: Sequence[Mapping[str, str]]) -> str | None:
    """The same scene drawn the same way by the same versions of threed and of its engines is the same.

    None: nobody can say by which.
    """
    if not engines:
        return None
    job = RenderJob()
    job.CopyFrom(spec.render_job)
    for name in _NOT_DRAWN:
        job.ClearField(name)
    scene = Scene(nodes=spec.scene.nodes, environment=spec.scene.environment, background=spec.scene.background)
    digest = hashlib.sha256(job.SerializeToString(deterministic=True) + scene.SerializeToString(deterministic=True))
    for asset_id, blob in sorted(spec.models.items()):
        digest.update(f"\n{asset_id} {blob.sha256} {spec.derived}".encode())
    digest.update(f"\n{spec.environment.sha256} {spec.environment_light.sha256} {threed.__version__}".encode())
    for engine in sorted(f"{engine['name']} {engine.get('version', '')}" for engine in engines):
        digest.update(f"\n{engine}".encode())
    return digest.hexdigest()


def _with_defaults(asked: RenderJob) -> RenderJob:
    """The fields that a caller can give, with those of the preset, and every default that is the server's to choose."""
    given = RenderJob()
    for field, value in asked.ListFields():
        if field.name not in _INPUTS:
            continue
        if field.is_repeated:
            getattr(given, field.name).extend(value)
        elif field.message_type:
            getattr(given, field.name).CopyFrom(value)
        else:
            setattr(given, field.name, value)
    job = _preset(given)
    job.output_format = job.output_format or (RenderJob.MP4 if job.WhichOneof("motion") else RenderJob.PNG)
    job.tone_mapping = job.tone_mapping or RenderJob.PBR_NEUTRAL
    if not job.HasField("resolution"):
        job.resolution.width = job.resolution.height = 1024
    return job


def _preset(given: RenderJob) -> RenderJob:
    """What is given, and from its preset what is not. A field of the caller replaces that of the preset wholly."""
    if not given.preset:
        return given
    if given.preset not in PRESETS:
        sentence = f"There is no preset {given.preset!r}. There are: {', '.join(PRESETS)}."
        raise FieldInvalid(sentence, violations=(("render_job.preset", sentence),))
    job = RenderJob()
    job.CopyFrom(PRESETS[given.preset])
    # A scene may have a camera of its own.
    if given.cameras or given.HasField("camera_path") or given.scene_id:
        job.ClearField("camera_config")
    for field, _ in given.ListFields():
        job.ClearField(field.name)
    job.MergeFrom(given)
    return job


async def _scene(connection: AsyncConnection, project: str, job: RenderJob) -> Scene:
    """The scene as it is now; of an asset, one with nothing else in it."""
    if not job.scene_id:
        scene = Scene()
        scene.nodes.add(id="asset", asset_id=job.asset_id)
        return scene
    id = ids.parse("scene", job.scene_id, "render_job.scene_id")
    with _naming("render_job.scene_id"):
        row = await scenes.get(connection, project, id)
        if row.delete_time is not None:
            raise AssetDeleted(f"The scene {job.scene_id} is deleted. Undelete it first.", scene_id=job.scene_id)
    job.scene_revision = row.revision
    return json_format.ParseDict(row.content, Scene())


async def _add_files(connection: AsyncConnection, project: str, spec: RenderSpec) -> list[Looks]:
    """Name the stored file of every asset that is drawn; what its models can show.

    Raises NotFound, AssetDeleted, AssetNotReady, JobNotFinished, SceneInvalid.
    """
    job, lit_by, environment = spec.render_job, spec.scene.environment, None
    if lit_by.WhichOneof("source") == "asset_id":
        environment = ids.parse("asset", lit_by.asset_id, "render_job.environment.asset_id")
    drawn = {node.asset_id for node in spec.scene.nodes if node.WhichOneof("content") == "asset_id"}
    models = [ids.parse("asset", asset_id, "render_job.asset_id") for asset_id in sorted(drawn)]
    source = "render_job.scene_id" if job.scene_id else "render_job.asset_id"
    if not models:
        sentence = "There is nothing to see: no node holds an asset. Add one to the scene."
        raise SceneInvalid(sentence, violations=((source, sentence),))
    with _naming(source):
        rows = await assets.get_many(connection, project, models)
        for id in models:
            spec.models[ids.write("asset", id)].CopyFrom(_render_copy(rows[id]))
    if environment:
        with _naming("render_job.environment.asset_id" if job.HasField("environment") else source):
            found = await assets.get_many(connection, project, [environment])
            spec.environment.CopyFrom(_panorama(found[environment]))
            if light := _file(found[environment], "LIGHT"):
                spec.environment_light.CopyFrom(light)
    looks = [Looks.of(rows[id].model or {}) for id in models]
    if job.derivative_id:
        blob, recipe = await _derived(connection, project, models[0], job.derivative_id)
        spec.models[ids.write("asset", models[0])].CopyFrom(blob)
        spec.derived = True
        return [each.after(recipe) for each in looks]
    if job.asset_id:
        render_checks.check_extent(rows[models[0]].model or {})
    return looks


@contextlib.contextmanager
def _naming(field: str) -> Iterator[None]:
    """Refusals of an asset name the field of the request that it comes by."""
    try:
        yield
    except (NotFound, AssetDeleted, AssetNotReady) as error:
        error.violations = ((field, error.message),)
        raise


def _render_copy(row: sa.Row) -> BlobRef:
    check_ready(row, "MODEL")
    if copy := _file(row, "RENDER_COPY"):
        return copy
    raise not_ready(row.id, "has no copy that an engine can read")


async def _derived(
    connection: AsyncConnection, project: str, asset_id: uuid.UUID, derivative_id: str
) -> tuple[BlobRef, Recipe]:
    """Its GLB, and what it was made by. Raises NotFound, JobNotFinished."""
    id = ids.parse("derivative", derivative_id, "render_job.derivative_id")
    row = await derivatives.get(connection, project, asset_id, id)
    for file in row.files:
        if file["format"] == "EXPORT_GLB":
            return _blob(file), json_format.ParseDict(row.request, Derivative()).recipe
    why = "has no GLB. Use one that exports GLB" if row.state == "COMPLETED" else f"is {row.state}. Watch it first"
    sentence = f"The derivative {derivative_id} {why}."
    violations = (("render_job.derivative_id", sentence),)
    raise JobNotFinished(sentence, violations=violations, derivative_id=derivative_id, status=row.state)


def _panorama(row: sa.Row) -> BlobRef:
    check_ready(row, "ENVIRONMENT")
    return BlobRef(key=row.blob_key, sha256=row.sha256, size_bytes=row.size_bytes)


def _file(row: sa.Row, kind: str) -> BlobRef | None:
    return next((_blob(file) for file in row.files if file["kind"] == kind), None)


def _blob(file: Mapping) -> BlobRef:
    return BlobRef(key=file["key"], sha256=file["sha256"], size_bytes=file["size_bytes"])
