"""Affine matrices on glTF nodes, which hold translation, rotation and scale, and no shear (glTF 2.0, section 3.5.3)."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Json

_ORTHOGONAL = 1e-6
# Of the largest: a node without any thickness has no rotation that could be told from its matrix.
_THINNEST = 1e-6


def placed(builder: Builder, content: Json, matrix: np.ndarray) -> int:
    """The number of a node that shows `content` (mesh, children, name) moved by `matrix`, float64 (4, 4) for columns.

    A matrix with shear becomes two nodes, one below the other: its singular value decomposition is a rotation, a scale,
    and another rotation.
    """
    if np.array_equal(matrix, np.eye(4)):
        return builder.add("nodes", content)
    linear = matrix[:3, :3]
    square = linear.T @ linear
    lengths = np.sqrt(square.diagonal())
    slack = _ORTHOGONAL * np.outer(lengths, lengths)
    if lengths.min() > _THINNEST * lengths.max() and (np.abs(square - np.diag(lengths**2)) <= slack).all():
        return builder.add("nodes", content | {"matrix": matrix.T.reshape(-1).tolist()})
    left, scales, right = np.linalg.svd(linear)
    scales = np.maximum(scales, _THINNEST * (scales.max() or 1.0))
    # Reflections belong to the scale.
    flips = np.sign(np.linalg.det([left, right]))
    left[:, 2] *= flips[0]
    right[2] *= flips[1]
    scales[2] *= flips.prod()
    inner, outer = np.eye(4), matrix.copy()
    inner[:3, :3] = right
    outer[:3, :3] = left * scales
    child = builder.add("nodes", content | {"matrix": inner.T.reshape(-1).tolist()})
    return builder.add("nodes", {"children": [child], "matrix": outer.T.reshape(-1).tolist()})
