"""Polygons to triangles: the area stays, nothing overlaps, the winding is kept, in every plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threed_workers.mesh.triangulate import cut_polygon, fan, triangulate

ELL = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
ARROW = [(0, 0), (2, 2), (0, 1), (-2, 2)]
STAR = [
    (radius * np.sin(turn), radius * np.cos(turn))
    for radius, turn in zip([2, 0.7] * 5, -np.arange(10) * np.pi / 5, strict=True)
]
SQUARE = [(0, 0), (3, 0), (3, 3), (0, 3)]


def solid(*outlines: list) -> tuple[np.ndarray, np.ndarray]:
    """(points (n, 3) with z = 0, sizes)."""
    flat = np.concatenate([np.array(outline, float) for outline in outlines])
    return np.column_stack([flat, np.zeros(len(flat))]), np.array([len(outline) for outline in outlines])


def area(outline: list) -> float:
    x, y = np.array(outline, float).T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def areas(points: np.ndarray, triangles: np.ndarray, normal: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a) @ normal / 2


@pytest.mark.parametrize("outline", [ELL, ARROW, STAR, SQUARE], ids=["L", "arrow", "star", "square"])
@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("axes", [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1], [2, 1, 0]])
def test_a_polygon_keeps_its_area_and_direction_in_every_plane_from_every_corner(outline, first, axes):
    points, sizes = solid(outline[first:] + outline[:first])
    normal = np.cross(*np.eye(3)[:, axes][:2])
    triangles, _ = triangulate(points[:, axes], np.arange(len(points)), sizes)
    # All triangles look the same way and add up to the polygon, so none lies on another.
    found = areas(points[:, axes], triangles, normal)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(area(outline))


def test_polygons_keep_their_order_and_say_whose_the_triangles_are():
    points, sizes = solid(SQUARE, STAR, ARROW, SQUARE, ELL)
    # Points may be shared, and stand in any order.
    shuffled = np.random.default_rng(5).permutation(len(points))
    triangles, owners = triangulate(points[np.argsort(shuffled)], shuffled, sizes)
    assert owners.tolist() == sorted(owners.tolist())
    found = areas(points, triangles, np.array([0, 0, 1.0]))
    assert np.bincount(owners, found) == pytest.approx([9, area(STAR), 2, 9, 3])


def test_a_convex_polygon_is_a_fan_even_where_corners_lie_on_its_edges():
    outline = [(x / 7, 0) for x in range(8)] + [(1, 1), (0.5, 1), (0, 1)]
    points, sizes = solid(outline)
    triangles, _ = triangulate(points.astype(np.float32), np.arange(len(points)), sizes)
    assert triangles.tolist() == fan(sizes).tolist()


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("axes", [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1], [2, 1, 0]])
def test_holes_stay_open(first, axes):
    points, _ = solid(SQUARE[first:] + SQUARE[:first], [(1, 1), (2.9, 1), (2.9, 2), (1, 2)])
    normal = np.cross(*np.eye(3)[:, axes][:2])
    found = areas(points[:, axes], cut_polygon(points[:, axes], np.array([4, 8])), normal)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(7.1)


@given(
    st.lists(st.tuples(*[st.floats(allow_nan=True, width=32)] * 3), min_size=1, max_size=12),
    st.lists(st.integers(0, 9), max_size=6),
    st.integers(0, 1000),
)
def test_whatever_the_points_every_triangle_has_corners_of_its_own_polygon(points, sizes, seed):
    sizes = np.array(sizes, np.int64)
    corners = np.random.default_rng(seed).integers(0, len(points), int(sizes.sum()))
    triangles, owners = triangulate(np.array(points, np.float32), corners, sizes)
    starts = np.cumsum(sizes) - sizes
    assert len(triangles) == len(owners)
    assert (triangles >= starts[owners][:, None]).all()
    assert (triangles < (starts + sizes)[owners][:, None]).all()
