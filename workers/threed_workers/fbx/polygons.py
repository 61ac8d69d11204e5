"""The polygons of an FBX mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed.errors import FileMalformed


@dataclass(frozen=True)
class Polygons:
    """Corners of polygons, one after the other. `points`: int64 (c,), the control point of each; `sizes`: (p,)."""

    points: np.ndarray
    sizes: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        return np.cumsum(self.sizes) - self.sizes

    @property
    def of_corner(self) -> np.ndarray:
        """int64 (c,): the polygon that each corner is of."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def read_polygons(numbers: np.ndarray, count: int, where: str) -> Polygons:
    """PolygonVertexIndex, where the last corner of each polygon is stored as -(index) - 1. `count`: control points.

    Corners behind the last mark have no polygon and are left out. Raises FileMalformed for points that are not there.
    """
    last = np.flatnonzero(numbers < 0)
    sizes = np.diff(last, prepend=-1)
    numbers = numbers[: last[-1] + 1] if len(last) else numbers[:0]
    points = np.where(numbers < 0, ~numbers, numbers)
    if len(points) and points.max() >= count:
        text = f"A polygon has the corner {int(points.max())}, and the mesh has {count} control points."
        raise FileMalformed(text, where=where)
    return Polygons(points, sizes)
