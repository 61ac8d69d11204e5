"""Quantize: fewer bits, and the same picture within a step of the grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from threed_workers.document import Builder, Document, edit, read, read_floats
from threed_workers.document.model import INSTANCING
from threed_workers.samples.rich import rich_model
from threed_workers.samples.shapes import box, sphere
from threed_workers.transforms import transform

from .carried_out import carried_out, options, reread
from .drawn import corners

CODES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}


def ball(uv_scale: float = 1.0, uv_shift: float = 0.0, moved: dict | None = None) -> Document:
    """A textured ball of radius 3, off the origin, in a node that is moved, turned and stretched."""
    builder = Builder()
    points, normals, uvs, tangents, faces = sphere(24, 16)
    attributes = {
        "POSITION": builder.positions(points * 3 + (10, 20, 30)),
        "NORMAL": builder.attribute(normals.astype(np.float32)),
        "TANGENT": builder.attribute(tangents.astype(np.float32)),
        "TEXCOORD_0": builder.attribute((uvs * uv_scale + uv_shift).astype(np.float32)),
    }
    info = {"index": 0} | ({"extensions": {"KHR_texture_transform": moved}} if moved else {})
    if moved:
        builder.use("KHR_texture_transform")
    builder.add("textures", {})
    material = builder.add("materials", {"pbrMetallicRoughness": {"baseColorTexture": info}})
    primitive = {"attributes": attributes, "indices": builder.indices(faces, len(points)), "material": material}
    mesh = builder.add("meshes", {"primitives": [primitive]})
    turned = {"translation": [1.0, 2.0, 3.0], "rotation": [0.5, 0.5, 0.5, 0.5], "scale": [1.0, 2.0, 0.5]}
    builder.add("nodes", {"mesh": mesh, **turned})
    return builder.finish()


def seen(document: Document) -> np.ndarray:
    """Texture coordinates of the first primitive after KHR_texture_transform of its first texture."""
    primitive = document.json["meshes"][0]["primitives"][0]
    uvs = read_floats(document, primitive["attributes"]["TEXCOORD_0"]).astype(np.float64)
    info = document.json["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorTexture"]
    moved = info.get("extensions", {}).get("KHR_texture_transform", {})
    turn = moved.get("rotation", 0.0)
    back = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return (uvs * moved.get("scale", [1, 1])) @ back.T + moved.get("offset", [0, 0])


def bits_of(document: Document, name: str) -> set[int]:
    """Bytes of the components of an attribute, over all primitives."""
    accessors = document.json["accessors"]
    return {
        CODES[accessors[primitive["attributes"][name]]["componentType"]]
        for _, primitive in document.primitives()
        if name in primitive["attributes"]
    }


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_positions_are_within_half_a_step(bits):
    # Given a ball of 6 m that its node stretches to 12 m
    document = reread(ball())
    before = corners(document)
    # When it is quantized
    made = carried_out("quantize", document, position_bits=bits)
    # Then no corner has moved by more than half a step on each axis
    step = 6 / (2**bits - 1) * 2
    assert np.abs(corners(made) - before).max() <= step / 2 * math.sqrt(3) * 1.01
    assert bits_of(made, "POSITION") == {1 if bits == 8 else 2}
    assert "KHR_mesh_quantization" in made.json["extensionsRequired"]


@pytest.mark.parametrize("weights", [0.0, 0.5, 1.0])
def test_skins_morph_targets_and_animations_move_as_before(weights):
    # Given a bit of everything, with its joints moved
    document = rich_model()
    document.json["nodes"][0]["rotation"] = [0.0, 0.0, 0.6, 0.8]
    document = reread(document)
    before = corners(document, weights)
    channels = [channel["target"] for channel in document.json["animations"][0]["channels"]]
    names = [document.json["nodes"][target["node"]].get("name") for target in channels]
    # When it is quantized
    made = carried_out("quantize", document, color_bits=16)
    # Then every corner is where it was, within a step
    assert np.abs(corners(made, weights) - before).max() < 2e-4
    assert bits_of(made, "POSITION") == {2} and bits_of(made, "WEIGHTS_0") == {2} and bits_of(made, "NORMAL") == {1}
    # and animations move nodes of the same names
    targets = [channel["target"] for channel in made.json["animations"][0]["channels"]]
    assert [made.json["nodes"][target["node"]].get("name") for target in targets] == names


def test_a_node_that_is_animated_gets_a_child_for_the_mesh():
    # Given a ball whose node is animated and has a camera as child
    document = ball()
    clock = edit.add_accessor(document, np.array([0, 1], np.float32), bounds=True)
    moves = edit.add_accessor(document, np.zeros((2, 3), np.float32))
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    document.json["animations"] = [{"samplers": [{"input": clock, "output": moves}], "channels": [channel]}]
    document = reread(document)
    node = dict(document.json["nodes"][0])
    before = corners(document)
    # When it is quantized
    made = carried_out("quantize", document)
    # Then the node keeps its transform, and a child has the mesh
    kept = made.json["nodes"][0]
    assert all(kept[key] == node[key] for key in ("translation", "rotation", "scale"))
    assert "mesh" not in kept and made.json["nodes"][kept["children"][0]]["mesh"] == 0
    assert np.abs(corners(made) - before).max() < 2e-3


def test_two_nodes_and_two_meshes_that_share_positions_share_the_grid():
    # Given two meshes on one accessor, one of them in two nodes
    document = ball()
    document.json["meshes"].append({"primitives": [dict(document.json["meshes"][0]["primitives"][0])]})
    document.json["nodes"] += [{"mesh": 0}, {"mesh": 1, "scale": [-1.0, 1.0, 1.0]}]
    document.json["scenes"][0]["nodes"] = [0, 1, 2]
    document = reread(document)
    before = corners(document)
    # When they are quantized
    made = carried_out("quantize", document)
    # Then they still share it
    positions = {primitive["attributes"]["POSITION"] for _, primitive in made.primitives()}
    assert len(positions) == 1
    assert np.abs(corners(made) - before).max() < 2e-3


def test_instances_stay_where_they_are():
    document = carried_out("instance", reread(rich_model()))
    before = corners(document)
    made = carried_out("quantize", document)
    assert np.abs(corners(made) - before).max() < 3e-4
    assert any(INSTANCING in node.get("extensions", {}) for node in made.json["nodes"])


@pytest.mark.parametrize("moved", [None, {"offset": [0.1, 0.2], "scale": [3.0, 0.5], "rotation": 0.7}])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (3.0, -1.0), (0.01, 0.5)])
def test_texture_coordinates_are_seen_where_they_were(scale, shift, moved):
    # Given texture coordinates inside and outside the picture, with and without a transform
    document = reread(ball(scale, shift, moved))
    before = seen(document)
    # When they are quantized
    made = carried_out("quantize", document, texcoord_bits=12)
    # Then the picture lies as before, to 12 bits
    assert np.abs(seen(made) - before).max() <= 1.6 / 4095
    assert bits_of(made, "TEXCOORD_0") == {2}
    assert "KHR_texture_transform" in made.json["extensionsRequired"]


def test_texture_coordinates_that_nothing_may_move_become_fractions():
    # Given texture coordinates within the picture, of a material with an extension that nobody knows
    document = ball()
    document.json["materials"][0]["extensions"] = {"ACME_paint": {"coat": 0.5}}
    edit.use(document, "ACME_paint")
    before = seen(document)
    # When they are quantized
    made = carried_out("quantize", reread(document))
    # Then they are the same fractions of the picture, in 16 bits
    assert "KHR_texture_transform" not in made.json["extensionsUsed"]
    assert bits_of(made, "TEXCOORD_0") == {2}
    assert np.abs(seen(made) - before).max() <= 0.55 / 4095


def test_several_textures_of_one_set_are_composed_each():
    # Given a material whose normal map lies otherwise than its colours
    document = ball(2.0, 0.0, {"scale": [2.0, 2.0]})
    document.json["materials"][0]["normalTexture"] = {"index": 0}
    made = carried_out("quantize", reread(document))
    # Then each transform has its own share of the way back
    material = made.json["materials"][0]
    infos = (material["pbrMetallicRoughness"]["baseColorTexture"], material["normalTexture"])
    colors, normals = (info["extensions"]["KHR_texture_transform"]["scale"][0] for info in infos)
    assert math.isclose(colors, 2 * normals)


def test_an_animated_texture_keeps_its_floats():
    # Given a material whose texture transform an animation moves
    document = ball(3.0, -1.0, {"scale": [2.0, 2.0]})
    pointer = "/materials/0/pbrMetallicRoughness/baseColorTexture/extensions/KHR_texture_transform/offset"
    clock = edit.add_accessor(document, np.array([0, 1], np.float32), bounds=True)
    moves = edit.add_accessor(document, np.zeros((2, 2), np.float32))
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointer}}}
    channels = [{"sampler": 0, "target": target}]
    document.json["animations"] = [{"samplers": [{"input": clock, "output": moves}], "channels": channels}]
    edit.use(document, "KHR_animation_pointer")
    made = carried_out("quantize", reread(document))
    # Then its texture coordinates stay floats, and an issue says why
    assert bits_of(made, "TEXCOORD_0") == {4}
    assert [issue["code"] for issue in made.issues] == ["TEXCOORDS_KEPT"]


@pytest.mark.parametrize("moved", ["everywhere", {"scale": 2}, {"offset": [0, "a"]}, {"rotation": [1]}])
def test_a_malformed_texture_transform_keeps_the_floats(moved):
    # Given a transform that the validator would refuse, as exporters write them
    document = transform("quantize").apply(ball(3.0, -1.0, moved), options("quantize"))
    assert bits_of(document, "TEXCOORD_0") == {4}
    assert [issue["code"] for issue in document.issues] == ["TEXCOORDS_KEPT"]


def test_too_many_repetitions_keep_their_floats():
    made = carried_out("quantize", reread(ball(100.0)), texcoord_bits=12)
    assert bits_of(made, "TEXCOORD_0") == {4}


def test_weights_still_have_a_sum_of_one():
    made = carried_out("quantize", reread(rich_model()))
    primitive = made.json["meshes"][0]["primitives"][0]
    weights = read(made, primitive["attributes"]["WEIGHTS_0"])
    assert weights.dtype == np.uint8 and (weights.sum(axis=1) == 255).all()


@pytest.mark.parametrize(("bits", "degrees"), [(8, 0.7), (16, 0.01)])
def test_normals_and_tangents_keep_their_directions(bits, degrees):
    document = reread(ball())
    before = read_floats(document, 1).astype(np.float64)
    made = carried_out("quantize", document, normal_bits=bits)
    primitive = made.json["meshes"][0]["primitives"][0]
    after = read_floats(made, primitive["attributes"]["NORMAL"]).astype(np.float64)
    sine = np.linalg.norm(np.cross(before, after), axis=1) / np.linalg.norm(after, axis=1)
    assert np.degrees(np.arcsin(sine)).max() < degrees
    assert set(read_floats(made, primitive["attributes"]["TANGENT"])[:, 3].tolist()) == {1.0}


def test_glass_stays_as_thick_as_it_was():
    # Given glass, whose thickness is in units of the mesh
    document = ball()
    volume = {"thicknessFactor": 0.5, "attenuationDistance": 2.0}
    document.json["materials"][0]["extensions"] = {"KHR_materials_volume": volume, "KHR_materials_transmission": {}}
    for name in document.json["materials"][0]["extensions"]:
        edit.use(document, name)
    # When it is quantized
    made = carried_out("quantize", reread(document))
    # Then thickness times the scale of the node is what it was
    primitive = made.json["meshes"][0]["primitives"][0]
    thickness = made.json["materials"][primitive["material"]]["extensions"]["KHR_materials_volume"]["thicknessFactor"]
    assert math.isclose(thickness * made.json["nodes"][0]["scale"][0], 0.5, rel_tol=1e-6)


def test_quantizing_twice_changes_nothing_more():
    once = carried_out("quantize", reread(rich_model()))
    before = corners(once)
    twice = carried_out("quantize", once)
    assert (corners(twice) == before).all()


def test_colours_above_one_stay_floats():
    # Given colours of which one is brighter than white
    builder = Builder()
    points, _, _, _, faces = box(0.5)
    colors = np.ones((len(points), 4), np.float32)
    colors[0, 0] = 2.0
    attributes = {"POSITION": builder.positions(points), "COLOR_0": builder.attribute(colors)}
    primitive = {"attributes": attributes, "indices": builder.indices(faces, len(points))}
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    # Then they stay (the validator would refuse them before and after, and renderers draw them)
    made = transform("quantize").apply(builder.finish(), options("quantize"))
    assert bits_of(made, "COLOR_0") == {4}
