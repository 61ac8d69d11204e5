"""Beams of a lattice as triangles (3MF Beam Lattice Extension 1.2)."""

from __future__ import annotations

import numpy as np

SIDES = 8


def frustums(points: np.ndarray, beams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 (16 b, 3) and triangles int64 (28 b, 3): an eight-sided frustum around each beam, closed.

    points: float64 (n, 3); beams: float64 (b, 4), the numbers of two points and the radii there, in the points' unit.
    Every beam has a length. Corners lie on the beam's surface, so faces lie within it by 8 %.
    """
    start, end = points[beams[:, 0].astype(np.int64)], points[beams[:, 1].astype(np.int64)]
    along = end - start
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    radii = beams[:, 2:]
    # Any direction across the beam: that of the axis which it follows least.
    axis = np.eye(3)[np.abs(along).argmin(axis=1)]
    across = np.cross(along, axis)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    upward = np.cross(along, across)
    angles = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.cos(angles)[None, :, None] * across[:, None] + np.sin(angles)[None, :, None] * upward[:, None]
    bottom = start[:, None] + ring * radii[:, 0, None, None]
    top = end[:, None] + ring * radii[:, 1, None, None]
    corners = np.concatenate([bottom, top], axis=1)
    one = _triangles()
    triangles = one[None] + (2 * SIDES * np.arange(len(corners)))[:, None, None]
    return corners.reshape(-1, 3), triangles.reshape(-1, 3)


def _triangles() -> np.ndarray:
    """Those of one frustum, counter-clockwise from outside; int64 (28, 3)."""
    here = np.arange(SIDES)
    after = (here + 1) % SIDES
    sides = np.concatenate(
        [np.column_stack([here, after, after + SIDES]), np.column_stack([here, after + SIDES, here + SIDES])]
    )
    step = np.arange(1, SIDES - 1)
    first = np.zeros(SIDES - 2, np.int64)
    low = np.column_stack([first, step + 1, step])
    high = np.column_stack([first, step, step + 1]) + SIDES
    return np.concatenate([sides, low, high])
