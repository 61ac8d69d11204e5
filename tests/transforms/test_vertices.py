"""Weld, unweld, reorder, simplify and levels of detail: the same picture from other vertices."""

from __future__ import annotations

import numpy as np
import pytest

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.document import Builder, Document, read, read_floats
from threed_workers.inventory import inventory
from threed_workers.samples.rich import rich_model
from threed_workers.samples.shapes import sphere

from .carried_out import carried_out, reread
from .drawn import corners, indices, triangles


def ball(columns: int = 40, rows: int = 30, bumps: float = 0.0) -> Document:
    """A sphere with normals and a texture seam, in one primitive."""
    builder = Builder()
    points, normals, uvs, _, faces = sphere(columns, rows)
    # Rounded, so that both sides of the seam are at the same place, bit for bit.
    points = (points * (1 + bumps * np.sin(9 * points[:, :1]) * np.cos(7 * points[:, 1:2]))).round(6) + 0.0
    attributes = {
        "POSITION": builder.positions(points),
        "NORMAL": builder.attribute(normals.astype(np.float32)),
        "TEXCOORD_0": builder.attribute(uvs.astype(np.float32)),
    }
    primitive = {"attributes": attributes, "indices": builder.indices(faces, len(points))}
    builder.add("nodes", {"name": "ball", "mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def two_halves() -> Document:
    """The ball in two primitives that share its vertices, and meet at the equator."""
    document = ball()
    primitive = document.json["meshes"][0]["primitives"][0]
    faces = read(document, primitive["indices"]).reshape(-1, 3)
    points = read_floats(document, 0)
    upper = points[faces].mean(axis=1)[:, 1] > 0
    builder = Builder()
    attributes = {
        "POSITION": builder.positions(points),
        "NORMAL": builder.attribute(read(document, 1)),
        "TEXCOORD_0": builder.attribute(read(document, 2)),
    }
    parts = [
        {"attributes": attributes, "indices": builder.indices(faces[side], len(points))} for side in (upper, ~upper)
    ]
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": parts})})
    return builder.finish()


def test_welding_merges_what_unwelding_split_and_draws_the_same():
    # Given a ball, and its corners
    document = reread(ball())
    before = corners(document)
    used = np.unique(indices(document, document.json["meshes"][0]["primitives"][0]))
    # When it is taken apart and welded
    apart = carried_out("unweld", document)
    assert inventory(apart)["vertices"] == len(before)
    assert "indices" not in apart.json["meshes"][0]["primitives"][0]
    welded = carried_out("weld", apart)
    # Then it has as many vertices as its triangles used before, and every corner where it was
    assert inventory(welded)["vertices"] == len(used)
    assert (corners(welded) == before).all()


def test_welding_keeps_vertices_apart_that_differ_in_any_attribute():
    # Given a triangle twice, the second with another value of an attribute that nothing knows
    builder = Builder()
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]] * 2, np.float32)
    heat = np.array([1, 1, 1, 2, 1, 1], np.float32)
    attributes = {"POSITION": builder.positions(points), "_HEAT": builder.attribute(heat)}
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [{"attributes": attributes}]})})
    # When it is welded
    welded = carried_out("weld", builder.finish())
    # Then the corner that differs is still there twice
    primitive = welded.json["meshes"][0]["primitives"][0]
    assert inventory(welded)["vertices"] == 4
    assert (read(welded, primitive["attributes"]["_HEAT"])[indices(welded, primitive)].reshape(-1) == heat).all()


@pytest.mark.parametrize("step", ["weld", "unweld", "reorder"])
def test_everything_follows_the_vertices(step):
    # Given skins, morph targets and a bit of everything
    document = reread(rich_model())
    before = [corners(document, weights) for weights in (0.0, 1.0)]
    # When vertices are merged, split or ordered
    made = carried_out(step, document)
    # Then every triangle is where it was, morphed or not
    for weights, points in zip((0.0, 1.0), before, strict=True):
        assert triangles(corners(made, weights)) == triangles(points)


def test_sparse_targets_stay_sparse():
    made = carried_out("reorder", reread(rich_model()))
    assert inventory(made)["sparse_accessors"] == 1


@pytest.mark.parametrize(("step", "settings"), [("weld", {}), ("reorder", {}), ("simplify", {"ratio": 0.5})])
def test_primitives_that_share_vertices_share_them_afterwards(step, settings):
    made = carried_out(step, reread(two_halves()), **settings)
    first, second = made.json["meshes"][0]["primitives"]
    assert first["attributes"] == second["attributes"]
    assert first["indices"] != second["indices"]


@pytest.mark.parametrize("target", [recipes_pb2.Reorder.SIZE, recipes_pb2.Reorder.PERFORMANCE])
def test_reordered_vertices_come_in_the_order_of_their_first_use(target):
    made = carried_out("reorder", reread(ball()), target=target)
    order = indices(made, made.json["meshes"][0]["primitives"][0])
    _, first = np.unique(order, return_index=True)
    assert (np.diff(first) > 0).all()


def test_simplifying_keeps_the_asked_part_and_the_shape():
    # Given a bumpy ball
    document = reread(ball(120, 90, bumps=0.05))
    count = inventory(document)["triangles"]
    # When a tenth is kept
    made = carried_out("simplify", document, ratio=0.1, error=0.1)
    # Then about a tenth is there, of vertices that were there, near the surface
    assert 0.05 * count < inventory(made)["triangles"] <= 0.1 * count + 1
    kept, before = read_floats(made, _position(made)), read_floats(document, 0)
    assert {tuple(row) for row in kept.tolist()} <= {tuple(row) for row in before.tolist()}
    middle = np.linalg.norm(corners(made).reshape(-1, 3, 3).mean(axis=1), axis=1)
    assert 0.85 < middle.min() and middle.max() < 1.06


