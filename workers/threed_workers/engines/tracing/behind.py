"""What is seen behind a path traced drawing: the environment out of focus, and the shadow on a ground of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.document.model import Json
from threed_workers.engines.drawing import Settings, Sky, View
from threed_workers.engines.environments.blurred import blurred_panorama
from threed_workers.engines.pictures import LUMINANCE
from threed_workers.engines.skylight import radiance_of
from threed_workers.engines.tracing.building import scene, sensor
from threed_workers.engines.tracing.denoising import denoise
from threed_workers.engines.tracing.filling import continued
from threed_workers.engines.tracing.lights import panorama_emitter
from threed_workers.engines.tracing.rendered import rendered

_SAMPLER = {"type": "independent"}
_SKY_SAMPLES = 4
# Bounces: the light that comes straight, and once from what stands on the ground.
_DEPTH = 3
# Half the width of the ground, in radii of the drawing. Its own horizon must be far beyond any shadow.
_REACH = 200.0
_GREY = {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.5, 0.5, 0.5]}}
# Pixels that the shadow runs on below what stands on it, so that edges are neither bright nor dark.
_BELOW = 4


def out_of_focus(mi: Any, sky: Sky, blur: float, view: View, settings: Settings) -> np.ndarray:
    """Radiance float32 (h, w, 3) of the environment alone, blurred (environments/blurred.py)."""
    emitter = panorama_emitter(mi, blurred_panorama(radiance_of(sky), blur), sky)
    return in_focus(mi, emitter, view, settings)


def in_focus(mi: Any, emitter: Json | None, view: View, settings: Settings) -> np.ndarray:
    """Radiance float32 (h, w, 3) of an environment alone; None is dark."""
    if emitter is None:
        return np.zeros((*settings.size[::-1], 3), np.float32)
    alone = scene(mi, sensor(mi, view, settings, _SAMPLER), [], [emitter])
    integrator = mi.load_dict({"type": "path", "max_depth": 2})
    return rendered(mi, alone, integrator, _SKY_SAMPLES, 0)[..., :3]


class Catcher:
    """A ground that is seen only by how much light is kept from it: twice rendered, with what stands on it and without.

    `count` are the samples of each pixel so far. `height` of the ground, and everything else, in the frame of the
    scene; `radius` of the drawing there.
    """

    def __init__(self, mi: Any, camera: Any, shapes: list[Any], emitters: list[Any], height: float, radius: float):
        self._mi = mi
        self._integrator = mi.load_dict({"type": "path", "max_depth": _DEPTH, "hide_emitters": True})
        ground = self._ground(height, radius)
        self._scenes = [scene(mi, camera, [*shapes, ground], emitters), scene(mi, camera, [ground], emitters)]
        self._sums: list[np.ndarray | float] = [0.0, 0.0]
        self.count = 0

    def sample(self, count: int, seed: int) -> None:
        """Add `count` samples to each pixel."""
        for place, seen in enumerate(self._scenes):
            values = rendered(self._mi, seen, self._integrator, count, seed)
            self._sums[place] = self._sums[place] + values[..., :3] * count
        self.count += count

    def shade(self, alpha: np.ndarray, denoise: bool) -> np.ndarray:
        """How much of its light the ground has lost, float32 (h, w, 1). `alpha` (h, w, 1) is what covers it."""
        lit, free = (values @ LUMINANCE for values in self._sums)
        bare = (alpha[..., 0] < 1e-3) & (free > 0)
        lost = np.where(bare, 1 - lit / np.maximum(free, 1e-6), 0).clip(0, 1)
        lost = continued(lost[..., None], bare | (free <= 0), _BELOW)
        return _smooth(lost) if denoise else lost

    def _ground(self, height: float, radius: float) -> Any:
        turned = self._mi.ScalarTransform4f().translate([0, height, 0]).rotate([1, 0, 0], -90)
        return self._mi.load_dict(
            {"type": "rectangle", "to_world": turned.scale([_REACH * radius, _REACH * radius, 1]), "bsdf": _GREY}
        )


def _smooth(lost: np.ndarray) -> np.ndarray:
    """Without noise: shadows of light from all sides have no edges that it could have."""
    smooth = denoise(np.repeat(lost, 3, axis=-1), hdr=False).mean(axis=-1, keepdims=True)
    return smooth.clip(0, 1).astype(np.float32)
