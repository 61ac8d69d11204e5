"""GLB, the binary container: read strictly, written canonically."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import orjson

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTooComplex, FileTruncated
from threed_workers.budget import Budget
from threed_workers.document.companions import Companions
from threed_workers.document.gltf import attach
from threed_workers.document.json_text import parse
from threed_workers.document.model import Document, Json, issue
from threed_workers.document.packing import Packed, pack
from threed_workers.document.pages import looked_at

_JSON, _BIN = 0x4E4F534A, 0x004E4942
_AT_ONCE = 32 << 20  # bytes of a piece that are written before its pages may go


def read_glb(data: memoryview, budget: Budget, companions: Companions = Companions()) -> Document:  # noqa: B008 frozen
    """A Document over `data`, which must stay open; nothing is copied."""
    issues: list[Json] = []
    text, binary = _chunks(data, issues)
    document = attach(parse(text, budget, origin=20), binary or memoryview(b""), companions, budget)
    document.issues[:0] = issues
    return document


def _chunks(data: memoryview, issues: list[Json]) -> tuple[memoryview, memoryview | None]:
    """The JSON chunk and, if any, the BIN chunk. Unknown chunks after those are skipped (glTF 2.0 section 4.4.3)."""
    if len(data) < 20:
        raise FileTruncated(f"A GLB needs at least 20 bytes and this has {len(data)}.", where="byte 0")
    magic, version, length = struct.unpack_from("<4sII", data)
    if magic != b"glTF":
        raise FileMalformed("A GLB begins with the letters glTF; this does not.", where="byte 0")
    if version != 2:
        raise FileFeatureUnsupported(
            f"This is glTF binary version {version}; only version 2 is read. Convert it with gltf-pipeline.",
            where="byte 4",
        )
    if length > len(data):
        raise FileTruncated(f"The header says {length} bytes and the file has {len(data)}.", where="byte 8")
    if length < len(data):
        raise FileMalformed(f"The header says {length} bytes and the file has {len(data)}.", where="byte 8")
    text = binary = None
    position, number = 12, 0
    while position < length:
        if length - position < 8:
            raise FileTruncated("The file ends within a chunk's header.", where=f"byte {position}")
        size, kind = struct.unpack_from("<II", data, position)
        if size > length - position - 8:
            raise FileTruncated(f"Chunk {number} says {size} bytes, which pass the end.", where=f"byte {position}")
        if size % 4:
            text_of = f"The length of chunk {number} is {size}, not a multiple of 4."
            issues.append(issue("GLB_CHUNK_LENGTH_UNALIGNED", "WARNING", "", text_of))
        body = data[position + 8 : position + 8 + size]
        if (number == 0) != (kind == _JSON):
            raise FileMalformed("The first chunk of a GLB, and no other, must be JSON.", where=f"byte {position}")
        if kind == _JSON:
            text = body
        elif kind == _BIN:
            if number != 1:
                raise FileMalformed("The BIN chunk must come second, once.", where=f"byte {position}")
            binary = body
        position, number = position + 8 + size, number + 1
    if text is None:
        raise FileMalformed("The GLB has no JSON chunk.", where="byte 12")
    return text, binary


def write_glb(document: Document | Packed, target: Path) -> int:
    """Write the document as one GLB with one buffer and every picture inside. Returns the bytes written.

    The bytes of buffers and pictures stay as they were, and so does every key of the JSON but the addresses of them.
    """
    packed = document if isinstance(document, Packed) else pack(document)
    text = orjson.dumps(packed.json)
    text += b" " * (-len(text) % 4)
    size = packed.pieces.size
    padding = -size % 4
    total = 20 + len(text) + (8 + size + padding if size else 0)
    if total > 0xFFFFFFFF:
        raise FileTooComplex(f"The model needs {total} bytes and a GLB holds 4 GiB. Split it.", where="")
    with target.open("wb") as file:
        file.write(struct.pack("<4sIIII", b"glTF", 2, total, len(text), _JSON) + text)
        if size:
            file.write(struct.pack("<II", size + padding, _BIN))
            for piece in packed.pieces.pieces:
                _write(file, memoryview(piece))
            file.write(b"\0" * padding)
    return total


def _write(file: BinaryIO, piece: memoryview) -> None:
    for start in range(0, len(piece), _AT_ONCE):
        part = piece[start : start + _AT_ONCE]
        file.write(part)
        looked_at(part, len(part))
