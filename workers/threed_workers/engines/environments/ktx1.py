"""Write a cube map with its harmonics as KTX 1, the container that Filament's cmgen writes and filly reads."""

from __future__ import annotations

import struct

import numpy as np

_HALF_FLOAT, _RGB, _RGB16F = 0x140B, 0x1907, 0x881B
_LARGEST = 65504.0


def pack(levels: list[np.ndarray], harmonics: np.ndarray | None = None) -> bytes:
    """KTX 1 of half-float mip levels (6, n, n, 3), faces +X -X +Y -Y +Z -Z; `harmonics` (9, 3) become its key `sh`."""
    keys = b""
    if harmonics is not None:
        text = "\n".join(" ".join(f"{value:.9g}" for value in row) for row in harmonics)
        entry = b"sh\0" + text.encode() + b"\0"
        keys = struct.pack("<I", len(entry)) + entry + b"\0" * (-len(entry) % 4)
    size = levels[0].shape[1]
    head = (0x04030201, _HALF_FLOAT, 2, _RGB, _RGB16F, _RGB, size, size, 0, 0, 6, len(levels), len(keys))
    out = bytearray(b"\xabKTX 11\xbb\r\n\x1a\n" + struct.pack("<13I", *head) + keys)
    for level in levels:
        rows = np.clip(level, 0, _LARGEST).astype("<f2").reshape(6, level.shape[1], -1)
        padded = np.zeros((6, rows.shape[1], rows.shape[2] + rows.shape[2] % 2), "<f2")  # rows end at 4 bytes
        padded[..., : rows.shape[2]] = rows
        out += struct.pack("<I", padded[0].nbytes) + padded.tobytes()
    return bytes(out)
