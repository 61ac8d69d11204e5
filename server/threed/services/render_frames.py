"""How many frames a render job has: one for each camera of stills, one for each moment of a film."""

from __future__ import annotations

from threed.errors import FieldInvalid, SceneInvalid
from threed.v1.render_jobs_pb2 import RenderJob

_FRAMES, _SECONDS, _FPS = 48, 4.0, 24.0


def fill_defaults(job: RenderJob, animation_seconds: float) -> None:
    """Say what a motion means where it says nothing. `animation_seconds` is the length of what it plays."""
    motion = job.WhichOneof("motion")
    if motion == "turntable":
        job.turntable.frames = job.turntable.frames or _FRAMES
        job.turntable.seconds = job.turntable.seconds or _SECONDS
    elif motion == "animation_film":
        job.animation_film.fps = job.animation_film.fps or _FPS
        job.animation_film.end_s = job.animation_film.end_s or animation_seconds
    elif motion == "camera_path":
        job.camera_path.fps = job.camera_path.fps or _FPS


def count(job: RenderJob, most: int) -> int:
    """The number of frames of a job with its defaults. Raises FieldInvalid for none, or more than `most`."""
    motion = job.WhichOneof("motion")
    number = _counts(job)[motion] if motion else max(1, len(job.cameras))
    if number < 1 or (motion and number < 2):
        _refuse(f"render_job.{motion}", "It has fewer than 2 frames. Make it longer, or raise fps.")
    if number > most:
        _refuse(f"render_job.{motion}", f"It has {number} frames; this server makes at most {most}.")
    return number


def fps(job: RenderJob) -> float:
    """Frames a second of a film."""
    if job.WhichOneof("motion") == "turntable":
        return job.turntable.frames / job.turntable.seconds
    return job.animation_film.fps if job.HasField("animation_film") else job.camera_path.fps


def check_motion(job: RenderJob, animation_seconds: float) -> None:
    """Raises FieldInvalid or SceneInvalid when times are out of order or out of range."""
    if job.HasField("camera_path"):
        times = [keyframe.seconds for keyframe in job.camera_path.keyframes]
        if times != sorted(set(times)):
            _refuse("render_job.camera_path.keyframes", "Each keyframe must be later than the one before.")
    film = job.animation_film
    if job.HasField("animation_film") and film.end_s <= film.start_s:
        _refuse("render_job.animation_film.end_s", "It must be later than start_s.")
    wanted = max(film.end_s if job.HasField("animation_film") else 0.0, job.animation.seconds)
    if wanted > animation_seconds + 1e-6:
        field = "animation_film.end_s" if job.HasField("animation_film") else "animation.seconds"
        sentence = f"The animation is {animation_seconds:g} s long, and {wanted:g} s is asked for. Ask for less."
        raise SceneInvalid(sentence, violations=((f"render_job.{field}", sentence),))


def _counts(job: RenderJob) -> dict[str, int]:
    film, path = job.animation_film, job.camera_path
    times = [keyframe.seconds for keyframe in path.keyframes] or [0.0]
    return {
        "turntable": job.turntable.frames,
        "animation_film": round((film.end_s - film.start_s) * film.fps),
        "camera_path": round((times[-1] - times[0]) * path.fps),
    }


def _refuse(field: str, sentence: str) -> None:
    raise FieldInvalid(sentence, violations=((field, sentence),))
