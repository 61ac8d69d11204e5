"""From a render job's scene to a flat list of what to draw. glTF 2.0 node semantics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from threed.errors import SceneInvalid
from threed.v1 import jobs_pb2, render_jobs_pb2, scenes_pb2
from threed_workers.document.world import compose as trs_matrices
from threed_workers.engines import environments, framing
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Light, Settings, Sky
from threed_workers.engines.models import Model
from threed_workers.engines.moments import extent, shown

_LIGHTS = {scenes_pb2.Light.DIRECTIONAL: "directional", scenes_pb2.Light.POINT: "point", scenes_pb2.Light.SPOT: "spot"}
_LAYERS = {
    render_jobs_pb2.RenderJob.DEPTH: "depth",
    render_jobs_pb2.RenderJob.NORMAL: "normal",
    render_jobs_pb2.RenderJob.ALBEDO: "albedo",
    render_jobs_pb2.RenderJob.OBJECT_ID: "object_id",
    render_jobs_pb2.RenderJob.ALPHA: "alpha",
}
_TONE_MAPPINGS = {
    render_jobs_pb2.RenderJob.AGX: "agx",
    render_jobs_pb2.RenderJob.ACES: "aces",
    render_jobs_pb2.RenderJob.LINEAR: "linear",
}


def composed(
    spec: jobs_pb2.RenderSpec, models: Mapping[str, Path], environment: Path | None = None, light: Path | None = None
) -> Drawing:
    """What the job's scene shows: visible nodes in the world, lights, environment and background.

    `models` has the file of each model asset by asset_id, `environment` is the panorama of an environment asset, and
    `light` what was made of it for rasterizers.
    The models wear the job's material variant, and are at its moment; of a film, at the first. Raises SceneInvalid when
    the graph cannot be followed, a number in it is not finite, nothing is to be seen, or no model has that variant or
    moment.
    """
    nodes, job = spec.scene.nodes, spec.render_job
    opened = shown(job, {asset: Model.open(file) for asset, file in sorted(models.items())})
    instances, lights = [], []
    for node, (matrix, hidden) in zip(nodes, places(nodes), strict=True):
        if hidden:
            continue
        if node.HasField("asset_id"):
            if node.asset_id not in opened:
                raise SceneInvalid(f"The model of node {node.id} is missing.", node=node.id, asset_id=node.asset_id)
            instances.append(Instance(opened[node.asset_id], matrix, node.id))
        elif node.HasField("light"):
            lights.append(_light(node.light, matrix))
    points, lowest = extent(job, instances)
    lost = {id(entry): entry for instance in instances for entry in instance.model.document.losses}
    return Drawing(
        tuple(instances),
        points,
        tuple(lights),
        _sky(spec, environment, light),
        _backdrop(spec),
        ground=lowest,
        losses=tuple(lost.values()),
    )


def settings_of(job: render_jobs_pb2.RenderJob) -> Settings:
    """How a job wants its pictures, with defaults for what it leaves out.

    Raises SceneInvalid when its region is not all in the picture.
    """
    width, height = job.resolution.width or 1024, job.resolution.height or 1024
    return Settings(
        width=width,
        height=height,
        samples=job.samples,
        tone_mapping=_TONE_MAPPINGS.get(job.tone_mapping, "pbr_neutral"),
        exposure=job.exposure,
        denoise=job.denoise if job.HasField("denoise") else True,
        max_seconds=job.max_seconds,
        layers=tuple(_LAYERS[aov] for aov in job.aovs if aov in _LAYERS),
        region=_region(job.region, width, height) if job.HasField("region") else None,
        pictures=max(job.frame_count, 1),
        moving=job.WhichOneof("motion") is not None,
    )


def _region(region: render_jobs_pb2.Region, width: int, height: int) -> tuple[int, int, int, int]:
    inside = 0 <= region.x < region.x + region.width <= width and 0 <= region.y < region.y + region.height <= height
    if not inside:
        raise SceneInvalid(
            f"The region of {region.width} x {region.height} pixels at {region.x}, {region.y} is not all in the "
            f"picture of {width} x {height}. Make it smaller, or the picture larger.",
            where="region",
        )
    return region.x, region.y, region.width, region.height


def places(nodes: Sequence[scenes_pb2.SceneNode]) -> list[tuple[np.ndarray, bool]]:
    """(matrix to the world (4, 4), hidden) of each node, in their order."""
    by_id = {node.id: node for node in nodes}
    found: dict[str, tuple[np.ndarray, bool]] = {"": (np.eye(4), False)}
    for node in nodes:
        chain = []
        while node.id not in found:
            chain.append(node)
            if len(chain) > len(nodes):
                raise SceneInvalid(f"Node {node.id} is below itself. Break the circle.", node=node.id)
            if node.parent_id in found:
                break
            if node.parent_id not in by_id:
                raise SceneInvalid(f"Node {node.id} has the unknown parent {node.parent_id}.", node=node.id)
            node = by_id[node.parent_id]
        for node in reversed(chain):
            above, hidden = found[node.parent_id]
            found[node.id] = (_finite(above @ _local(node), node.id), hidden or node.hidden)
    return [found[node.id] for node in nodes]


def _local(node: scenes_pb2.SceneNode) -> np.ndarray:
    if node.matrix:
        return np.array(node.matrix, np.float64).reshape(4, 4).T
    return trs_matrices(
        np.array([list(node.translation) or (0, 0, 0)], np.float64),
        np.array([list(node.rotation) or (0, 0, 0, 1)], np.float64),
        np.array([list(node.scale) or (1, 1, 1)], np.float64),
    )[0]


def _finite(matrix: np.ndarray, node: str) -> np.ndarray:
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e15:
        raise SceneInvalid(f"Node {node} lies beyond 1e15 m, or nowhere. Check its transform.", node=node)
    return matrix


def _light(light: scenes_pb2.Light, matrix: np.ndarray) -> Light:
    outer = light.outer_cone_angle or math.pi / 4
    return Light(
        kind=_LIGHTS.get(light.type, "point"),
        position=matrix[:3, 3],
        direction=framing.ahead(matrix),
        color=tuple(light.color) or (1.0, 1.0, 1.0),
        intensity=light.intensity if light.HasField("intensity") else 1.0,
        range_m=light.range,
        inner_cone=min(light.inner_cone_angle, outer),
        outer_cone=outer,
    )


def _sky(spec: jobs_pb2.RenderSpec, file: Path | None, light: Path | None) -> Sky:
    chosen = spec.render_job if spec.render_job.HasField("environment") else spec.scene
    environment = chosen.environment
    asset = environment.WhichOneof("source") == "asset_id"
    if asset and file is None:
        raise SceneInvalid("The panorama of the environment is missing.", asset_id=environment.asset_id)
    return Sky(
        builtin=environment.builtin or environments.NAMES[0],
        file=file if asset else None,
        light=light if asset else None,
        intensity=environment.intensity if environment.HasField("intensity") else 1.0,
        rotation=environment.rotation,
    )


def _backdrop(spec: jobs_pb2.RenderSpec) -> Backdrop:
    chosen = spec.render_job if spec.render_job.HasField("background") else spec.scene
    background = chosen.background
    kind = background.WhichOneof("kind")
    if kind == "color":
        return Backdrop("color", (background.color.r, background.color.g, background.color.b))
    if kind == "blurred_environment":
        return Backdrop("environment", blur=background.blurred_environment)
    # `environment: false` asks for nothing, as an unset field would.
    return Backdrop(kind) if kind and getattr(background, kind) else Backdrop()
