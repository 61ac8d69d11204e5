"""Normals for meshes that came without."""

from __future__ import annotations

import numpy as np

CREASE_DEG = 45.0
# Above that many triangles normals are not split at creases: a scan is smooth, and sorting its corners takes minutes.
MOST_CREASED = 1_000_000
# Beyond that many triangles around one point, a hub, comparing each with each is dear; the hub is smooth all around.
_MOST_AROUND = 64


def corner_normals(points: np.ndarray, triangles: np.ndarray, crease_deg: float = CREASE_DEG) -> np.ndarray:
    """Unit normals per corner, float32 (3t, 3): `crease_normals`, or `smooth_normals` above MOST_CREASED triangles."""
    if len(triangles) <= MOST_CREASED:
        return crease_normals(points, triangles, crease_deg).reshape(-1, 3)
    return smooth_normals(points, triangles)[triangles.reshape(-1)]


def smooth_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals per point, float32 (n, 3). points: float (n, 3); triangles: int (t, 3)."""
    with np.errstate(all="ignore"):
        a, b, c = (points[triangles[:, corner]].astype(np.float64) for corner in range(3))
        weighted = np.cross(b - a, c - a)
        corners = triangles.reshape(-1)
        total = [np.bincount(corners, np.repeat(weighted[:, axis], 3), len(points)) for axis in range(3)]
    return unit_normals(np.column_stack(total))


def crease_normals(points: np.ndarray, triangles: np.ndarray, crease_deg: float = CREASE_DEG) -> np.ndarray:
    """Unit normals per corner, float32 (t, 3, 3): smooth over the surface, split where it bends sharply.

    points: float (n, 3); triangles: int (t, 3), counter-clockwise from outside. A corner's normal is the sum of the
    area-weighted normals of those triangles at its point that turn less than `crease_deg` from its own.
    """
    with np.errstate(all="ignore"):
        edges = points.astype(np.float64)[triangles]
        weighted = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
        unit = _unit(weighted)
        corner_point = triangles.reshape(-1)
        order = np.argsort(corner_point, kind="stable")
        face = order // 3
        starts, sizes = _groups(corner_point[order])
        start, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
        place = np.arange(len(order)) - start
        total = weighted[face].copy()
        limit = np.cos(np.radians(crease_deg))
        for step in range(1, min(int(sizes.max(initial=1)), _MOST_AROUND + 1)):
            active = np.flatnonzero((size > step) & (size <= _MOST_AROUND))
            other = face[start[active] + (place[active] + step) % size[active]]
            near = np.einsum("ij,ij->i", unit[face[active]], unit[other]) > limit
            total[active[near]] += weighted[other[near]]
        if sizes.max(initial=1) > _MOST_AROUND:
            hubs = size > _MOST_AROUND
            total[hubs] = np.repeat(np.add.reduceat(weighted[face], starts), sizes, axis=0)[hubs]
        normals = np.empty((len(order), 3))
        normals[order] = _unit(total)
    return normals.astype(np.float32).reshape(-1, 3, 3)


def unit_normals(normals: np.ndarray) -> np.ndarray:
    """Given normals (n, 3) as float32 of unit length; those without a direction get +Z."""
    with np.errstate(all="ignore"):
        return _unit(normals.astype(np.float64)).astype(np.float32)


def _groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts, sizes) of the runs in sorted values."""
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate([[0], edges]) if len(values) else np.zeros(0, np.int64)
    return starts, np.diff(np.append(starts, len(values)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    usable = (lengths > 0) & np.isfinite(lengths)
    return np.where(usable, vectors / np.where(usable, lengths, 1), (0.0, 0.0, 1.0))
