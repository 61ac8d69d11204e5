"""Normals of separate triangles."""

from __future__ import annotations

import numpy as np

from threed_workers.mesh.normals import unit_normals


def flat_normals(corners: np.ndarray) -> np.ndarray:
    """float32 (n, 3, 3) corners, counter-clockwise from outside, to float32 (3n, 3) unit normals, one per corner.

    Triangles without area have no direction; they get +Z, because glTF wants unit length.

    >>> flat_normals(np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], np.float32)).tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    with np.errstate(all="ignore"):
        wide = corners.astype(np.float64)
        normals = np.cross(wide[:, 1] - wide[:, 0], wide[:, 2] - wide[:, 0])
    return np.repeat(unit_normals(normals), 3, axis=0)
