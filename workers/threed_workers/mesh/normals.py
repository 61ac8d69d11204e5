"""Normals for meshes that came without."""

from __future__ import annotations

from itertools import pairwise

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
    with np.errstate(all="ignore"):
        return unit_normals(_sums(points, triangles))


def _sums(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The sum of the normals, as long as twice the area, of the triangles at each point, float64 (n, 3)."""
    total = np.zeros((3, len(points)))
    rows = max(_BLOCK, len(points) // 4)  # each block costs a pass over the points too
    for start in range(0, len(triangles), rows):
        block = triangles[start : start + rows]
        corners = block.reshape(-1)
        for axis, weights in enumerate(_weighted(points, block)):
            total[axis] += np.bincount(corners, np.repeat(weights, 3), len(points))
    return total.T


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
    smooth, corners, split = split_normals(points, triangles, crease_deg)
    normals = smooth[triangles.reshape(-1)]
    normals[corners] = split
    return normals.reshape(-1, 3, 3)


def split_normals(
    points: np.ndarray, triangles: np.ndarray, crease_deg: float = CREASE_DEG
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(normals of points float32 (n, 3), corners int64 (k,), their own normals float32 (k, 3)) of `crease_normals`.

    The corners, by their place in `triangles.reshape(-1)`, are those at points where some triangles turn too far from
    the others; all others have the normal of their point.
    """
    with np.errstate(all="ignore"):
        total = _sums(points, triangles)
        flat = triangles.reshape(-1)
        split = _bent(points, triangles, total, crease_deg)
        split &= np.bincount(flat, minlength=len(points)) <= _MOST_AROUND
        corners = np.flatnonzero(split[flat])
        corners = corners[np.argsort(flat[corners], kind="stable")]
        starts, sizes = _groups(flat[corners])
        normals = np.empty((len(corners), 3), np.float32)
        edges = [0, *np.flatnonzero(np.diff(starts // _BLOCK)) + 1, len(starts)]
        for first, stop in pairwise(edges):
            if first < stop:
                rows = slice(starts[first], starts[stop - 1] + sizes[stop - 1])
                normals[rows] = _split(points, triangles, corners[rows] // 3, sizes[first:stop], crease_deg)
    return unit_normals(total), corners, normals


def _bent(points: np.ndarray, triangles: np.ndarray, total: np.ndarray, crease_deg: float) -> np.ndarray:
    """bool (n,): points where a triangle turns half of `crease_deg` from their sum, so that two may turn all of it."""
    bent = np.zeros(len(points), bool)
    limit = np.cos(np.radians(crease_deg / 2))
    for start in range(0, len(triangles), _BLOCK):
        block = triangles[start : start + _BLOCK]
        unit = _unit(_weighted(points, block).T)
        towards = total[block]
        lengths = np.sqrt(np.einsum("tck,tck->tc", towards, towards))
        bent[block[~(np.einsum("tk,tck->tc", unit, towards) > limit * lengths)]] = True
    return bent


def _split(
    points: np.ndarray, triangles: np.ndarray, faces: np.ndarray, sizes: np.ndarray, crease_deg: float
) -> np.ndarray:
    """float32 (c, 3) of corners that lie point by point, `sizes` (p,) at each; `faces` (c,) are their triangles."""
    weighted = _weighted(points, triangles[faces]).T
    unit = _unit(weighted)
    total = weighted.copy()
    starts = np.cumsum(sizes) - sizes
    start, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    place = np.arange(len(faces)) - start
    limit = np.cos(np.radians(crease_deg))
    for step in range(1, int(sizes.max(initial=1))):
        active = np.flatnonzero(size > step)
        other = start[active] + (place[active] + step) % size[active]
        near = np.einsum("ij,ij->i", unit[active], unit[other]) > limit
        total[active[near]] += weighted[other[near]]
    return _unit(total).astype(np.float32)


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
