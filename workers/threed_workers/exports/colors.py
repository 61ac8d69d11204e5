"""Colours for formats whose numbers are sRGB."""

from __future__ import annotations

import numpy as np


def srgb_from_linear(colors: np.ndarray) -> np.ndarray:
    """Linear (n, 3 or 4) to sRGB float64 in [0, 1] (IEC 61966-2-1); alpha, which is linear already, stays."""
    colors = np.clip(colors.astype(np.float64), 0.0, 1.0)
    rgb = colors[:, :3]
    encoded = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return np.hstack([encoded, colors[:, 3:]])


def bytes_from_linear(colors: np.ndarray) -> np.ndarray:
    """Linear (n, 3 or 4) to sRGB uint8."""
    return np.rint(srgb_from_linear(colors) * 255).astype(np.uint8)


def hex_from_linear(color: tuple[float, ...]) -> str:
    """Linear (4,) to #RRGGBBAA, sRGB."""
    return "#" + bytes_from_linear(np.array([color]))[0].tobytes().hex().upper()
