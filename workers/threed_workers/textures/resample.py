"""Pictures of another size, averaged as what they are: light, vectors or numbers.

Separable, in blocks of rows, so that beside the picture itself only a few rows are held as floats.
"""

from __future__ import annotations

import numpy as np

from threed_workers.textures.light import from_light, to_light
from threed_workers.textures.roles import Kind, Role

_BLOCK_NUMBERS = 1 << 24  # floats of one block of source rows


def resample(pixels: np.ndarray, width: int, height: int, role: Role) -> np.ndarray:
    """uint8 or uint16 (h, w, channels 1 to 4) to (height, width, channels) of the same type.

    Colours go through linear light (IEC 61966-2-1), and where alpha is coverage they are weighted by it; normals are
    of unit length again; alpha and data stay linear. Opaque colours take Lanczos (a = 3), everything else the average
    of the area, which invents no value that was not there. Edges are clamped.
    """
    down = _weights(pixels.shape[0], height, _is_sharp(pixels, role))
    across = _weights(pixels.shape[1], width, _is_sharp(pixels, role))
    out = np.empty((height, width, pixels.shape[2]), pixels.dtype)
    fitting = _BLOCK_NUMBERS // (pixels.shape[1] * pixels.shape[2]) - down[1].shape[1]
    rows = max(1, fitting * height // pixels.shape[0])
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        first, weights = down[0][start:stop], down[1][start:stop]
        low, high = int(first.min()), int(min(pixels.shape[0], (first + weights.shape[1]).max()))
        block = _decoded(pixels[low:high], role)
        block = _pass(block, first - low, weights)
        block = _pass(block.swapaxes(0, 1), *across).swapaxes(0, 1)
        out[start:stop] = _encoded(block, pixels.dtype, pixels.shape[2], role)
    return out


def _is_sharp(pixels: np.ndarray, role: Role) -> bool:
    return role.kind is Kind.COLOR and pixels.shape[2] in (1, 3)


def _weights(length: int, wanted: int, sharp: bool) -> tuple[np.ndarray, np.ndarray]:
    """(first source row (wanted,), weights float32 (wanted, taps)): rows of one sum, cut at the edges."""
    scale = length / wanted
    support = 3.0 * max(1.0, scale) if sharp else 0.5 * max(1.0, scale)
    centre = (np.arange(wanted) + 0.5) * scale
    first = np.clip(np.floor(centre - support).astype(np.int64), 0, length - 1)
    taps = min(length, int(np.ceil(2 * support)) + 1)
    first = np.minimum(first, length - taps)
    places = first[:, None] + np.arange(taps)
    if sharp:
        distance = (places + 0.5 - centre[:, None]) / max(1.0, scale)
        weights = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)
    else:
        # How much of each source pixel lies below the target pixel.
        high = np.minimum(places + 1, centre[:, None] + support)
        weights = np.maximum(high - np.maximum(places, centre[:, None] - support), 0.0)
    return first, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _pass(block: np.ndarray, first: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sums of float32 rows (n, m, channels) to (len(first), m, channels)."""
    out = np.zeros((len(first), *block.shape[1:]), np.float32)
    last = len(block) - 1
    for tap in range(weights.shape[1]):
        out += weights[:, tap, None, None] * block[np.minimum(first + tap, last)]
    return out


def _decoded(rows: np.ndarray, role: Role) -> np.ndarray:
    """Stored numbers as float32: light, vectors in [-1, 1], or numbers in [0, 1].

    Where alpha is coverage the channels are the weighted colours, alpha, and then the colours as they are, which
    stand in where nothing is covered.
    """
    top = np.iinfo(rows.dtype).max
    channels = rows.shape[2]
    colours = channels - (channels % 2 == 0)
    out = rows.astype(np.float32) / np.float32(top)
    if role.kind is Kind.COLOR:
        out[..., :colours] = to_light(8 * rows.dtype.itemsize)[rows[..., :colours]]
    elif role.kind is Kind.NORMAL:
        out[..., :colours] = 2 * out[..., :colours] - 1
    if role.coverage and channels > colours:
        plain = out[..., :colours].copy()
        out[..., :colours] *= out[..., colours:]
        out = np.concatenate([out, plain], axis=2)
    return out


def _encoded(block: np.ndarray, dtype: np.dtype, channels: int, role: Role) -> np.ndarray:
    colours = channels - (channels % 2 == 0)
    out = block[..., :channels].copy()
    if role.coverage and channels > colours:
        alpha = out[..., colours:]
        covered = alpha > 1e-6
        out[..., :colours] = np.where(covered, out[..., :colours] / np.where(covered, alpha, 1), block[..., channels:])
    if role.kind is Kind.COLOR:
        out[..., :colours] = from_light(np.clip(out[..., :colours], 0, 1))
    elif role.kind is Kind.NORMAL and colours == 3:
        out[..., :3] = (unit(out[..., :3]) + 1) / 2
    elif role.kind is Kind.NORMAL:
        out[..., :colours] = (out[..., :colours] + 1) / 2
    return np.rint(np.clip(out, 0, 1) * np.iinfo(dtype).max).astype(dtype)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) of unit length; those that cancelled out point along +Z, the surface's normal."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    usable = length > 1e-6
    return np.where(usable, vectors / np.where(usable, length, 1), np.float32([0, 0, 1]))
