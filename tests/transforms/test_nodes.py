"""Join and instance: fewer nodes, the same picture."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Builder, Document, read_floats
from threed_workers.document.model import INSTANCING
from threed_workers.inventory import inventory
from threed_workers.samples.rich import rich_model
from threed_workers.samples.shapes import box

from .carried_out import carried_out, reread
from .drawn import corners, triangles


def shelf(names: list[str] | None = None) -> Document:
    """Three boxes, one of them mirrored, one turned and stretched, below a node that is moved."""
    builder = Builder()
    places = [
        {"translation": [1.0, 0.0, 0.0]},
        {"scale": [-1.0, 1.0, 1.0], "translation": [5.0, 0.0, 0.0]},
        {"rotation": [0.0, 0.0, 0.5**0.5, 0.5**0.5], "scale": [1.0, 3.0, 1.0]},
    ]
    children = []
    for number, place in enumerate(places):
        points, normals, uvs, tangents, faces = box(0.5)
        attributes = {
            "POSITION": builder.positions(points),
            "NORMAL": builder.attribute(normals.astype(np.float32)),
            "TANGENT": builder.attribute(tangents.astype(np.float32)),
            "TEXCOORD_0": builder.attribute(uvs.astype(np.float32)),
        }
        mesh = {"primitives": [{"attributes": attributes, "indices": builder.indices(faces, len(points))}]}
        mesh |= {"name": names[number]} if names else {}
        children.append(builder.add("nodes", {"mesh": builder.add("meshes", mesh), **place}))
    builder.add("nodes", {"name": "shelf", "children": children, "translation": [0.0, 7.0, 0.0]})
    return builder.finish()


def test_joined_boxes_are_one_mesh_in_the_same_place():
    # Given three boxes below one node
    document = reread(shelf())
    before = triangles(corners(document))
    # When they are joined
    made = carried_out("join", document)
    # Then there is one primitive, every triangle is where it was and faces the same way
    assert inventory(made)["primitives"] == 1 and len(made.json["nodes"]) == 2
    assert triangles(corners(made)) == before
    # and normals stand upright on their triangles, of mirrored boxes too
    primitive = made.json["meshes"][0]["primitives"][0]
    a, b, c = corners(made).reshape(-1, 3, 3).transpose(1, 0, 2)
    faced = np.cross(b - a, c - a)
    normals = read_floats(made, primitive["attributes"]["NORMAL"])
    index = np.asarray(read_floats(made, primitive["indices"]), np.int64).reshape(-1, 3)
    assert np.allclose(normals[index[:, 0]], faced / np.linalg.norm(faced, axis=1, keepdims=True), atol=1e-6)


def test_meshes_of_other_names_may_be_kept_apart():
    made = carried_out("join", reread(shelf(["a", "b", "a"])), keep_named=True)
    assert sorted(mesh["name"] for mesh in made.json["meshes"]) == ["a", "b"]


def test_joining_leaves_what_is_animated_skinned_or_used_twice():
    # Given a bit of everything
    document = reread(rich_model())
    before = triangles(corners(document, 0.5))
    # When it is joined
    made = carried_out("join", document)
    # Then the three slabs are one, and everything else is there
    assert triangles(corners(made, 0.5)) == before
    names = {node.get("name") for node in made.json["nodes"]}
    assert {"tube", "face", "crate", "pebble 0", "strip", "curve", "cloud", "moon"} <= names
    assert len(made.json["nodes"]) == len(rich_model().json["nodes"]) - 2


def test_six_pebbles_become_one_node_with_instances():
    # Given six nodes with one mesh
    document = reread(rich_model())
    before = corners(document)
    # When they become instances
    made = carried_out("instance", document)
    # Then one node draws them, in the same places
    (node,) = [node for node in made.json["nodes"] if INSTANCING in node.get("extensions", {})]
    assert node["name"] == "pebble" and inventory(made)["instances"] == 6
    assert np.allclose(corners(made), before, atol=1e-6)
    assert INSTANCING in made.json["extensionsRequired"]


def test_too_few_nodes_stay_nodes():
    made = carried_out("instance", reread(rich_model()), min=7)
    assert inventory(made)["instances"] == 0 and len(made.json["nodes"]) == len(rich_model().json["nodes"])


def test_matrices_become_instances():
    # Given five nodes with matrices that turn, stretch and mirror
    document = shelf()
    matrix = [0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 3.0, 4.0, 5.0, 1.0]
    document.json["nodes"] += [{"mesh": 0, "matrix": matrix} for _ in range(5)]
    document.json["scenes"][0]["nodes"] += list(range(4, 9))
    before = triangles(corners(reread(document)))
    # When they become instances
    made = carried_out("instance", reread(document))
    # Then they are in the same places, mirrored
    assert inventory(made)["instances"] == 5
    assert triangles(corners(made)) == before
