"""Steps on the structure: what is equal becomes one, what is unused goes, and the picture stays the same."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from threed.errors import RecipeInvalid
from threed.v1.recipes_pb2 import Prune, Recenter
from threed_workers.document import Builder, Document, read, read_floats
from threed_workers.document.world import scene_roots, world_box, world_matrices
from threed_workers.samples.rich import rich_model
from threed_workers.transforms import transform

from .carried_out import carried_out

RED = {"baseColorFactor": [1, 0, 0, 1]}
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)


def triangles(*materials: dict, **node) -> Document:
    """A triangle for each material, each with data of its own."""
    builder = Builder()
    for material in materials:
        primitive = {
            "attributes": {"POSITION": builder.positions(CORNERS)},
            "indices": builder.indices(np.arange(3), 3),
        }
        primitive["material"] = builder.add("materials", copy.deepcopy(material))
        builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]}), **node})
    return builder.finish()


def drawn(document: Document) -> list[tuple]:
    """World matrix and first position of everything that the default scene draws, in a fixed order."""
    order, matrices = world_matrices(document, scene_roots(document))
    found = []
    for number, matrix in zip(order, matrices, strict=True):
        node = document.all("nodes")[number]
        if "mesh" in node:
            primitive = document.all("meshes")[node["mesh"]]["primitives"][0]
            first = read_floats(document, primitive["attributes"]["POSITION"])[0]
            found.append(tuple(np.round(matrix, 5).ravel()) + tuple(first.tolist()))
    return sorted(found)


# ---------------------------------------------------------------- dedup


def test_equal_data_materials_and_meshes_become_one():
    document = triangles(*[{"name": f"red {n}", "pbrMetallicRoughness": RED} for n in range(3)])
    made = carried_out("dedup", document).json
    assert [len(made[kind]) for kind in ("accessors", "materials", "meshes", "nodes")] == [2, 1, 1, 3]
    assert made["materials"][0]["name"] == "red 0"


def test_materials_that_differ_in_names_stay_apart_when_asked():
    document = triangles(*[{"name": f"red {n}", "pbrMetallicRoughness": RED} for n in range(3)])
    assert len(carried_out("dedup", document, keep_unique_names=True).json["materials"]) == 3


def test_extras_keep_things_apart():
    assert len(carried_out("dedup", triangles({"extras": {"a": 1}}, {"extras": {"a": 2}})).json["materials"]) == 2


def test_a_material_that_an_animation_changes_stays_alone():
    # Given two equal materials, of which one blushes
    document = rich_model()
    document.json["materials"].append(copy.deepcopy(document.json["materials"][2]))
    document.json["meshes"][1]["primitives"][0]["material"] = 5
    made = carried_out("dedup", document).json
    # Then both are still there
    assert len(made["materials"]) == 6


def test_indices_and_attributes_of_the_same_bytes_stay_apart():
    builder = Builder()
    numbers = np.arange(3, dtype=np.uint16)
    attributes = {"POSITION": builder.positions(CORNERS), "_PART": builder.attribute(numbers)}
    primitive = {"attributes": attributes, "indices": builder.accessor(numbers)}
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    made = carried_out("dedup", builder.finish())
    assert len(made.json["accessors"]) == 3


# ---------------------------------------------------------------- prune


def test_what_no_scene_reaches_goes():
    # Given a rich model, and beside it a node of no scene with a mesh and a material of its own
    document = rich_model()
    before = {kind: len(entries) for kind, entries in document.json.items() if isinstance(entries, list)}
    document.json["materials"].append({"name": "lost"})
    primitive = {
        "attributes": document.json["meshes"][1]["primitives"][0]["attributes"],
        "material": before["materials"],
    }
    document.json["meshes"].append({"name": "lost", "primitives": [primitive]})
    document.json["nodes"].append({"name": "lost", "mesh": before["meshes"]})
    document.json["cameras"].append(copy.deepcopy(document.json["cameras"][0]))
    made = carried_out("prune", document).json
    # Then what was reached is there, and nothing of the rest
    for kind in ("nodes", "meshes", "materials", "cameras", "skins", "animations", "scenes", "textures", "images"):
        assert len(made[kind]) == before[kind], kind


def test_empty_nodes_go_and_those_that_hold_something_stay():
    document = triangles({})
    document.json["nodes"] += [{"name": "empty", "children": [2]}, {}, {"extras": {"a": 1}}]
    document.json["scenes"][0]["nodes"] += [1, 3]
    keeping = carried_out("prune", Document(copy.deepcopy(document.json), list(document.buffers)), keep_leaves=True)
    assert len(keeping.json["nodes"]) == 4
    made = carried_out("prune", document)
    assert [set(node) for node in made.json["nodes"]] == [{"mesh"}, {"extras"}]


def test_joints_outside_of_the_scene_stay():
    document = rich_model()
    bones = document.json["skins"][0]["joints"][0]
    document.json["scenes"][0]["nodes"].remove(bones)
    made = transform("prune").apply(document, Prune())  # the validator wants joints in the scene
    assert [made.json["nodes"][joint]["name"] for joint in made.json["skins"][0]["joints"]] == [
        "lower bone",
        "upper bone",
    ]


def test_texture_coordinates_above_those_in_use_go():
    document = rich_model()
    tube = document.json["meshes"][0]["primitives"][0]["attributes"]
    tube["TEXCOORD_2"] = tube["TEXCOORD_1"]
    made = carried_out("prune", document).json["meshes"]
    assert {"TEXCOORD_0", "TEXCOORD_1"} <= set(made[0]["primitives"][0]["attributes"])
    assert "TEXCOORD_2" not in made[0]["primitives"][0]["attributes"]
    assert "TEXCOORD_0" not in made[1]["primitives"][0]["attributes"], "the face has no texture"


def test_nothing_is_renumbered_where_an_unknown_extension_may_refer_to_it():
    document = rich_model(linked=True)
    document.json["nodes"].append({"name": "lost"})
    made = carried_out("prune", document)
    assert made.json["nodes"][-1] == {"name": "lost"}
    assert "UNKNOWN_EXTENSION_KEPT" in {found["code"] for found in made.issues}


# ---------------------------------------------------------------- clean_attributes


def test_white_colours_and_tangents_without_a_normal_map_go():
    builder = Builder()
    white = np.full((3, 4), 255, np.uint8)
    attributes = {
        "POSITION": builder.positions(CORNERS),
        "NORMAL": builder.attribute(np.tile(np.float32([0, 0, 1]), (3, 1))),
        "TANGENT": builder.attribute(np.tile(np.float32([1, 0, 0, 1]), (3, 1))),
        "TEXCOORD_0": builder.attribute(CORNERS[:, :2].copy()),
        "COLOR_0": builder.attribute(white, normalized=True),
    }
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [{"attributes": attributes}]})})
    document = builder.finish()
    other = Document(copy.deepcopy(document.json), list(document.buffers))
    made = carried_out("clean_attributes", document)
    assert set(made.json["meshes"][0]["primitives"][0]["attributes"]) == {"POSITION", "NORMAL"}
    assert len(made.json["accessors"]) == 2
    kept = carried_out("clean_attributes", other, keep_texcoords=True, keep_white=True)
    assert set(kept.json["meshes"][0]["primitives"][0]["attributes"]) == {"POSITION", "NORMAL", "TEXCOORD_0", "COLOR_0"}


def test_what_is_used_stays():
    before = set(rich_model().json["meshes"][0]["primitives"][0]["attributes"])
    assert set(carried_out("clean_attributes", rich_model()).json["meshes"][0]["primitives"][0]["attributes"]) == before


# ---------------------------------------------------------------- unlit


def test_materials_without_lighting_keep_base_colour_and_sidedness():
    made = carried_out("unlit", rich_model()).json
    for material in made["materials"]:
        assert material["extensions"] == {"KHR_materials_unlit": {}}
        assert set(material) <= {"name", "extras", "pbrMetallicRoughness", "extensions"}
    assert made["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert len(made["images"]) == 1
    assert [animation["name"] for animation in made["animations"]] == ["wake up", "blush"], "the base colour blushes"
    primitives = [primitive for mesh in made["meshes"] for primitive in mesh["primitives"]]
    assert all("material" in primitive for primitive in primitives if primitive.get("mode", 4) > 3)
    assert set(made["extensionsUsed"]) == {
        *("ACME_provenance", "KHR_animation_pointer", "KHR_lights_punctual", "KHR_materials_unlit"),
        *("KHR_materials_variants", "KHR_texture_transform"),
    }


def test_specular_and_glossy_materials_keep_their_diffuse_colour():
    material = {"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0, 1, 0, 1]}}}
    document = triangles(material)
    document.json["extensionsUsed"] = ["KHR_materials_pbrSpecularGlossiness"]
    made = carried_out("unlit", document).json
    assert made["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [0, 1, 0, 1]
    assert made["extensionsUsed"] == ["KHR_materials_unlit"]


# ---------------------------------------------------------------- flatten


def test_the_picture_is_the_same_without_levels():
    before = rich_model()
    made = carried_out("flatten", rich_model())
    assert drawn(made) == drawn(before)
    nodes = made.json["nodes"]
    assert [node.get("name") for node in nodes if "children" in node] == ["lower bone"]


def test_groups_that_are_left_empty_go_unless_they_have_a_name():
    document = triangles({}, {})
    document.json["nodes"] += [{"children": [3], "translation": [1, 0, 0]}, {"children": [0], "scale": [2, 2, 2]}]
    document.json["nodes"] += [{"children": [1], "name": "group"}]
    document.json["scenes"] = [{"nodes": [2, 4]}]
    before = drawn(document)
    made = carried_out("flatten", document)
    assert drawn(made) == before
    assert [set(node) for node in made.json["nodes"]] == [{"mesh", "translation", "scale"}, {"mesh"}, {"name"}]


def test_what_is_animated_or_sheared_stays_below_its_parent():
    half = 0.5**0.5
    document = triangles({}, rotation=[0, 0, half * half, (1 - half**4) ** 0.5])
    document.json["nodes"] += [{"children": [0], "scale": [1, 5, 1]}]
    document.json["scenes"] = [{"nodes": [1]}]
    before = copy.deepcopy(document.json["nodes"])
    assert carried_out("flatten", document).json["nodes"] == before


# ---------------------------------------------------------------- recenter, scale


@pytest.mark.parametrize(("pivot", "height"), [(Recenter.CENTER, 0.5), (Recenter.BELOW, 0), (Recenter.ABOVE, 1)])
def test_the_pivot_becomes_the_origin(pivot, height):
    made = carried_out("recenter", rich_model(), pivot=pivot)
    low, high = world_box(made)
    assert np.allclose((low + high)[[0, 2]] / 2, 0, atol=1e-5)
    assert np.isclose(low[1] + (high[1] - low[1]) * height, 0, atol=1e-5)
    assert np.allclose(high - low, np.subtract(*world_box(rich_model())[::-1]), atol=1e-5)


def test_animated_roots_are_moved_by_a_node_above_them():
    document = rich_model()
    eye = next(n for n, node in enumerate(document.json["nodes"]) if node.get("name") == "eye")
    made = carried_out("scale", document, factor=2.0).json
    holder = next(node for node in made["nodes"] if eye in node.get("children", []))
    assert holder == {"children": [eye], "scale": [2, 2, 2]}
    assert made["nodes"][eye]["translation"] == [0.0, 0.0, 6.0]
    assert len(made["nodes"]) - 1 in made["scenes"][0]["nodes"]


def test_the_longest_side_becomes_what_was_asked():
    made = carried_out("scale", rich_model(), fit_m=0.3)
    low, high = world_box(made)
    assert np.isclose((high - low).max(), 0.3, rtol=1e-5)


def test_lengths_that_nodes_do_not_scale_follow():
    document = rich_model()
    document.json["cameras"][0]["perspective"]["zfar"] = 50.0
    document.json["extensions"]["KHR_lights_punctual"]["lights"][0]["range"] = 9.0
    document.json["materials"][1]["extensions"]["KHR_materials_volume"] = {
        "thicknessFactor": 0.5,
        "attenuationDistance": 4.0,
    }
    document.json["extensionsUsed"].append("KHR_materials_volume")
    made = carried_out("scale", document, factor=10.0).json
    assert made["cameras"][0]["perspective"] == {"yfov": 0.8, "znear": 1.0, "zfar": 500.0}
    bulb, sun = made["extensions"]["KHR_lights_punctual"]["lights"]
    assert (bulb["range"], bulb["intensity"]) == (90.0, 4000.0)
    assert "intensity" not in sun
    volume = made["materials"][1]["extensions"]["KHR_materials_volume"]
    assert volume == {"thicknessFactor": 0.5, "attenuationDistance": 40.0}, "thickness is in the space of the mesh"


def test_an_animated_length_follows_too():
    document = rich_model()
    channel = document.json["animations"][1]["channels"][0]
    channel["target"]["extensions"]["KHR_animation_pointer"]["pointer"] = "/cameras/0/perspective/znear"
    sampler = document.json["animations"][1]["samplers"][0]
    before = document.json["animations"][1]["samplers"][0]["output"]
    entry = document.json["accessors"][before]
    entry |= {"type": "SCALAR"}
    values = read(document, before).ravel()
    made = carried_out("scale", document, factor=3.0)
    after = made.json["animations"][1]["samplers"][0]["output"]
    assert np.allclose(read(made, after).ravel(), 3 * values)
    assert sampler["interpolation"] == "STEP"


def test_a_matrix_is_moved_like_three_parts():
    document = triangles({}, matrix=[2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 5, 6, 7, 1])
    made = carried_out("scale", document, factor=0.5)
    assert np.allclose(np.array(made.json["nodes"][0]["matrix"]).reshape(4, 4)[:, :3].T[:, 3], [2.5, 3, 3.5])
    assert np.allclose(world_box(made)[0], [2.5, 3, 3.5])


@pytest.mark.parametrize(("step", "settings"), [("recenter", {}), ("scale", {"fit_m": 1.0})])
def test_a_model_that_shows_nothing_has_no_bounds(step, settings):
    with pytest.raises(RecipeInvalid):
        carried_out(step, Document({"asset": {"version": "2.0"}, "scenes": [{}], "scene": 0}), **settings)
