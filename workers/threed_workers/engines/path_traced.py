"""The engine `path_traced`: Mitsuba 3, unbiased light transport on the processor, progressive and denoised.

Two scenes are rendered, because Mitsuba hides directly seen emitters all together or not at all. In the first nothing
glows, so that the environment alone can be hidden and alpha counted; the second is dark but for what glows. Light
adds up. Both have the frame of `_frame`: Mitsuba's offsets against self-intersection assume scenes of a usual size.
"""

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
from threed_workers.engines.drawing import Drawing, Pass, Settings, View
from threed_workers.engines.kept import Kept
from threed_workers.engines.models import SURPRISES
from threed_workers.engines.tracing import finishing, lights, variant
from threed_workers.engines.tracing.behind import Catcher, in_focus, out_of_focus
from threed_workers.engines.tracing.building import scene, sensor
from threed_workers.engines.tracing.layers import Layers
from threed_workers.engines.tracing.passes import DEFAULT_SAMPLES, schedule
from threed_workers.engines.tracing.stage import Stage

# Bounces; Cycles' default is 12, and below 8 glass gets dark.
_DEPTH = 12
# What glows lights little beyond its neighbours.
_GLOW_DEPTH = 5
# Its first dimensions, the place in the pixel, depend on the seed alone. So both scenes agree on edges. Tried:
# `ldsampler`, whose noise is alike in neighbouring pixels when a picture is the sum of many small passes, as large ones
# are: streaks, which no denoiser takes for noise (alien at 512 x 512 against Cycles: SSIM 0.667, and 0.960 with this).
_SAMPLER = "multijitter"
_GUIDE_SAMPLES = 16
# Drawings whose meshes and textures are kept: of a film, the one frame that the next is like.
_KEPT_STAGES = 1
# Of the processor time of a request: the rest is for the last pass, the denoiser and the encoder.
_SPENT = 0.75


class PathTraced:
    """Mitsuba."""

    name = "path_traced"

    def __init__(self) -> None:
        self._stages = Kept(_KEPT_STAGES)

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
        mi, name = variant.loaded()
        with _refusals("could not be loaded"):
            return TracedSession(mi, name, self._stages, drawing, settings)


class TracedSession:
    """One drawing, ready to be seen from anywhere. `stages` has those of drawings before."""

    def __init__(self, mi: Any, name: str, stages: Kept, drawing: Drawing, settings: Settings):
        self._mi = mi
        self._variant = name
        self._stages = stages
        self._drawing = drawing
        self._settings = settings
        self._cpu_s = time.process_time()
        self._frame = _frame(drawing)
        self._seconds: float | None = None
        self._stage = self._staged(None)
        shining = lights.all_lights(drawing)
        self._sky = lights.sky_emitter(mi, drawing.sky)
        self._lamps = [lights.light_emitter(mi, light, self._frame) for light in shining]
        self.losses: list[Json] = [*self._stage.losses(), *lights.light_losses(shining)]

    def render(self, view: View, seconds: float | None = None) -> Iterator[Pass]:
        """Passes that get better, by more and more samples; the last one is denoised and has the layers."""
        with _refusals("could not be drawn"):
            if seconds is not None and seconds != self._seconds:
                self._stage = self._staged(seconds)
                self._seconds = seconds
            yield from self._passes(_framed(_unclipped(view, self._drawing.points, self._frame), self._frame))

    def close(self) -> None:
        """Nothing to give back: meshes and textures stay for the next drawing, as many as Kept has room for."""

    def _staged(self, seconds: float | None) -> Stage:
        shown = tuple((one.model.made, one.matrix.tobytes()) for one in self._drawing.instances)
        key = shown, seconds, self._frame.tobytes()
        stage = self._stages.get(key, lambda: Stage(self._mi, _still(self._drawing, seconds), self._frame))
        self._stages.trim()
        return stage

    def _passes(self, view: View) -> Iterator[Pass]:
        settings = self._settings
        wanted = settings.samples or DEFAULT_SAMPLES
        pixels = math.prod(settings.size)
        shot = _Shot(self, view)
        clock = _Clock(settings, self._cpu_s)
        done = 0
        for seed, count in enumerate(schedule(wanted, pixels, self._variant)):
            shot.sample(count, seed)
            done += count
            part = clock.part()
            if done == wanted or part >= 1:
                break
            yield replace(self._picture(shot, shot.radiance(), done, wanted), part=part)
        if done < wanted and clock.is_exhausted():
            why = f"the processor time of a job was over after {done} of {wanted} samples a pixel"
            self.losses.append(loss("samples", wanted - done, why, "picture"))
        yield self._last(shot, view, done)

    def _last(self, shot: _Shot, view: View, done: int) -> Pass:
        settings, radiance = self._settings, shot.radiance()
        layers = Layers(self._mi, self._stage, view, settings, self._frame)
        if settings.denoise:
            albedo, normal = layers.guides(min(done, _GUIDE_SAMPLES))
            radiance = finishing.denoised(radiance, albedo, normal, self._stage.is_blended)
        made = {name: layers.layer(name, radiance) for name in settings.layers}
        return self._picture(shot, radiance, done, done, made)

    def _picture(self, shot: _Shot, radiance: np.ndarray, done: int, total: int, layers: dict | None = None) -> Pass:
        lost = shot.shade(radiance, done == total and self._settings.denoise)
        image = finishing.picture(shot.completed(radiance, shot.as_shown(lost)), self._drawing.backdrop, self._settings)
        return Pass(image, done, total, shot.completed(radiance, lost), layers or {})


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


