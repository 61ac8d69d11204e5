"""Vertex colours, as glTF wants them."""

from __future__ import annotations

import numpy as np


def linear_from_srgb(colors: np.ndarray) -> np.ndarray:
    """sRGB (n, 3 or 4) in [0, 1] to linear uint16 (n, 4), normalized; alpha, which is linear already, stays.

    glTF 2.0 section 3.7.2.1 multiplies COLOR_0 as linear values; scanners and modellers write sRGB (IEC 61966-2-1).
    16 bits keep every 8 bit step. Values that are no number become white.
    """
    colors = np.clip(np.nan_to_num(colors.astype(np.float64), nan=1.0), 0.0, 1.0)
    rgb = colors[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    alpha = colors[:, 3:4] if colors.shape[1] == 4 else np.ones((len(colors), 1))
    return np.rint(np.hstack([linear, alpha]) * 65535).astype(np.uint16)
