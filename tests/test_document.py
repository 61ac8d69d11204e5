"""The document: nothing is lost, numbers are read as the specification says, and packing moves bytes only."""

from __future__ import annotations

import base64
import struct

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threed.errors import FileMalformed, FileTruncated, FileUriForbidden
from threed_workers.budget import Budget
from threed_workers.document import (
    Builder,
    Companions,
    Document,
    bounds,
    read,
    read_floats,
    read_glb,
    read_gltf,
    write_glb,
)
from threed_workers.document.checks import check
from threed_workers.document.companions import mapped
from threed_workers.document.render_copy import render_copy
from threed_workers.document.uris import embedded, relative
from threed_workers.document.world import world_box
from threed_workers.samples import animated_model, triangle

BUDGET = Budget()

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def written(document, path) -> Document:
    write_glb(document, path)
    return read_glb(mapped(path), BUDGET)


@settings(max_examples=60, deadline=None)
@given(
    extras=values, extension=st.dictionaries(names, values, max_size=4), names=st.lists(names, min_size=1, max_size=3)
)
def test_what_nobody_knows_survives(tmp_path_factory, extras, extension, names):
    # Given a document with things that no code here has heard of
    document = triangle()
    document.json |= {
        "extras": extras,
        "extensionsUsed": ["ACME_x"],
        "extensions": {"ACME_x": extension},
        "acme": names,
    }
    document.json["nodes"][0] |= {"name": names[0], "extras": extras, "extensions": {"ACME_x": extension}}
    # When it is written and read again
    again = written(document, tmp_path_factory.mktemp("glb") / "a.glb")
    # Then it is the same, and checking it changes nothing
    assert again.json == document.json
    check(again, BUDGET)
    assert again.json == document.json


def test_writing_is_deterministic_and_settles_at_once(tmp_path):
    (tmp_path / "first.glb").write_bytes(animated_model())
    once = written(read_glb(mapped(tmp_path / "first.glb"), BUDGET), tmp_path / "second.glb")
    written(once, tmp_path / "third.glb")
    assert (tmp_path / "second.glb").read_bytes() == (tmp_path / "third.glb").read_bytes()
    assert animated_model() == animated_model()


def test_packing_brings_companions_and_data_uris_into_one_buffer(tmp_path):
    # Given a glTF with a buffer in a data: URI, one in a file, and a picture in a file with a coded name
    (tmp_path / "b.bin").write_bytes(b"second--")
    (tmp_path / "wood 1.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    root = {
        "asset": {"version": "2.0"},
        "buffers": [
            {"byteLength": 5, "uri": "data:application/gltf-buffer;base64," + base64.b64encode(b"first").decode()},
            {"byteLength": 8, "uri": "b.bin", "name": "second"},
        ],
        "bufferViews": [{"buffer": 1, "byteOffset": 2, "byteLength": 4}, {"buffer": 0, "byteLength": 5}],
        "images": [{"uri": "wood%201.png", "name": "wood"}],
    }
    files = {file.name: file for file in tmp_path.iterdir()}
    document = read_gltf(memoryview(orjson.dumps(root)), BUDGET, Companions(files))
    # When it is written as GLB
    again = written(document, tmp_path / "out.glb")
    # Then there is one buffer, every view has its bytes, and the picture is inside
    assert len(again.json["buffers"]) == 1
    assert [bytes(again.view(0)), bytes(again.view(1))] == [b"cond", b"first"]
    assert bytes(again.picture(0)) == b"\x89PNG\r\n\x1a\nrest"
    assert again.json["images"] == [{"name": "wood", "bufferView": 2, "mimeType": "image/png"}]


def test_the_source_of_a_document_stays_as_it_was(tmp_path):
    document = triangle()
    before = orjson.dumps(document.json)
    written(document, tmp_path / "a.glb")
    check(document, BUDGET)
    render_copy(document)
    assert orjson.dumps(document.json) == before


def test_files_beyond_the_number_of_maps_are_read_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("threed_workers.document.companions._MOST_MAPS", 2)
    data = bytes(range(256)) * 5000
    (tmp_path / "large").write_bytes(data)
    views = [mapped(tmp_path / "large") for _ in range(4)]
    assert all(view == data for view in views)


# ---------------------------------------------------------------- accessors