class _Shot:
    """The light that has arrived at one camera so far."""

    def __init__(self, session: TracedSession, view: View):
        mi, settings, stage = session._mi, session._settings, session._stage
        camera = sensor(mi, view, settings, {"type": _SAMPLER})
        backdrop = session._drawing.backdrop
        hidden = backdrop.kind != "environment" or bool(backdrop.blur) or session._drawing.ground is not None
        # What a hidden environment is replaced by, below.
        self._behind = backdrop.kind == "environment" and hidden
        kind = "volpath" if stage.is_see_through else "path"
        integrator = {"type": kind, "max_depth": _DEPTH, "rr_depth": 6}
        self._mi = mi
        self._lit_integrator = mi.load_dict(integrator | {"hide_emitters": hidden})
        self._glow_integrator = mi.load_dict(integrator | {"max_depth": _GLOW_DEPTH})
        emitters = [emitter for emitter in (session._sky, *session._lamps) if emitter is not None]
        shapes = stage.lit_shapes(view, settings)
        self._lit = scene(mi, camera, shapes, emitters)
        glowing = stage.glowing_shapes(view, settings, shapes)
        # Without an environment, paths that only crossed holes count as nothing, and what glowed on them is lost.
        night = {"type": "constant", "radiance": {"type": "rgb", "value": [0.0, 0.0, 0.0]}}
        self._glow = scene(mi, camera, glowing, [night]) if glowing else None
        self._catcher = self._new_catcher(session, camera, shapes, emitters)
        self._far = self._backdrop(session, view) if self._behind else None
        self._sum = np.zeros((*settings.size[::-1], 4), np.float32)
        self._count = 0

    def sample(self, count: int, seed: int) -> None:
        """Add `count` samples to each pixel."""
        self._sum += self._rendered(self._lit, self._lit_integrator, count, seed) * count
        if self._glow is not None:
            self._sum[..., :3] += self._rendered(self._glow, self._glow_integrator, count, seed)[..., :3] * count
        if self._catcher is not None:
            self._catcher.sample(count, seed)
        self._count += count

    def _rendered(self, place: Any, integrator: Any, count: int, seed: int) -> np.ndarray:
        values = np.array(self._mi.render(place, integrator=integrator, spp=count, seed=seed), dtype=np.float32)
        return np.maximum(np.nan_to_num(values, posinf=0.0, neginf=0.0), 0.0)

    def _new_catcher(self, session: TracedSession, camera: Any, shapes: list, emitters: list) -> Catcher | None:
        ground = session._drawing.ground
        if ground is None:
            return None
        height = float((session._frame @ np.array([0.0, ground, 0.0, 1.0]))[1])
        return Catcher(self._mi, camera, shapes, emitters, height, _RADIUS)

    def _backdrop(self, session: TracedSession, view: View) -> np.ndarray:
        """Radiance (h, w, 3) of the environment behind everything, in focus or not."""
        drawing = session._drawing
        if drawing.backdrop.blur:
            return out_of_focus(self._mi, drawing.sky, drawing.backdrop.blur, view, session._settings)
        return in_focus(self._mi, session._sky, view, session._settings)

    def shade(self, radiance: np.ndarray, denoise: bool) -> np.ndarray:
        """The part of its light that the ground has lost, float32 (h, w, 1)."""
        alpha = radiance[..., 3:]
        return np.zeros_like(alpha) if self._catcher is None else self._catcher.shade(alpha, denoise)

    def as_shown(self, lost: np.ndarray) -> np.ndarray:
        """The same for a picture in which a shadow is mixed with what is behind it as encoded, not as light."""
        return lost if self._far is not None else 1 - (1 - lost) ** np.float32(1 / 2.2)

    def completed(self, radiance: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """The radiance with the shadow on the ground, and the environment behind both."""
        alpha = radiance[..., 3:] + (1 - radiance[..., 3:]) * lost
        if self._far is None:
            return np.concatenate([radiance[..., :3], alpha], axis=-1)
        return np.concatenate([radiance[..., :3] + (1 - alpha) * self._far, np.ones_like(alpha)], axis=-1)

    def radiance(self) -> np.ndarray:
        """float32 (h, w, 4), linear, premultiplied."""
        found = self._sum / max(self._count, 1)
        found[..., 3] = found[..., 3].clip(0, 1)
        return found


# Half the diagonal of what is drawn, in the units of the frame: Mitsuba's smallest step is 1e-4 of a place's
# coordinates plus one.
_RADIUS = 64.0


def _frame(drawing: Drawing) -> np.ndarray:
    """World to the frame that is drawn in: its middle at the origin, its corners near _RADIUS."""
    low, high = drawing.box
    radius = float(np.linalg.norm(high - low)) / 2
    scale = 2.0 ** round(np.log2(_RADIUS / radius)) if radius > 0 else 1.0
    frame = np.diag([scale, scale, scale, 1.0])
    frame[:3, 3] = -scale * (low + high) / 2
    return frame


def _still(drawing: Drawing, seconds: float | None = None) -> Drawing:
    """The drawing at a moment, with plain meshes only. Equal models stay one, so that their meshes are shared."""
    models = {id(instance.model): instance.model for instance in drawing.instances}
    posed = {key: (model if seconds is None else model.at(seconds)).still() for key, model in models.items()}
    return replace(drawing, instances=tuple(replace(one, model=posed[id(one.model)]) for one in drawing.instances))


# Planes in the units of the frame, before and behind everything that a camera can see.
_NEAR, _FAR = 2.0**-9, 2.0**12
# A near plane this much nearer than the far one is there for rasterizers, whose depth needs one.
_DEEP = 1e4


def _unclipped(view: View, points: np.ndarray, frame: np.ndarray) -> View:
    """The view between the same planes as every other, if its own cut nothing off.

    Mitsuba compiles planes into its kernels, so with LLVM each frame of a turntable would be compiled anew; pose and
    angle are data.
    """
    depths, scale = (view.pose[:3, 3] - points) @ view.pose[:3, 2], float(frame[0, 0])
    cuts = view.far < depths.max() or view.near > max(float(depths.min()), view.far / _DEEP)
    return view if cuts or view.far * scale > _FAR else replace(view, near=_NEAR / scale, far=_FAR / scale)


def _framed(view: View, frame: np.ndarray) -> View:
    scale = float(frame[0, 0])
    pose = view.pose.copy()
    pose[:3, 3] = (frame @ np.append(view.pose[:3, 3], 1.0))[:3]
    return View(pose, view.near * scale, view.far * scale, yfov=view.yfov, ymag=view.ymag * scale)


@contextlib.contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Mitsuba's errors as EngineFailed."""
    try:
        yield
    except (RuntimeError, OSError, MemoryError, *SURPRISES) as error:
        raise EngineFailed(f"The scene {what} by Mitsuba: {error}", engine=PathTraced.name) from error
