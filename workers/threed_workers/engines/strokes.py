"""Points and lines as wide as a picture needs. Filament draws them one pixel wide, which vanishes in a thumbnail."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.engines.drawing import Settings, View

# A stroke of 6 pixels at 1024: it is seen at 256 too.
_PART = 170
_WIDEST = 6
# A dense cloud covers the picture anyway.
_MOST_VERTICES = 4_000_000


class Strokes:
    """The points and lines of a model, drawn once for every pixel of a square, each time a pixel further.

    The picture of `settings` is drawn `times` as large along each edge.
    """

    def __init__(self, scene: Any, asset: Any, matrix: np.ndarray, settings: Settings, times: float, vertices: int):
        self._height = settings.height * times
        self._matrix = matrix
        affordable = int((_MOST_VERTICES / max(1, vertices)) ** 0.5)
        wanted = min(_WIDEST, min(settings.width, settings.height) / _PART)
        width = max(1, min(affordable, round(max(1, wanted) * times)))
        steps = np.arange(width) - (width - 1) / 2
        self._copies = [(scene.add(asset), x, y) for x in steps for y in steps]

    def face(self, pose: np.ndarray, view: View, scale: float) -> None:
        """Spread the copies over the plane of a camera at `pose`, in the frame that is drawn in (`scale` to metres)."""
        if view.ymag:
            height = 2 * view.ymag * scale
        else:
            middle = self._matrix[:3, 3]
            distance = max(float((pose[:3, 3] - middle) @ pose[:3, 2]), view.near * scale)
            height = 2 * distance * np.tan(view.yfov / 2)
        pixel = height / self._height
        for copy, x, y in self._copies:
            moved = self._matrix.copy()
            moved[:3, 3] += pixel * (x * pose[:3, 0] + y * pose[:3, 1])
            copy.transform = moved.astype(np.float32)

    def close(self) -> None:
        """Take the copies out of the scene."""
        for copy, _, _ in self._copies:
            copy.close()
