"""The light that arrives at one camera.

Two scenes are rendered, because Mitsuba hides directly seen emitters all together or not at all. In the first nothing
glows, so that the environment alone can be hidden and alpha counted; the second is dark but for what glows. Light
adds up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.engines.drawing import Drawing, Settings, View
from threed_workers.engines.tracing.behind import Catcher, in_focus, out_of_focus
from threed_workers.engines.tracing.building import scene, sensor
from threed_workers.engines.tracing.frame import RADIUS
from threed_workers.engines.tracing.glow import Glow
from threed_workers.engines.tracing.lights import Lighting
from threed_workers.engines.tracing.rendered import rendered
from threed_workers.engines.tracing.stage import Stage

# Bounces; Cycles' default is 12, and below 8 glass gets dark.
_DEPTH = 12
# Its first dimensions, the place in the pixel, depend on the seed alone. So both scenes agree on edges. Tried:
# `ldsampler`, whose noise is alike in neighbouring pixels when a picture is the sum of many small passes, as large ones
# are: streaks, which no denoiser takes for noise (alien at 512 x 512 against Cycles: SSIM 0.667, and 0.960 with this).
_SAMPLER = {"type": "multijitter"}
# Of the samples of a pixel, those of a shadow on the ground: one costs twice as much, and what it shows is soft.
_SHADED = 0.25


class Shot:
    """The light that has arrived so far. `frame` takes the world to the scene; the view is in the scene."""

    def __init__(
        self,
        mi: Any,
        stage: Stage,
        drawing: Drawing,
        lighting: Lighting,
        settings: Settings,
        view: View,
        frame: np.ndarray,
    ):
        camera = sensor(mi, view, settings, _SAMPLER)
        backdrop = drawing.backdrop
        hidden = backdrop.kind != "environment" or bool(backdrop.blur) or drawing.ground is not None
        integrator = {"type": "volpath" if stage.is_see_through else "path", "max_depth": _DEPTH, "rr_depth": 6}
        shapes = stage.lit_shapes(view, settings)
        self._mi = mi
        self._integrator = mi.load_dict(integrator | {"hide_emitters": hidden})
        self._lit = scene(mi, camera, shapes, lighting.emitters)
        self._glow = None
        if glowing := stage.glowing_shapes(view, settings, shapes):
            # Without an environment, paths that only crossed holes count as nothing, and what glowed on them is lost.
            night = {"type": "constant", "radiance": {"type": "rgb", "value": [0.0, 0.0, 0.0]}}
            # What is seen through holes is never seen directly.
            apart = lighting.sky_luminance and not stage.is_see_through
            share = stage.glow / lighting.sky_luminance if apart else 1.0
            self._glow = Glow(mi, scene(mi, camera, glowing, [night]), integrator, share)
        self._catcher = None
        if drawing.ground is not None:
            height = float((frame @ np.array([0.0, drawing.ground, 0.0, 1.0]))[1])
            self._catcher = Catcher(mi, camera, shapes, lighting.emitters, height, RADIUS)
        # What a hidden environment is replaced by: radiance (h, w, 3) behind everything.
        self._far = None
        if backdrop.kind == "environment" and hidden:
            if backdrop.blur:
                self._far = out_of_focus(mi, drawing.sky, backdrop.blur, view, settings)
            else:
                self._far = in_focus(mi, lighting.sky, view, settings)
        self._sum = np.zeros((*settings.size[::-1], 4), np.float32)
        self._count = 0

    def sample(self, count: int, seed: int) -> None:
        """Add `count` samples to each pixel."""
        self._sum += rendered(self._mi, self._lit, self._integrator, count, seed) * count
        if self._glow is not None:
            self._glow.sample(count, seed)
        if self._catcher is not None and self._catcher.count <= self._count * _SHADED:
            self._catcher.sample(count, seed)
        self._count += count

    def radiance(self) -> np.ndarray:
        """float32 (h, w, 4), linear, premultiplied."""
        found = self._sum / max(self._count, 1)
        found[..., 3] = found[..., 3].clip(0, 1)
        if self._glow is not None:
            found[..., :3] += self._glow.radiance()
        return found

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
