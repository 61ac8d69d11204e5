"""Polygons to triangles: fans where they are right, ears by mapbox's earcut where they are not."""

from __future__ import annotations

import mapbox_earcut
import numpy as np

# Sine of the turn to the wrong side from which on a corner bends inwards. Rounding of 32 bit floats stays below.
_BENT = 1e-5
# Cutting ears is quadratic at its worst; a polygon of more corners becomes a fan.
_MOST_CUT = 50_000
# Corners that are looked at together: temporaries stay in the cache.
_BLOCK = 1 << 15


def fan(sizes: np.ndarray) -> np.ndarray:
    """Corners of triangles, int64 (t, 3), for polygons of `sizes` corners (n,) that lie one after the other.

    Each polygon becomes a fan around its first corner, in order, which is right for convex ones. Linear in the number
    of corners; polygons of fewer than 3 give nothing.

    >>> fan(np.array([4, 2, 3])).tolist()
    [[0, 1, 2], [0, 2, 3], [6, 7, 8]]
    """
    sizes = sizes.astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    counts = np.maximum(sizes - 2, 0)
    first = np.repeat(starts, counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.column_stack([first, first + step + 1, first + step + 2])


def triangulate(points: np.ndarray, corners: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(triangles int64 (t, 3), polygons int64 (t,)): corners by their place in `corners`, and the polygon of each.

    points: float (n, 3). corners: int (c,), the point of each corner of polygons of `sizes` corners (p,), one polygon
    after the other. Order and winding of the polygons are kept. Convex ones become fans around their first corner.
    One that bends inwards at a single corner, such as every concave quad, becomes a fan around that corner, which sees
    all of it; the rest is cut by `cut_polygon`. Linear, but for those.

    >>> arrow = np.array([[0.0, 0, 0], [2, 2, 0], [0, 1, 0], [-2, 2, 0]])
    >>> triangulate(arrow, np.arange(4), np.array([4]))[0].tolist()
    [[2, 3, 0], [2, 0, 1]]
    """
    sizes = sizes.astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    triangles = fan(sizes)
    owners = np.repeat(np.arange(len(sizes)), np.maximum(sizes - 2, 0))
    bends, last = _bends(points, corners, starts, sizes)
    rows = np.flatnonzero((bends == 1)[owners])
    of = owners[rows]
    first = starts[of, None]
    triangles[rows] = (triangles[rows] - first + (last - starts)[of, None]) % sizes[of, None] + first
    concave = np.flatnonzero((bends > 1) & (sizes > 4))
    if not len(concave):
        return triangles, owners
    kept = ~((bends > 1) & (sizes > 4))[owners]
    alike = sizes[concave]
    places = np.repeat(starts[concave] - (np.cumsum(alike) - alike), alike) + np.arange(alike.sum())
    flat, usable = _flattened(points[corners[places]].astype(np.float64), alike)
    parts, names = [triangles[kept]], [owners[kept]]
    end = 0
    for polygon, size, is_usable in zip(concave.tolist(), alike.tolist(), usable.tolist(), strict=True):
        begin, end = end, end + size
        cut = _ears(flat[begin:end], np.array([size], np.uint32)) if is_usable else fan(np.array([size]))
        parts.append(cut + places[begin])
        names.append(np.full(len(cut), polygon))
    triangles, owners = np.concatenate(parts), np.concatenate(names)
    order = np.argsort(owners, kind="stable")
    return triangles[order], owners[order]


def cut_polygon(points: np.ndarray, ring_ends: np.ndarray) -> np.ndarray:
    """Corners of triangles, int64 (t, 3), of one polygon: its outer ring, then its holes; `ring_ends` are their ends.

    points: float (c, 3). The triangles wind as the outer ring does. What cannot be cut, because it has no area or no
    shape, becomes a fan of the outer ring.
    """
    outer = int(ring_ends[0])
    flat, usable = _flattened(points.astype(np.float64), np.array([len(points)]), outer)
    return _ears(flat, ring_ends.astype(np.uint32)) if usable[0] else fan(np.array([outer]))


def _flattened(points: np.ndarray, sizes: np.ndarray, outer: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(float64 (c, 2), bool (p,)): polygons in the plane, at most 1 wide; and which of them are fit to be cut.

    Seen along the axis that the normal is nearest to (Newell 1974), from the side where the ring turns
    counter-clockwise. `outer`: how many corners of a single polygon are its outer ring.
    """
    first = np.cumsum(sizes) - sizes
    owners = np.repeat(np.arange(len(sizes)), sizes)
    with np.errstate(all="ignore"):
        points = points - points[first[owners]]
        after = np.roll(points, -1, axis=0)
        after[first + sizes - 1 if outer is None else outer - 1] = 0.0  # back to the first corner
        normals = np.add.reduceat(_cross(points.T, after.T)[:, :outer], first, axis=1)
        axis = np.abs(normals).argmax(axis=0)
        height = np.take_along_axis(normals, axis[None], axis=0)[0]
        pair = np.column_stack([(axis + 1) % 3, (axis + 2) % 3])
        pair[height < 0] = pair[height < 0, ::-1]
        flat = np.take_along_axis(points, pair[owners], axis=1)
        low, high = np.minimum.reduceat(flat, first), np.maximum.reduceat(flat, first)
        extent = (high - low).max(axis=1)
        flat = (flat - low[owners]) / np.where(extent > 0, extent, 1.0)[owners, None]
        usable = (np.abs(height) > 0) & np.isfinite(extent) & (sizes <= _MOST_CUT)
    return flat, usable


def _ears(flat: np.ndarray, ring_ends: np.ndarray) -> np.ndarray:
    """Counter-clockwise triangles, int64 (t, 3), of one polygon (n, 2); a fan when it has no shape."""
    cut = mapbox_earcut.triangulate_float64(flat, ring_ends).reshape(-1, 3).astype(np.int64)
    if not len(cut):
        return fan(ring_ends[:1])
    x, y = flat[cut, 0].T, flat[cut, 1].T
    turned = (x[1] - x[0]) * (y[2] - y[0]) < (y[1] - y[0]) * (x[2] - x[0])
    if turned.any():
        cut[turned] = cut[turned][:, ::-1]
    return cut


def _bends(points: np.ndarray, corners: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> tuple:
    """(counts (p,), last (p,)): how many corners of each polygon bend inwards, and the place of one that does."""
    counts, last = np.zeros(len(sizes), np.int64), starts.copy()
    large = np.flatnonzero(sizes > 3)
    large = large[np.argsort(sizes[large], kind="stable")]
    edges = np.flatnonzero(np.diff(sizes[large])) + 1
    for alike in np.split(large, edges) if len(large) else ():
        size = int(sizes[alike[0]])
        for block in np.array_split(alike, -(-len(alike) * size // _BLOCK)):
            places = starts[block] + np.arange(size)[:, None]
            bent = _bent(points[corners[places]])
            counts[block] = bent.sum(axis=0)
            last[block] += bent.argmax(axis=0)
    return counts, last


def _bent(here: np.ndarray) -> np.ndarray:
    """bool (size, q): the corners, of q polygons (size, q, 3), that turn to the other side than the polygon."""
    here = np.ascontiguousarray(np.moveaxis(here, 2, 0), np.float64)
    with np.errstate(all="ignore"):
        after = np.roll(here, -1, axis=1) - here
        before = np.roll(after, 1, axis=1)
        turns = _cross(before, after)
        spans = here[:, 1:] - here[:, :1]
        normals = _cross(spans[:, :-1], spans[:, 1:]).sum(axis=1)
        normals /= np.sqrt((normals * normals).sum(axis=0))
        square = (after * after).sum(axis=0) * (before * before).sum(axis=0)
        return (turns * normals[:, None]).sum(axis=0) < -_BENT * np.sqrt(square)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products along the first axis, of 3 rows: four times as fast as np.cross."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
