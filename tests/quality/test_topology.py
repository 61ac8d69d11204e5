"""Each defect of a mesh is found where it is, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.quality import Limits, Subject
from threed_workers.quality.cells import touching
from threed_workers.quality.topology import topology
from threed_workers.quality.triangles import Surface, corners, surface

from .models import CUBE, CUBE_TRIANGLES, SQUARE, SQUARE_TRIANGLES, Model, codes, found, mesh


def test_a_closed_cube_has_no_defect():
    assert codes(mesh(CUBE, CUBE_TRIANGLES), "MESH_") == set()


def test_a_cube_of_separate_corners_is_closed_by_their_positions():
    # Given a cube where no two triangles share a vertex, and zeros of both signs
    points = CUBE[CUBE_TRIANGLES].reshape(-1, 3)
    points[::2][points[::2] == 0] = -0.0
    # Then it is as closed as one with shared vertices
    assert codes(mesh(points, np.arange(36).reshape(-1, 3)), "MESH_") == set()


def test_a_cube_of_two_materials_is_one_solid():
    model = Model().add(CUBE, CUBE_TRIANGLES[:5]).add(CUBE, CUBE_TRIANGLES[5:])
    assert codes(model.finish(), "MESH_") == set()


def test_an_open_cube_is_not_watertight():
    document = mesh(CUBE, CUBE_TRIANGLES[1:])
    assert codes(document, "MESH_") == {"MESH_NOT_WATERTIGHT"}
    (issue,) = found(document, "MESH_NOT_WATERTIGHT")
    assert issue["message"].startswith("3 edges")
    assert issue["pointer"] == "/meshes/0"


def test_a_wall_within_a_cube_makes_non_manifold_edges():
    # Given a cube with a wall along a diagonal, whose two upright edges and two diagonals are the cube's
    wall = np.array([[0, 1, 7], [0, 7, 6]])
    (issue,) = found(mesh(CUBE, np.concatenate([CUBE_TRIANGLES, wall])), "MESH_NON_MANIFOLD_EDGES")
    assert issue["severity"] == "WARNING"
    # Then the edges of the cube that the wall meets are counted, and its own diagonal is not
    assert int(issue["message"].split()[0]) >= 2


def test_two_cubes_that_touch_in_a_point_have_a_non_manifold_vertex():
    points = np.concatenate([CUBE, CUBE + 1])
    document = mesh(points, np.concatenate([CUBE_TRIANGLES, CUBE_TRIANGLES + 8]))
    assert codes(document, "MESH_") == {"MESH_NON_MANIFOLD_VERTICES"}
    (issue,) = found(document, "MESH_NON_MANIFOLD_VERTICES")
    assert issue["message"].startswith("1 vertex") and "(1, 1, 1)" in issue["message"]


def test_two_cubes_that_touch_in_an_edge_have_a_non_manifold_edge_and_no_such_vertex():
    points = np.concatenate([CUBE, CUBE + np.array([1, 1, 0], np.float32)])
    document = mesh(points, np.concatenate([CUBE_TRIANGLES, CUBE_TRIANGLES + 8]))
    assert codes(document, "MESH_") == {"MESH_NON_MANIFOLD_EDGES"}


@pytest.mark.parametrize("sides", [3, 4, 7, 64, 1001])
def test_a_cone_is_no_pinch_however_many_sides_it_has(sides):
    # Given a tip with many triangles around it, in an order without rhyme
    around = 1 + np.arange(sides)
    fan = np.column_stack([np.zeros(sides, np.int64), around, np.roll(around, -1)])
    names = np.random.default_rng(sides).permutation(sides + 1)
    points = np.random.default_rng(1).random((sides + 1, 3)).astype(np.float32)
    result = topology(Surface(points, names[fan][np.random.default_rng(2).permutation(sides)].astype(np.uint32)))
    assert (result.pinched.count, result.boundary.count, result.twisted.count) == (0, sides, 0)


def test_two_cones_tip_to_tip_pinch():
    fan = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [0, 4, 5], [0, 5, 6], [0, 6, 4]])
    points = np.random.default_rng(1).random((7, 3)).astype(np.float32)
    assert topology(Surface(points, fan.astype(np.uint32))).pinched.count == 1


def test_a_turned_triangle_is_inconsistent_with_its_neighbours():
    triangles = CUBE_TRIANGLES.copy()
    triangles[4] = triangles[4, ::-1]
    document = mesh(CUBE, triangles)
    assert codes(document, "MESH_") == {"MESH_INCONSISTENT_WINDING"}
    assert found(document, "MESH_INCONSISTENT_WINDING")[0]["message"].startswith("3 edges")


def test_a_mesh_that_is_inside_out_is_consistent():
    assert codes(mesh(CUBE, CUBE_TRIANGLES[:, ::-1]), "MESH_") == set()


def test_a_triangle_that_is_there_twice_is_a_duplicate_however_it_starts():
    document = mesh(CUBE, np.concatenate([CUBE_TRIANGLES, np.roll(CUBE_TRIANGLES[3:5], 1, axis=1)]))
    assert codes(document, "MESH_") == {"MESH_DUPLICATE_TRIANGLES"}
    assert found(document, "MESH_DUPLICATE_TRIANGLES")[0]["message"].startswith("2 triangles are")


def test_triangles_back_to_back_are_no_duplicates():
    both = np.concatenate([SQUARE_TRIANGLES, SQUARE_TRIANGLES[:, ::-1]])
    assert found(mesh(SQUARE, both), "MESH_DUPLICATE_TRIANGLES") == []


def test_collapsed_and_flat_triangles_are_told_apart():
    # Given a triangle with two corners in one place, and one whose corners are in a line
    points = np.concatenate([SQUARE, SQUARE[:1], [[2, 2, 2], [3, 3, 3], [5, 5, 5]]]).astype(np.float32)
    document = mesh(points, np.concatenate([SQUARE_TRIANGLES, [[0, 4, 1], [5, 6, 7]]]))
    # Then each is an issue of its own
    collapsed, flat = found(document, "MESH_DEGENERATE_TRIANGLES")
    assert "1 triangle with two corners in one place" in collapsed["message"]
    assert "1 triangle with three corners in a line" in flat["message"]
    assert "(2, 2, 2)" in flat["message"]


def test_a_thin_triangle_that_has_an_area_is_not_degenerate():
    points = np.array([[0, 0, 0], [1, 0, 0], [0.5, 1e-5, 0]], np.float32)
    assert found(mesh(points, np.array([[0, 1, 2]])), "MESH_DEGENERATE_TRIANGLES") == []


def test_a_strip_may_repeat_corners_to_go_on_elsewhere():
    model = Model().add(CUBE, np.array([0, 1, 2, 3, 3, 4, 4, 5, 6, 7]))
    model.primitives[0]["mode"] = 5
    document = model.finish()
    assert found(document, "MESH_DEGENERATE_TRIANGLES") == []
    assert len(surface(document, document.json["meshes"][0]).corners) == 4


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(4, [[0, 1, 2]]), (5, [[0, 1, 2], [1, 3, 2], [2, 3, 4]]), (6, [[1, 2, 0], [2, 3, 0], [3, 4, 0]])],
)
def test_strips_and_fans_become_triangles_of_the_same_winding(mode, expected):
    model = Model().add(CUBE, np.arange(5))
    model.primitives[0]["mode"] = mode
    document = model.finish()
    assert corners(document, document.json["meshes"][0]["primitives"][0]).tolist() == expected


def test_a_number_that_is_none_is_found_in_attributes_and_targets():
    heat = np.array([1, np.nan, 1, 1], np.float32)
    model = Model().add(SQUARE, SQUARE_TRIANGLES, _HEAT=heat)
    moved = SQUARE.copy()
    moved[2, 1] = np.inf
    model.primitives[0]["targets"] = [{"POSITION": model.builder.positions(moved)}]
    pointers = [issue["pointer"] for issue in found(model.finish(), "MESH_NON_FINITE")]
    assert pointers == ["/meshes/0/primitives/0/attributes/_HEAT", "/meshes/0/primitives/0/targets/0/POSITION"]
    assert found(mesh(SQUARE, SQUARE_TRIANGLES), "MESH_NON_FINITE") == []


def test_positions_that_are_no_numbers_are_survived_by_every_check():
    points = CUBE.copy()
    points[3] = np.nan
    points[4] = np.inf
    assert "MESH_NON_FINITE" in codes(mesh(points, CUBE_TRIANGLES))


def test_a_cube_that_goes_through_another_intersects():
    points = np.concatenate([CUBE, CUBE * np.float32(0.7) + np.float32([0.6, 0.1, 0.2])])
    document = mesh(points, np.concatenate([CUBE_TRIANGLES, CUBE_TRIANGLES + 8]))
    assert codes(document, "MESH_") == {"MESH_SELF_INTERSECTIONS"}


@pytest.mark.parametrize("shift", [(1, 0, 0), (1, 0.3, 0.2), (2, 0, 0), (0.25, 0.25, 0.25)])
def test_cubes_that_touch_or_lie_in_each_other_do_not_intersect(shift):
    smaller = CUBE * np.float32(0.5) + np.float32(shift)
    document = mesh(np.concatenate([CUBE, smaller]), np.concatenate([CUBE_TRIANGLES, CUBE_TRIANGLES + 8]))
    assert found(document, "MESH_SELF_INTERSECTIONS") == []


def test_the_grid_finds_the_pairs_that_comparing_each_with_each_finds():
    # Given boxes of very different sizes
    chance = np.random.default_rng(5)
    low = chance.random((300, 3))
    high = low + chance.random((300, 3)) * np.where(chance.random(300) < 0.1, 0.5, 0.03)[:, None]
    # When the grid looks for those that overlap
    pairs = np.concatenate(list(touching(low, high, 10**6)))
    # Then it finds each once
    overlap = ((low[:, None] <= high) & (low <= high[:, None])).all(axis=2)
    expected = {(a, b) for a, b in np.argwhere(overlap).tolist() if a < b}
    assert {(min(pair), max(pair)) for pair in pairs.tolist()} == expected
    assert len(pairs) == len(expected) > 90


def test_boxes_in_one_place_are_too_many_pairs_before_any_is_made():
    assert touching(np.zeros((2000, 3)), np.ones((2000, 3)), 1_000_000) is None


def test_what_is_too_large_is_not_looked_at_and_said_so():
    document = mesh(CUBE, CUBE_TRIANGLES[1:])
    assert found(document, "MESH_NOT_WATERTIGHT", mesh_triangles=10) == []
    assert len(found(document, "MESH_TOPOLOGY_NOT_CHECKED", mesh_triangles=10)) == 1
    assert len(found(document, "MESH_TOPOLOGY_NOT_CHECKED", topology_triangles=10)) == 1
    for limits in ({"intersection_triangles": 10}, {"intersection_pairs": 10}):
        assert len(found(document, "MESH_SELF_INTERSECTIONS_NOT_CHECKED", **limits)) == 1


def test_a_large_mesh_leaves_the_smaller_ones_their_turn():
    document = mesh(CUBE, CUBE_TRIANGLES)
    document.json["meshes"].append({"primitives": [dict(document.json["meshes"][0]["primitives"][0])]})
    subject = Subject(document, Limits(topology_triangles=13))
    assert list(subject.topologies) == [0]


def test_points_and_lines_have_no_topology():
    model = Model().add(SQUARE, np.arange(4))
    model.primitives[0]["mode"] = 3
    assert codes(model.finish(), "MESH_") == set()