def test_the_error_wins_over_the_ratio():
    document = reread(ball(120, 90))
    count = inventory(document)["triangles"]
    assert inventory(carried_out("simplify", document, ratio=0.01, error=0.0005))["triangles"] > 0.05 * count


def test_a_seam_of_texture_coordinates_keeps_both_sides():
    # Given a ball whose texture begins and ends at one meridian
    # When it is simplified
    made = carried_out("simplify", reread(ball(60, 40)), ratio=0.3, error=0.1)
    # Then every place of a vertex on the left side is also one on the right
    attributes = made.json["meshes"][0]["primitives"][0]["attributes"]
    points, uvs = (read_floats(made, attributes[name]).round(5) for name in ("POSITION", "TEXCOORD_0"))
    inner = np.abs(points[:, 1]) < 0.99
    left, right = ({tuple(row) for row in points[inner & (uvs[:, 0] == side)].tolist()} for side in (0, 1))
    assert len(left) > 3
    assert left == right


def test_primitives_fit_each_other_after_simplifying():
    # Given two halves that meet at the equator
    document = reread(two_halves())
    halves = document.json["meshes"][0]["primitives"]
    points = read_floats(document, 0)
    border = {tuple(row) for row in _shared(document, halves, points)}
    # When they are simplified hard
    made = carried_out("simplify", document, ratio=0.05, error=1.0)
    # Then every vertex of the border is still in both
    kept = _shared(made, made.json["meshes"][0]["primitives"], read_floats(made, _position(made)))
    assert border == {tuple(row) for row in kept}


def _shared(document: Document, halves: list[dict], points: np.ndarray) -> list[list[float]]:
    first, second = ({tuple(row) for row in points[indices(document, half)].tolist()} for half in halves)
    return sorted(list(row) for row in first & second)


def _position(document: Document) -> int:
    return document.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]


def test_levels_of_detail_draw_from_the_same_vertices():
    # Given a ball
    # When two levels are made
    made = carried_out("lod", reread(ball()), ratios=[0.5, 0.1], error=0.5)
    # Then the node names two others, coarser and coarser, that no scene shows
    node = made.json["nodes"][0]
    levels = [made.json["nodes"][number] for number in node["extensions"]["MSFT_lod"]["ids"]]
    meshes = [made.json["meshes"][entry["mesh"]]["primitives"][0] for entry in (node, *levels)]
    counts = [made.json["accessors"][primitive["indices"]]["count"] for primitive in meshes]
    assert counts[1] <= counts[0] * 0.5 and counts[2] <= counts[0] * 0.11
    assert meshes[0]["attributes"] == meshes[1]["attributes"] == meshes[2]["attributes"]
    assert made.json["scenes"][0]["nodes"] == [0]
    coverage = node["extras"]["MSFT_screencoverage"]
    assert len(coverage) == 3 and sorted(coverage, reverse=True) == coverage and coverage[-1] == 0


def test_levels_of_animated_nodes_hang_below_them():
    # Given a face whose weights are animated, and a tube with a skin
    document = reread(rich_model())
    made = carried_out("lod", document, ratios=[0.5], error=0.5)
    # Then the level of the face has the animation, too
    nodes = made.json["nodes"]
    face = next(node for node in nodes if node.get("name") == "face")
    (level,) = face["extensions"]["MSFT_lod"]["ids"]
    moved = [channel["target"]["node"] for channel in made.json["animations"][0]["channels"]]
    assert level in moved and nodes.index(face) in moved
    # and that of the tube its skin
    tube = next(node for node in nodes if node.get("name") == "tube")
    assert nodes[tube["extensions"]["MSFT_lod"]["ids"][0]]["skin"] == tube["skin"]


def test_ratios_of_levels_must_fall():
    with pytest.raises(RecipeInvalid, match="fall"):
        carried_out("lod", reread(ball()), ratios=[0.5, 0.5])


@pytest.mark.parametrize("step", ["weld", "reorder", "simplify"])
def test_geometry_that_an_extension_numbers_stays(step):
    # Given outlines that name vertices by their numbers
    document = ball()
    primitive = document.json["meshes"][0]["primitives"][0]
    outline = {"indices": primitive["indices"]}
    primitive["extensions"] = {"CESIUM_primitive_outline": outline}
    document.json["extensionsUsed"] = ["CESIUM_primitive_outline"]
    before = corners(document)
    # When a step would renumber them
    made = carried_out(step, reread(document), **({"ratio": 0.5} if step == "simplify" else {}))
    # Then it does not, and says so
    assert (corners(made) == before).all()
    assert [issue["code"] for issue in made.issues] == ["GEOMETRY_KEPT"]


def test_attributes_that_are_zero_without_bytes_still_take_none():
    # Given a ball with a colour that has no buffer view: zeros, by the specification
    document = ball()
    accessors = document.json["accessors"]
    accessors.append({"componentType": 5126, "count": accessors[0]["count"], "type": "VEC4"})
    document.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = len(accessors) - 1
    # When its vertices are ordered
    made = carried_out("reorder", reread(document))
    # Then it has as many colours as vertices, and no bytes for them
    attributes = made.json["meshes"][0]["primitives"][0]["attributes"]
    color, position = (made.json["accessors"][attributes[name]] for name in ("COLOR_0", "POSITION"))
    assert "bufferView" not in color and color["count"] == position["count"]
