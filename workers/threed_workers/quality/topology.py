"""How the triangles of a mesh hang together: welded by position, then counted by their sorted edges.

Tried on a sphere of 1M triangles: trimesh 2.8 s without the last; this 1.6 s, 0.6 of it for the corners around each
vertex.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from threed_workers.mesh.weld import weld
from threed_workers.quality.triangles import Surface, in_blocks

# A triangle whose height is below that part of its longest edge has no area: float32 cannot tell where it faces.
FLATNESS = 1e-6
_SPAN = 1 << 20  # corners that are joined at once: numpy makes indices of 8 bytes from ours of 4


class Found(NamedTuple):
    """How many, and where the first of them lies, in metres in the mesh's frame."""

    count: int
    place: tuple[float, ...] | None


class Topology(NamedTuple):
    """What was found. `collapsed` triangles have two corners in one place, `flat` ones have three and no area.

    Edges are counted without collapsed and duplicate triangles. `boundary`: edges of one triangle; `crowded`: of more
    than two; `twisted`: of two that run along it in the same direction, so that one of them is inside out.
    `pinched`: vertices whose triangles hang together at nothing but that vertex, and which no crowded edge touches.
    """

    triangles: int
    edges: int
    collapsed: Found
    flat: Found
    duplicates: Found
    boundary: Found
    crowded: Found
    twisted: Found
    pinched: Found


