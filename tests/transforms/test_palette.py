"""Plain materials become one, whose pictures have their colours where the vertices point."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed_workers.document import Builder, Document, read_floats
from threed_workers.textures.light import to_light

from .carried_out import carried_out

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)


def model(materials: list[dict], uvs: bool = False) -> Document:
    builder = Builder()
    for material in materials:
        attributes = {"POSITION": builder.positions(CORNERS)}
        if uvs:
            attributes["TEXCOORD_0"] = builder.attribute(CORNERS[:, :2].copy())
        primitive = {"attributes": attributes, "material": builder.add("materials", material)}
        builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def plain(seed: int) -> dict:
    numbers = np.random.default_rng(seed).random(9).tolist()
    base = {"baseColorFactor": numbers[:4], "metallicFactor": numbers[4], "roughnessFactor": numbers[5]}
    return {"name": f"plain {seed}", "pbrMetallicRoughness": base, "emissiveFactor": numbers[6:], "alphaMode": "BLEND"}


def texel(document: Document, texture: dict, mesh: int) -> np.ndarray:
    """What the texture shows on a mesh, in [0, 1]."""
    primitive = document.json["meshes"][mesh]["primitives"][0]
    uv = read_floats(document, primitive["attributes"]["TEXCOORD_0"])
    assert (uv == uv[0]).all()
    image = document.json["textures"][texture["index"]]["source"]
    pixels = np.asarray(Image.open(io.BytesIO(document.picture(image))))
    height, width = pixels.shape[:2]
    return pixels[int(uv[0, 1] * height), int(uv[0, 0] * width)] / 255


@pytest.mark.parametrize("count", [5, 17])
def test_every_mesh_shows_the_numbers_that_it_had(count):
    made = carried_out("palette", model([plain(seed) for seed in range(count)]))
    assert [material["name"] for material in made.json["materials"]] == ["palette"]
    material = made.json["materials"][0]
    assert material["alphaMode"] == "BLEND"
    base = material["pbrMetallicRoughness"]
    light = to_light(8)
    for seed in range(count):
        before = plain(seed)["pbrMetallicRoughness"]
        found = texel(made, base["baseColorTexture"], seed)
        assert np.allclose(light[np.rint(found[:3] * 255).astype(int)], before["baseColorFactor"][:3], atol=0.006)
        assert np.isclose(found[3], before["baseColorFactor"][3], atol=0.003)
        _, roughness, metallic = texel(made, base["metallicRoughnessTexture"], seed)
        assert np.allclose([metallic, roughness], [before["metallicFactor"], before["roughnessFactor"]], atol=0.003)
        emission = texel(made, material["emissiveTexture"], seed)
        wanted = plain(seed)["emissiveFactor"]
        assert np.allclose(light[np.rint(emission * 255).astype(int)], wanted, atol=0.006)


def test_what_does_not_differ_stays_a_number():
    materials = [{"pbrMetallicRoughness": {"baseColorFactor": [n / 8, 0, 0, 1], "metallicFactor": 0}} for n in range(8)]
    made = carried_out("palette", model(materials)).json
    base = made["materials"][0]["pbrMetallicRoughness"]
    assert (base["metallicFactor"], base["roughnessFactor"]) == (0, 1)
    assert len(made["images"]) == 1
    assert "emissiveFactor" not in made["materials"][0]


@pytest.mark.parametrize(
    ("materials", "uvs"),
    [
        ([plain(seed) for seed in range(4)], False),
        ([plain(seed) for seed in range(9)], True),
        ([plain(seed) | {"extras": {"part": seed}} for seed in range(9)], False),
    ],
    ids=["too few", "texture coordinates", "extras differ"],
)
def test_otherwise_nothing_changes(materials, uvs):
    document = model(materials, uvs)
    assert carried_out("palette", document).json["materials"] == materials
