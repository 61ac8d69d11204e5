"""From a render job's scene to a flat list of what to draw. glTF 2.0 node semantics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from threed.errors import SceneInvalid
from threed.v1 import jobs_pb2, render_jobs_pb2, scenes_pb2
from threed_workers.document.world import compose as trs_matrices
from threed_workers.engines import environments, framing
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Light, Settings, Sky, View
from threed_workers.engines.models import Model

_LIGHTS = {scenes_pb2.Light.DIRECTIONAL: "directional", scenes_pb2.Light.POINT: "point", scenes_pb2.Light.SPOT: "spot"}
_TONE_MAPPINGS = {
    render_jobs_pb2.RenderJob.AGX: "agx",
    render_jobs_pb2.RenderJob.ACES: "aces",
    render_jobs_pb2.RenderJob.LINEAR: "linear",
}


def composed(spec: jobs_pb2.RenderSpec, models: Mapping[str, Path], environment: Path | None = None) -> Drawing:
    """What the job's scene shows: visible nodes in the world, lights, environment and background.

    `models` has the file of each model asset by asset_id, `environment` is the panorama of an environment asset.
    Raises SceneInvalid when the graph cannot be followed, a number in it is not finite, or nothing is to be seen.
    """
    nodes = spec.scene.nodes
    places = _places(nodes)
    opened = {asset: Model.open(file) for asset, file in sorted(models.items())}
    instances, lights = [], []
    for node, (matrix, hidden) in zip(nodes, places, strict=True):
        if hidden:
            continue
        if node.HasField("asset_id"):
            if node.asset_id not in opened:
                raise SceneInvalid(f"The model of node {node.id} is missing.", node=node.id, asset_id=node.asset_id)
            instances.append(Instance(opened[node.asset_id], matrix))
        elif node.HasField("light"):
            lights.append(_light(node.light, matrix))
    return Drawing(
        tuple(instances),
        _points(instances),
        tuple(lights),
        _sky(spec, environment),
        _backdrop(spec),
    )


def settings_of(job: render_jobs_pb2.RenderJob) -> Settings:
    """Size, samples, tone mapping and exposure of a job, with defaults for what it leaves out."""
    return Settings(
        width=job.resolution.width or 1024,
        height=job.resolution.height or 1024,
        samples=job.samples or 4,
        tone_mapping=_TONE_MAPPINGS.get(job.tone_mapping, "pbr_neutral"),
        exposure=job.exposure,
    )


def view_of(spec: jobs_pb2.RenderSpec, drawing: Drawing, aspect: float) -> View:
    """The camera that the job asks for: a camera node, a look-at, or automatic framing.

    Without any, the first visible camera node of the scene, else automatic framing. Raises SceneInvalid.
    """
    config = spec.render_job.camera_config
    kind = config.WhichOneof("view")
    if kind == "scene_camera":
        return _scene_camera(spec.scene, config.scene_camera, drawing)
    if kind == "look_at":
        look = config.look_at
        pose = framing.looking(look.eye, look.target, look.up or (0.0, 1.0, 0.0))
        near, far = framing.depth_range(drawing.points, pose)
        return View(pose, near, far, yfov=look.yfov or framing.YFOV)
    if kind is None:
        for node, (_, hidden) in zip(spec.scene.nodes, _places(spec.scene.nodes), strict=True):
            if node.HasField("camera") and not hidden:
                return _scene_camera(spec.scene, node.id, drawing)
    frame = config.auto_frame
    return framing.framed(
        drawing.points,
        yaw=frame.yaw if frame.HasField("yaw") else framing.YAW,
        pitch=frame.pitch if frame.HasField("pitch") else framing.PITCH,
        yfov=frame.yfov or framing.YFOV,
        margin=frame.margin if frame.HasField("margin") else framing.MARGIN,
        aspect=aspect,
    )


def _places(nodes: list[scenes_pb2.SceneNode]) -> list[tuple[np.ndarray, bool]]:
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


def _points(instances: list[Instance]) -> np.ndarray:
    """The corners of every instance's box in the world (n, 3)."""
    corners: dict[int, np.ndarray] = {}
    found = [np.zeros((0, 3))]
    for instance in instances:
        local = corners.setdefault(id(instance.model), instance.model.corners())
        found.append(local @ instance.matrix[:3, :3].T + instance.matrix[:3, 3])
    points = np.concatenate(found)
    if not len(points):
        raise SceneInvalid(
            "There is nothing to see: no visible node has a model with geometry. Add one.", where="nodes"
        )
    return points


def _light(light: scenes_pb2.Light, matrix: np.ndarray) -> Light:
    outer = light.outer_cone_angle or math.pi / 4
    return Light(
        kind=_LIGHTS.get(light.type, "point"),
        position=matrix[:3, 3],
        direction=_ahead(matrix),
        color=tuple(light.color) or (1.0, 1.0, 1.0),
        intensity=light.intensity if light.HasField("intensity") else 1.0,
        range_m=light.range,
        inner_cone=min(light.inner_cone_angle, outer),
        outer_cone=outer,
    )


def _ahead(matrix: np.ndarray) -> np.ndarray:
    ahead = -matrix[:3, 2]
    length = np.linalg.norm(ahead)
    return ahead / length if length else np.array([0.0, 0.0, -1.0])


def _scene_camera(scene: scenes_pb2.Scene, wanted: str, drawing: Drawing) -> View:
    places = zip(scene.nodes, _places(scene.nodes), strict=True)
    cameras = {node.id: (node.camera, matrix) for node, (matrix, _) in places if node.HasField("camera")}
    if wanted not in cameras:
        raise SceneInvalid(
            f"The scene has no camera node {wanted}. It has: {', '.join(list(cameras)[:10]) or 'none'}.", camera=wanted
        )
    camera, matrix = cameras[wanted]
    # A camera's place counts and its scale does not (glTF 2.0 section 3.10.1).
    eye = matrix[:3, 3]
    pose = framing.looking(eye, eye + _ahead(matrix) * max(1.0, float(np.abs(eye).max())), matrix[:3, 1])
    lens = camera.orthographic if camera.HasField("orthographic") else camera.perspective
    near, far = framing.depth_range(drawing.points, pose, lens.znear, lens.zfar)
    if camera.HasField("orthographic"):
        return View(pose, near, far, ymag=camera.orthographic.ymag)
    return View(pose, near, far, yfov=camera.perspective.yfov)


def _sky(spec: jobs_pb2.RenderSpec, file: Path | None) -> Sky:
    chosen = spec.render_job if spec.render_job.HasField("environment") else spec.scene
    environment = chosen.environment
    asset = environment.WhichOneof("source") == "asset_id"
    if asset and file is None:
        raise SceneInvalid("The panorama of the environment is missing.", asset_id=environment.asset_id)
    return Sky(
        builtin=environment.builtin or environments.NAMES[0],
        file=file if asset else None,
        intensity=environment.intensity if environment.HasField("intensity") else 1.0,
        rotation=environment.rotation,
    )


def _backdrop(spec: jobs_pb2.RenderSpec) -> Backdrop:
    chosen = spec.render_job if spec.render_job.HasField("background") else spec.scene
    background = chosen.background
    kind = background.WhichOneof("kind")
    if kind == "color":
        return Backdrop("color", (background.color.r, background.color.g, background.color.b))
    # `environment: false` asks for nothing, as an unset field would.
    return Backdrop(kind) if kind and getattr(background, kind) else Backdrop()
