"""Editing a document: references are all found, removal renumbers them, and only what nothing uses goes."""

from __future__ import annotations

import meshopt
import numpy as np
import pytest

from threed_workers.budget import Budget
from threed_workers.document import Document, edit, read, read_floats, read_glb, write_glb
from threed_workers.document.checks import check
from threed_workers.document.companions import mapped
from threed_workers.document.model import MESHOPT
from threed_workers.samples import animated_model, triangle


def written(document: Document, path) -> Document:
    """What a reader finds in the file."""
    write_glb(document, path)
    found = read_glb(mapped(path), Budget())
    check(found, Budget())
    return found


def with_extension(document: Document, name: str, content: dict) -> Document:
    document.json.setdefault("extensions", {})[name] = content
    edit.use(document, name)
    return document


def test_an_accessor_is_read_back_as_it_was_added(tmp_path):
    # Given rows that are no multiple of 4 bytes
    document = triangle()
    rows = np.array([[1, 2, 3], [4, 5, 6], [250, 251, 252]], np.uint8)
    # When they are added as a colour
    index = edit.add_accessor(document, rows, target=edit.ARRAY, normalized=True, bounds=True)
    document.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = index
    # Then a reader finds them, padded and bounded
    found = written(document, tmp_path / "a.glb")
    accessor = found.json["accessors"][index]
    assert (read(found, index) == rows).all()
    assert found.json["bufferViews"][accessor["bufferView"]]["byteStride"] == 4
    assert accessor["max"] == [250, 251, 252] and accessor["normalized"]


def test_removing_renumbers_every_reference(tmp_path):
    # Given nodes that a scene, a parent, a skin, an animation, an MSFT_lod and an animation pointer refer to
    document = triangle()
    document.json["nodes"] = [{"mesh": 0}, {}, {"children": [3]}, {"extensions": {"MSFT_lod": {"ids": [2]}}}]
    document.json["scenes"] = [{"nodes": [2, 0]}]
    document.json["skins"] = [{"joints": [3]}]
    pointer = {"pointer": "/nodes/3/scale"}
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": pointer}}
    document.json["animations"] = [{"samplers": [], "channels": [{"sampler": 0, "target": target}]}]
    # When the second, to which nothing refers, is removed
    assert edit.remove(document, "nodes", [1])
    # Then all follow
    nodes = document.json["nodes"]
    assert nodes == [{"mesh": 0}, {"children": [2]}, {"extensions": {"MSFT_lod": {"ids": [1]}}}]
    assert document.json["scenes"][0]["nodes"] == [1, 0]
    assert document.json["skins"][0]["joints"] == [2]
    assert pointer["pointer"] == "/nodes/2/scale"


def test_what_is_referred_to_is_not_removed():
    document = triangle()
    with pytest.raises(ValueError, match="still referred"):
        edit.remove(document, "meshes", [0])
    assert len(document.json["meshes"]) == 1


def test_pictures_and_caches_move_with_their_numbers():
    document = triangle()
    document.json["images"] = [{"uri": "a.png"}, {"uri": "b.png"}]
    document.json["textures"] = [{"source": 1}]
    document.pictures = {0: memoryview(b"a"), 1: memoryview(b"b")}
    edit.remove(document, "images", [0])
    assert document.pictures == {0: b"b"}
    assert document.json["textures"] == [{"source": 0}]


def test_a_list_that_gets_empty_goes_with_its_extension():
    document = with_extension(triangle(), "KHR_lights_punctual", {"lights": [{"type": "point"}]})
    edit.remove(document, "lights", [0])
    edit.unuse(document, "KHR_lights_punctual")
    assert "extensions" not in document.json and "extensionsUsed" not in document.json


def test_an_unknown_extension_with_numbers_stops_every_removal():
    # Given an extension whose number may be that of a node, a mesh or anything
    document = with_extension(triangle(), "ACME_links", {"to": 1})
    before = len(document.json["accessors"])
    edit.add_accessor(document, np.zeros(4, np.float32))
    # When the unused accessor is collected, twice
    edit.collect(edit.collect(document))
    # Then it is still there, and one issue says why
    assert len(document.json["accessors"]) == before + 1
    assert [found["code"] for found in document.issues] == ["UNKNOWN_EXTENSION_KEPT"]


def test_an_unknown_extension_without_numbers_stops_nothing():
    document = with_extension(triangle(), "ACME_note", {"author": "somebody", "quality": 0.5, "final": True})
    edit.add_accessor(document, np.zeros(4, np.float32))
    assert len(edit.collect(document).json["accessors"]) == 2
    assert document.issues == []


