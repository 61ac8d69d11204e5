"""PNG files (W3C PNG, Third Edition) of 8 or 16 bits a channel. Each row is the difference to the pixel on its left.

Pillow halves 16 bits of colour; and of 8, it weighs five filters for each row, which takes longer than to compress it.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_LEFT = 1  # filter type 1, "Sub" (section 9.2)
_ROWS = 256  # at a time, so that a large picture is not in memory twice


def encode(
    pixels: np.ndarray, level: int = 3, strategy: int = zlib.Z_DEFAULT_STRATEGY, marked_srgb: bool = False
) -> bytes:
    """uint8 or uint16 (h, w, 1 to 4): grey, grey with alpha, RGB or RGBA, straight alpha, top row first.

    `level` and `strategy` are zlib's.
    """
    height, width, channels = pixels.shape
    depth = 8 * pixels.itemsize
    packer = zlib.compressobj(level, strategy=strategy)
    data = [packer.compress(_rows(pixels[start : start + _ROWS])) for start in range(0, height, _ROWS)]
    data.append(packer.flush())
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", b"".join(data)), (b"IEND", b"")]
    if marked_srgb:
        chunks.insert(1, (b"sRGB", b"\0"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _rows(pixels: np.ndarray) -> np.ndarray:
    """Filtered, each behind the number of its filter."""
    big = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">"))
    samples, pixel = big.view(np.uint8).reshape(len(big), -1), big.shape[2] * big.itemsize
    rows = np.empty((len(samples), 1 + samples.shape[1]), np.uint8)
    rows[:, 0] = _LEFT
    rows[:, 1 : 1 + pixel] = samples[:, :pixel]
    np.subtract(samples[:, pixel:], samples[:, :-pixel], out=rows[:, 1 + pixel :])
    return rows
