"""Transforms: USD matrices to glTF nodes, still and moving.

glTF nodes hold translation, rotation and scale, and no shear; a matrix with shear is the product of two such nodes (its
singular value decomposition), so nothing is lost. USD multiplies rows, glTF columns: flattened, both are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion

_ORTHOGONAL = 1e-5
_SMALLEST = 1e-12
_IDENTITY = {"translation": [0.0, 0.0, 0.0], "rotation": [0.0, 0.0, 0.0, 1.0], "scale": [1.0, 1.0, 1.0]}


def matrix(found: Any, where: str) -> np.ndarray:
    """A Gf.Matrix4d as float64 (4, 4) that multiplies columns. Raises FileValuesInvalid for what no node can be."""
    made = np.array(found, np.float64).T
    if not np.isfinite(made).all() or np.abs(made).max() > 1e30:
        raise FileValuesInvalid("A transform is not finite, or beyond all bounds.", where=where)
    if not np.allclose(made[3], (0, 0, 0, 1), atol=1e-9):
        raise FileValuesInvalid("A transform is a projection, which a node cannot be.", where=where)
    return made


def still(made: np.ndarray) -> list[Json]:
    """The properties of one node, or of two nodes one below the other where there is shear."""
    parts = decompose(made)
    if parts is not None:
        return [properties(*parts)]
    left, scales, right = np.linalg.svd(made[:3, :3])
    for rotation, axis in ((left, np.s_[:, 2]), (right, np.s_[2])):
        if np.linalg.det(rotation) < 0:
            rotation[axis] *= -1
            scales[2] *= -1
    return [
        properties(made[:3, 3], quaternion(left), scales),
        properties(np.zeros(3), quaternion(right), np.ones(3)),
    ]


def decompose(made: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(translation, rotation xyzw, scale), or None where there is shear or no volume."""
    linear = made[:3, :3]
    scale = np.linalg.norm(linear, axis=0)
    if scale.min() < _SMALLEST:
        return None
    rotation = linear / scale
    if np.abs(rotation.T @ rotation - np.eye(3)).max() > _ORTHOGONAL:
        return None
    if np.linalg.det(rotation) < 0:
        rotation[:, 0] *= -1
        scale[0] *= -1
    return made[:3, 3], quaternion(rotation), scale


def properties(translation: np.ndarray, rotation: np.ndarray, scale: np.ndarray) -> Json:
    """What a node says, without what is the default."""
    found = {"translation": translation.tolist(), "rotation": rotation.tolist(), "scale": scale.tolist()}
    return {key: numbers for key, numbers in found.items() if numbers != _IDENTITY[key]}


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """xyzw, unit length, w >= 0, of a rotation (3, 3). (Shepperd 1978)"""
    trace = np.trace(rotation)
    scores = np.array([*(2 * rotation.diagonal() - trace), trace])
    largest = int(scores.argmax())
    found = np.empty(4)
    if largest == 3:
        found[:3] = rotation[[2, 0, 1], [1, 2, 0]] - rotation[[1, 2, 0], [2, 0, 1]]
        found[3] = 1 + trace
    else:
        i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
        found[i] = 1 + 2 * rotation[i, i] - trace
        found[j] = rotation[j, i] + rotation[i, j]
        found[k] = rotation[k, i] + rotation[i, k]
        found[3] = rotation[k, j] - rotation[j, k]
    found /= np.linalg.norm(found)
    return -found if found[3] < 0 else found


def local_matrix(xformable: Any, conversion: Conversion, time: Any = None) -> np.ndarray:
    """The local transform of a prim as columns."""
    made = xformable.GetLocalTransformation(conversion.time if time is None else time)
    return matrix(made, str(xformable.GetPath()))
