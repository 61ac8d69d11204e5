"""Reading and writing back without a transform keeps everything: every value, picture, key, extension and extra."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threed_workers import formats
from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions, Document, read, read_glb, read_gltf, write_glb
from threed_workers.document.checks import check
from threed_workers.document.companions import mapped
from threed_workers.document.model import MESHOPT
from threed_workers.formats import Source
from threed_workers.inventory import compare, inventory
from threed_workers.samples import SAMPLES, animated_model, sample
from threed_workers.samples.files import png_bytes

BUDGET = Budget()
MODELS = Path(__file__).parents[2] / "shared/models"
MANIFEST = MODELS / "manifest.json"
# Called valid, and refused: tests/formats/test_models.py has the reasons.
REFUSED = ("min_version_valid.gltf", "unused_objects.gltf", "unrecognized_format.gltf", "non_relative_uri.gltf")
# Where bytes lie. What they are is compared instead.
_ADDRESSES = {"buffers": None, "bufferViews": ("buffer", "byteOffset"), "images": ("uri", "bufferView", "mimeType")}


def meaning(document: Document, views: int | None = None) -> dict[str, Any]:
    """Everything that a document says, free of addresses: its JSON, and digests of what its bytes are.

    `views` leaves out the views behind that number, which packing added for pictures.
    """
    root = json.loads(orjson.dumps(document.json))
    root.pop("buffers", None)
    root["bufferViews"] = [_without(view, "bufferViews") for view in root.get("bufferViews", [])[:views]]
    if "images" in root:
        root["images"] = [_without(image, "images") for image in root["images"]]
    for view in root["bufferViews"]:
        stream = (view.get("extensions") or {}).get(MESHOPT, {})
        for key in ("buffer", "byteOffset"):
            stream.pop(key, None)
    return {
        "json": root,
        "values": [_digest(read(document, number)) for number in range(len(document.all("accessors")))],
        "views": [_digest(document.view(number)) for number in range(len(root["bufferViews"]))],
        "pictures": [_digest(document.picture(number)) for number in range(len(document.all("images")))],
        "streams": [_digest(stream) for stream in _streams(document)],
    }


def _without(entry: dict, kind: str) -> dict:
    return {key: value for key, value in entry.items() if key not in _ADDRESSES[kind]}


def _digest(data: np.ndarray | memoryview) -> str:
    return hashlib.sha256(np.ascontiguousarray(data) if isinstance(data, np.ndarray) else data).hexdigest()


def _streams(document: Document) -> list[memoryview]:
    """The compressed bytes themselves."""
    found = [(view.get("extensions") or {}).get(MESHOPT) for view in document.all("bufferViews")]
    return [document.slice(one["buffer"], one.get("byteOffset", 0), one["byteLength"]) for one in found if one]


def assert_kept(document: Document, target: Path) -> Document:
    """Write, read again, and compare. Gives what was read."""
    write_glb(document, target)
    again = read_glb(mapped(target), BUDGET)
    check(again, BUDGET)
    assert compare(inventory(document), inventory(again)) == []
    assert inventory(document) == inventory(again)
    before, after = meaning(document), meaning(again, len(document.all("bufferViews")))
    for part in before:
        assert before[part] == after[part], part
    return again


KINDS = ("glb", "gltf", "obj", "stl", "ply")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.split(".")[0] in KINDS and "zip" not in name])
def test_samples_of_models_are_kept(name, tmp_path):
    (tmp_path / "upload").write_bytes(sample(name))
    source = Source(tmp_path / "upload", name)
    assert_kept(formats.recognise(source).read(source, BUDGET), tmp_path / "again.glb")


def test_the_showpiece_is_kept_and_settles_at_once(tmp_path):
    document = read_glb(memoryview(animated_model()), BUDGET)
    check(document, BUDGET)
    assert_kept(assert_kept(document, tmp_path / "once.glb"), tmp_path / "twice.glb")
    assert (tmp_path / "once.glb").read_bytes() == (tmp_path / "twice.glb").read_bytes()


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
owners = st.dictionaries(
    st.sampled_from(["name", "extras", "acme"]), text | st.dictionaries(text, anything, max_size=3)
)
TYPES = (np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.float32)


def scrambled(builder: Builder, chance: np.random.Generator) -> int:
    """An accessor of any type, width, stride and offset, with or without a view or sparse values; gives its number."""
    dtype, width, count = np.dtype(chance.choice(TYPES)), int(chance.choice([1, 2, 3, 4])), int(chance.integers(1, 9))
    row, lead = dtype.itemsize * width, 4 * int(chance.integers(0, 3))
    stride = int(chance.choice([row + -row % 4, row + -row % 4 + 4]))
    data = chance.integers(0, 50, lead + stride * count, np.uint8).tobytes()
    kinds = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
    codes = dict(zip(TYPES, (5120, 5121, 5122, 5123, 5125, 5126), strict=True))
    entry: dict = {"componentType": codes[dtype.type], "type": kinds[width], "count": count}
    if chance.random() < 0.8:
        entry |= {"bufferView": builder.view(data, byteStride=stride), "byteOffset": lead}
    if chance.random() < 0.4:
        some = np.sort(chance.choice(count, int(chance.integers(1, count + 1)), replace=False)).astype(np.uint16)
        values = chance.integers(0, 50, (len(some), row), np.uint8).tobytes()
        places = {"bufferView": builder.view(some.tobytes()), "componentType": 5123}
        entry["sparse"] = {"count": len(some), "indices": places, "values": {"bufferView": builder.view(values)}}
    return builder.add("accessors", entry)


def shuffled(chance: np.random.Generator, parts: list[dict]) -> Document:
    """A document of nearly every kind of thing; `parts` (names, extras, unknown keys) are strewn over it."""
    builder = Builder()
    points = chance.random((6, 3), np.float32)
    attributes = {"POSITION": builder.positions(points), "JOINTS_0": builder.attribute(np.zeros((6, 4), np.uint8))}
    attributes["WEIGHTS_0"] = builder.attribute(np.tile(np.float32([1, 0, 0, 0]), (6, 1)))
    target = {"POSITION": builder.positions(points[::-1])}
    skin = builder.add("skins", {"joints": [1], "inverseBindMatrices": builder.accessor(np.eye(4, dtype="f4")[None])})
    picture = png_bytes(chance.integers(0, 256, (2, 3, 3), np.uint8))
    source = builder.picture(picture, "image/png")
    builder.add("textures", {"source": source, "sampler": builder.add("samplers", {"wrapS": 33071})})
    clearcoat = {"KHR_materials_clearcoat": {"clearcoatTexture": {"index": 0}}, "ACME_x": parts[0]}
    builder.add("materials", {"extensions": clearcoat})
    for _ in range(int(chance.integers(1, 6))):
        scrambled(builder, chance)
    primitive = {"attributes": attributes, "targets": [target], "material": 0, "mode": 0}
    builder.add("meshes", {"primitives": [primitive], "weights": [0.5]})
    builder.add("nodes", {"mesh": 0, "skin": skin})
    builder.add("nodes", {"camera": builder.add("cameras", {"type": "orthographic", "orthographic": {"xmag": 1}})})
    clock = builder.accessor(np.float32([0, 1]), bounds=True)
    spin = builder.accessor(np.tile(np.float32([0, 0, 0, 1]), (2, 1)))
    channels = [{"sampler": 0, "target": {"node": 1, "path": "rotation"}}]
    sampler = {"input": clock, "output": spin, "interpolation": "STEP"}
    builder.add("animations", {"channels": channels, "samplers": [sampler]})
    document = builder.finish()
    document.json["extensionsUsed"] = ["KHR_materials_clearcoat", "ACME_x"]
    places = ("nodes", "meshes", "materials", "accessors", "bufferViews", "images", "textures", "skins", "cameras")
    for kind, part in zip(places, parts, strict=False):
        document.json[kind][-1] |= part
    document.json["asset"]["extras"] = {"threed": {"units": 0.01, "up": "Z"}}
    return document


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), parts=st.lists(owners, min_size=9, max_size=9))
def test_any_document_is_kept(tmp_path_factory, seed, parts):
    document = shuffled(np.random.default_rng(seed), parts)
    check(document, BUDGET)
    assert_kept(document, tmp_path_factory.mktemp("glb") / "a.glb")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), parts=st.lists(owners, min_size=9, max_size=9), pieces=st.integers(1, 4))
def test_a_gltf_of_many_buffers_and_pictures_outside_is_kept(tmp_path_factory, seed, parts, pieces):
    # Given a document whose views lie in several buffers, in data: URIs, and whose picture is a file
    folder = tmp_path_factory.mktemp("gltf")
    document = shuffled(np.random.default_rng(seed), parts)
    (folder / "a picture.png").write_bytes(document.picture(0))
    root = json.loads(orjson.dumps(document.json))
    del root["images"][0]["bufferView"]
    root["images"][0]["uri"] = "a%20picture.png"
    views = [bytes(document.view(number)) for number in range(len(root["bufferViews"]))]
    buffers = [b""] * pieces
    for number, data in enumerate(views):
        place = number % pieces
        buffers[place] += bytes(-len(buffers[place]) % 4)
        root["bufferViews"][number] |= {"buffer": place, "byteOffset": len(buffers[place])}
        buffers[place] += data
    uri = "data:application/octet-stream;base64,"
    root["buffers"] = [{"byteLength": len(b), "uri": uri + base64.b64encode(b).decode()} for b in buffers]
    around = Companions({"a picture.png": folder / "a picture.png"})
    split = read_gltf(memoryview(orjson.dumps(root)), BUDGET, around)
    check(split, BUDGET)
    # When it is written as GLB, then everything is there, in one buffer
    again = assert_kept(split, folder / "a.glb")
    assert len(again.json["buffers"]) == 1


def test_the_comparison_sees_a_single_changed_bit(tmp_path):
    # Given a document and its copy
    document = read_glb(memoryview(animated_model()), BUDGET)
    again = assert_kept(document, tmp_path / "a.glb")
    changed = bytearray(again.buffers[0])
    # When one bit of a position is turned
    changed[again.json["bufferViews"][again.json["accessors"][0]["bufferView"]]["byteOffset"]] ^= 1
    again.buffers[0] = memoryview(changed)
    # Then it is another document
    assert meaning(document)["values"] != meaning(again)["values"]


def _valid() -> list[str]:
    if not MANIFEST.exists():
        return []
    entries = json.loads(MANIFEST.read_text())["entries"]
    kept = [entry for entry in entries if entry["format"] in ("glb", "gltf") and entry["expected"]["kind"] == "valid"]
    return [entry["file"] for entry in kept if not entry["file"].endswith(REFUSED)]


@pytest.mark.parametrize("file", _valid())
def test_real_models_are_kept(file, tmp_path):
    path = MODELS / file
    files = [found for found in path.parent.rglob("*") if found.is_file()]
    around = Companions({str(found.relative_to(path.parent)): found for found in files})
    document = (read_glb if path.suffix == ".glb" else read_gltf)(mapped(path), BUDGET, around)
    check(document, BUDGET)
    again = assert_kept(document, tmp_path / "again.glb")
    assert bool(again.decoded or again.unpacked) == bool(document.decoded or document.unpacked)
