"""Where a camera stands, and how deep it sees."""

from __future__ import annotations

import numpy as np

from threed.errors import SceneInvalid
from threed_workers.engines.drawing import View

YAW, PITCH, YFOV, MARGIN = 0.6, 0.35, 0.61, 0.05

# What 24 bits of depth tell apart with room to spare.
_DEEPEST = 1e5


def framed(points: np.ndarray, yaw: float, pitch: float, yfov: float, margin: float, aspect: float) -> View:
    """A perspective camera that has every one of `points` (n, 3) in view, as near as it can be.

    It stands at `yaw` around +Y (0 on +Z, pi / 2 on +X) and `pitch` above the horizon, radians, and looks towards what
    it frames. `yfov` is the whole vertical angle in radians, `margin` the empty part of the picture's shorter edge on
    each side, `aspect` width over height. The points are projected one by one, because a sphere around them would leave
    a flat or long thing small. Raises SceneInvalid when they are not finite, or beyond 1e15 m.
    """
    points = _with_extent(points)
    turn = _turn(yaw, pitch)
    local = points @ turn
    half = np.tan(yfov / 2)
    shorter = min(1.0, aspect)
    up = half * (1 - 2 * margin * shorter)
    across = half * aspect * (1 - 2 * margin * shorter / aspect)
    size = float(np.linalg.norm(np.ptp(local, axis=0)))
    depth = max(_depth(local[:, 0], local[:, 2], across), _depth(local[:, 1], local[:, 2], up))
    depth = max(depth, local[:, 2].max() + 0.02 * size)
    x = _centred(local[:, 0], depth - local[:, 2])
    y = _centred(local[:, 1], depth - local[:, 2])
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = turn @ np.array([x, y, depth])
    near, far = depth_range(points, pose)
    return View(pose, near, far, yfov=yfov)


def looking(eye: np.ndarray, target: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The pose (4, 4) of a camera at `eye` that looks at `target`. Raises SceneInvalid when that is no direction."""
    eye, target, up = (np.asarray(vector, np.float64) for vector in (eye, target, up))
    with np.errstate(all="ignore"):
        back = eye - target
        distance = np.linalg.norm(back)
        if not np.isfinite(distance) or distance == 0 or distance < 1e-12 * np.abs(eye).max():
            raise SceneInvalid(
                "The camera's eye and target are the same point, or too far away. Move one of them.", where="look_at"
            )
        back = back / distance
        right = np.cross(up / (np.linalg.norm(up) or 1.0), back)
        length = np.linalg.norm(right)
    if not np.isfinite(length) or length < 1e-6:
        raise SceneInvalid(
            "The camera's up is zero, or parallel to where it looks. Give another, such as 0, 0, 1.", where="look_at.up"
        )
    pose = np.eye(4)
    pose[:3, 0] = right / length
    pose[:3, 1] = np.cross(back, right / length)
    pose[:3, 2] = back
    pose[:3, 3] = eye
    return pose


def ahead(matrix: np.ndarray) -> np.ndarray:
    """Where a node at `matrix` (4, 4) looks or shines to: its -Z in the world, of length 1."""
    forward = -matrix[:3, 2]
    length = np.linalg.norm(forward)
    return forward / length if length else np.array([0.0, 0.0, -1.0])


def half_height(points: np.ndarray, pose: np.ndarray, margin: float, aspect: float) -> float:
    """Half the height in metres that an orthographic camera at `pose` needs to have every point (n, 3) in view.

    `margin` is the empty part of the picture's shorter edge on each side. What is a single point gets half a metre.
    """
    seen = np.abs((points - pose[:3, 3]) @ pose[:3, :2]).max(axis=0)
    shorter = min(1.0, aspect)
    across = seen[0] / (aspect * (1 - 2 * margin * shorter / aspect))
    return float(max(across, seen[1] / (1 - 2 * margin * shorter))) or 0.5


def depth_range(points: np.ndarray, pose: np.ndarray, near: float = 0.0, far: float = 0.0) -> tuple[float, float]:
    """(near, far) in metres that hold every point in front of the camera; a value above 0 is kept as it is.

    The far plane is twice as far as need be, because Filament lets punctual lights fade from 0.9 of it on. A camera
    amid the points sees from a hundred-thousandth of the farthest on: depth cannot tell nearer things apart.
    """
    depths = (pose[:3, 3] - points) @ pose[:3, 2]
    size = float(np.linalg.norm(np.ptp(points, axis=0))) or 1.0
    farthest = float(depths.max()) + 0.01 * size
    if not far:
        far = max(2 * farthest, 2 * near, 1e-3 * size)
    if not near:
        near = max(float(depths.min()) - 0.01 * size, far / _DEEPEST)
        near = min(near, far * 0.5)
    if not near < far:
        raise SceneInvalid(f"The camera's zfar ({far:g} m) is not beyond its znear ({near:g} m).", where="camera")
    return near, far


def _with_extent(points: np.ndarray) -> np.ndarray:
    """The points; a single one becomes a box around it, because a camera needs a distance."""
    if not np.isfinite(points).all():
        raise SceneInvalid("A position in the scene is not finite, so nothing can be framed.", where="nodes")
    largest = float(np.abs(points).max())
    with np.errstate(over="ignore"):
        size = float(np.linalg.norm(np.ptp(points, axis=0)))
    if largest > 1e15 or size > 1e15:
        raise SceneInvalid("The scene is larger than 1e15 m. Scale it down.", where="nodes")
    if size > 1e-7 * largest and size > 1e-12:
        return points
    half = max(1e-3 * largest, 0.5)
    return points[:1] + half * np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])


def _turn(yaw: float, pitch: float) -> np.ndarray:
    """Columns right, up, back of a camera at that yaw and pitch. Written out, so that it may look straight down."""
    sin_yaw, cos_yaw, sin_pitch, cos_pitch = np.sin(yaw), np.cos(yaw), np.sin(pitch), np.cos(pitch)
    return np.array(
        [
            [cos_yaw, -sin_yaw * sin_pitch, sin_yaw * cos_pitch],
            [0.0, cos_pitch, sin_pitch],
            [-sin_yaw, -cos_yaw * sin_pitch, cos_yaw * cos_pitch],
        ]
    )


def _depth(across: np.ndarray, depths: np.ndarray, slope: float) -> float:
    """How far back the camera must be for both sides: |across - c| <= slope (depth - depths) for one c."""
    return float((across + slope * depths).max() + (-across + slope * depths).max()) / (2 * slope)


def _centred(across: np.ndarray, distances: np.ndarray) -> float:
    """Where the camera stands sideways, so that the projections reach equally far to both sides. By bisection."""
    low, high = float(across.min()), float(across.max())
    for _ in range(60):
        middle = (low + high) / 2
        seen = (across - middle) / distances
        low, high = (middle, high) if seen.max() + seen.min() > 0 else (low, middle)
    return (low + high) / 2
