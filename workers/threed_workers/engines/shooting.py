"""Pictures of one Filament scene in its 8 bits, by the cheapest way that shows all of it.

Measured with filly 0.2.1 and Mesa's llvmpipe, one thread, processor time of an empty picture of 724 x 724 pixels:

* "exact" output draws into half floats, and passes over them for tones, encoding and alpha: 29 ms, and 67 with tone
  mapping by Filament's table.
* "direct" output writes the surfaces as sRGB at once: 1 ms. It has no alpha, no cut-outs, no glass, no multisampling
  and no tone mapping. Tones are mapped here (developing.py), of PBR Neutral: AgX and ACES need more stops than 8 bits
  hold, and stay Filament's. Where nothing is, is told by a colour of the background that no surface has: magenta,
  nearly as bright as there is room for. Without room above white, as for linear tones, a surface may well have it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from threed_workers.engines import pictures
from threed_workers.engines.developing import averaged, developed, headroom
from threed_workers.engines.drawing import Drawing, Settings
from threed_workers.engines.pantry import Pantry

_KEY = pictures.decoded(np.array([254, 1, 253], np.uint8)).tolist()


class Shooting:
    """How `scene` is drawn. `gain` is what all light in it must be multiplied by, `shining` how bright its surfaces are
    by themselves."""

    def __init__(self, pantry: Pantry, scene: Any, drawing: Drawing, settings: Settings, multisamples: int):
        self._renderer, self._scene, self._pantry = pantry.renderer, scene, pantry
        self.shining = max((instance.model.shines() for instance in drawing.instances), default=0.0)
        self._room = 1.0
        if settings.tone_mapping == "pbr_neutral":
            self._room = headroom(self.shining * 2.0**settings.exposure)
        self.gain = 2.0**settings.exposure / self._room
        self._direct = self._room > 1 and multisamples == 1 and _is_plain(drawing)
        # Whether shots are of light that can be added up: Filament's tables have not been over them.
        self.adds = settings.tone_mapping in ("pbr_neutral", "linear")
        scene.msaa = multisamples
        scene.antialiasing = "none"  # FXAA breaks premultiplied edges
        scene.tone_mapping = "linear" if self._room > 1 else settings.tone_mapping
        scene.output_path = "direct" if self._direct else "exact"

    def target(self, width: int, height: int) -> Any:
        """What it is drawn into, so many pixels at most."""
        return self._pantry.target(width, height, self._direct)

    def shot(
        self,
        target: Any,
        size: tuple[int, int],
        transparent: bool,
        colour: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> np.ndarray:
        """`size` (width, height) pixels, uint8 (h, w, 4): premultiplied as encoded, or opaque over a linear colour.

        To be developed.
        """
        width, height = size
        keyed = transparent and self._direct
        if not self._direct:
            self._scene.transparent = transparent
        behind = _KEY if keyed else [min(part / self._room, 1.0) for part in colour]
        self._scene.background = [*behind, 0.0 if transparent else 1.0]
        # OpenGL counts from the lower left, pictures from the upper left.
        self._renderer.render(self._scene, target, viewport=(0, 0, width, height))
        image = np.ascontiguousarray(target.read()[-height:, :width])
        if keyed:
            pixels = image.view(np.uint32)
            pixels[pixels == _written_key(self._pantry)] = 0
        return image

    def developed(self, image: np.ndarray, width: int, height: int) -> np.ndarray:
        """A premultiplied picture of shots at the size that is wanted, with the tones of a screen."""
        if self._room == 1:
            return pictures.resampled(image, width, height)
        times = image.shape[0] // height
        if times > 1 and image.shape[:2] == (height * times, width * times):
            return averaged(image, times, self._room)
        return developed(pictures.resampled(image, width, height), self._room)


@functools.cache
def _written_key(pantry: Pantry) -> np.uint32:
    """The bytes that the driver writes for the key: one may round as it likes."""
    scene, target = pantry.renderer.create_scene(), pantry.target(1, 1, depth=True)
    scene.camera, scene.output_path = pantry.renderer.create_camera(), "direct"
    scene.background = [*_KEY, 1.0]
    pantry.renderer.render(scene, target)
    written = np.ascontiguousarray(target.read()).view(np.uint32)[0, 0]
    scene.close()
    return written


def _is_plain(drawing: Drawing) -> bool:
    """Whether its surfaces are whole: Filament writes no alpha at once."""
    modes = {mode for instance in drawing.instances for mode in instance.model.alpha_modes()}
    if any(instance.model.is_glass() for instance in drawing.instances) or "MASK" in modes:
        return False
    return drawing.backdrop.kind == "environment" or (drawing.ground is None and "BLEND" not in modes)
