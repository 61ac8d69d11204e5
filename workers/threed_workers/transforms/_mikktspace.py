"""Tangents that agree with the bakers of normal maps: MikkTSpace (Mikkelsen 2008), on arrays.

No wheel of the reference exists, so this follows its source, mikktspace.c, with its default threshold of 180 degrees:
equal corners are welded; corners around a vertex are one group as long as they are joined by edges and their textures
are mirrored the same way; a group's tangent is the sum of its triangles' directions of u, each in the plane of the
normal and weighted by its angle there. Triangles without an area in the texture take a neighbour's side. Against the
reference it differs where that has no answer: its (1, 0, 0) is a vector across the normal here.
"""

from __future__ import annotations

import numpy as np

from threed_workers.mesh.weld import weld

_TINY = np.finfo(np.float32).tiny
_MOST_PASSES = 64


def corner_tangents(positions: np.ndarray, normals: np.ndarray, uvs: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """float32 (3t, 4): tangent and sign of the bitangent for every corner, as glTF 2.0 section 3.7.2.1 wants them.

    positions, normals: float32 (n, 3); uvs: float32 (n, 2), origin at the top left, which turns the sign around;
    triangles: int (t, 3), counter-clockwise from outside.
    """
    rows = [values.astype(np.float32) + np.float32(0) for values in (positions, normals, uvs)]  # -0.0 becomes 0.0
    first, vertex = weld(*rows)
    points, normals, uvs = (values[first].astype(np.float64) for values in rows)
    normals = _unit(normals)
    welded = vertex[triangles]
    corners = np.zeros((len(triangles), 3, 4))
    corners[..., :3], corners[..., 3] = _across(normals)[welded], 1.0
    whole = _has_three_points(points[welded])
    if whole.any():
        corners[whole] = _grouped(points, normals, uvs, welded[whole], corners[whole])
        _fill(corners, welded, whole)
    return corners.reshape(-1, 4).astype(np.float32)


def _has_three_points(points: np.ndarray) -> np.ndarray:
    """bool (t,): triangles (t, 3, 3) no two corners of which are in one place."""
    same = [(points[:, a] == points[:, b]).all(axis=1) for a, b in ((0, 1), (1, 2), (2, 0))]
    return ~np.any(same, axis=0)


def _grouped(
    points: np.ndarray, normals: np.ndarray, uvs: np.ndarray, triangles: np.ndarray, corners: np.ndarray
) -> np.ndarray:
    """(t, 3, 4): the tangents of all groups; `corners` where a group has no direction."""
    along, preserving, blank = _directions(points, uvs, triangles)
    ends = _joints(triangles)
    preserving, known = _adopted(preserving, blank, ends)
    a, b = ends
    joined = (preserving[a // 3] == preserving[b // 3]) & known[a // 3] & known[b // 3]
    group = _components(triangles.size, a[joined], b[joined])
    normal = normals[triangles].reshape(-1, 3)
    share = _flat(np.repeat(along, 3, axis=0), normal) * _angles(points[triangles], normal)[:, None]
    share[np.repeat(blank, 3)] = 0
    total = np.column_stack([np.bincount(group, share[:, axis], triangles.size) for axis in range(3)])[group]
    usable = np.linalg.norm(total, axis=1) > _TINY
    out = corners.reshape(-1, 4).copy()
    out[usable, :3] = _unit(total[usable])
    out[usable, 3] = np.where(np.repeat(preserving, 3)[usable], -1.0, 1.0)
    return out.reshape(-1, 3, 4)


def _directions(
    points: np.ndarray, uvs: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each triangle: the direction of u (t, 3), whether its texture is not mirrored, whether it has none at all."""
    p, t = points[triangles], uvs[triangles]
    d1, d2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    t1, t2 = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    area = t1[:, 0] * t2[:, 1] - t1[:, 1] * t2[:, 0]
    along = t2[:, 1:] * d1 - t1[:, 1:] * d2
    down = t1[:, :1] * d2 - t2[:, :1] * d1
    size = np.abs(area)
    blank = size <= _TINY
    for vectors in (along, down):
        blank |= np.linalg.norm(vectors, axis=1) <= _TINY * np.where(blank, 1, size)
    return _unit(along) * np.where(area > 0, 1, -1)[:, None], area > 0, blank


def _joints(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of corners (m,), (m,) at one vertex, whose triangles meet at an edge. Each edge has two triangles at most.

    Where more meet, the first that runs one way meets the first that runs the other way, and so on.
    """
    tail, head = triangles.reshape(-1), np.roll(triangles, -1, axis=1).reshape(-1)
    forward = tail < head
    edge = np.unique(np.minimum(tail, head) * (triangles.max() + 1) + np.maximum(tail, head), return_inverse=True)[1]
    key = 2 * edge.reshape(-1) + forward
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    starts = np.flatnonzero(np.diff(sorted_key, prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    place = (sorted_key >> 1) * (int(rank.max(initial=0)) + 1) + rank
    runs = order[sorted_key & 1 == 1], order[sorted_key & 1 == 0]
    _, one, other = np.intersect1d(place[sorted_key & 1 == 1], place[sorted_key & 1 == 0], True, True)
    one, other = runs[0][one], runs[1][other]
    return np.concatenate([one, _next(one)]), np.concatenate([_next(other), other])


def _next(corner: np.ndarray) -> np.ndarray:
    return corner - corner % 3 + (corner + 1) % 3


def _adopted(
    preserving: np.ndarray, blank: np.ndarray, ends: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(side, known): triangles without a side of their own take that of the neighbour that comes first."""
    side, known = preserving.copy(), ~blank
    a, b = (np.concatenate(pair) // 3 for pair in (ends, ends[::-1]))
    for _ in range(_MOST_PASSES):
        asking = ~known[a] & known[b]
        if not asking.any():
            break
        chosen = np.full(len(side), len(side))
        np.minimum.at(chosen, a[asking], b[asking])
        found = chosen < len(side)
        side[found], known[found] = side[chosen[found]], True
    return side, known


def _components(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int (count,): the smallest number of those that each is joined to, directly or not."""
    label = np.arange(count)
    while True:
        low, high = np.minimum(label[a], label[b]), np.maximum(label[a], label[b])
        if (low == high).all():
            return label
        np.minimum.at(label, high, low)
        while (label[label] != label).any():
            label = label[label]


def _angles(corners: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(3t,): the angle of each corner of triangles (t, 3, 3), seen along its normal."""
    before = _flat((np.roll(corners, 1, axis=1) - corners).reshape(-1, 3), normal)
    after = _flat((np.roll(corners, -1, axis=1) - corners).reshape(-1, 3), normal)
    return np.arccos(np.clip(np.einsum("ij,ij->i", before, after), -1, 1))


def _flat(vectors: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Vectors in the plane of their normal, of unit length; what stands on it becomes 0."""
    return _unit(vectors - normal * np.einsum("ij,ij->i", vectors, normal)[:, None])


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > _TINY)


def _across(normals: np.ndarray) -> np.ndarray:
    """Some unit vector at a right angle to each normal (n, 3)."""
    axis = np.eye(3)[np.abs(normals).argmin(axis=1)]
    return _flat(axis, normals)


def _fill(corners: np.ndarray, welded: np.ndarray, whole: np.ndarray) -> None:
    """Corners of triangles without an area take what another triangle has at their vertex."""
    vertex, first = np.unique(welded[whole].reshape(-1), return_index=True)
    wanted = welded[~whole].reshape(-1)
    place = np.minimum(np.searchsorted(vertex, wanted), len(vertex) - 1)
    found = vertex[place] == wanted
    thin = corners[~whole].reshape(-1, 4)
    thin[found] = corners[whole].reshape(-1, 4)[first[place[found]]]
    corners[~whole] = thin.reshape(-1, 3, 4)