def test_strides_and_offsets_are_honoured():
    # Given positions and normals interleaved, from byte 4
    rows = np.arange(18, dtype="<f4").reshape(3, 6)
    data = b"\0\0\0\0" + rows.tobytes()
    accessors = [
        {"bufferView": 0, "byteOffset": offset, "componentType": 5126, "count": 3, "type": "VEC3"} for offset in (0, 12)
    ]
    view = {"buffer": 0, "byteOffset": 4, "byteLength": 72, "byteStride": 24}
    document = Document({"bufferViews": [view], "accessors": accessors}, [memoryview(data)])
    assert read(document, 0).tolist() == rows[:, :3].tolist()
    assert read(document, 1).tolist() == rows[:, 3:].tolist()


def test_columns_of_small_matrices_begin_at_multiples_of_four():
    data = bytes([1, 2, 0, 0, 3, 4, 0, 0])
    accessor = {"bufferView": 0, "componentType": 5121, "count": 1, "type": "MAT2"}
    document = Document({"bufferViews": [{"buffer": 0, "byteLength": 8}], "accessors": [accessor]}, [memoryview(data)])
    assert read(document, 0).tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("kind", "stored", "meant"),
    [(5121, [0, 255], [0.0, 1.0]), (5120, [-128, 127], [-1.0, 1.0]), (5123, [0, 65535], [0.0, 1.0])],
)
def test_normalized_integers_are_fractions(kind, stored, meant):
    builder = Builder()
    dtype = {5121: np.uint8, 5120: np.int8, 5123: np.uint16}[kind]
    index = builder.accessor(np.array(stored, dtype), normalized=True)
    assert read_floats(builder.finish(), index).reshape(-1).tolist() == meant


def test_sparse_values_replace_what_lies_beneath():
    builder = Builder()
    base = builder.accessor(np.zeros((5, 1), np.float32))
    where, what = builder.view(struct.pack("<2H", 1, 4)), builder.view(struct.pack("<2f", 7, 9))
    changes = {"count": 2, "indices": {"bufferView": where, "componentType": 5123}, "values": {"bufferView": what}}
    builder.json["accessors"][base]["sparse"] = changes
    document = builder.finish()
    check(document, BUDGET)
    assert read(document, base).reshape(-1).tolist() == [0, 7, 0, 0, 9]
    assert bounds(document, base).high.tolist() == [9]


# ---------------------------------------------------------------- containers and URIs


def _glb(*chunks: tuple[bytes, bytes], version: int = 2, length: int | None = None) -> memoryview:
    body = b"".join(struct.pack("<I4s", len(data), kind) + data for kind, data in chunks)
    return memoryview(struct.pack("<4sII", b"glTF", version, len(body) + 12 if length is None else length) + body)


ASSET = b'{"asset":{"version":"2.0"}}  '


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (_glb((b"BIN\0", b"1234"), (b"JSON", ASSET)), FileMalformed),
        (_glb((b"JSON", ASSET), (b"JSON", ASSET)), FileMalformed),
        (_glb((b"JSON", ASSET), (b"ACME", b"1234"), (b"BIN\0", b"1234")), FileMalformed),
        (_glb((b"JSON", ASSET), length=9000), FileTruncated),
        (_glb((b"JSON", ASSET), length=12), FileMalformed),
        (_glb((b"JSON", ASSET))[:-1], FileTruncated),
        (_glb(), FileTruncated),
    ],
)
def test_a_container_that_contradicts_itself_is_refused(data, error):
    with pytest.raises(error):
        read_glb(data, BUDGET)


def test_unknown_chunks_behind_the_known_ones_are_skipped():
    assert read_glb(_glb((b"JSON", ASSET), (b"BIN\0", b"1234"), (b"ACME", b"12345678")), BUDGET).json["asset"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/a.bin",
        "HTTPS://example.com/a",
        "file:///etc/passwd",
        "/etc/passwd",
        "//host/share",
        "\\\\host\\share",
        "C:\\a.bin",
        "../a.bin",
        "a/../../b.bin",
        "..\\a.bin",
        "%2e%2e/a.bin",
        "%2fetc/passwd",
        "a%00.bin",
        "a\nb.bin",
    ],
)
def test_a_uri_that_leads_out_of_the_upload_is_forbidden(uri):
    with pytest.raises(FileUriForbidden) as caught:
        relative(uri, "/buffers/0/uri")
    assert caught.value.metadata["where"] == "/buffers/0/uri"


