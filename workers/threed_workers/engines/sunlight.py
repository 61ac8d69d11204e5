"""The suns of an environment in a Filament scene: each throws its shadow.

Filament shades by one directional light at a time. So the strongest sun shines with all the other light, and each of
the others in a picture of its own, whose light is added: as much time again. Where that cannot be done, as in a scene
that has lights of its own, or of glass, they shine as the other directional lights do, far away and without shadows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from threed_workers.engines.developing import add
from threed_workers.engines.drawing import Light
from threed_workers.engines.lamps import Lamps


class Sunlight:
    """`suns`, strongest first. `apart` says whether there may be pictures that some of them light alone; `shining`
    whether surfaces shine by themselves, which each picture shows."""

    def __init__(self, scene: Any, lamps: Lamps, suns: Sequence[Light], apart: bool, shining: bool):
        self._scene, self._lamps, self._shining = scene, lamps, shining
        self._suns = suns if apart and not lamps.any() else ()
        self._lamp = None
        for sun in suns[:1] if self._suns else suns:
            self._lamp = lamps.add(sun)

    def complete(self, image: np.ndarray, shot: Callable[[], np.ndarray]) -> None:
        """Give a premultiplied picture the light of those that were not in it; `shot` draws one over black."""
        if len(self._suns) < 2:
            return
        with self._alone():
            dark = shot() if self._shining else None
            for sun in self._suns[1:]:
                self._lamps.aim(self._lamp, sun)
                add(image, shot(), dark)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nothing shines from outside."""
        scene, lamp = self._scene, self._lamp
        intensity, visible = scene.environment_intensity, scene.environment_visible
        scene.environment_intensity, scene.environment_visible, lamp.intensity = 0.0, False, 0.0
        try:
            yield
        finally:
            scene.environment_intensity, scene.environment_visible = intensity, visible
            self._lamps.aim(lamp, self._suns[0])
