"""Shapes as arrays, counter-clockwise from outside, in metres, +Y up."""

from __future__ import annotations

import itertools

import numpy as np

# points (n, 3), normals (n, 3), uvs (n, 2), tangents (n, 4), triangles (t, 3)
Shape = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def box(half: float) -> Shape:
    """A cube of 6 separate faces, each with the whole texture."""
    parts = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            normal = np.roll([sign, 0.0, 0.0], axis)
            right = np.roll([0.0, 0.0, -sign], axis) if axis == 0 else np.roll([0.0, sign, 0.0], axis)
            up = np.cross(normal, right)
            corners = np.array([normal + x * right + y * up for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]) * half
            parts.append((corners, normal, right))
    points = np.concatenate([corners for corners, _, _ in parts])
    normals = np.repeat([normal for _, normal, _ in parts], 4, axis=0)
    tangents = np.column_stack([np.repeat([right for _, _, right in parts], 4, axis=0), np.ones(24)])
    uvs = np.tile([[0, 1], [1, 1], [1, 0], [0, 0]], (6, 1)).astype(np.float64)
    triangles = np.concatenate([4 * face + np.array([[0, 1, 2], [0, 2, 3]]) for face in range(6)])
    return points, normals, uvs, tangents, triangles


def _grid(columns: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(u, v) in [0, 1], flat, of (rows + 1) x (columns + 1) points, and triangles of the cells."""
    v, u = (part.ravel() for part in np.mgrid[0 : rows + 1, 0 : columns + 1])
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    below = corner + columns + 1
    cells = np.stack([corner, below, corner + 1, corner + 1, below, below + 1], axis=1).reshape(-1, 3)
    return u / columns, v / rows, cells


def sphere(columns: int, rows: int) -> Shape:
    """Radius 1, poles on Y."""
    u, v, cells = _grid(columns, rows)
    around, down = 2 * np.pi * u, np.pi * v
    points = np.column_stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)])
    tangents = np.column_stack([np.cos(around), 0 * u, -np.sin(around), np.ones_like(u)])
    return points, points.copy(), np.column_stack([u, v]), tangents, _solid(points, cells)


def torus(radius: float, thickness: float, columns: int, rows: int) -> Shape:
    """A ring around Y."""
    u, v, cells = _grid(columns, rows)
    around, tube = 2 * np.pi * u, -2 * np.pi * v
    outward = np.column_stack([np.sin(around), 0 * u, np.cos(around)])
    normals = outward * np.cos(tube)[:, None] + np.array([0.0, 1.0, 0.0]) * np.sin(tube)[:, None]
    tangents = np.column_stack([np.cos(around), 0 * u, -np.sin(around), np.ones_like(u)])
    return outward * radius + normals * thickness, normals, np.column_stack([u, v]), tangents, cells


def lathe(profile: np.ndarray, columns: int) -> Shape:
    """The profile (radius, height), from the top centre outwards and down, turned around Y, with hard edges."""
    parts: list[Shape] = []
    for (radius, height), (next_radius, next_height) in itertools.pairwise(profile):
        u, v, cells = _grid(columns, 1)
        around = 2 * np.pi * u
        r, y = radius + (next_radius - radius) * v, height + (next_height - height) * v
        slope = np.array([height - next_height, next_radius - radius])
        slope /= np.linalg.norm(slope)
        points = np.column_stack([r * np.sin(around), y, r * np.cos(around)])
        normals = np.column_stack([slope[0] * np.sin(around), np.full_like(u, slope[1]), slope[0] * np.cos(around)])
        tangents = np.column_stack([np.cos(around), 0 * u, -np.sin(around), np.ones_like(u)])
        parts.append((points, normals, np.column_stack([u, v]), tangents, _solid(points, cells)))
    starts = np.cumsum([0] + [len(part[0]) for part in parts[:-1]])
    joined = [np.concatenate([part[n] for part in parts]) for n in range(4)]
    triangles = np.concatenate([part[4] + start for part, start in zip(parts, starts, strict=True)])
    return joined[0], joined[1], joined[2], joined[3], triangles


def _solid(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Those triangles that have an area: at a pole two corners meet."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return triangles[np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-12]