@pytest.mark.parametrize(("uri", "name"), [("a%20b/c.bin", "a b/c.bin"), ("a\\c.bin", "a/c.bin"), ("%252e", "%2e")])
def test_a_relative_uri_is_decoded_once(uri, name):
    assert relative(uri, "") == name


def test_data_uris_come_with_and_without_base64():
    assert embedded("data:text/plain,a%20b", "") == ("text/plain", b"a b")
    assert embedded("data:application/octet-stream;base64,AAEC", "") == ("application/octet-stream", b"\0\1\2")
    assert embedded("DATA:;base64,AA%3D%3D", "") == ("", b"\0")
    assert embedded("a.bin", "") is None


# ---------------------------------------------------------------- the render copy, the world


def test_the_render_copy_is_plain(tmp_path):
    # Given positions of 6 bytes a row, a fan, an attribute of its own and an extension that nobody draws
    builder = Builder()
    points = np.array([[0, 0, 0], [9, 0, 0], [9, 9, 0], [0, 9, 0]], np.int16)
    position = builder.accessor(points, bounds=True)
    attributes = {"POSITION": position, "_TEMPERATURE": builder.attribute(np.zeros(4, np.float32))}
    mesh = builder.add("meshes", {"primitives": [{"attributes": attributes, "mode": 6}]})
    builder.add("nodes", {"mesh": mesh, "extensions": {"ACME_x": {}}})
    builder.use("ACME_x")
    builder.use("KHR_mesh_quantization", required=True)
    document = builder.finish()
    check(document, BUDGET)
    # When the copy for renderers is made
    packed, losses = render_copy(document)
    copy = written(packed, tmp_path / "render.glb")
    # Then rows are padded, the fan is triangles, and what went is listed
    check(copy, BUDGET)
    primitive = copy.json["meshes"][0]["primitives"][0]
    view = copy.json["accessors"][primitive["attributes"]["POSITION"]]["bufferView"]
    assert copy.json["bufferViews"][view]["byteStride"] == 8
    assert primitive["mode"] == 4
    assert read(copy, primitive["indices"]).reshape(-1).tolist() == [0, 1, 2, 0, 2, 3]
    assert read(copy, primitive["attributes"]["POSITION"]).tolist() == points.tolist()
    assert list(primitive["attributes"]) == ["POSITION"]
    assert copy.json["extensionsUsed"] == ["KHR_mesh_quantization"]
    assert {entry["feature"] for entry in losses} == {"ACME_x", "attribute _TEMPERATURE"}


def test_the_world_box_follows_the_nodes():
    # Given a unit triangle under a parent that scales by 2 and moves by 10, in a child turned a quarter about Z
    document = triangle()
    half = 0.5**0.5
    document.json["nodes"] = [
        {"children": [1], "translation": [10, 0, 0], "scale": [2, 2, 2]},
        {"mesh": 0, "rotation": [0, 0, half, half]},
    ]
    document.json["scenes"] = [{"nodes": [0]}]
    low, high = world_box(document)
    assert np.allclose(low, [8, 0, 0]) and np.allclose(high, [10, 2, 0])


def test_the_world_box_of_a_skinned_mesh_is_where_its_joints_put_it():
    # Given one joint 5 metres up, all weights on it, and a mesh node far away, which skinning ignores
    builder = Builder()
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    attributes = {
        "POSITION": builder.positions(points),
        "JOINTS_0": builder.attribute(np.zeros((3, 4), np.uint8)),
        "WEIGHTS_0": builder.attribute(np.array([[1, 0, 0, 0]] * 3, np.float32)),
    }
    mesh = builder.add("meshes", {"primitives": [{"attributes": attributes}]})
    builder.add("nodes", {"mesh": mesh, "skin": 0, "translation": [99, 0, 0]})
    builder.add("nodes", {"translation": [0, 5, 0]})
    builder.add("skins", {"joints": [1]})
    low, high = world_box(builder.finish())
    assert low.tolist() == [0, 5, 0] and high.tolist() == [1, 6, 0]
