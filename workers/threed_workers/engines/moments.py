"""What of its models a job shows: which material variant, which moment of which animation, and how far that reaches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from threed import extents, films
from threed.errors import SceneInvalid
from threed.v1 import render_jobs_pb2
from threed_workers.engines.animation import SLACK, number_of, titles
from threed_workers.engines.drawing import Instance
from threed_workers.engines.models import Model
from threed_workers.engines.pose import unknown_clip

MOST_FRAMES = 10_000
# Moments of a film that are looked at to know how far it reaches. What moves between two of them is within the margin.
_MEASURED = 48


def shown(job: render_jobs_pb2.RenderJob, models: dict[str, Model]) -> dict[str, Model]:
    """The models in the job's variant and at its moment, by the keys that they came by.

    One without that variant or animation looks as it would in a job that asks for none; one whose animation is shorter
    stays at its end. Raises SceneInvalid when no model has what is asked for.
    """
    models = _dressed(job.material_variant, models)
    film = job.WhichOneof("motion") == "animation_film"
    if not models or not (film or job.HasField("animation")):
        return models
    clip = job.animation_film.clip if film else job.animation.clip
    seconds = job.animation_film.start_s if film else job.animation.seconds
    playing = {
        asset: model.playing(clip) for asset, model in models.items() if number_of(model.document, clip) is not None
    }
    if not playing and (film or clip or seconds):
        raise unknown_clip(clip, [title for model in models.values() for title in titles(model.document)])
    if playing:
        longest = max((model.animation for model in playing.values()), key=lambda each: each.seconds)
        longest.check(seconds)
    return models | {asset: model.at(seconds) for asset, model in playing.items()}


def film_moments(job: render_jobs_pb2.RenderJob, models: Iterable[Model]) -> np.ndarray:
    """Which second of its clip each frame of an AnimationFilm shows, float64 (n,): start, start + 1 / fps ...

    The end is where a loop begins again, so it has no frame of its own. Raises SceneInvalid when it is not after the
    start, or after the animation's, and for more than MOST_FRAMES frames.
    """
    film = job.animation_film
    length = max((model.animation.seconds for model in models if _plays(model, film.clip)), default=0.0)
    end, fps = film.end_s or length, films.fps(job)
    if end > length + SLACK or film.start_s > end or film.start_s == end > 0:
        raise SceneInvalid(
            f"The film goes from {film.start_s:g} s to {end:g} s of an animation that lasts {length:g} s. Let it "
            "end after its start, and not after the animation.",
            length=f"{length:g}",
        )
    return film.start_s + np.arange(checked_count((end - film.start_s) * fps)) / fps


def checked_count(frames: float) -> int:
    """The number of frames, at least 1. Raises SceneInvalid for more than MOST_FRAMES."""
    if not frames <= MOST_FRAMES:
        raise SceneInvalid(
            f"The film has {frames:.0f} frames; at most {MOST_FRAMES} are drawn. Ask for fewer a second.",
            frames=f"{frames:.0f}",
        )
    return max(1, round(frames))


def extent(job: render_jobs_pb2.RenderJob, instances: list[Instance]) -> tuple[np.ndarray, float | None]:
    """(how far each instance reaches in the world (n, 3), height in metres of the lowest point).

    Of a film, these are the corners of boxes that hold every moment of it, so that the framing does not jump. The
    lowest point is None for jobs without a ground. Raises SceneInvalid when nothing is to be seen, or nothing that a
    camera can have in view.
    """
    moments: list[float | None] = [None]
    if job.WhichOneof("motion") == "animation_film":
        times = film_moments(job, [instance.model for instance in instances])
        chosen = np.linspace(0, len(times) - 1, min(len(times), _MEASURED)).round().astype(int)
        moments = times[chosen].tolist()
    boxes, lowest = [], []
    for seconds in moments:
        models = {id(each.model): each.model if seconds is None else each.model.at(seconds) for each in instances}
        corners = {key: model.corners() if seconds is not None else model.outline() for key, model in models.items()}
        boxes.append([_moved(corners[id(each.model)], each.matrix) for each in instances])
        if job.ground_shadow:
            lowest += [models[id(each.model)].lowest(each.matrix) for each in instances]
    found = [_around(of_one) for of_one in zip(*boxes, strict=True)]
    if not sum(len(corners) for corners in found):
        raise SceneInvalid(
            "There is nothing to see: no visible node has a model with geometry. Add one.", where="nodes"
        )
    points = np.concatenate(found)
    why = extents.wrong(points.min(axis=0), points.max(axis=0))
    if why:
        raise SceneInvalid(f"What the scene shows {why}", where="nodes")
    return points, min(lowest) if lowest else None


def _dressed(variant: str, models: dict[str, Model]) -> dict[str, Model]:
    if not variant or not models:
        return models
    known = list(dict.fromkeys(name for model in models.values() for name in model.variants()))
    if variant not in known:
        names = ", ".join(known[:20]) or "none"
        raise SceneInvalid(f'No model has the material variant "{variant}". There are: {names}.', variant=variant)
    return {asset: model.variant(variant) for asset, model in models.items()}


def _plays(model: Model, clip: str) -> bool:
    return model.animation is not None and model.animation.number == number_of(model.document, clip)


def _moved(corners: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return corners @ matrix[:3, :3].T + matrix[:3, 3]


def _around(boxes: tuple[np.ndarray, ...]) -> np.ndarray:
    """The corners (8, 3) of the box around boxes; those of a single one as they are."""
    if len(boxes) == 1:
        return boxes[0]
    points = np.concatenate(boxes)
    if not len(points):
        return points
    return np.array(list(itertools.product(*zip(points.min(axis=0), points.max(axis=0), strict=True))))
