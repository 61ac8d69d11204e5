"""ElevationGrid and Extrusion of X3D (ISO/IEC 19775-1, 13.3.4 and 13.3.5)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.formats.x3d_model import Node

_EPSILON = 1e-9


def elevation_grid(node: Node) -> tuple[np.ndarray, np.ndarray] | None:
    """(points (n, 3), quads with -1 between them (5q,)); None for a grid without a face."""
    columns, rows = (int(node.number(name, 0)) for name in ("xDimension", "zDimension"))
    heights = node.array("height")
    if columns < 2 or rows < 2:
        return None
    if columns * rows > len(heights):
        raise FileMalformed(
            f"The grid should have {columns} x {rows} heights, and has {len(heights)}.", where=node.where
        )
    z, x = np.divmod(np.arange(columns * rows), columns)
    across, along = node.number("xSpacing", 1.0), node.number("zSpacing", 1.0)
    points = np.column_stack([x * across, heights[: columns * rows], z * along])
    _check(points, node)
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    return points, _quads(corner, corner + columns, corner + columns + 1, corner + 1)


def extrusion(node: Node, count: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(points (n, 3), polygons with -1 between them, texture coordinates (n, 2)).

    `count` is told the number of points before they are made, and refuses too many.
    """
    section = node.array("crossSection", 2) if "crossSection" in node.fields else _SQUARE
    spine = node.array("spine", 3) if "spine" in node.fields else np.array([[0, 0, 0], [0, 1, 0]], float)
    if len(section) < 2 or len(spine) < 2:
        return None
    count(len(section) * len(spine) + 2 * len(section))
    _check(spine, node)
    scale = _per_row(node.array("scale", 2), len(spine), (1.0, 1.0))
    turns = _per_row(node.array("orientation", 4), len(spine), (0.0, 0.0, 1.0, 0.0))
    flat = section[None] * scale[:, None]  # (spine, section, 2): x and z of the cross section
    local = np.stack([flat[..., 0], np.zeros(flat.shape[:2]), flat[..., 1]], axis=2)
    local = np.einsum("sij,scj->sci", _turned(turns), local)
    points = np.einsum("sij,scj->sci", _frames(spine), local) + spine[:, None]
    _check(points, node)
    rows, columns = points.shape[:2]
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    sides = _quads(corner, corner + 1, corner + columns + 1, corner + columns)
    along_section, along_spine = _lengths(section), _lengths(spine)
    uvs = np.stack(np.broadcast_arrays(along_section[None, :], along_spine[:, None]), axis=2)
    return _capped(node, points, uvs, sides, section)


_SQUARE = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1], [1, 1]], float)


def _capped(
    node: Node, points: np.ndarray, uvs: np.ndarray, sides: np.ndarray, section: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lids have points of their own, since their texture lies flat."""
    flat = (section - section.min(axis=0)) / (np.ptp(section) or 1.0)
    closed = np.allclose(section[0], section[-1], atol=_EPSILON)
    size = len(section) - int(closed)
    all_points, all_uvs, lists = [points.reshape(-1, 3)], [uvs.reshape(-1, 2)], [sides]
    for name, row, step in (("beginCap", 0, -1), ("endCap", -1, 1)):
        if node.flag(name, True) and size >= 3:
            start = sum(len(part) for part in all_points)
            all_points.append(points[row, :size])
            all_uvs.append(flat[:size])
            lists.append(np.append((start + np.arange(size))[::step], -1))
    return np.concatenate(all_points), np.concatenate(lists), np.concatenate(all_uvs)


def _frames(spine: np.ndarray) -> np.ndarray:
    """float64 (s, 3, 3): the axes of the plane in which each cross section lies, as columns."""
    closed = len(spine) > 2 and np.allclose(spine[0], spine[-1], atol=_EPSILON)
    before, after = np.roll(spine, 1, axis=0), np.roll(spine, -1, axis=0)
    if closed:
        before[0], after[-1] = spine[-2], spine[1]
    else:
        before[0], after[-1] = spine[0], spine[-1]
    y = _filled_in(after - before)
    if y is None:
        return np.tile(np.eye(3), (len(spine), 1, 1))
    z = np.cross(after - spine, before - spine)
    if not closed and len(spine) > 2:
        z[0], z[-1] = z[1], z[-2]
    z = _filled_in(z)
    if z is None:  # a straight spine: the cross section turns with it as little as may be
        return np.tile(_least_turn(y[0]), (len(spine), 1, 1))
    for place in range(1, len(z)):
        if z[place] @ z[place - 1] < 0:
            z[place] = -z[place]
    x = _filled_in(np.cross(y, z))
    return np.stack([x if x is not None else np.tile([1.0, 0, 0], (len(spine), 1)), y, z], axis=2)


def _filled_in(vectors: np.ndarray) -> np.ndarray | None:
    """Unit vectors; those without a length take the one before, or the first there is. None when none has any."""
    lengths = np.linalg.norm(vectors, axis=1)
    usable = lengths > _EPSILON * max(float(lengths.max()), _EPSILON)
    if not usable.any() or lengths.max() < 1e-12:
        return None
    last = np.maximum.accumulate(np.where(usable, np.arange(len(vectors)), -1))
    last = np.where(last < 0, int(np.flatnonzero(usable)[0]), last)
    return vectors[last] / lengths[last][:, None]


def _least_turn(direction: np.ndarray) -> np.ndarray:
    """The rotation that takes +Y to `direction` (13.3.5.3)."""
    axis = np.cross([0.0, 1.0, 0.0], direction)
    cosine = float(direction[1])
    if cosine < -1 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def _turned(rows: np.ndarray) -> np.ndarray:
    """float64 (s, 3, 3) of axes and angles in radians."""
    lengths = np.linalg.norm(rows[:, :3], axis=1, keepdims=True)
    x, y, z = np.where(lengths > 0, rows[:, :3] / np.where(lengths > 0, lengths, 1), 0.0).T
    zero = np.zeros_like(x)
    cross = np.stack([np.stack([zero, -z, y], 1), np.stack([z, zero, -x], 1), np.stack([-y, x, zero], 1)], axis=1)
    angle = rows[:, 3][:, None, None]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def _per_row(values: np.ndarray, count: int, default: tuple[float, ...]) -> np.ndarray:
    """One row for each point of the spine; the last one stands for those that are missing."""
    if not len(values) or not np.isfinite(values).all():
        values = np.array([default])
    return values[np.minimum(np.arange(count), len(values) - 1)]


def _lengths(line: np.ndarray) -> np.ndarray:
    """How far along a line each of its points is, in [0, 1]."""
    far = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    return far / (far[-1] or 1.0)


def _quads(*corners: np.ndarray) -> np.ndarray:
    return np.column_stack([*corners, np.full(len(corners[0]), -1)]).reshape(-1)


def _check(points: np.ndarray, node: Node) -> None:
    if not (np.abs(points) < 1e30).all():
        raise FileValuesInvalid("Points are NaN or infinite. Repair the model and export it again.", where=node.where)
