"""Quaternions of rotation matrices, against the matrices that they make."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.document.rotations import continuous, quaternion, quaternions
from threed_workers.document.world import compose

# Everyday turns, each half turn and each case of Shepperd's four, and many of no particular kind.
AXES = np.vstack([np.eye(3), -np.eye(3), np.random.default_rng(3).normal(size=(200, 3))])
ANGLES = (0.0, 1e-9, 0.3, np.pi / 2, np.pi - 1e-9, np.pi, 1.5 * np.pi)


def turns(axes: np.ndarray, angle: float) -> np.ndarray:
    """float64 (n, 3, 3), by Rodrigues' formula."""
    x, y, z = (axes / np.linalg.norm(axes, axis=1, keepdims=True)).T
    zero = np.zeros_like(x)
    cross = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def matrices(rotations: np.ndarray) -> np.ndarray:
    count = len(rotations)
    return compose(np.zeros((count, 3)), rotations, np.ones((count, 3)))[:, :3, :3]


@pytest.mark.parametrize("angle", ANGLES)
def test_a_quaternion_turns_as_its_matrix_does(angle):
    wanted = turns(AXES, angle)
    found = quaternions(wanted)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-12)
    assert np.allclose(matrices(found), wanted, atol=1e-9)
    singles = np.array([quaternion(turn) for turn in wanted])
    assert (singles[:, 3] >= 0).all()
    assert np.allclose(matrices(singles), wanted, atol=1e-9)


def test_what_turns_on_and_on_has_no_jump():
    # Given a turn about one axis by 5 degrees a step, twice around
    wanted = np.concatenate([turns(np.array([[1.0, 2.0, 3.0]]), angle) for angle in np.radians(np.arange(0, 720, 5))])
    alone = quaternions(wanted)
    assert (np.einsum("ij,ij->i", alone[1:], alone[:-1]) < 0).any(), "each alone takes the side that suits it"
    # When they follow each other
    found = continuous(alone)
    # Then neighbours are near each other, and each is the same rotation
    assert (np.einsum("ij,ij->i", found[1:], found[:-1]) > 0.99).all()
    assert np.allclose(matrices(found), wanted, atol=1e-9)


def test_what_is_no_number_turns_nothing():
    assert quaternion(np.full((3, 3), np.nan)).tolist() == [0, 0, 0, 1]
