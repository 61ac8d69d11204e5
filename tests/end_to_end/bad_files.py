"""Small files that are wrong, each in one way; and the reason that the stack must give for it."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib

import orjson

from threed_workers.samples import glb_bytes, sample, triangle, zipped


def _gltf(**changes: object) -> bytes:
    return orjson.dumps({**orjson.loads(sample("gltf")), **changes})


def _buffer_at(uri: str) -> bytes:
    root = orjson.loads(sample("gltf"))
    root["buffers"][0]["uri"] = uri
    return orjson.dumps(root)


def _glb(**changes: object) -> bytes:
    document = triangle()
    document.json |= changes
    return glb_bytes(document)


def _accessor_bomb() -> bytes:
    document = triangle()
    document.json["accessors"][0] = {"componentType": 5126, "count": 10**9, "type": "VEC3"}
    return glb_bytes(document)


def _nan_positions() -> bytes:
    data = bytearray(sample("glb"))
    data[-44:-8] = struct.pack("<9f", *[float("nan")] * 9)
    return bytes(data)


def _zip_that_climbs() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../evil.glb", sample("glb"))
    return out.getvalue()


def _zip_bomb() -> bytes:
    return zipped({"a.glb": b"\0" * (64 << 20)})


def _huge_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


_CYCLE = [{"children": [1], "mesh": 0}, {"children": [0]}]
_NESTED = _gltf()[:-1] + b',"extras":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

# Seen from size and first bytes: refused by the upload itself.
AT_ONCE = {
    "a cut GLB": (sample("glb")[:-5], "FILE_TRUNCATED"),
    "half a header": (b"glTF\2\0", "FILE_TRUNCATED"),
    "a GLB of version 1": (sample("glb")[:4] + b"\1\0\0\0" + sample("glb")[8:], "FILE_MALFORMED"),
    "a program": (b"\x7fELF" + b"\0" * 60, "FILE_FORMAT_UNKNOWN"),
    "a PDF": (b"%PDF-1.7\n", "FILE_FORMAT_UNKNOWN"),
    "a gzip": (gzip.compress(b"\0" * 1000), "FILE_FORMAT_UNKNOWN"),
}
# Seen by a worker: the asset is FAILED, with the reason.
BY_A_WORKER = {
    "a script": (b"#!/bin/sh\nrm -rf /\n", "FILE_FORMAT_UNKNOWN"),
    "bytes of nothing": (bytes(range(256)) * 8, "FILE_FORMAT_UNKNOWN"),
    "a wrong magic": (b"glTG" + sample("glb")[4:], "FILE_FORMAT_UNKNOWN"),
    "a zip of no bytes": (b"PK\x05\x06" + b"\0" * 18, "FILE_EMPTY"),
    "a zip that climbs out": (_zip_that_climbs(), "FILE_URI_FORBIDDEN"),
    "a zip bomb": (_zip_bomb(), "FILE_TOO_COMPLEX"),
    "an accessor bomb": (_accessor_bomb(), "FILE_TOO_COMPLEX"),
    "100,000 arrays in each other": (_NESTED, "FILE_TOO_COMPLEX"),
    "cyclic nodes": (_glb(nodes=_CYCLE), "FILE_VALUES_INVALID"),
    "NaN positions": (_nan_positions(), "FILE_VALUES_INVALID"),
    "an absolute path": (_buffer_at("/etc/passwd"), "FILE_URI_FORBIDDEN"),
    "a file: address": (_buffer_at("file:///etc/passwd"), "FILE_URI_FORBIDDEN"),
    "an http: address": (_buffer_at("http://127.0.0.1:47113/a.bin"), "FILE_URI_FORBIDDEN"),
    "a parent folder": (_buffer_at("../secret.bin"), "FILE_URI_FORBIDDEN"),
    "NUL in a name": (_buffer_at("a%00.bin"), "FILE_URI_FORBIDDEN"),
    "a missing companion": (_buffer_at("other.bin"), "FILE_COMPANION_MISSING"),
    "a picture of 50,000 squared": (_huge_png(), "FILE_TOO_COMPLEX"),
    "a PLY of four billion": (sample("ply").replace(b"vertex 4", b"vertex 4294967295"), "FILE_TRUNCATED"),
    "an OBJ index past the vertices": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "FILE_VALUES_INVALID"),
}
