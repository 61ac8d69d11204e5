"""Bad input of every kind that we promise to refuse, made here: each with its reason and a place."""

from __future__ import annotations

import copy
import io
import stat
import struct
import zipfile
import zlib

import numpy as np
import orjson
import pytest

from threed.errors import FileRefused
from threed_workers.budget import MIB, Budget
from threed_workers.importing import import_file
from threed_workers.samples import glb_bytes, sample, triangle, zipped


def gltf(**changes: object) -> bytes:
    """The sample triangle as .gltf, with root keys replaced."""
    return orjson.dumps({**orjson.loads(sample("gltf")), **changes})


def edited(change) -> bytes:
    """The sample triangle as GLB, after `change(json)`."""
    document = triangle()
    document.json = copy.deepcopy(document.json)
    change(document.json)
    return glb_bytes(document)


def at(*path: object, value: object):
    """A change that sets one place of the JSON."""

    def change(root):
        for key in path[:-1]:
            root = root[key]
        root[path[-1]] = value

    return change


def positions(*numbers: float) -> bytes:
    """The sample triangle with other coordinates."""
    data = bytearray(sample("glb"))
    data[-44:-8] = np.array(numbers, "<f4").tobytes()
    return bytes(data)


def archive(*members: tuple[str, bytes], mode: int | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (mode or 0) << 16
            packed.writestr(info, data)
    return out.getvalue()


def with_name(old: bytes, new: bytes) -> bytes:
    return archive((old.decode(), b"x")).replace(old, new)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def with_picture(data: bytes) -> bytes:
    document = triangle()
    document.json["images"] = [{"uri": "picture"}]
    document.pictures[0] = memoryview(data)
    return glb_bytes(document)


def buffer_at(uri: str) -> bytes:
    root = orjson.loads(sample("gltf"))
    root["buffers"][0]["uri"] = uri
    return orjson.dumps(root)


NESTED = b"[" * 100_000 + b"]" * 100_000
CYCLE = [{"children": [1], "mesh": 0}, {"children": [0]}]
CHAIN = [{"children": [n + 1]} for n in range(5000)] + [{"mesh": 0}]
BOMB = {"componentType": 5126, "count": 10**9, "type": "VEC3"}

BAD = {
    "an empty file": (b"", "FILE_EMPTY"),
    "a cut GLB": (sample("glb")[:-5], "FILE_TRUNCATED"),
    "a wrong magic": (b"glTG" + sample("glb")[4:], "FILE_FORMAT_UNKNOWN"),
    "bytes of nothing": (bytes(range(256)) * 8, "FILE_FORMAT_UNKNOWN"),
    "a web page": (b"<!doctype html><p>404", "FILE_FORMAT_UNKNOWN"),
    "a GLB with another's length": (sample("glb")[:8] + b"\x14\0\0\0" + sample("glb")[12:], "FILE_MALFORMED"),
    "glTF 1.0": (gltf(asset={"version": "1.0"}), "FILE_FEATURE_UNSUPPORTED"),
    "no asset": (b"{}", "FILE_MALFORMED"),
    "JSON that breaks off": (sample("gltf")[:100], "FILE_MALFORMED"),
    "NaN in JSON": (gltf(extras=0)[:-1] + b',"x":NaN}', "FILE_MALFORMED"),
    "100,000 arrays in each other": (
        gltf()[:-1] + b',"extras":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "FILE_TOO_COMPLEX",
    ),
    "an unknown required extension": (gltf(extensionsRequired=["ACME_x"]), "FILE_FEATURE_UNSUPPORTED"),
    "an absolute path": (buffer_at("/etc/passwd"), "FILE_URI_FORBIDDEN"),
    "a parent folder": (buffer_at("../secret.bin"), "FILE_URI_FORBIDDEN"),
    "a parent folder, coded": (buffer_at("%2e%2e/secret.bin"), "FILE_URI_FORBIDDEN"),
    "a file: address": (buffer_at("file:///etc/passwd"), "FILE_URI_FORBIDDEN"),
    "an http: address": (buffer_at("http://127.0.0.1/a.bin"), "FILE_URI_FORBIDDEN"),
    "NUL in a name": (buffer_at("a%00.bin"), "FILE_URI_FORBIDDEN"),
    "a missing companion": (buffer_at("other.bin"), "FILE_COMPANION_MISSING"),
    "a short buffer": (buffer_at("data:;base64,AAAA"), "FILE_TRUNCATED"),
    "an accessor bomb": (edited(at("accessors", 0, value=BOMB)), "FILE_TOO_COMPLEX"),
    "an accessor past its view": (edited(at("accessors", 0, "count", value=4)), "FILE_TRUNCATED"),
    "a view past its buffer": (edited(at("bufferViews", 0, "byteLength", value=999)), "FILE_TRUNCATED"),
    "an index past its list": (edited(at("nodes", 0, "mesh", value=7)), "FILE_MALFORMED"),
    "a list that is a number": (edited(at("meshes", 0, "primitives", value=5)), "FILE_MALFORMED"),
    "cyclic nodes": (edited(at("nodes", value=CYCLE)), "FILE_VALUES_INVALID"),
    "a node with two parents": (
        edited(at("nodes", value=[{"children": [2]}, {"children": [2]}, {"mesh": 0}])),
        "FILE_VALUES_INVALID",
    ),
    "5,000 nodes in a chain": (edited(at("nodes", value=CHAIN)), "FILE_TOO_COMPLEX"),
    "a rotation of length zero": (edited(at("nodes", 0, "rotation", value=[0, 0, 0, 0])), "FILE_VALUES_INVALID"),
    "NaN positions": (positions(*[float("nan")] * 9), "FILE_VALUES_INVALID"),
    "infinite positions": (positions(0, 0, 0, float("inf"), 0, 0, 0, 1, 0), "FILE_VALUES_INVALID"),
    "a picture of 50,000 squared": (png(50_000, 50_000), "FILE_TOO_COMPLEX"),
    "the same inside a model": (with_picture(png(50_000, 50_000)), "FILE_TOO_COMPLEX"),
    "a picture of nothing": (png(0, 4), "FILE_MALFORMED"),
    "a picture that is a program": (with_picture(b"\x7fELF" + b"\0" * 60), "FILE_FORMAT_UNKNOWN"),
    "a cut picture": (sample("png")[:-20], "FILE_TRUNCATED"),
    "a zip of no bytes": (b"PK\x05\x06" + b"\0" * 18, "FILE_EMPTY"),
    "a cut zip": (sample("zip")[:-30], "FILE_MALFORMED"),
    "a zip without a model": (zipped({"a.txt": b"hello"}), "FILE_FORMAT_UNKNOWN"),
    "a zip of two models": (zipped({"a.glb": sample("glb"), "b.glb": sample("glb")}), "FILE_MALFORMED"),
    "a zip that climbs out": (archive(("../../evil", b"x")), "FILE_URI_FORBIDDEN"),
    "a zip with an absolute name": (archive(("/tmp/evil", b"x")), "FILE_URI_FORBIDDEN"),
    "a zip with NUL in a name": (with_name(b"aXb.glb", b"a\0b.glb"), "FILE_MALFORMED"),
    "a zip with a link": (archive(("a.bin", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), "FILE_URI_FORBIDDEN"),
    "a zip bomb": (archive(("a.glb", b"\0" * (64 * MIB))), "FILE_TOO_COMPLEX"),
    "a binary STL that says more": (b"\0" * 80 + struct.pack("<I", 9) + sample("stl")[84:], "FILE_TRUNCATED"),
    "an STL that ends too early": (sample("stl.text")[:-14], "FILE_TRUNCATED"),
    "an OBJ index past the vertices": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "FILE_VALUES_INVALID"),
    "a PLY of four billion": (sample("ply").replace(b"vertex 4", b"vertex 4294967295"), "FILE_TRUNCATED"),
    "a Blender file": (b"BLENDER-v300" + b"\0" * 40, "FILE_FORMAT_UNKNOWN"),
    "an FBX of zeros": (b"Kaydara FBX Binary  \0\x1a\0" + b"\0" * 40, "FILE_MALFORMED"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_reason_and_a_place(name, tmp_path):
    data, reason = BAD[name]
    upload, folder = tmp_path / "upload", tmp_path / "out"
    upload.write_bytes(data)
    folder.mkdir()
    with pytest.raises(FileRefused) as caught:
        import_file(upload, "upload.bin", folder, Budget(), lambda step, fraction: None)
    assert caught.value.reason == reason, caught.value.message
    assert caught.value.metadata["where"]
    assert caught.value.message.endswith((".", "?"))
    # And nothing was written outside the folder
    assert {path.name for path in tmp_path.iterdir()} == {"upload", "out"}


def test_a_picture_that_is_called_a_model_is_refused(tmp_path):
    (tmp_path / "upload").write_bytes(sample("png"))
    (tmp_path / "out").mkdir()
    with pytest.raises(FileRefused) as caught:
        import_file(tmp_path / "upload", "duck.glb", tmp_path / "out", Budget(), lambda step, fraction: None)
    assert caught.value.reason == "FILE_FORMAT_MISMATCH"


def test_a_model_under_another_models_name_is_what_it_is(tmp_path):
    (tmp_path / "upload").write_bytes(sample("glb"))
    (tmp_path / "out").mkdir()
    report = import_file(tmp_path / "upload", "duck.stl", tmp_path / "out", Budget(), lambda step, fraction: None)
    assert report["file_format"] == "glb"
