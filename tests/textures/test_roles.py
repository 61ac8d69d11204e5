"""Every texture slot has a role."""

from __future__ import annotations

import pytest

from threed_workers.document.model import Document
from threed_workers.textures.roles import COLOR, DATA, NORMAL, Kind, Role, image_roles


def model(*materials: dict, textures: int = 4) -> Document:
    images = [{"uri": f"{number}.png"} for number in range(textures)]
    return Document(
        {"materials": list(materials), "textures": [{"source": n} for n in range(textures)], "images": images}
    )


def test_the_slots_of_a_material_and_of_its_extensions():
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 1}},
        "extensions": {
            "KHR_materials_clearcoat": {"clearcoatNormalTexture": {"index": 2}},
            "ACME_glow": {"glowColorTexture": {"index": 3}},
        },
    }
    assert image_roles(model(material)) == [COLOR, DATA, NORMAL, COLOR]


@pytest.mark.parametrize(("mode", "covers"), [("OPAQUE", False), ("MASK", True), ("BLEND", True)])
def test_alpha_is_coverage_where_the_material_looks_at_it(mode, covers):
    material = {"alphaMode": mode, "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    assert image_roles(model(material))[0] == Role(Kind.COLOR, covers)


def test_one_opaque_material_makes_alpha_a_number():
    slot = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    assert not image_roles(model({"alphaMode": "BLEND", **slot}, slot))[0].coverage


def test_a_slot_that_reads_alpha_decides_nothing_about_colours():
    sheen = {"sheenColorTexture": {"index": 0}, "sheenRoughnessTexture": {"index": 0}}
    roles = image_roles(model({"extensions": {"KHR_materials_sheen": sheen}}))
    assert roles[0] == COLOR


def test_pictures_behind_extensions_of_a_texture_have_its_role():
    document = model({"normalTexture": {"index": 0}}, textures=2)
    document.json["textures"][0]["extensions"] = {"EXT_texture_webp": {"source": 1}}
    assert image_roles(document) == [NORMAL, NORMAL]


def test_what_no_material_shows_is_data():
    assert image_roles(model()) == [DATA] * 4


def test_pictures_that_more_than_materials_read_have_no_role():
    # Given the numbers of features in a picture, and a light of pictures
    document = model({"normalTexture": {"index": 0}})
    features = {"featureIds": [{"featureCount": 2, "texture": {"index": 1, "channels": [0]}}]}
    primitive = {"attributes": {}, "extensions": {"EXT_mesh_features": features}}
    document.json["meshes"] = [{"primitives": [primitive]}]
    document.json["extensions"] = {"EXT_lights_image_based": {"lights": [{"specularImages": [[2]]}]}}
    assert image_roles(document) == [NORMAL, None, None, DATA]
