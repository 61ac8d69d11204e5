"""Small models that the tests make themselves."""

from __future__ import annotations

import json
import random
import struct


def glb(buffer_bytes: int = 0) -> bytes:
    """A valid GLB without geometry, with a buffer of random bytes of that size in it."""
    document: dict = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"name": "empty"}]}
    binary = b""
    if buffer_bytes:
        document["buffers"] = [{"byteLength": buffer_bytes}]
        document["bufferViews"] = [{"buffer": 0, "byteLength": buffer_bytes}]
        data = random.Random(7).randbytes(buffer_bytes) + bytes(-buffer_bytes % 4)
        binary = struct.pack("<II", len(data), 0x004E4942) + data
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body
