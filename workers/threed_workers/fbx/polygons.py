"""Polygons of an FBX mesh to triangles, concave ones properly."""

from __future__ import annotations

from dataclasses import dataclass

import mapbox_earcut
import numpy as np

from threed.errors import FileMalformed
from threed_workers.mesh.triangulate import fan

# A corner that bends inwards by more than this (sine, on polygons of unit size) makes a polygon concave.
_BENT = 1e-9
# Clipping takes longer than linear time; a polygon of more corners becomes a fan.
_MOST_CLIPPED = 1 << 16


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


def triangulate(polygons: Polygons, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(corners int64 (t, 3), polygons (t,)): triangles, in the order of the polygons they are of.

    Convex polygons become fans, and so do concave quads, around the corner that bends inwards; the others are clipped
    in the plane of their own normal (Newell's; mapbox earcut).
    """
    sizes, starts = polygons.sizes, polygons.starts
    bends = _bends(polygons, positions)
    concave = np.zeros(len(sizes), bool)
    concave[polygons.of_corner[bends]] = True
    concave &= (sizes > 4) & (sizes <= _MOST_CLIPPED)
    plain = np.where(concave, 0, sizes)
    owners = np.repeat(np.arange(len(sizes)), np.maximum(plain - 2, 0))
    # The fans of the plain ones are numbered as if the others had no corners; put the starts right.
    triangles = fan(plain) + (starts - (np.cumsum(plain) - plain))[owners][:, None]
    _turn_quads(triangles, owners, polygons, bends)
    pieces, names = [triangles], [owners]
    for polygon in np.flatnonzero(concave):
        corners = np.arange(starts[polygon], starts[polygon] + sizes[polygon])
        cut = _clip(positions[polygons.points[corners]])
        pieces.append(corners[cut])
        names.append(np.full(len(cut), polygon))
    triangles, owners = np.concatenate(pieces), np.concatenate(names)
    order = np.argsort(owners, kind="stable")
    return triangles[order], owners[order]


def _bends(polygons: Polygons, positions: np.ndarray) -> np.ndarray:
    """bool (c,): which corners of polygons of four and more bend against the polygon's own normal."""
    sizes, owners, starts = polygons.sizes, polygons.of_corner, polygons.starts
    if not (sizes > 3).any():
        return np.zeros(len(owners), bool)
    place = np.arange(len(owners))
    here = positions[polygons.points]
    after = here[np.where(place + 1 == (starts + sizes)[owners], starts[owners], place + 1)]
    before = here[np.where(place == starts[owners], (starts + sizes)[owners] - 1, place - 1)]
    with np.errstate(all="ignore"):
        first = here[starts[owners]]
        area = np.cross(here - first, after - first)
        normals = np.column_stack([np.bincount(owners, area[:, axis], len(sizes)) for axis in range(3)])
        square = np.einsum("ij,ij->i", normals, normals)
        turns = np.cross(here - before, after - here)
        bends = np.einsum("ij,ij->i", turns, normals[owners]) < -_BENT * square[owners]
    return bends & (sizes > 3)[owners]


def _turn_quads(triangles: np.ndarray, owners: np.ndarray, polygons: Polygons, bends: np.ndarray) -> None:
    """Begin the fan of each concave quad at the corner that bends inwards, in place."""
    quads = np.flatnonzero((polygons.sizes == 4)[polygons.of_corner] & bends)
    shift = np.zeros(len(polygons.sizes), np.int64)
    shift[polygons.of_corner[quads]] = quads - polygons.starts[polygons.of_corner[quads]]
    rows = np.flatnonzero(shift[owners] > 0)
    start = polygons.starts[owners[rows]][:, None]
    triangles[rows] = (triangles[rows] - start + shift[owners[rows]][:, None]) % 4 + start


def _clip(points: np.ndarray) -> np.ndarray:
    """int (t, 3) of one polygon (n, 3), clipped in the plane of its Newell normal; a fan when that is no polygon."""
    normal = np.cross(points - points[0], np.roll(points, -1, axis=0) - points[0]).sum(axis=0)
    axis = int(np.argmax(np.abs(normal)))
    flat = np.delete(points, axis, axis=1)
    if (normal[axis] < 0) != (axis == 1):
        flat = flat[:, ::-1]
    extent = float(np.ptp(flat, axis=0).max()) or 1.0
    flat = np.ascontiguousarray((flat - flat.min(axis=0)) / extent)
    ring = np.array([len(flat)], np.uint32)
    cut = mapbox_earcut.triangulate_float64(flat, ring).reshape(-1, 3).astype(np.int64)
    if not len(cut):
        return fan(np.array([len(flat)]))
    a, b, c = (flat[cut[:, corner]] for corner in range(3))
    turned = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) < 0
    cut[turned] = cut[turned][:, ::-1]
    return cut
