"""Texture coordinates that nothing uses go, wherever among the others they stand."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Builder, Document, read_floats
from threed_workers.samples.files import png_bytes

from .carried_out import carried_out, copy

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)


def model(materials: list[dict], *meshes: dict) -> Document:
    """Triangles whose every set of texture coordinates holds ten times its number. A mesh is a primitive to be."""
    builder = Builder()
    for name in {name for material in materials for name in _extensions(material)}:
        builder.use(name)
    image = builder.picture(png_bytes(np.zeros((2, 2, 3), np.uint8)), "image/png")
    builder.add("textures", {"source": image})
    for material in materials:
        builder.add("materials", material)
    for mesh in meshes:
        primitive = {key: value for key, value in mesh.items() if key != "sets"}
        primitive["attributes"] = {"POSITION": builder.positions(CORNERS)}
        for number in range(mesh["sets"]):
            primitive["attributes"][f"TEXCOORD_{number}"] = builder.attribute(np.full((3, 2), 10 * number, np.float32))
        builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def _extensions(owner: dict) -> set[str]:
    found = set(owner.get("extensions") or {})
    return found.union(*(_extensions(value) for value in owner.values() if isinstance(value, dict)))


def material(name: str, base: int, emission: int | None = None) -> dict:
    made = {"name": name, "pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "texCoord": base}}}
    return made | ({} if emission is None else {"emissiveTexture": {"index": 0, "texCoord": emission}})


def shown(document: Document, mesh: int, slot: str = "baseColorTexture") -> float:
    """The coordinate by which a texture of the mesh's material shows: ten times the number that its set had."""
    primitive = document.json["meshes"][mesh]["primitives"][0]
    entry = document.json["materials"][primitive["material"]]
    info = entry.get(slot) or entry["pbrMetallicRoughness"][slot]
    moved = (info.get("extensions") or {}).get("KHR_texture_transform") or {}
    name = f"TEXCOORD_{moved.get('texCoord', info.get('texCoord', 0))}"
    return float(read_floats(document, primitive["attributes"][name])[0, 0])


def sets(document: Document, mesh: int) -> list[float]:
    """What is in TEXCOORD_0, TEXCOORD_1 ... of a mesh."""
    attributes = document.json["meshes"][mesh]["primitives"][0]["attributes"]
    count = sum(name.startswith("TEXCOORD_") for name in attributes)
    return [float(read_floats(document, attributes[f"TEXCOORD_{number}"])[0, 0]) for number in range(count)]


def cleaned(document: Document, **settings) -> Document:
    return carried_out("clean_attributes", copy(document), **settings)


def test_a_set_from_the_middle_goes_and_those_above_move_down():
    # Given a material that shows by the sets 0 and 3 of five
    made = cleaned(model([material("a", 0, 3)], {"sets": 5, "material": 0}))
    # Then those are 0 and 1, and everything shows by what it showed
    assert sets(made, 0) == [0, 30]
    assert (shown(made, 0), shown(made, 0, "emissiveTexture")) == (0, 30)
    assert len(made.json["materials"]) == 1


def test_the_first_set_goes_too():
    made = cleaned(model([material("a", 1)], {"sets": 2, "material": 0}))
    assert sets(made, 0) == [10]
    assert shown(made, 0) == 10


def test_a_material_that_others_need_as_it_is_becomes_two():
    # Given a mesh that shows one material by set 2, and another that needs set 1, too, for a variant
    variants = {"mappings": [{"material": 1, "variants": [0]}]}
    both = {"sets": 3, "material": 0, "extensions": {"KHR_materials_variants": variants}}
    document = model([material("a", 2), material("b", 1)], {"sets": 3, "material": 0}, both)
    document.json["extensions"] = {"KHR_materials_variants": {"variants": [{"name": "wet"}]}}
    document.json["extensionsUsed"] = ["KHR_materials_variants"]
    # When unused sets go
    made = cleaned(document)
    # Then each keeps what it shows, by a material of its own
    assert (sets(made, 0), sets(made, 1)) == ([20], [10, 20])
    assert (shown(made, 0), shown(made, 1)) == (20, 20)
    numbers = [mesh["primitives"][0]["material"] for mesh in made.json["meshes"]]
    assert len(set(numbers)) == 2 and {made.json["materials"][number]["name"] for number in numbers} == {"a"}
    mapping = made.json["meshes"][1]["primitives"][0]["extensions"]["KHR_materials_variants"]["mappings"][0]
    assert made.json["materials"][mapping["material"]]["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0} | {
        "texCoord": 0
    }


def test_a_material_whose_primitives_agree_stays_one():
    made = cleaned(model([material("a", 1)], {"sets": 2, "material": 0}, {"sets": 3, "material": 0}))
    assert len(made.json["materials"]) == 1
    assert (sets(made, 0), sets(made, 1)) == ([10], [10])


def test_what_stays_as_it_is_keeps_the_material():
    # Given a mesh that has no set to lose, and one that has
    document = model([material("a", 0, 1), material("b", 2)], {"sets": 2, "material": 0}, {"sets": 3, "material": 1})
    made = cleaned(document)
    assert made.json["materials"][0] == document.json["materials"][0]
    assert sets(made, 1) == [20]


def test_the_set_of_a_texture_transform_counts_and_so_does_that_of_other_readers():
    # Given a texture that shows by set 3, or by set 1 where KHR_texture_transform is not known
    moved = {"index": 0, "texCoord": 1, "extensions": {"KHR_texture_transform": {"texCoord": 3}}}
    document = model([{"pbrMetallicRoughness": {"baseColorTexture": moved}}], {"sets": 4, "material": 0})
    made = cleaned(document)
    assert sets(made, 0) == [10, 30]
    info = made.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    assert (info["texCoord"], info["extensions"]["KHR_texture_transform"]["texCoord"]) == (0, 1)
    assert shown(made, 0) == 30


def test_what_morphs_a_set_moves_along():
    document = model([material("a", 1)], {"sets": 2, "material": 0})
    attributes = document.json["meshes"][0]["primitives"][0]["attributes"]
    target = {name: index for name, index in attributes.items() if name.startswith("TEXCOORD")}
    document.json["meshes"][0]["primitives"][0]["targets"] = [target]
    made = cleaned(document).json["meshes"][0]["primitives"][0]
    assert made["targets"] == [{"TEXCOORD_0": made["attributes"]["TEXCOORD_0"]}]


def test_a_material_that_is_animated_keeps_its_numbers():
    # Given an animation of where a texture lies, by the material's number
    moved = {"index": 0, "texCoord": 1, "extensions": {"KHR_texture_transform": {"offset": [0, 0]}}}
    document = model([{"pbrMetallicRoughness": {"baseColorTexture": moved}}], {"sets": 3, "material": 0})
    builder = Builder()
    builder.json, builder.data = document.json, bytearray(document.buffers[0])
    clock = builder.accessor(np.array([0, 1], np.float32), bounds=True)
    values = builder.accessor(np.array([[0, 0], [1, 0]], np.float32))
    place = "/materials/0/pbrMetallicRoughness/baseColorTexture/extensions/KHR_texture_transform/offset"
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": place}}}
    channel = {"sampler": 0, "target": target}
    builder.add("animations", {"samplers": [{"input": clock, "output": values}], "channels": [channel]})
    builder.use("KHR_animation_pointer")
    # Then only what lies above the sets in use goes
    assert sets(cleaned(builder.finish()), 0) == [0, 10]


def test_sets_can_be_kept():
    document = model([material("a", 1)], {"sets": 3, "material": 0})
    assert sets(cleaned(document, keep_texcoords=True), 0) == [0, 10, 20]
