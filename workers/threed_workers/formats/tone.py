"""Show linear light on a screen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from threed_workers.formats.pillow import fitted

# Middle grey, to which the picture's log-average luminance is brought, and the percentile that becomes white.
_KEY, _WHITE = 0.18, 99.0


def tone_mapped(light: np.ndarray, longest_px: int) -> Image.Image:
    """float32 (h, w, 3 or 4), linear sRGB primaries, to an 8 bit picture at most `longest_px` long.

    Reinhard's global operator with a white point (Reinhard et al. 2002, equation 4): exposure by the log-average
    luminance, L (1 + L / W^2) / (1 + L), W at the 99th percentile; then the sRGB curve. What is no number is black.
    Light with alpha is premultiplied, as in OpenEXR, and comes out straight, as in PNG and WebP.
    """
    if light.shape[2] == 4:
        coverage = np.clip(np.nan_to_num(light[..., 3:4].astype(np.float32)), 0, 1)
        light = np.concatenate([light[..., :3] / np.where(coverage > 0, coverage, 1), coverage], axis=2)
    rgb = np.clip(np.nan_to_num(light[..., :3].astype(np.float32), nan=0.0, posinf=65504.0, neginf=0.0), 0.0, 1e9)
    luminance = rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    lit = luminance[luminance > 1e-6]
    exposure = _KEY / float(np.exp(np.log(lit).mean())) if lit.size else 1.0
    scaled = luminance * exposure
    white = max(1.0, float(np.percentile(scaled, _WHITE)))
    gain = exposure * (1 + scaled / white**2) / (1 + scaled)
    mapped = np.clip(rgb * gain[..., None], 0.0, 1.0)
    encoded = np.where(mapped <= 0.0031308, mapped * 12.92, 1.055 * mapped ** (1 / 2.4) - 0.055)
    pixels = np.rint(encoded * 255).astype(np.uint8)
    if light.shape[2] == 4:
        alpha = np.rint(np.clip(np.nan_to_num(light[..., 3:4]), 0, 1) * 255).astype(np.uint8)
        pixels = np.concatenate([pixels, alpha], axis=2)
    return fitted(Image.fromarray(pixels, "RGBA" if pixels.shape[2] == 4 else "RGB"), longest_px)
