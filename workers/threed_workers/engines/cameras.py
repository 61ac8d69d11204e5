"""The cameras that a render job asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from threed.errors import SceneInvalid
from threed.v1 import jobs_pb2, render_jobs_pb2, scenes_pb2
from threed_workers.engines import framing
from threed_workers.engines.composition import places
from threed_workers.engines.drawing import View

_UP = (0.0, 1.0, 0.0)
# Depth of 24 bits tells apart a hundred times as much.
_NEARER = 1000.0


def camera_count(job: render_jobs_pb2.RenderJob) -> int:
    """How many cameras a job has: those of its list, else one."""
    return len(job.cameras) or 1


def view_of(spec: jobs_pb2.RenderSpec, points: np.ndarray, aspect: float, camera: int = 0) -> View:
    """Camera number `camera` of the job: a camera node, a look-at, an orthographic one, or automatic framing.

    Without any, the first visible camera node of the scene, else automatic framing. `points` float64 (n, 3) are to lie
    between the near and the far plane, and in view of a camera that may choose. Raises SceneInvalid.
    """
    job = spec.render_job
    config = job.cameras[camera] if job.cameras else job.camera_config
    kind = config.WhichOneof("view")
    if kind == "scene_camera":
        return _scene_camera(spec.scene, config.scene_camera, points)
    if kind == "look_at":
        look = config.look_at
        view = looking(look.eye, look.target, look.up or _UP, look.yfov or framing.YFOV, points)
        return above_ground(job, view)
    if kind == "orthographic":
        return above_ground(job, _orthographic(config.orthographic, points, aspect))
    if kind is None:
        for node, (_, hidden) in zip(spec.scene.nodes, places(spec.scene.nodes), strict=True):
            if node.HasField("camera") and not hidden:
                return _scene_camera(spec.scene, node.id, points)
    frame = config.auto_frame
    view = framing.framed(
        points,
        yaw=frame.yaw if frame.HasField("yaw") else framing.YAW,
        pitch=frame.pitch if frame.HasField("pitch") else framing.PITCH,
        yfov=frame.yfov or framing.YFOV,
        margin=frame.margin if frame.HasField("margin") else framing.MARGIN,
        aspect=aspect,
    )
    return above_ground(job, view)


def above_ground(job: render_jobs_pb2.RenderJob, view: View) -> View:
    """The view with its near plane before the ground, if there is one: it reaches to the camera."""
    return replace(view, near=min(view.near, view.far / _NEARER)) if job.ground_shadow else view


def looking(eye: np.ndarray, target: np.ndarray, up: np.ndarray, yfov: float, points: np.ndarray) -> View:
    """A perspective camera from a point to a point. Raises SceneInvalid when that is no direction."""
    pose = framing.looking(eye, target, up)
    return View(pose, *framing.depth_range(points, pose), yfov=yfov)


def _orthographic(camera: render_jobs_pb2.CameraConfig.Orthographic, points: np.ndarray, aspect: float) -> View:
    pose = framing.looking(camera.eye, camera.target, camera.up or _UP)
    ymag = camera.ymag or framing.half_height(points, pose, framing.MARGIN, aspect)
    return View(pose, *framing.depth_range(points, pose), ymag=ymag)


def _scene_camera(scene: scenes_pb2.Scene, wanted: str, points: np.ndarray) -> View:
    located = zip(scene.nodes, places(scene.nodes), strict=True)
    cameras = {node.id: (node.camera, matrix) for node, (matrix, _) in located if node.HasField("camera")}
    if wanted not in cameras:
        raise SceneInvalid(
            f"The scene has no camera node {wanted}. It has: {', '.join(list(cameras)[:10]) or 'none'}.", camera=wanted
        )
    camera, matrix = cameras[wanted]
    # A camera's place counts and its scale does not (glTF 2.0 section 3.10.1).
    eye = matrix[:3, 3]
    pose = framing.looking(eye, eye + framing.ahead(matrix) * max(1.0, float(np.abs(eye).max())), matrix[:3, 1])
    lens = camera.orthographic if camera.HasField("orthographic") else camera.perspective
    near, far = framing.depth_range(points, pose, lens.znear, lens.zfar)
    if camera.HasField("orthographic"):
        return View(pose, near, far, ymag=camera.orthographic.ymag)
    return View(pose, near, far, yfov=camera.perspective.yfov)
