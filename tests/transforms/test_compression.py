"""Meshopt and Draco: what comes out of the streams is what went in."""

from __future__ import annotations

import numpy as np
import pytest

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, read, read_floats
from threed_workers.document.model import DRACO, MESHOPT
from threed_workers.inventory import inventory
from threed_workers.samples.rich import rich_model

from .carried_out import carried_out, reread
from .drawn import corners, indices, triangles
from .test_vertices import ball

NONE, NORMALS = recipes_pb2.Meshopt.NONE, recipes_pb2.Meshopt.NORMALS


def attribute(document: Document, name: str) -> np.ndarray:
    return read(document, document.json["meshes"][0]["primitives"][0]["attributes"][name])


def size(document: Document) -> int:
    """Bytes of the buffers that have any."""
    return sum(len(data) for data in document.buffers if data is not None)


def values(document: Document) -> list[np.ndarray]:
    """The values of every vertex attribute, target, sampler and skin, in the order of the file."""
    found = []
    for _, primitive in document.primitives():
        for attributes in (primitive["attributes"], *(primitive.get("targets") or [])):
            found += [read(document, index) for index in attributes.values()]
    for animation in document.json.get("animations", []):
        found += [read(document, sampler[key]) for sampler in animation["samplers"] for key in ("input", "output")]
    return found + [read(document, skin["inverseBindMatrices"]) for skin in document.json.get("skins", [])]


@pytest.mark.parametrize("quantized", [False, True])
def test_unfiltered_meshopt_gives_every_number_back(quantized):
    # Given a bit of everything
    document = reread(rich_model())
    if quantized:
        document = carried_out("quantize", document)
    before, places = values(document), triangles(corners(document))
    # When it is compressed without filters, written and decoded again
    made = carried_out("meshopt", document, filter=NONE)
    # Then every number is the same, bit for bit, and the triangles are the same ones
    assert MESHOPT in made.json["extensionsRequired"]
    after = values(made)
    assert all(a.dtype == b.dtype and (a == b).all() for a, b in zip(before, after, strict=True))
    assert triangles(corners(made)) == places


def test_plain_data_is_not_kept_beside_the_streams():
    # Given a ball with reordered vertices
    document = carried_out("reorder", reread(ball(80, 60)))
    plain = size(document)
    # When it is compressed
    made = carried_out("meshopt", document)
    # Then there is one buffer of streams, and one without bytes for other readers
    assert size(made) < 0.6 * plain
    assert [data is None for data in made.buffers] == [False, True]
    assert made.json["buffers"][1]["extensions"][MESHOPT]["fallback"]