def welded(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """(points (m, 3), corners int32 (t, 3)): every position once, bit for bit; -0.0 is 0.0."""
    if not len(surface.points):
        return surface.points, surface.corners.astype(np.int32)
    first, inverse = weld(surface.points + np.float32(0))
    return surface.points[first], inverse.astype(np.int32)[surface.corners]


def is_collapsed(corners: np.ndarray) -> np.ndarray:
    """Which triangles (t, 3) have two equal corners: bool (t,)."""
    a, b, c = corners.T
    return (a == b) | (b == c) | (a == c)


def topology(surface: Surface) -> Topology:
    """Everything about one mesh, in one pass over its welded triangles."""
    points, corners = welded(surface)
    del surface  # a large mesh once is enough
    count, is_one_place = len(corners), is_collapsed(corners)
    collapsed = _found(points, corners[is_one_place][:, 0])
    solid = corners[~is_one_place] if collapsed.count else corners
    is_flat = _flat(points, solid)
    flat = _found(points, solid[is_flat][:, 0])
    is_double = _duplicates(solid)
    duplicates = _found(points, solid[is_double][:, 0])
    kept = solid[~is_double] if duplicates.count else solid
    del corners, solid
    edges = _Edges(kept)
    crowded = edges.starts[edges.sizes > 2]
    twisted = edges.starts[(edges.sizes == 2) & (edges.forward != 1)]
    return Topology(
        triangles=count,
        edges=len(edges.starts),
        collapsed=collapsed,
        flat=flat,
        duplicates=duplicates,
        boundary=_found(points, edges.vertices(edges.starts[edges.sizes == 1])),
        crowded=_found(points, edges.vertices(crowded)),
        twisted=_found(points, edges.vertices(twisted)),
        pinched=_found(points, _pinched(edges)),
    )


def _found(points: np.ndarray, vertices: np.ndarray) -> Found:
    place = tuple(float(value) for value in points[vertices[0]]) if len(vertices) else None
    return Found(len(vertices), place)


def _flat(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Which triangles have three places and no area: bool (t,)."""
    found = [np.zeros(0, bool)]
    for block in in_blocks(corners):
        a, b, c = (points[block[:, corner]].astype(np.float64) for corner in range(3))
        with np.errstate(all="ignore"):
            doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1)
            longest = np.max([((x - y) ** 2).sum(axis=1) for x, y in ((a, b), (b, c), (c, a))], axis=0)
            found.append(doubled <= FLATNESS * longest)
    return np.concatenate(found)


def _duplicates(corners: np.ndarray) -> np.ndarray:
    """Which triangles are an earlier one again, wound the same way: bool (t,).

    Back to back triangles are none: that is how surfaces with two sides are made.
    """
    double = np.zeros(len(corners), bool)
    turn = corners.argmin(axis=1)[:, None]
    cycle = np.take_along_axis(corners, (turn + np.arange(3)) % 3, axis=1)
    mixed = np.zeros(len(corners), np.uint64)
    with np.errstate(over="ignore"):
        for column in cycle.T:
            mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
    ordered = np.sort(mixed)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    suspects = np.flatnonzero(np.isin(mixed, again)) if len(again) else again.astype(np.int64)
    if len(suspects):  # Equal hashes only make suspects; the corners themselves decide.
        order = suspects[np.lexsort((suspects, *cycle[suspects].T))]
        same = (cycle[order[1:]] == cycle[order[:-1]]).all(axis=1)
        double[order[1:][same]] = True
    return double


class _Edges:
    """The edges of triangles, sorted. Half edge h goes from corner h to the next one of triangle h // 3.

    `order`: half edges, those of one edge together; `starts`, `sizes`: where each edge begins in it, and how many half
    edges it has; `forward`: how many of them run from the lower vertex to the higher.
    """

    def __init__(self, corners: np.ndarray):
        # What is as long as the half edges takes 12 or 24 bytes a triangle: nothing is kept longer than it is used.
        self.origins = corners.reshape(-1)
        ends = np.roll(corners, -1, axis=1).reshape(-1)
        runs_up = self.origins < ends
        keys = np.minimum(self.origins, ends).astype(np.uint64)
        keys <<= np.uint64(32)
        keys |= np.maximum(self.origins, ends).astype(np.uint64)
        del ends
        self.order = np.argsort(keys).astype(np.int32)
        keys.sort()
        new = np.ones(len(keys), bool)
        new[1:] = keys[1:] != keys[:-1]
        self.starts = np.flatnonzero(new).astype(np.int32)
        self.sizes = np.diff(np.append(self.starts, np.int32(len(keys))))
        del keys, new
        runs_up = runs_up[self.order]
        self.forward = np.add.reduceat(runs_up, self.starts, dtype=np.int32) if len(runs_up) else self.starts

    def vertices(self, starts: np.ndarray) -> np.ndarray:
        """One vertex of each of these edges."""
        return self.origins[self.order[starts]]


def _pinched(edges: _Edges) -> np.ndarray:
    """The vertices whose triangles fall apart into fans that share no edge.

    Corners of one vertex are joined across edges of two triangles; then every corner takes the lowest label of its
    neighbours, and hands it to the corner that its label names, until nothing changes (FastSV: Zhang, Azad, Hu 2020).
    """
    labels = _settled(*_neighbours(edges))
    fans = np.bincount(edges.origins[labels == np.arange(len(labels), dtype=np.int32)], minlength=1)
    crowded = np.repeat(edges.sizes > 2, edges.sizes)
    touched = edges.order[crowded]
    fans[edges.origins[touched]] = 0
    fans[edges.origins[_next(touched)]] = 0
    return np.flatnonzero(fans > 1)


def _neighbours(edges: _Edges) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the same vertex in the triangles to the left and to the right of each corner; else itself."""
    count = len(edges.origins)
    pairs = edges.starts[edges.sizes == 2]
    one, other = edges.order[pairs], edges.order[pairs + 1]
    one_end, other_end = _next(one), _next(other)
    opposed = edges.origins[one] != edges.origins[other]
    left, right = np.arange(count, dtype=np.int32), np.arange(count, dtype=np.int32)
    left[one] = np.where(opposed, other_end, other)
    right[one_end] = np.where(opposed, other, other_end)
    flat_left, flat_right = one[~opposed], one_end[~opposed]
    left[other[~opposed]], right[other_end[~opposed]] = flat_left, flat_right
    left[other[opposed]], right[other_end[opposed]] = one_end[opposed], one[opposed]
    return left, right


def _settled(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The lowest corner that each corner is joined with."""
    labels = np.arange(len(left), dtype=np.int32)
    spans = [slice(start, start + _SPAN) for start in range(0, len(left), _SPAN)]
    while True:
        lower = labels.copy()
        for span in spans:
            for neighbours in (left[span], right[span]):
                np.minimum(lower[span], labels[neighbours], out=lower[span])
        if np.array_equal(lower, labels):
            return labels
        for span in spans:
            # Without it, a fan of a thousand triangles takes hundreds of rounds.
            np.minimum.at(lower, labels[span], lower[span].copy())
        for span in spans:
            labels[span] = lower[lower[span]]


def _next(half_edges: np.ndarray) -> np.ndarray:
    """The half edge, or the corner, that follows in the same triangle."""
    return np.where(half_edges % 3 == 2, half_edges - 2, half_edges + 1)
