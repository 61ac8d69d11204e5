"""How many frames a render job has: one for each camera of stills, one for each moment of a film."""

from __future__ import annotations

from threed import films
from threed.errors import FieldInvalid
from threed.v1.render_jobs_pb2 import RenderJob


def fill_defaults(job: RenderJob, clip_seconds: float) -> None:
    """Say what a motion means where it says nothing. `clip_seconds` is the length of the animation that it plays."""
    motion = job.WhichOneof("motion")
    if motion == "turntable":
        job.turntable.frames = job.turntable.frames or films.TURNTABLE_FRAMES
        job.turntable.seconds = job.turntable.seconds or films.TURNTABLE_SECONDS
    elif motion == "animation_film":
        job.animation_film.fps = films.fps(job)
        job.animation_film.end_s = job.animation_film.end_s or clip_seconds
    elif motion == "camera_path":
        job.camera_path.fps = films.fps(job)


def count(job: RenderJob, most: int) -> int:
    """The number of frames of a job with its defaults.

    Raises FieldInvalid for none, for more than `most`, and for a film that no worker could write.
    """
    motion = job.WhichOneof("motion")
    if not motion:
        return max(1, len(job.cameras))
    _check_times(job)
    wanted = _wanted(job)
    if wanted > most:
        _refuse(motion, f"It has {wanted:.15g} frames; this server makes at most {most}.")
    number = round(wanted)
    if number < 2:
        _refuse(motion, "It has fewer than 2 frames. Make it longer, or raise fps.")
    _check_film(job, number)
    return number


def _check_times(job: RenderJob) -> None:
    if job.HasField("camera_path"):
        times = [keyframe.seconds for keyframe in job.camera_path.keyframes]
        if times != sorted(set(times)):
            _refuse("camera_path.keyframes", "Each keyframe must be later than the one before.")
    film = job.animation_film
    if job.HasField("animation_film") and film.end_s <= film.start_s:
        _refuse("animation_film.end_s", "It must be later than start_s.")


def _wanted(job: RenderJob) -> float:
    """Before it is rounded: it may be infinite."""
    if job.HasField("turntable"):
        return job.turntable.frames
    if job.HasField("animation_film"):
        return (job.animation_film.end_s - job.animation_film.start_s) * job.animation_film.fps
    times = [keyframe.seconds for keyframe in job.camera_path.keyframes]
    return (times[-1] - times[0]) * job.camera_path.fps


def _check_film(job: RenderJob, number: int) -> None:
    fps, motion = films.fps(job), job.WhichOneof("motion")
    if not films.LEAST_FPS <= fps <= films.MOST_FPS:
        field = "turntable.seconds" if motion == "turntable" else f"{motion}.fps"
        _refuse(field, f"It has {fps:g} frames a second. Ask for {films.LEAST_FPS:g} to {films.MOST_FPS:g}.")
    field = "region" if job.HasField("region") else "resolution"
    size = getattr(job, field)
    format = RenderJob.OutputFormat.Name(job.output_format)
    why = films.too_large(format, size.width, size.height, number)
    if why:
        _refuse(field, why)


def _refuse(field: str, sentence: str) -> None:
    raise FieldInvalid(sentence, violations=((f"render_job.{field}", sentence),))
