"""Punctual lights in a Filament scene, in lux and candela as KHR_lights_punctual has them.

What was measured with filly 0.2.1:

* A light in a file that has no range gets one that depends on its intensity, so that it ends too early.
* Lights fade from 0.9 of the camera's far plane on, and go out when their range is 10^9 times the near plane. So the
  far plane is far (framing.py), and a light without end ends where nothing is left to light.
* Filament shades by one directional light. The others become points far away.
* Shadows of directional lights are clean; those of spots and points were not to be seen, so they cast none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from threed_workers.document import Document
from threed_workers.document.model import Json, extension, loss
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.engines.drawing import Light

_EXTENSION = "KHR_lights_punctual"
_MOST = 256
_WIDEST_CONE = 89.9  # degrees from the axis
_SHADOW_MAP = 2048
# The window (1 - (d / range)^4)^2 takes 3e-5 of a light at a sixteenth of its range.
_ENDLESS = 16.0


class Lamps:
    """The lights of one scene. `frame` (4, 4) takes the world to what is drawn, where everything lies in `radius`."""

    def __init__(self, scene: Any, frame: np.ndarray, radius: float, gain: float):
        self._scene = scene
        self._frame = frame
        self._scale = float(frame[0, 0])
        self._radius = radius or 1.0
        self._gain = gain
        self._suns = self._file_suns = self._points = 0

    def mend(self, placed: Any, document: Document, matrix: np.ndarray) -> None:
        """Give the lights of a file, placed by `matrix`, the range and brightness that the file says."""
        if not placed.lights:
            return
        order, matrices = world_matrices(document, scene_roots(document))
        places = dict(zip(order, matrices, strict=True))
        for light in placed.lights:
            number = light.node.index
            if light.type in ("directional", "sun"):
                self._file_suns += 1
                light.intensity *= self._gain
                continue
            self._points += 1
            position = (matrix @ places.get(number, np.eye(4)))[:3, 3]
            light.range = self._range(_definition(document, number).get("range", 0.0), position)
            light.intensity *= self._gain * self._scale**2

    def any(self) -> bool:
        """Whether there is one yet."""
        return bool(self._suns or self._file_suns or self._points)

    def aim(self, lamp: Any, light: Light) -> None:
        """Make another directional light of one that was added."""
        colour = self._colour(light)
        lamp.direction, lamp.color, lamp.intensity = light.direction.tolist(), colour["color"], colour["intensity"]

    def add(self, light: Light) -> Any:
        """Add a light of the scene; the answer is Filament's."""
        lamp = self._colour(light)
        direction = light.direction.tolist()
        if light.kind == "directional" and not self._suns and not self._file_suns:
            self._suns += 1
            sun = self._scene.add_directional_light(direction=direction, **lamp)
            sun.casts_shadows, sun.shadow_map_size = True, _SHADOW_MAP
            return sun
        self._points += 1
        if light.kind == "directional":
            away = 100 * self._radius
            position = -away * light.direction
            lamp["intensity"] *= away**2
        else:
            position = (self._frame @ np.append(light.position, 1.0))[:3]
            lamp["intensity"] *= self._scale**2
        lamp |= {"position": position.tolist(), "range": self._range(light.range_m, position)}
        if light.kind == "spot":
            outer = min(math.degrees(light.outer_cone), _WIDEST_CONE)
            inner = min(math.degrees(light.inner_cone), outer)
            return self._scene.add_spot_light(direction=direction, cone_deg=(inner, outer), **lamp)
        return self._scene.add_point_light(**lamp)

    def losses(self) -> list[Json]:
        """What of them is not drawn."""
        found = []
        if self._file_suns > 1:
            reason = "of the directional lights in files only one shines"
            found.append(loss("lights", self._file_suns - 1, reason, "picture"))
        if self._points > _MOST:
            found.append(loss("lights", self._points - _MOST, f"only {_MOST} lights are drawn", "picture"))
        return found

    def _colour(self, light: Light) -> dict[str, Any]:
        """Filament's colours end at 1, KHR_lights_punctual's do not."""
        strongest = max(1.0, *light.color)
        return {
            "color": [part / strongest for part in light.color],
            "intensity": light.intensity * self._gain * strongest,
        }

    def _range(self, range_m: float, position: np.ndarray) -> float:
        endless = _ENDLESS * (float(np.linalg.norm(position)) + self._radius)
        return min(range_m * self._scale, endless) if range_m > 0 else endless


def _definition(document: Document, node: int) -> Json:
    """What the file says about the light of a node."""
    lights = ((document.json.get("extensions") or {}).get(_EXTENSION) or {}).get("lights") or []
    number = (extension(document.all("nodes")[node], _EXTENSION) or {}).get("light", -1)
    return lights[number] if 0 <= number < len(lights) else {}
