"""Local transforms of FBX nodes, for one moment or many.

FBX SDK reference, "Computing transformation matrices":
    local = T * Roff * Rp * Rpre * R * Rpost^-1 * Rp^-1 * Soff * Sp * S * Sp^-1
Everything but S is a rotation or a shift, so the product is exactly a translation, a rotation and a scale.
Angles are in degrees; matrices act on columns; quaternions are xyzw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed_workers.fbx.objects import Properties

# FbxEuler::EOrder: which axis turns first, second, third. The spheric order, 6, is an Euler XYZ for everybody else.
_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 2, 0), (1, 0, 2), (2, 0, 1), (2, 1, 0), (0, 1, 2))
RSRS, RRSS, RRS = 1, 0, 2  # FbxTransform::EInheritType


@dataclass(frozen=True)
class Local:
    """What makes a node's local transform. Lengths in the file's units."""

    translation: np.ndarray
    rotation: np.ndarray
    scale: np.ndarray
    before: np.ndarray  # quaternion of the pre-rotation
    after: np.ndarray  # quaternion of the inverse post-rotation
    rotation_offset: np.ndarray
    rotation_pivot: np.ndarray
    scale_offset: np.ndarray
    scale_pivot: np.ndarray
    order: int
    inherit: int

    def at(
        self, translation: np.ndarray | None, rotation: np.ndarray | None, scale: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Translations (n, 3), quaternions (n, 4), scales (n, 3) for animated values (n, 3); None: the node's own."""
        t = np.atleast_2d(self.translation if translation is None else translation)
        r = np.atleast_2d(self.rotation if rotation is None else rotation)
        s = np.atleast_2d(self.scale if scale is None else scale)
        count = max(len(t), len(r), len(s))
        turn = multiply(multiply(self.before[None], euler(r, self.order)), self.after[None])
        inner = s * -self.scale_pivot + self.scale_pivot + self.scale_offset - self.rotation_pivot
        moved = t + self.rotation_offset + self.rotation_pivot + rotate(turn, inner)
        return tuple(np.broadcast_to(part, (count, part.shape[1])) for part in (moved, turn, s))


def read_local(properties: Properties) -> Local:
    """The local transform of a Model."""
    vector = properties.vector
    return Local(
        vector("Lcl Translation"),
        vector("Lcl Rotation"),
        vector("Lcl Scaling", (1.0, 1.0, 1.0)),
        euler(vector("PreRotation")[None], 0)[0],
        conjugate(euler(vector("PostRotation")[None], 0)[0]),
        vector("RotationOffset"),
        vector("RotationPivot"),
        vector("ScalingOffset"),
        vector("ScalingPivot"),
        properties.integer("RotationOrder", 0),
        properties.integer("InheritType", RSRS),
    )


def geometric(properties: Properties) -> np.ndarray:
    """float64 (4, 4): what applies to the node's geometry and not to its children."""
    turn = euler(properties.vector("GeometricRotation")[None], 0)[0]
    scale = properties.vector("GeometricScaling", (1.0, 1.0, 1.0))
    return matrix(properties.vector("GeometricTranslation"), turn, scale)


def euler(angles: np.ndarray, order: int) -> np.ndarray:
    """Quaternions (n, 4) of Euler angles (n, 3), in degrees, applied in FBX's rotation order."""
    half = np.radians(np.asarray(angles, np.float64)) / 2
    result = np.zeros((len(half), 4))
    result[:, 3] = 1.0
    for axis in _ORDERS[order] if 0 <= order < len(_ORDERS) else _ORDERS[0]:
        turn = np.zeros((len(half), 4))
        turn[:, axis], turn[:, 3] = np.sin(half[:, axis]), np.cos(half[:, axis])
        result = multiply(turn, result)
    return result


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products of quaternions (n, 4): first b turns, then a."""
    ax, ay, az, aw = a.T
    bx, by, bz, bw = b.T
    return np.column_stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ]
    )


def conjugate(turn: np.ndarray) -> np.ndarray:
    """The inverse of unit quaternions (..., 4)."""
    return turn * (-1.0, -1.0, -1.0, 1.0)


def rotate(turn: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, 3) turned by unit quaternions (n, 4)."""
    axis, real = turn[:, :3], turn[:, 3:]
    twice = 2 * np.cross(axis, vectors)
    return vectors + real * twice + np.cross(axis, twice)


def matrix(translation: np.ndarray, turn: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """float64 (4, 4) of a translation (3,), a quaternion (4,) and a scale (3,)."""
    out = np.eye(4)
    out[:3, :3] = rotate(np.repeat(turn[None], 3, axis=0), np.eye(3)).T * scale
    out[:3, 3] = translation
    return out
