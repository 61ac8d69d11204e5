"""Normals for meshes that came without."""

from __future__ import annotations

import numpy as np

CREASE_DEG = 45.0
# Above that many triangles normals are not split at creases: a scan is smooth, and sorting its corners takes minutes.
MOST_CREASED = 1_000_000
# Beyond that many triangles around one point, a hub, comparing each with each is dear; the hub is smooth all around.
_MOST_AROUND = 64
# Rows that are looked at together: temporaries, of 64 bits, stay in the cache, and a large mesh needs few of them.
_BLOCK = 1 << 14


def corner_normals(points: np.ndarray, triangles: np.ndarray, crease_deg: float = CREASE_DEG) -> np.ndarray:
    """Unit normals per corner, float32 (3t, 3): `crease_normals`, or `smooth_normals` above MOST_CREASED triangles."""
    if len(triangles) <= MOST_CREASED:
        return crease_normals(points, triangles, crease_deg).reshape(-1, 3)
    return smooth_normals(points, triangles)[triangles.reshape(-1)]


def smooth_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals per point, float32 (n, 3). points: float (n, 3); triangles: int (t, 3)."""
    total = np.zeros((3, len(points)))
    rows = max(_BLOCK, len(points) // 4)  # each block costs a pass over the points too
    with np.errstate(all="ignore"):
        for start in range(0, len(triangles), rows):
            block = triangles[start : start + rows]
            corners = block.reshape(-1)
            for axis, weights in enumerate(_weighted(points, block)):
                total[axis] += np.bincount(corners, np.repeat(weights, 3), len(points))
    return unit_normals(total.T)


def _weighted(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Normals as long as twice the area, float64 (3, t)."""
    out = np.empty((3, len(triangles)))
    for start in range(0, len(triangles), _BLOCK):
        corners = points[triangles[start : start + _BLOCK]]
        out[:, start : start + _BLOCK] = facet_normals(corners)
    return out


def facet_normals(corners: np.ndarray) -> np.ndarray:
    """Normals as long as twice the area, float64 (3, t): a row per axis. corners: float (t, 3, 3)."""
    # A row per axis, and blocks, take 0.09 s for 2M triangles; np.cross of them all takes 0.30 s.
    x, y, z = np.ascontiguousarray(corners.transpose(2, 1, 0), np.float64)
    u, v, w = (axis[1:] - axis[0] for axis in (x, y, z))
    return np.stack([v[0] * w[1] - w[0] * v[1], w[0] * u[1] - u[0] * w[1], u[0] * v[1] - v[0] * u[1]])


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
    out = np.empty((len(normals), 3), np.float32)
    with np.errstate(all="ignore"):
        for start in range(0, len(normals), _BLOCK):
            out[start : start + _BLOCK] = _unit(normals[start : start + _BLOCK].astype(np.float64))
    return out


def _groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts, sizes) of the runs in sorted values."""
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate([[0], edges]) if len(values) else np.zeros(0, np.int64)
    return starts, np.diff(np.append(starts, len(values)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    usable = (lengths > 0) & np.isfinite(lengths)
    return np.where(usable, vectors / np.where(usable, lengths, 1), (0.0, 0.0, 1.0))