def test_collecting_leaves_nothing_unused_and_every_value(tmp_path):
    # Given a model of many accessors in one buffer, and what half of them say
    path = tmp_path / "model.glb"
    path.write_bytes(animated_model())
    document = read_glb(mapped(path), Budget())
    kept = [primitive["attributes"]["POSITION"] for _, primitive in document.primitives()]
    before = [read(document, index) for index in kept]
    pictures = [bytes(document.picture(index)) for index in range(3)]
    # When nothing uses the others any more
    for _, primitive in document.primitives():
        primitive["attributes"] = {"POSITION": primitive["attributes"]["POSITION"]}
    del document.json["animations"]
    edit.collect(document)
    # Then only the used ones are there, with the same values, and the file is smaller by the rest
    found = written(document, tmp_path / "less.glb")
    after = [read(found, primitive["attributes"]["POSITION"]) for _, primitive in found.primitives()]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert pictures == [bytes(found.picture(index)) for index in range(3)]
    assert len(found.json["accessors"]) == 2 * len(kept)
    used = sum(view["byteLength"] for view in found.json["bufferViews"])
    assert found.json["buffers"][0]["byteLength"] <= used + 8 * len(found.json["bufferViews"])


def test_interleaved_rows_come_apart_when_one_attribute_goes():
    # Given positions and normals in one view, 24 bytes a row
    document = triangle()
    rows = np.arange(18, dtype=np.float32).reshape(3, 6)
    view = edit.add_view(document, rows.tobytes(), byteStride=24, target=edit.ARRAY)
    shared = {"bufferView": view, "componentType": 5126, "count": 3, "type": "VEC3"}
    document.json["accessors"] += [shared, shared | {"byteOffset": 12}]
    document.json["meshes"][0]["primitives"][0]["attributes"] = {"POSITION": 3}
    # When the positions (accessor 2) are used by nothing
    edit.collect(document)
    # Then the others have 12 bytes a row, and their values
    position = document.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    assert (read_floats(document, position) == rows[:, 3:]).all()
    assert sum(buffer["byteLength"] for buffer in document.json["buffers"]) == 36 + 8  # 6 bytes of indices, padded


@pytest.mark.parametrize("name", ["draco", "meshopt"])
def test_decompressed_documents_read_the_same(name, tmp_path):
    # Given a compressed model, decoded by the checks
    document = COMPRESSED[name](tmp_path)
    before = [read(document, index) for index in range(len(document.json["accessors"]))]
    # When it is decompressed and written
    edit.decompress(document)
    after = written(edit.collect(document), tmp_path / "plain.glb")
    # Then its numbers are the same, and no compression is left
    assert all((a == read(after, index)).all() for index, a in enumerate(before))
    assert "extensionsUsed" not in after.json and "extensionsRequired" not in after.json
    assert len(after.json["buffers"]) == 1


def _meshopt(tmp_path) -> Document:
    """The triangle with its positions in a stream, and a placeholder for readers that do not know it."""
    document = triangle()
    data = document.view(0)
    stream = meshopt.encode_gltf_buffer(np.frombuffer(data, np.float32).reshape(3, 3), "ATTRIBUTES")
    place = edit.add_view(document, bytes(stream))
    coded = {"buffer": 1, "byteLength": len(stream), "byteStride": 12, "count": 3, "mode": "ATTRIBUTES"}
    document.json["bufferViews"].pop(place)
    document.json["buffers"].append({"byteLength": 36, "extensions": {MESHOPT: {"fallback": True}}})
    document.buffers.append(None)
    document.json["bufferViews"][0] |= {"buffer": 2, "byteOffset": 0, "extensions": {MESHOPT: coded}}
    edit.use(document, MESHOPT, required=True)
    return written(document, tmp_path / "meshopt.glb")


def _draco(tmp_path) -> Document:
    import DracoPy

    document = triangle()
    points = read(document, 0)
    stream = DracoPy.encode(points, np.array([[0, 1, 2]], np.uint32), preserve_order=True)
    view = edit.add_view(document, stream)
    name = "KHR_draco_mesh_compression"
    primitive = document.json["meshes"][0]["primitives"][0]
    primitive["extensions"] = {name: {"bufferView": view, "attributes": {"POSITION": 0}}}
    for accessor in document.json["accessors"]:
        del accessor["bufferView"]
    edit.use(document, name, required=True)
    return written(document, tmp_path / "draco.glb")


COMPRESSED = {"draco": _draco, "meshopt": _meshopt}
