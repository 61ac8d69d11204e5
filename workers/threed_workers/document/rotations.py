"""Rotation matrices as quaternions. Matrices act on columns; quaternions are xyzw, as in glTF 2.0 section 3.5.3."""

from __future__ import annotations

import numpy as np


def quaternion(turn: np.ndarray) -> np.ndarray:
    """float64 (4,), unit length, w not negative, of a rotation matrix (3, 3)."""
    found = quaternions(turn[None])[0]
    return -found if found[3] < 0 else found


def quaternions(turns: np.ndarray) -> np.ndarray:
    """float64 (k, 4), unit length, of rotation matrices (k, 3, 3); the component that is farthest from 0 is positive.

    That one is computed first, and the others are divided by it (Shepperd 1978). What is not finite turns nothing.
    """
    m = np.asarray(turns, np.float64)
    trace = np.trace(m, axis1=1, axis2=2)
    squares = np.stack([2 * m[:, 0, 0] - trace, 2 * m[:, 1, 1] - trace, 2 * m[:, 2, 2] - trace, trace], axis=1) + 1
    x, y, z = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    rows = np.stack(
        [
            np.stack([squares[:, 0], xy, xz, x], axis=1),
            np.stack([xy, squares[:, 1], yz, y], axis=1),
            np.stack([xz, yz, squares[:, 2], z], axis=1),
            np.stack([x, y, z, squares[:, 3]], axis=1),
        ],
        axis=1,
    )
    out = rows[np.arange(len(m)), np.argmax(squares, axis=1)]
    lengths = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(lengths > 0, out / np.where(lengths > 0, lengths, 1), (0.0, 0.0, 0.0, 1.0))


def continuous(rotations: np.ndarray) -> np.ndarray:
    """The same rotations (k, 4), each on the side of the one before it, so that between them is the short way."""
    turned = np.einsum("ij,ij->i", rotations[1:], rotations[:-1]) < 0
    return rotations * np.where(np.append(False, np.cumsum(turned) % 2 == 1), -1.0, 1.0)[:, None]
