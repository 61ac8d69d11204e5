"""Write a cube map with its harmonics as KTX 1, the container that Filament's cmgen writes and filly reads."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

_HALF_FLOAT, _RGB, _RGB16F = 0x140B, 0x1907, 0x881B
_LARGEST = 65504.0
_HEAD = 64  # bytes


def pack(
    levels: list[np.ndarray], harmonics: np.ndarray | None = None, notes: Mapping[str, str] | None = None
) -> bytes:
    """KTX 1 of half-float mip levels (6, n, n, 3), faces +X -X +Y -Y +Z -Z.

    `harmonics` (9, 3) become its key `sh`; `notes` are keys that only we read.
    """
    texts = dict(notes or {})
    if harmonics is not None:
        texts["sh"] = "\n".join(" ".join(f"{value:.9g}" for value in row) for row in harmonics)
    keys = b"".join(_entry(name, text) for name, text in texts.items())
    size = levels[0].shape[1]
    head = (0x04030201, _HALF_FLOAT, 2, _RGB, _RGB16F, _RGB, size, size, 0, 0, 6, len(levels), len(keys))
    out = bytearray(b"\xabKTX 11\xbb\r\n\x1a\n" + struct.pack("<13I", *head) + keys)
    for level in levels:
        rows = np.clip(level, 0, _LARGEST).astype("<f2").reshape(6, level.shape[1], -1)
        padded = np.zeros((6, rows.shape[1], rows.shape[2] + rows.shape[2] % 2), "<f2")  # rows end at 4 bytes
        padded[..., : rows.shape[2]] = rows
        out += struct.pack("<I", padded[0].nbytes) + padded.tobytes()
    return bytes(out)


def note(data: bytes, name: str) -> str:
    """The text of a key, "" without it."""
    (length,) = struct.unpack_from("<I", data, _HEAD - 4)
    entries, place = memoryview(data)[_HEAD : _HEAD + length], 0
    while place < len(entries):
        (size,) = struct.unpack_from("<I", entries, place)
        key, _, text = bytes(entries[place + 4 : place + 4 + size]).partition(b"\0")
        if key == name.encode():
            return text.rstrip(b"\0").decode()
        place += 4 + size + -size % 4
    return ""


def _entry(name: str, text: str) -> bytes:
    entry = name.encode() + b"\0" + text.encode() + b"\0"
    return struct.pack("<I", len(entry)) + entry + b"\0" * (-len(entry) % 4)
