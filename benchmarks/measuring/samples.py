"""Files to upload: binary STL of any size, which every door accepts."""

from __future__ import annotations

import secrets
import struct
from pathlib import Path

_HEADER_BYTES, _TRIANGLE_BYTES = 80, 50
_BLOCK_TRIANGLES = 20_000


def write_stl(path: Path, size: int) -> int:
    """Write a binary STL of at most `size` bytes, and return how many it has. Its triangles are noise."""
    triangles = (size - _HEADER_BYTES - 4) // _TRIANGLE_BYTES
    block = secrets.token_bytes(_TRIANGLE_BYTES * _BLOCK_TRIANGLES)
    with path.open("wb") as file:
        file.write(bytes(_HEADER_BYTES) + struct.pack("<I", triangles))
        left = triangles * _TRIANGLE_BYTES
        while left:
            left -= file.write(block[:left])
    return path.stat().st_size


def make_new(path: Path) -> None:
    """Change the header, so that no store has seen these bytes before."""
    with path.open("r+b") as file:
        file.write(secrets.token_hex(_HEADER_BYTES // 2).encode())
