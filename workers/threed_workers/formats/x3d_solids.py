"""The solids of X3D as triangles (ISO/IEC 19775-1, 13.3; texture coordinates as its figures show them).

Each gives points (n, 3), corners' rows (3t,), normals (3t, 3) and texture coordinates (3t, 2), v upwards.
"""

from __future__ import annotations

import numpy as np

Solid = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
AROUND, UPWARDS = 48, 24  # segments


def grid(points: np.ndarray, normals: np.ndarray, uvs: np.ndarray) -> Solid:
    """A sheet of (r, c) vertices as triangles, counter-clockwise when columns run right and rows run up."""
    rows, columns = points.shape[:2]
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    pick = np.stack([corner, corner + 1, corner + columns + 1, corner, corner + columns + 1, corner + columns], axis=1)
    pick = pick.reshape(-1)
    return points.reshape(-1, 3), pick, normals.reshape(-1, 3)[pick], uvs.reshape(-1, 2)[pick]


def joined(parts: list[Solid]) -> Solid:
    starts = np.cumsum([0] + [len(part[0]) for part in parts])
    rows = [part[1] + start for part, start in zip(parts, starts, strict=False)]
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate(rows),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
    )


def box(size: np.ndarray) -> Solid:
    """Six sides, each with the whole picture, upright as seen from outside."""
    square = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], float).reshape(2, 2, 2)
    uvs = (square + 1) / 2
    parts = []
    for right, up, out in (
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
        ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
        ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
        ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
        ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    ):
        points = square[..., :1] * np.array(right) + square[..., 1:] * np.array(up) + np.array(out)
        parts.append(grid(points * size / 2, np.broadcast_to(np.array(out, float), points.shape), uvs))
    return joined(parts)


def sphere(radius: float) -> Solid:
    """The picture goes once around, from the back, counter-clockwise as seen from above."""
    across, up = np.meshgrid(np.linspace(0, 1, AROUND + 1), np.linspace(0, 1, UPWARDS + 1))
    turn, rise = 2 * np.pi * across, np.pi * (up - 0.5)
    normals = np.stack([-np.sin(turn) * np.cos(rise), np.sin(rise), -np.cos(turn) * np.cos(rise)], axis=2)
    return _with_area(grid(normals * radius, normals, np.stack([across, up], axis=2)))


def cylinder(radius: float, height: float, *, side: bool, top: bool, bottom: bool) -> Solid | None:
    parts = [_mantle(radius, radius, height)] if side else []
    parts += [_disc(radius, height / 2, 1.0)] if top else []
    parts += [_disc(radius, -height / 2, -1.0)] if bottom else []
    return joined(parts) if parts else None


def cone(radius: float, height: float, *, side: bool, bottom: bool) -> Solid | None:
    parts = [_with_area(_mantle(radius, 0.0, height))] if side else []
    parts += [_disc(radius, -height / 2, -1.0)] if bottom else []
    return joined(parts) if parts else None


def _mantle(low: float, high: float, height: float) -> Solid:
    across, up = np.meshgrid(np.linspace(0, 1, AROUND + 1), np.array([0.0, 1.0]))
    turn = 2 * np.pi * across
    radius = low + (high - low) * up
    points = np.stack([-np.sin(turn) * radius, height * (up - 0.5), -np.cos(turn) * radius], axis=2)
    normals = np.stack([-np.sin(turn) * height, np.full_like(turn, low - high), -np.cos(turn) * height], axis=2)
    return grid(points, normals, np.stack([across, up], axis=2))


def _disc(radius: float, at: float, side: float) -> Solid:
    """A fan around the middle; `side` is 1 when it looks up."""
    turn = np.linspace(0, 2 * np.pi, AROUND + 1)[:-1]
    rim = np.stack([np.cos(turn), np.zeros(AROUND), -np.sin(turn) * side], axis=1)
    points = np.vstack([[[0, 0, 0]], rim]) * radius + (0, at, 0)
    uvs = np.vstack([[[0.5, 0.5]], np.stack([np.cos(turn), np.sin(turn)], axis=1) / 2 + 0.5])
    step = np.arange(AROUND)
    rows = np.stack([np.zeros(AROUND, int), step + 1, (step + 1) % AROUND + 1], axis=1).reshape(-1)
    return points, rows, np.broadcast_to((0.0, side, 0.0), (len(rows), 3)), uvs[rows]


def _with_area(solid: Solid) -> Solid:
    """Without the triangles that have none, at the poles."""
    points, rows, normals, uvs = solid
    a, b, c = points[rows].reshape(-1, 3, 3).transpose(1, 0, 2)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    kept = np.repeat(areas > 1e-9 * areas.max(initial=0), 3)
    return points, rows[kept], normals[kept], uvs[kept]
