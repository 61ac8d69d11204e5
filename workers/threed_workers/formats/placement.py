"""Affine matrices on glTF nodes, which hold translation, rotation and scale, and no shear (glTF 2.0, section 3.5.3).

A matrix with shear is the product of two such nodes, by its singular value decomposition, so nothing is lost.
"""

from __future__ import annotations

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.document.rotations import quaternion

_ORTHOGONAL = 1e-5
_SMALLEST = 1e-12
# What a matrix on a node may be off, and how thin it may be next to its length; below, validators see no rotation.
_MATRIX_ORTHOGONAL, _MATRIX_THINNEST = 1e-6, 1e-6
_NEUTRAL = {"translation": [0.0, 0.0, 0.0], "rotation": [0.0, 0.0, 0.0, 1.0], "scale": [1.0, 1.0, 1.0]}


def placed(builder: Builder, content: Json, matrix: np.ndarray) -> int:
    """The number of a node that shows `content` (mesh, children, name) moved by `matrix`, float64 (4, 4) for columns.

    The matrix stays as it is where a node may have it. One with shear becomes two nodes, one below the other.
    """
    if np.array_equal(matrix, np.eye(4)):
        return builder.add("nodes", content)
    whole = decompose(matrix, _MATRIX_ORTHOGONAL)
    if whole is not None and np.abs(whole[2]).min() > _MATRIX_THINNEST * np.abs(whole[2]).max():
        return builder.add("nodes", content | {"matrix": matrix.T.reshape(-1).tolist()})
    outer, *inner = parts(matrix)
    if not inner:
        return builder.add("nodes", content | outer)
    child = builder.add("nodes", content | inner[0])
    return builder.add("nodes", {"children": [child], **outer})


def parts(matrix: np.ndarray) -> list[Json]:
    """The properties of one node, or of two nodes, the outer one first, where there is shear. float64 (4, 4)."""
    whole = decompose(matrix)
    if whole is not None:
        return [properties(*whole)]
    left, scales, right = np.linalg.svd(matrix[:3, :3])
    for rotation, axis in ((left, np.s_[:, 2]), (right, np.s_[2])):
        if np.linalg.det(rotation) < 0:
            rotation[axis] *= -1
            scales[2] *= -1
    return [
        properties(matrix[:3, 3], quaternion(left), scales),
        properties(np.zeros(3), quaternion(right), np.ones(3)),
    ]


def decompose(matrix: np.ndarray, slack: float = _ORTHOGONAL) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(translation, rotation xyzw, scale), or None where there is more shear than `slack`, or no volume."""
    linear = matrix[:3, :3]
    scale = np.linalg.norm(linear, axis=0)
    if scale.min() < _SMALLEST:
        return None
    rotation = linear / scale
    if np.abs(rotation.T @ rotation - np.eye(3)).max() > slack:
        return None
    if np.linalg.det(rotation) < 0:
        rotation[:, 0] *= -1
        scale[0] *= -1
    return matrix[:3, 3], quaternion(rotation), scale


def properties(translation: np.ndarray, rotation: np.ndarray, scale: np.ndarray, always: bool = False) -> Json:
    """What a node says; what is the default is left out, unless `always`."""
    found = {"translation": translation.tolist(), "rotation": rotation.tolist(), "scale": scale.tolist()}
    return {key: numbers for key, numbers in found.items() if always or numbers != _NEUTRAL[key]}
