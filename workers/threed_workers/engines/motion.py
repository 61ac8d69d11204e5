"""What moves in a render job: how many frames it has, and what each shows from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from threed import films
from threed.errors import SceneInvalid
from threed.v1 import jobs_pb2, render_jobs_pb2
from threed_workers.engines import framing
from threed_workers.engines.cameras import above_ground, camera_count, looking, view_of
from threed_workers.engines.drawing import Drawing, View
from threed_workers.engines.moments import checked_count, film_moments

# Sides of a turn that are looked at to know how far it reaches: between two of them a circle bulges by 0.05 %.
_SIDES = 96
_MOST_POINTS = 4096


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture: where from, which camera of the job, when in the film, and the moment of the models' animations.

    `moment` None leaves the models as the drawing has them.
    """

    view: View
    camera: int = 0
    seconds: float = 0.0
    moment: float | None = None


@dataclass(frozen=True, eq=False)
class Frames:
    """All frames of a job. `fps` is how many a film shows in a second; 0 when the job is no film."""

    count: int
    fps: float
    _frame: Callable[[int], Frame]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Frame:
        """Frame `number`, from 0. Raises IndexError, and SceneInvalid for a camera that looks nowhere."""
        if not 0 <= number < self.count:
            raise IndexError(f"There is no frame {number}; there are {self.count}.")
        return self._frame(number)


def frames_of(spec: jobs_pb2.RenderSpec, drawing: Drawing, aspect: float) -> Frames:
    """The frames of a job: one for each camera, or those of its motion. Raises SceneInvalid."""
    job = spec.render_job
    motion = job.WhichOneof("motion")
    if motion == "turntable":
        return _turntable(spec, drawing, aspect)
    if motion == "animation_film":
        return _animation(spec, drawing, aspect)
    if motion == "camera_path":
        return _path(job, drawing)
    return Frames(camera_count(job), 0.0, lambda number: Frame(view_of(spec, drawing.points, aspect, number), number))


def _turntable(spec: jobs_pb2.RenderSpec, drawing: Drawing, aspect: float) -> Frames:
    """The job's own camera, turned around the middle; it is set up so that all of it stays in view on every side."""
    table = spec.render_job.turntable
    count = table.frames or films.TURNTABLE_FRAMES
    fps = films.fps(spec.render_job)
    whole = 2 * np.pi * (table.turns if table.HasField("turns") else 1.0)
    low, high = drawing.box
    middle, axis = (low + high) / 2, np.array(list(table.axis) or (0.0, 1.0, 0.0))
    largest = np.abs(axis).max()
    if not np.isfinite(largest) or largest == 0:
        raise SceneInvalid("The axis of the turntable is no direction. Give one, such as 0, 1, 0.", where="axis")
    axis = axis / largest / np.linalg.norm(axis / largest)
    sides = np.unique(np.linspace(0, count - 1, min(count, _SIDES)).round()) / count * whole
    # To turn the camera is to turn the things the other way.
    view = view_of(spec, _swept(drawing.points, middle, axis, -sides), aspect)

    def frame(number: int) -> Frame:
        turn = _around(middle, axis, whole * number / count)
        return Frame(replace(view, pose=turn @ view.pose), seconds=number / fps)

    return Frames(count, fps, frame)


def _animation(spec: jobs_pb2.RenderSpec, drawing: Drawing, aspect: float) -> Frames:
    """One camera, while the models move. The drawing's points hold every moment of the film."""
    times = film_moments(spec.render_job, [instance.model for instance in drawing.instances])
    view = view_of(spec, drawing.points, aspect)
    fps = films.fps(spec.render_job)
    return Frames(len(times), fps, lambda number: Frame(view, seconds=number / fps, moment=float(times[number])))


def _path(job: render_jobs_pb2.RenderJob, drawing: Drawing) -> Frames:
    """From the first keyframe on, until a frame's time before the last."""
    path = job.camera_path
    times = np.array([key.seconds for key in path.keyframes])
    if len(times) < 2 or not (np.diff(times) > 0).all():
        raise SceneInvalid(
            "The keyframes of a camera path are at least two, each later than the one before. Order them by seconds.",
            where="camera_path.keyframes",
        )
    looks = [key.look_at for key in path.keyframes]
    values = np.array(
        [[*look.eye, *look.target, *(look.up or (0, 1, 0)), look.yfov or framing.YFOV] for look in looks], np.float64
    )
    slopes = _slopes(times, values)
    fps = films.fps(job)
    count = checked_count((times[-1] - times[0]) * fps)

    def frame(number: int) -> Frame:
        value = _spline(times, values, slopes, times[0] + number / fps)
        yfov = float(np.clip(value[9], values[:, 9].min(), values[:, 9].max()))
        view = looking(value[:3], value[3:6], value[6:9], yfov, drawing.points)
        return Frame(above_ground(job, view), seconds=number / fps)

    return Frames(count, fps, frame)


def _slopes(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Catmull-Rom tangents (n, width), units a second: the chord of both neighbours; at an end, of the one."""
    chords = np.diff(values, axis=0) / np.diff(times)[:, None]
    inner = (values[2:] - values[:-2]) / (times[2:] - times[:-2])[:, None]
    return np.concatenate([chords[:1], inner, chords[-1:]])


def _spline(times: np.ndarray, values: np.ndarray, slopes: np.ndarray, seconds: float) -> np.ndarray:
    """The cubic Hermite spline at a time (Catmull and Rom 1974, for keys at any distance)."""
    after = int(np.clip(np.searchsorted(times, seconds, side="right"), 1, len(times) - 1))
    span = times[after] - times[after - 1]
    t = min(1.0, (seconds - times[after - 1]) / span)
    return (
        (2 * t**3 - 3 * t**2 + 1) * values[after - 1]
        + span * (t**3 - 2 * t**2 + t) * slopes[after - 1]
        + (-2 * t**3 + 3 * t**2) * values[after]
        + span * (t**3 - t**2) * slopes[after]
    )


def _swept(points: np.ndarray, middle: np.ndarray, axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Where the points (n, 3) come by when they are turned by every angle. Of many, those of the box around them."""
    if len(points) > _MOST_POINTS:
        low, high = points.min(axis=0), points.max(axis=0)
        points = np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)
    turns = np.array([_around(middle, axis, angle) for angle in angles])
    turned = np.einsum("aij,nj->ani", turns[:, :3, :3], points) + turns[:, None, :3, 3]
    return turned.reshape(-1, 3)


def _around(middle: np.ndarray, axis: np.ndarray, angle: float) -> np.ndarray:
    """The matrix (4, 4) of a turn by `angle` radians around `axis` (length 1) through `middle` (Rodrigues 1840)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(4)
    turn[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    turn[:3, 3] = middle - turn[:3, :3] @ middle
    return turn
