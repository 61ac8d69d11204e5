"""The inventory counts what is there, and comparing two of them finds what is gone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from threed.errors import LossRefused
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, read_glb
from threed_workers.inventory import FEATURES, Difference, compare, inventory, judge
from threed_workers.samples import animated_model, triangle


def showpiece() -> Document:
    return read_glb(memoryview(animated_model()), Budget())


def rich() -> Document:
    """Every feature that the showpiece lacks."""
    builder = Builder()
    points = np.random.default_rng(1).random((5, 3), np.float32)
    position = builder.positions(points)
    attributes = {"POSITION": position, "_HEAT": position, "COLOR_0": position, "TEXCOORD_0": 0, "TEXCOORD_1": 0}
    attributes |= {"JOINTS_0": position, "WEIGHTS_0": position}
    primitives = [{"attributes": attributes, "mode": mode} for mode in range(7)]
    primitives[0]["targets"] = [{"POSITION": position}] * 2
    builder.add("meshes", {"primitives": primitives, "extras": {"targetNames": ["a", "b"]}})
    builder.add("accessors", {"count": 5, "type": "VEC3", "componentType": 5126, "sparse": {}, "name": "storage"})
    instancing = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": position}}}
    builder.add("nodes", {"mesh": 0, "skin": 0, "extensions": instancing, "name": "all"})
    builder.add("skins", {"joints": [0]})
    builder.add("cameras", {"type": "perspective"})
    builder.json["extensions"] = {
        "KHR_lights_punctual": {"lights": [{"name": "sun"}]},
        "KHR_materials_variants": {"variants": [{"name": "red"}, {"name": "blue"}]},
    }
    builder.json["extensionsUsed"] = ["KHR_mesh_quantization", "KHR_lights_punctual", "KHR_lights_punctual"]
    builder.json["asset"]["extras"] = {"threed": {"source_unit_m": 0.01, "source_up": "Z"}}
    return builder.finish()


def test_every_feature_is_counted():
    # Given a document that has something of nearly everything
    found = inventory(rich())
    # Then each count is what it was made of
    expected = {"points": 5, "lines": 2 + 5 + 4, "triangles": 1 + 3 + 3, "primitives": 7, "vertices": 35}
    expected |= {"uv_sets": 14, "uv_sets_max": 2, "color_sets": 7, "joint_sets": 7, "custom_attributes": 7}
    expected |= {"morph_targets": 2, "joints": 1, "skins": 1, "instances": 5, "cameras": 1, "lights": 1, "variants": 2}
    expected |= {"sparse_accessors": 1, "extras": 2, "names": 4, "named_nodes": 1, "units": 0.01, "up": "Z"}
    expected |= {"extensions": ["KHR_lights_punctual", "KHR_mesh_quantization"]}
    expected |= {"extensions.EXT_mesh_gpu_instancing": 1, "extensions.KHR_mesh_quantization": 1}
    assert {key: found[key] for key in expected} == expected


def test_the_showpiece_is_what_it_was_made_of():
    found = inventory(showpiece())
    expected = {"animations": 1, "channels": 3, "keyframes": 99, "images": 3, "image_pixels": 3 * 512 * 512}
    expected |= {"normals": 8, "tangents": 8, "extensions.KHR_materials_emissive_strength": 1, "skins": 0}
    assert {key: found[key] for key in expected} == expected


def test_an_inventory_is_json_and_every_row_has_a_meaning():
    found = inventory(rich())
    assert json.loads(json.dumps(found)) == found
    assert {name.partition(".")[0] for name in found} == set(FEATURES)


def test_what_stands_in_extras_is_nothing_that_is_counted():
    document = triangle()
    before = inventory(document)
    document.json["nodes"][0]["extras"] = {"name": "x", "extras": {"a": 1}, "extensions": {"ACME": {}}}
    after = inventory(document)
    assert {key for key in after if before.get(key) != after[key]} == {"extras"}


def test_a_thousand_extensions_make_a_hundred_rows():
    document = triangle()
    document.json["extensionsUsed"] = [f"ACME_{number}" for number in range(1000)]
    rows = {name: count for name, count in inventory(document).items() if name.startswith("extensions.")}
    assert len(rows) == 101
    assert sum(rows.values()) == 1000


def test_equal_inventories_differ_in_nothing():
    assert compare(inventory(rich()), inventory(rich())) == []


def without(document: Document, kind: str) -> dict:
    document.json.pop(kind)
    return inventory(document)


def severities(differences: list[Difference]) -> dict[str, str]:
    return {one.feature: one.severity for one in differences}


def test_lost_animations_are_errors_and_their_names_a_warning():
    found = compare(inventory(showpiece()), without(showpiece(), "animations"))
    expected = {"animations": "ERROR", "channels": "ERROR", "keyframes": "ERROR", "names": "WARNING"}
    assert severities(found) == expected
    assert [one.severity for one in found] == ["ERROR", "ERROR", "ERROR", "WARNING"], "worst first"
    assert (found[0].before, found[0].after) == (1, 0)


def test_a_part_may_be_a_lesser_loss_than_the_whole():
    whole = {"normals": 4}
    assert severities(compare(whole, {"normals": 3})) == {"normals": "WARNING"}
    assert severities(compare(whole, {"normals": 0})) == {"normals": "ERROR"}


def test_what_a_step_names_is_information_that_names_the_step():
    (found,) = compare({"triangles": 1000}, {"triangles": 100}, {"triangles": "simplify"})
    assert found.severity == "INFO"
    assert "simplify" in found.reason and "900 of 1000" in found.reason


def test_features_may_be_named_without_a_step():
    (found,) = compare({"vertices": 10}, {"vertices": 9}, frozenset({"vertices"}))
    assert found.severity == "INFO"


@pytest.mark.parametrize(
    ("extension", "severity"),
    [
        ("KHR_materials_clearcoat", "ERROR"),
        ("KHR_texture_transform", "ERROR"),
        ("KHR_draco_mesh_compression", "INFO"),
        ("ACME_notes", "WARNING"),
    ],
)
def test_a_lost_extension_is_judged_by_what_it_does(extension, severity):
    name = f"extensions.{extension}"
    assert severities(compare({name: 2}, {name: 1})) == {name: severity}
    assert severities(compare({name: 2}, {name: 1}, {"extensions": "strip"})) == {name: "INFO"}
    assert severities(compare({name: 2}, {name: 1}, {name: "strip"})) == {name: "INFO"}


def test_what_goes_takes_its_name_along():
    # Given a step that names materials, and took 2 of them, with a name and clearcoat each
    before = {"materials": 5, "names": 9, "extras": 3, "extensions.KHR_materials_clearcoat": 4}
    after = {"materials": 3, "names": 7, "extras": 1, "extensions.KHR_materials_clearcoat": 2}
    # Then nothing of it is a loss that nobody named
    assert set(severities(compare(before, after, {"materials": "dedup"})).values()) == {"INFO"}
    # And without the step, all of it is
    assert "INFO" not in severities(compare(before, after)).values()


def test_more_names_than_went_with_what_was_named_are_a_loss():
    found = compare({"materials": 5, "names": 9}, {"materials": 3, "names": 6}, {"materials": "dedup"})
    assert severities(found) == {"materials": "INFO", "names": "WARNING"}


def test_a_named_feature_that_lost_nothing_explains_nothing():
    found = compare({"images": 2, "image_pixels": 100}, {"images": 2, "image_pixels": 50}, {"images": "encode"})
    assert severities(found) == {"image_pixels": "WARNING"}


def test_keys_go_with_their_animation():
    before, after = {"animations": 2, "channels": 5, "keyframes": 90}, {"animations": 1, "channels": 1, "keyframes": 9}
    assert set(severities(compare(before, after, {"animations": "trim"})).values()) == {"INFO"}


def test_what_became_more_is_information():
    (found,) = compare({"normals": 0}, {"normals": 4})
    assert (found.severity, found.before, found.after) == ("INFO", 0, 4)


def test_another_unit_of_the_source_is_noticed():
    assert severities(compare({"units": 0.01}, {"units": 1})) == {"units": "WARNING"}
    assert severities(compare({"units": 0.01}, {})) == {"units": "WARNING"}
    assert severities(compare({}, {"up": "Y"})) == {"up": "INFO"}


LOST = [Difference("skins", 1, 0, "ERROR", "gone"), Difference("triangles", 2, 1, "INFO", "simplify")]


def test_allow_does_not_weigh_losses_but_reports_them():
    assert [one.severity for one in judge(LOST, "ALLOW")] == ["INFO", "INFO"]


def test_warn_reports_them_as_they_are():
    assert judge(LOST, "WARN") == LOST


def test_fail_refuses_what_no_step_names_and_nothing_else():
    with pytest.raises(LossRefused) as caught:
        judge(LOST, "FAIL")
    assert caught.value.metadata["features"] == "skins"
    assert judge(LOST[1:], "FAIL") == LOST[1:]
