"""Transforms of geometry against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.flat import flat_normals
from threed_workers.mesh.normals import corner_normals, crease_normals, smooth_normals, unit_normals
from threed_workers.mesh.triangulate import fan
from threed_workers.mesh.weld import weld
from threed_workers.samples.shapes import sphere

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


@given(st.lists(st.integers(0, 9), max_size=20))
def test_a_fan_has_two_triangles_less_than_corners(sizes):
    triangles = fan(np.array(sizes, np.int64))
    assert len(triangles) == sum(max(0, size - 2) for size in sizes)
    assert (np.diff(triangles[:, 1:], axis=1) == 1).all()


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=50))
def test_welding_gives_the_rows_again_with_each_once(rows):
    values = np.array(rows, np.int64)
    first, inverse = weld(values)
    assert (values[first][inverse] == values).all()
    assert len(first) == len(set(rows))


def test_a_cube_keeps_its_edges_hard():
    triangles = QUADS.reshape(-1)[fan(np.full(6, 4))]
    normals = crease_normals(CUBE, triangles)
    assert np.allclose(np.abs(normals).max(axis=2), 1)
    outward = CUBE[triangles].mean(axis=1) - 0.5
    assert (np.einsum("ij,ij->i", normals[:, 0], outward) > 0).all()


def test_a_sphere_becomes_smooth():
    points, expected, _, _, triangles = sphere(48, 32)
    welded, inverse = weld(np.round(points, 9).view(np.int64).reshape(len(points), -1))
    normals = crease_normals(points[welded], inverse[triangles]).reshape(-1, 3)
    agreement = np.einsum("ij,ij->i", normals, expected[triangles.reshape(-1)])
    assert agreement.min() > 0.99


@pytest.mark.parametrize("crease_deg", [0.0, 20.0, 45.0, 90.0, 180.0])
@pytest.mark.parametrize("roughness", [0.0, 0.05, 0.5])
def test_a_corner_has_the_sum_of_those_triangles_that_turn_less_than_the_crease(crease_deg, roughness):
    # Given a wavy sheet of more triangles than are looked at together, smooth, uneven or all spikes
    random = np.random.default_rng(4)
    side = 120
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    points = np.stack([x, y, 3 * np.sin(x / 9) + roughness * random.normal(size=x.shape)], -1).reshape(-1, 3)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1, 1)
    triangles = (corner + np.array([0, 1, side, side, 1, side + 1])).reshape(-1, 3)
    # When each triangle is compared with each other one at its point
    a, b, c = points[triangles].transpose(1, 0, 2)
    weighted = np.cross(b - a, c - a)
    unit = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    around = [[] for _ in points]
    for face, point in zip(np.repeat(np.arange(len(triangles)), 3).tolist(), triangles.reshape(-1), strict=True):
        around[point].append(face)
    some = random.choice(3 * len(triangles), 2000, replace=False)
    expected = []
    for face, point in zip((some // 3).tolist(), triangles.reshape(-1)[some], strict=True):
        others = np.array(around[point])
        near = (unit[others] @ unit[face] > np.cos(np.radians(crease_deg))) | (others == face)
        expected.append(weighted[others[near]].sum(axis=0))
    # Then the normals are those sums
    found = crease_normals(points, triangles, crease_deg).reshape(-1, 3)[some]
    assert np.allclose(found, unit_normals(np.array(expected)), atol=1e-5)


def test_smooth_normals_of_a_cube_point_away_from_its_middle():
    triangles = QUADS.reshape(-1)[fan(np.full(6, 4))]
    # A corner has one triangle or two of each side, so it leans; but outwards it points on all three axes.
    assert ((smooth_normals(CUBE, triangles) * (CUBE - 0.5)) > 0.1).all()


def test_above_the_limit_normals_are_smooth(monkeypatch):
    triangles = QUADS.reshape(-1)[fan(np.full(6, 4))]
    assert (corner_normals(CUBE, triangles) == crease_normals(CUBE, triangles).reshape(-1, 3)).all()
    monkeypatch.setattr("threed_workers.mesh.normals.MOST_CREASED", 11)
    assert (corner_normals(CUBE, triangles) == smooth_normals(CUBE, triangles)[triangles.reshape(-1)]).all()


def test_a_hub_of_many_triangles_is_smooth_and_finite():
    around = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    rim = np.column_stack([np.cos(around), np.sin(around), 0 * around])
    points = np.concatenate([[[0, 0, 0]], rim])
    triangles = np.array([[0, 1 + n, 1 + (n + 1) % 500] for n in range(500)])
    assert np.allclose(crease_normals(points, triangles), [0, 0, 1], atol=1e-6)


def test_what_has_no_direction_points_up_z():
    assert unit_normals(np.array([[0, 0, 0], [0, 3, 0]])).tolist() == [[0, 0, 1], [0, 1, 0]]
    assert flat_normals(np.zeros((1, 3, 3), np.float32)).tolist() == [[0, 0, 1]] * 3


@pytest.mark.parametrize(("encoded", "linear"), [(0.0, 0), (1.0, 65535), (0.5, 14027)])
def test_colors_become_linear(encoded, linear):
    assert linear_from_srgb(np.full((1, 3), encoded)).tolist() == [[linear] * 3 + [65535]]


def test_colors_that_are_no_number_are_white():
    assert linear_from_srgb(np.full((1, 4), np.nan)).tolist() == [[65535] * 4]
