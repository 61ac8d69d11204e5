"""Every kind of feature goes, with all that depends on it, and the rest stays."""

from __future__ import annotations

import numpy as np
import pytest

from threed.v1.recipes_pb2 import Remove
from threed_workers import transforms
from threed_workers.document import Document, read_floats
from threed_workers.document.world import world_box
from threed_workers.inventory import compare, inventory
from threed_workers.samples.rich import rich_model

from .carried_out import carried_out, options, reread

# What there is none of afterwards.
GONE = {
    Remove.ANIMATIONS: ("animations", "channels", "keyframes", "extensions.KHR_animation_pointer"),
    Remove.SKINS: ("skins", "joints", "joint_sets"),
    Remove.MORPH_TARGETS: ("morph_targets",),
    Remove.CAMERAS: ("cameras",),
    Remove.LIGHTS: ("lights", "extensions.KHR_lights_punctual"),
    Remove.TEXTURES: ("textures", "images", "samplers", "extensions.KHR_texture_transform"),
    Remove.VERTEX_COLORS: ("color_sets",),
    Remove.MATERIALS: ("materials", "variants", "textures", "extensions.KHR_materials_clearcoat"),
    Remove.EXTRAS: ("extras",),
    Remove.VARIANTS: ("variants", "extensions.KHR_materials_variants"),
    Remove.TANGENTS: ("tangents",),
    Remove.OTHER_SCENES: (),
    Remove.POINTS_AND_LINES: ("points", "lines"),
}
# What goes along, beside names, extras and numbers of uses of extensions.
ALONG = {
    Remove.SKINS: (),
    Remove.MORPH_TARGETS: ("channels", "keyframes", "vertices"),
    Remove.MATERIALS: ("images", "image_pixels", "samplers", "animations", "channels", "keyframes"),
    Remove.TEXTURES: ("image_pixels",),
    Remove.OTHER_SCENES: ("scenes", "nodes", "named_nodes"),
    Remove.POINTS_AND_LINES: ("meshes", "primitives", "vertices"),
}


def removed(*features, document: Document | None = None) -> Document:
    return carried_out("remove", document or rich_model(), features=features)


@pytest.mark.parametrize("feature", GONE, ids=Remove.Feature.Name)
def test_a_feature_goes_and_nothing_else(feature):
    before, after = inventory(rich_model()), inventory(removed(feature))
    assert {name: after.get(name, 0) for name in GONE[feature] if after.get(name)} == {}
    allowed = {*GONE[feature], *ALONG.get(feature, ()), "names", "extras", "accessors", "sparse_accessors"}
    fewer = {name for name, count in before.items() if isinstance(count, int) and after.get(name, 0) < count}
    assert {name for name in fewer - allowed if not name.startswith("extensions.")} == set()


def test_every_feature_at_once():
    made = removed(*GONE).json
    assert set(made) == {
        *("asset", "scene", "scenes", "nodes", "meshes", "accessors", "bufferViews", "buffers"),
        *("extensions", "extensionsUsed"),
    }
    assert made["extensionsUsed"] == ["ACME_provenance"]


def test_there_are_thirteen_of_them():
    assert set(GONE) == set(Remove.Feature.values()) - {0}


# ---------------------------------------------------------------- skins


def test_a_mesh_without_its_skin_stands_where_the_skin_had_put_it():
    # Given a skin whose bind pose is 3 metres up and twice as large, on a node that skinning ignores
    document = rich_model()
    bones = document.json["nodes"][document.json["skins"][0]["joints"][0]]
    bones |= {"translation": [0, 3, 0], "scale": [2, 2, 2]}
    tube = next(node for node in document.json["nodes"] if "skin" in node)
    tube["translation"] = [50, 0, 0]
    document.json["animations"] = []
    del document.json["animations"]
    before = world_box(document)
    made = removed(Remove.SKINS, document=document)
    assert np.allclose(world_box(made), before, atol=1e-5)
    node = next(node for node in made.json["nodes"] if node.get("name") == "tube")
    assert (node["translation"], node["scale"]) == ([0, 3, 0], [2, 2, 2])


def test_a_skinned_node_with_children_stays_and_a_new_root_has_the_mesh():
    document = rich_model()
    number = next(n for n, node in enumerate(document.json["nodes"]) if "skin" in node)
    document.json["nodes"].append({"name": "hat"})
    document.json["nodes"][number] |= {"children": [len(document.json["nodes"]) - 1], "translation": [9, 0, 0]}
    before = world_box(document)
    made = removed(Remove.SKINS, document=document)
    assert np.allclose(world_box(made), before, atol=1e-5)
    assert made.json["nodes"][number]["translation"] == [9, 0, 0]
    assert "mesh" not in made.json["nodes"][number]
    assert made.json["nodes"][-1] == {"mesh": 0}


# ---------------------------------------------------------------- morph targets


