"""The engine `path_traced`: Mitsuba 3, unbiased light transport on the processor, progressive and denoised."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from threed.errors import EngineFailed, EngineUnavailable
from threed_workers.document.model import Json, loss
from threed_workers.engines import pictures
from threed_workers.engines.drawing import Drawing, Pass, Settings, View
from threed_workers.engines.kept import Last
from threed_workers.engines.models import SURPRISES
from threed_workers.engines.previews import LONG_EDGE_PX
from threed_workers.engines.tracing import finishing, variant
from threed_workers.engines.tracing.frame import frame_of, framed, unclipped
from threed_workers.engines.tracing.layers import Layers
from threed_workers.engines.tracing.lights import Lighting
from threed_workers.engines.tracing.passes import DEFAULT_SAMPLES, schedule
from threed_workers.engines.tracing.shot import Shot
from threed_workers.engines.tracing.stage import Stage

# Samples of what guides the denoiser: a pixel's at most, and a picture's.
_GUIDE_SAMPLES, _GUIDED = 16, 1 << 24
# Of the processor time of a request: the rest is for the last pass, the denoiser and the encoder.
_SPENT = 0.75
# In less time, what LLVM makes is hardly begun before it is over.
_COMPILING_S = 45


class PathTraced:
    """Mitsuba."""

    name = "path_traced"

    def __init__(self) -> None:
        # The meshes and textures of the drawing before, and of a film of the frame before. No more: Mitsuba numbers
        # what there is, and has the numbers in its programs, so that LLVM would compile them anew.
        self._stages = Last()

    def version(self) -> str:
        """Of Mitsuba."""
        try:
            return f"mitsuba {metadata.version('mitsuba')}"
        except metadata.PackageNotFoundError:
            return ""

    def probe(self) -> str | None:
        """Renders one picture of 16 x 16 pixels."""
        try:
            mi, _ = variant.loaded()
            room = {"type": "scene", "sky": {"type": "constant"}, "camera": {"type": "perspective"}}
            room["camera"] |= {"film": {"type": "hdrfilm", "width": 16, "height": 16}}
            white = np.array(mi.render(mi.load_dict(room), integrator=mi.load_dict({"type": "path"}), spp=1))
        except EngineUnavailable as error:
            return error.message
        except Exception as error:
            return f"It starts and cannot draw: {error}."
        return None if abs(white[8, 8, 0] - 1) < 0.01 else f"It draws a wrong picture: {white[8, 8]} for white."

    def prepare(self, drawing: Drawing, settings: Settings, folder: Path) -> TracedSession:
        """Meshes, materials, lights and environment."""
        paths = math.prod(settings.size) * (settings.samples or DEFAULT_SAMPLES) * settings.pictures
        soon = settings.max_seconds and settings.max_seconds < _COMPILING_S
        mi, name = variant.loaded(0 if soon else paths)
        with _refusals("could not be loaded"):
            return TracedSession(mi, name, self._stages, drawing, settings)


class TracedSession:
    """One drawing, ready to be seen from anywhere. `stages` has that of the drawing before."""

    def __init__(self, mi: Any, name: str, stages: Last, drawing: Drawing, settings: Settings):
        self._mi = mi
        self._variant = name
        self._stages = stages
        self._drawing = drawing
        self._settings = settings
        self._cpu_s = time.process_time()
        self._frame = frame_of(drawing)
        self._seconds: float | None = None
        self._lighting = Lighting(mi, drawing, self._frame)
        self.losses: list[Json] = [*self._stage.losses(), *self._lighting.losses]

    def render(self, view: View, seconds: float | None = None) -> Iterator[Pass]:
        """Passes that get better, by more and more samples; the last one is denoised and has the layers."""
        with _refusals("could not be drawn"):
            self._seconds = self._seconds if seconds is None else seconds
            yield from self._passes(framed(unclipped(view, self._drawing.points, self._frame), self._frame))

    def close(self) -> None:
        """Nothing to give back: meshes and textures stay for the next drawing."""

    @property
    def _stage(self) -> Stage:
        shown = tuple((one.model.made, one.matrix.tobytes()) for one in self._drawing.instances)
        key = self._variant, shown, self._seconds, self._frame.tobytes()
        return self._stages.get(key, lambda: Stage(self._mi, _still(self._drawing, self._seconds), self._frame))

    def _passes(self, view: View) -> Iterator[Pass]:
        settings = self._settings
        wanted = settings.samples or DEFAULT_SAMPLES
        pixels = math.prod(settings.size)
        shot = Shot(self._mi, self._stage, self._drawing, self._lighting, settings, view, self._frame)
        clock = _Clock(settings, self._cpu_s)
        done = 0
        # Not from 0, for which Mitsuba makes another program than for all others.
        for seed, count in enumerate(schedule(wanted, pixels, self._variant), 1):
            shot.sample(count, seed)
            done += count
            part = clock.part()
            if done == wanted or part >= 1:
                break
            yield Pass(lambda: self._sketch(shot), done, wanted, part=part)
        if done < wanted and clock.is_exhausted():
            why = f"the processor time of a job was over after {done} of {wanted} samples a pixel"
            self.losses.append(loss("samples", wanted - done, why, "picture"))
        yield self._last(shot, view, done)

    def _last(self, shot: Shot, view: View, done: int) -> Pass:
        settings, radiance = self._settings, shot.radiance()
        layers = Layers(self._mi, self._stage, view, settings, self._frame)
        if settings.denoise:
            albedo, normal = layers.guides(max(1, min(done, _GUIDE_SAMPLES, _GUIDED // math.prod(settings.size))))
            radiance = finishing.denoised(radiance, albedo, normal, self._stage.is_blended)
        made = {name: layers.layer(name, radiance) for name in settings.layers}
        lost = shot.shade(radiance, settings.denoise)
        image = finishing.picture(shot.completed(radiance, shot.as_shown(lost)), self._drawing.backdrop, settings)
        return Pass(image, done, done, shot.completed(radiance, lost), made)

    def _sketch(self, shot: Shot) -> np.ndarray:
        """The picture so far, as small as previews may be: tone mapping takes longer than a pass of many pixels."""
        radiance = shot.radiance()
        shown = shot.completed(radiance, shot.as_shown(shot.shade(radiance, denoise=False)))
        times = max(1, max(shown.shape) // LONG_EDGE_PX)
        return finishing.picture(pictures.reduced(shown, times), self._drawing.backdrop, self._settings)


class _Clock:
    """How much of the time that a picture may take has passed, of `max_seconds` and of the processor time `cpu_s`, if
    they are not 0. Who goes beyond the second is ended, without a picture. `since`: the processor time at the begin."""

    def __init__(self, settings: Settings, since: float):
        self._max_seconds = settings.max_seconds
        self._started = time.monotonic()
        self._since = since
        self._cpu_s = _SPENT * settings.cpu_s or math.inf

    def part(self) -> float:
        """0 at the begin, 1 when it is over."""
        passed = (time.monotonic() - self._started) / self._max_seconds if self._max_seconds else 0.0
        return max(passed, self._spent() / self._cpu_s)

    def is_exhausted(self) -> bool:
        """Whether it is the process that may take no more."""
        return self._spent() >= self._cpu_s

    def _spent(self) -> float:
        return time.process_time() - self._since


def _still(drawing: Drawing, seconds: float | None = None) -> Drawing:
    """The drawing at a moment, with plain meshes only. Equal models stay one, so that their meshes are shared."""
    models = {id(instance.model): instance.model for instance in drawing.instances}
    posed = {key: (model if seconds is None else model.at(seconds)).still() for key, model in models.items()}
    return replace(drawing, instances=tuple(replace(one, model=posed[id(one.model)]) for one in drawing.instances))


@contextlib.contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Mitsuba's errors as EngineFailed."""
    try:
        yield
    except (RuntimeError, OSError, MemoryError, *SURPRISES) as error:
        raise EngineFailed(f"The scene {what} by Mitsuba: {error}", engine=PathTraced.name) from error
