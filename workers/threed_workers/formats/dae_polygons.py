"""Polygons of any shape to triangles, by mapbox's earcut where a fan would be wrong."""

from __future__ import annotations

import mapbox_earcut
import numpy as np

from threed_workers.mesh.triangulate import fan

# Cutting ears is quadratic at its worst; a polygon of more corners than this becomes a fan.
_MOST_CORNERS = 50_000
_BENT = 1e-6  # sine of the turn to the wrong side from which on a corner is concave


def triangulate(points: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Corners of triangles, int64 (t, 3), for polygons of `sizes` corners (n,) that lie one after the other.

    points: float (c, 3), one per corner. Convex polygons become fans; the others are cut in the plane that they are
    nearest to. The order of polygons is kept, and so is their winding.
    """
    triangles = fan(sizes)
    concave = _concave(points, sizes)
    if not len(concave):
        return triangles
    starts = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(len(sizes)), np.maximum(sizes - 2, 0))
    kept = ~np.isin(owner, concave)
    parts, owners = [triangles[kept]], [owner[kept]]
    for polygon in concave.tolist():
        start, size = int(starts[polygon]), int(sizes[polygon])
        cut = cut_polygon(points[start : start + size], np.array([size]))
        parts.append(cut + start)
        owners.append(np.full(len(cut), polygon))
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(parts)[order]


def cut_polygon(points: np.ndarray, ring_ends: np.ndarray) -> np.ndarray:
    """Corners of triangles, int64 (t, 3), of one polygon: its outer ring, then its holes; `ring_ends` are their ends.

    The triangles wind as the outer ring does. What cannot be cut, because it has no area or no shape, becomes a fan of
    the outer ring.
    """
    outer = int(ring_ends[0])
    plain = fan(np.array([outer]))
    if len(points) > _MOST_CORNERS or not np.isfinite(points).all():
        return plain
    normal = newell(points[:outer].astype(np.float64))
    axis = int(np.argmax(np.abs(normal)))
    if normal[axis] == 0:
        return plain
    flat = points[:, [other for other in range(3) if other != axis]].astype(np.float64)
    low = flat.min(axis=0)
    flat = (flat - low) / (np.ptp(flat) or 1.0)
    cut = mapbox_earcut.triangulate_float64(np.ascontiguousarray(flat), ring_ends.astype(np.uint32))
    cut = cut.reshape(-1, 3).astype(np.int64)
    if not len(cut):
        return plain
    if _area(flat[cut]).sum() * _ring_area(flat[:outer]) < 0:
        cut = cut[:, ::-1]
    return cut


def newell(ring: np.ndarray) -> np.ndarray:
    """The normal of a ring (n, 3), as long as twice its area (Newell 1974)."""
    with np.errstate(all="ignore"):
        return np.cross(ring - ring[0], np.roll(ring, -1, axis=0) - ring[0]).sum(axis=0)


def _area(corners: np.ndarray) -> np.ndarray:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


def _ring_area(ring: np.ndarray) -> float:
    after = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * after[:, 1] - ring[:, 1] * after[:, 0]).sum())


def _concave(points: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Numbers of the polygons with a corner that turns to the other side than the polygon as a whole."""
    corners = np.flatnonzero(np.repeat(sizes, sizes) > 3)
    if not len(corners):
        return corners
    owner = np.repeat(np.arange(len(sizes)), sizes)[corners]
    starts = np.cumsum(sizes) - sizes
    first, size = starts[owner], sizes[owner]
    after = first + (corners - first + 1) % size
    before = first + (corners - first - 1) % size
    with np.errstate(all="ignore"):
        place = points[corners].astype(np.float64)
        here = np.cross(place - points[before], points[after] - place)
        origin = points[first].astype(np.float64)
        spans = np.cross(place - origin, points[after] - origin)
        total = np.column_stack([np.bincount(owner, spans[:, axis], len(sizes)) for axis in range(3)])[owner]
        lengths = np.linalg.norm(here, axis=1) * np.linalg.norm(total, axis=1)
        return np.unique(owner[np.einsum("ij,ij->i", here, total) < -_BENT * lengths])
