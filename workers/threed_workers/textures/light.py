"""sRGB numbers to linear light and back (IEC 61966-2-1), by tables."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def to_light(depth: int) -> np.ndarray:
    """float32 (2^depth,): the light in [0, 1] of every sRGB number of 8 or 16 bits."""
    encoded = np.linspace(0.0, 1.0, 1 << depth)
    low = encoded / 12.92
    return np.where(encoded <= 0.04045, low, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def from_light(light: np.ndarray) -> np.ndarray:
    """Light in [0, 1] to sRGB in [0, 1], float32."""
    with np.errstate(invalid="ignore"):
        high = 1.055 * np.maximum(light, 0) ** np.float32(1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, 12.92 * light, high).astype(np.float32)