def test_meshes_keep_the_shape_of_their_weights():
    # Given a face with a quarter of the first target, which moves every vertex outwards by 0.3
    before = rich_model()
    primitive = before.json["meshes"][1]["primitives"][0]
    points = read_floats(before, primitive["attributes"]["POSITION"])
    made = removed(Remove.MORPH_TARGETS)
    after = made.json["meshes"][1]["primitives"][0]
    assert np.allclose(read_floats(made, after["attributes"]["POSITION"]), points * 1.075, atol=1e-6)
    assert "weights" not in made.json["meshes"][1]
    assert len(made.json["meshes"]) == len(before.json["meshes"])


def test_nodes_with_weights_of_their_own_get_meshes_of_their_own():
    document = rich_model()
    document.json["nodes"].append({"mesh": 1, "weights": [1.0, 0.0], "translation": [0, 9, 0]})
    document.json["scenes"][0]["nodes"].append(len(document.json["nodes"]) - 1)
    before = world_box(document)
    made = removed(Remove.MORPH_TARGETS, document=document)
    meshes = {node["mesh"] for node in made.json["nodes"] if node.get("mesh") is not None}
    assert len(meshes) == len(document.json["meshes"])
    after = world_box(made)
    assert after[1][1] > before[1][1] + 0.2, "the one above is fully blown up"


# ---------------------------------------------------------------- others


def test_other_scenes_go_with_what_only_they_show():
    made = removed(Remove.OTHER_SCENES).json
    assert [scene["name"] for scene in made["scenes"]] == ["day"]
    assert "moon" not in {node.get("name") for node in made["nodes"]}


def test_the_default_scene_is_the_one_that_stays():
    document = rich_model()
    document.json["scene"] = 1
    made = removed(Remove.OTHER_SCENES, document=document).json
    assert ([scene["name"] for scene in made["scenes"]], made["scene"]) == (["night"], 0)
    assert [node["name"] for node in made["nodes"]] == ["moon"]
    assert len(made["meshes"]) == 1 and len(made["materials"]) == 1


def test_materials_keep_their_factors_without_textures():
    made = removed(Remove.TEXTURES).json["materials"][0]
    assert made["pbrMetallicRoughness"] == {"roughnessFactor": 0.5}
    assert made["extensions"] == {"KHR_materials_clearcoat": {"clearcoatFactor": 0.5}}


def test_animated_colours_go_with_their_materials():
    assert [animation["name"] for animation in removed(Remove.MATERIALS).json["animations"]] == ["wake up"]


def test_tangents_stay_where_no_reader_could_make_them():
    # Given a clear coat with a normal map, on a material without one
    document = rich_model()
    painted = document.json["materials"][0]
    painted["extensions"]["KHR_materials_clearcoat"]["clearcoatNormalTexture"] = painted.pop("normalTexture")
    del document.json["meshes"][0]["primitives"][0]["extensions"]
    made = removed(Remove.TANGENTS, document=document)
    assert "TANGENT" in made.json["meshes"][0]["primitives"][0]["attributes"]
    assert "TANGENTS_KEPT" in {found["code"] for found in made.issues}


# ---------------------------------------------------------------- what it says that it changes


@pytest.mark.parametrize("feature", Remove.Feature.values()[1:], ids=Remove.Feature.keys()[1:])
def test_what_goes_with_a_feature_is_said(feature):
    # Given a bit of everything, with notes of where it came from
    document = rich_model()
    document.json["asset"]["extras"] = {"threed": {"source_unit_m": 0.01, "source_up": "Z"}}
    document = reread(document)
    before = inventory(document)
    # When one feature goes
    after = inventory(carried_out("remove", document, features=[feature]))
    # Then something did, and nothing but what the step says of that feature
    found = compare(before, after, dict.fromkeys(changes(feature), "remove"))
    assert any(one.after < one.before for one in found)
    assert [one for one in found if one.severity != "INFO"] == []


def test_what_was_not_asked_for_is_a_loss():
    # Given a step that is to remove cameras
    document = reread(rich_model())
    before = inventory(document)
    after = inventory(carried_out("remove", document, features=[Remove.CAMERAS]))
    # When materials are gone, too
    after["materials"] -= 1
    # Then that is no part of it
    found = compare(before, after, dict.fromkeys(changes(Remove.CAMERAS), "remove"))
    assert [(one.feature, one.severity) for one in found if one.severity != "INFO"] == [("materials", "ERROR")]


def test_an_extension_that_was_declared_for_nothing_stays_declared():
    document = rich_model()
    document.json["extensionsUsed"].append("KHR_materials_sheen")
    made = carried_out("remove", document, features=[Remove.CAMERAS])
    assert "KHR_materials_sheen" in made.json["extensionsUsed"]


def changes(feature: int) -> frozenset[str]:
    return transforms.transform("remove").changes(options("remove", features=[feature]))