@pytest.mark.parametrize(("bits", "degrees"), [(8, 1.3), (16, 0.02)])
def test_filtered_normals_keep_their_directions(bits, degrees):
    # Given quantized normals
    document = carried_out("quantize", reread(ball()), normal_bits=bits)
    before = attribute(reread(ball()), "NORMAL").astype(np.float64)
    # When they are octahedral
    made = carried_out("meshopt", document, filter=NORMALS)
    # Then they turn by less than their bits can tell
    after = read_floats(made, made.json["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]).astype(np.float64)
    sine = np.linalg.norm(np.cross(before, after), axis=1) / np.linalg.norm(after, axis=1)
    assert np.degrees(np.arcsin(np.clip(sine, 0, 1))).max() < degrees
    filters = {view["extensions"][MESHOPT].get("filter") for view in made.json["bufferViews"] if "extensions" in view}
    assert "OCTAHEDRAL" in filters


def test_float_normals_are_not_filtered():
    made = carried_out("meshopt", carried_out("reorder", reread(ball(80, 60))), filter=NORMALS)
    assert not [view for view in made.json["bufferViews"] if "filter" in view.get("extensions", {}).get(MESHOPT, {})]
    assert attribute(made, "NORMAL").dtype == np.float32


def test_filtered_rotations_turn_as_before():
    # Given an animation with so many keys that a stream is worth it
    document = rich_model()
    times = np.linspace(0, 5, 500, dtype=np.float32)
    turns = np.column_stack([0 * times, np.sin(times), 0 * times, np.cos(times)]).astype(np.float32)
    sampler = document.json["animations"][0]["samplers"][0]
    sampler |= {"input": edit.add_accessor(document, times, bounds=True)}
    sampler |= {"output": edit.add_accessor(document, turns)}
    # When its rotations are filtered
    made = carried_out("meshopt", reread(document))
    # Then they are 16 bit integers that stand for the same rotations
    output = made.json["animations"][0]["samplers"][0]["output"]
    assert made.json["accessors"][output]["componentType"] == 5122
    after = read_floats(made, output).astype(np.float64)
    dots = np.abs((after * turns).sum(axis=1)) / np.linalg.norm(after, axis=1)
    assert np.degrees(2 * np.arccos(np.clip(dots, 0, 1))).max() < 0.1


def test_compressing_twice_is_compressing_once():
    once = carried_out("meshopt", carried_out("quantize", carried_out("reorder", reread(ball(60, 40)))), filter=NONE)
    places = triangles(corners(once))
    twice = carried_out("meshopt", once, filter=NONE)
    assert abs(size(twice) - size(once)) < 16 and triangles(corners(twice)) == places


def test_draco_gives_the_ball_back_within_its_bits():
    # Given a ball
    document = reread(ball(80, 60))
    before = corners(document)
    plain, faces = size(document), len(before) // 3
    # When Draco compresses it
    made = carried_out("draco", document, position_bits=14)
    # Then it is small, has the same triangles, and every corner lies on the sphere
    assert size(made) < 0.15 * plain
    primitive = made.json["meshes"][0]["primitives"][0]
    assert set(primitive["extensions"][DRACO]["attributes"]) == {"POSITION", "NORMAL", "TEXCOORD_0"}
    points = corners(made)
    assert len(points) // 3 == faces
    step = 2 / (2**14 - 1)
    assert np.abs(_sorted(points) - _sorted(before)).max() <= step
    # and normals and texture coordinates belong to their corners
    index = indices(made, primitive)
    normals = attribute(made, "NORMAL")[index].astype(np.float64)
    assert (normals * points).sum(axis=1).min() > 0.999
    uvs = attribute(made, "TEXCOORD_0")[index].astype(np.float64)
    assert np.abs(np.cos(np.pi * uvs[:, 1]) - points[:, 1]).max() < 2e-3


def _sorted(points: np.ndarray) -> np.ndarray:
    """Middles of the triangles, by a place on a coarse grid that rounding does not change for most."""
    middle = points.reshape(-1, 3, 3).mean(axis=1)
    return np.sort(middle, axis=0)


def test_draco_keeps_skins_colours_and_what_it_cannot_hold():
    # Given a bit of everything
    document = reread(rich_model())
    before, counts = corners(document, 0.5), inventory(document)
    # When it is compressed
    made = carried_out("draco", document, position_bits=16)
    # Then the tube has its skin, tangents, colours and both sets of texture coordinates in the stream
    tube = made.json["meshes"][0]["primitives"][0]
    assert set(tube["extensions"][DRACO]["attributes"]) == set(tube["attributes"])
    assert {"JOINTS_0", "WEIGHTS_0", "TANGENT", "COLOR_0", "TEXCOORD_1"} <= set(tube["attributes"])
    assert attribute(made, "JOINTS_0").dtype == np.uint8
    assert np.allclose(attribute(made, "WEIGHTS_0").sum(axis=1), 1)
    # the face, which morphs, and the strip are plain, and issues say why
    assert [made.json["meshes"][n]["primitives"][0].get("extensions", {}).get(DRACO) for n in (1, 4)] == [None, None]
    assert {issue["pointer"] for issue in made.issues if issue["code"] == "DRACO_LEFT_PLAIN"} >= {
        "/meshes/1/primitives/0",
        "/meshes/4/primitives/0",
    }
    # and everything is where it was
    assert inventory(made)["triangles"] == counts["triangles"]
    assert np.abs(np.sort(corners(made, 0.5), axis=0) - np.sort(before, axis=0)).max() < 1e-3


def test_nodes_that_share_a_mesh_share_its_stream():
    document = reread(rich_model())
    made = carried_out("draco", document)
    streams = {
        primitive["extensions"][DRACO]["bufferView"] for _, primitive in made.primitives() if _is_draco(primitive)
    }
    assert len(streams) == sum(_is_draco(primitive) for _, primitive in made.primitives())


def _is_draco(primitive: dict) -> bool:
    return DRACO in primitive.get("extensions", {})


@pytest.mark.parametrize("step", ["weld", "simplify", "quantize"])
@pytest.mark.parametrize("compression", ["meshopt", "draco"])
def test_steps_on_geometry_undo_compression_first(step, compression):
    # Given a compressed ball
    document = carried_out(compression, carried_out("reorder", reread(ball())))
    # When another step works on it
    made = carried_out(step, document, **({"ratio": 0.5} if step == "simplify" else {}))
    # Then nothing is compressed any more, and the ball is a ball
    assert not {MESHOPT, DRACO} & set(made.json.get("extensionsUsed", []))
    assert np.abs(np.linalg.norm(corners(made), axis=1) - 1).max() < 1e-3
