"""Normals of separate triangles."""

from __future__ import annotations

import numpy as np

from threed_workers.mesh.normals import facet_normals, unit_normals

_BLOCK = 1 << 14  # triangles that are looked at together: temporaries stay in the cache


def flat_normals(corners: np.ndarray) -> np.ndarray:
    """float32 (n, 3, 3) corners, counter-clockwise from outside, to float32 (3n, 3) unit normals, one per corner.

    Triangles without area have no direction; they get +Z, because glTF wants unit length.

    >>> flat_normals(np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], np.float32)).tolist()
    [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    """
    out = np.empty((len(corners), 3, 3), np.float32)
    with np.errstate(all="ignore"):
        for start in range(0, len(corners), _BLOCK):
            block = corners[start : start + _BLOCK]
            out[start : start + _BLOCK] = unit_normals(facet_normals(block).T)[:, None]
    return out.reshape(-1, 3)
