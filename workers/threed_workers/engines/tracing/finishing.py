"""From radiance to a picture: denoising, tone mapping, what lies behind."""

from __future__ import annotations

import numpy as np

from threed_workers.engines.drawing import Backdrop, Settings
from threed_workers.engines.pictures import bands, srgb
from threed_workers.engines.tonemapping import tone_mapped
from threed_workers.engines.tracing.denoising import denoise, denoised_albedo
from threed_workers.engines.tracing.filling import continued


def denoised(radiance: np.ndarray, albedo: np.ndarray, normal: np.ndarray, blended: bool) -> np.ndarray:
    """Open Image Denoise over radiance (h, w, 4), with albedo and normals (h, w, 3) of the nearest surfaces.

    What is denoised is the light, not what it shows: albedo is divided out and multiplied in again. With albedo as a
    guide alone, textures as fine as a few pixels lost half of their contrast.
    Alpha is denoised only where something is `blended`; elsewhere it is as smooth as the samples make it.
    """
    alpha = radiance[..., 3:]
    # Rays choose by chance what to pass through, so that the albedo behind glass has the noise of the picture itself.
    albedo = denoised_albedo(albedo) if blended else albedo
    shade = albedo * (1 - _MIRRORED) + _MIRRORED
    light = continued(radiance[..., :3] / np.maximum(alpha, _FAINT), alpha[..., 0] > _FAINT, _PIXELS_BEYOND) / shade
    guides = {"albedo": np.ones_like(albedo), "normal": normal}
    clean = np.maximum(denoise(light, hdr=True, **guides), 0) * shade
    if blended:
        smooth = denoise(np.repeat(alpha, 3, axis=-1), hdr=False, **guides).mean(axis=-1, keepdims=True)
        alpha = np.where((alpha > 0) & (alpha < 1), smooth.clip(0, 1), alpha)
    return np.concatenate([clean * alpha, alpha], axis=-1).astype(np.float32)


def uncovered(values: np.ndarray) -> np.ndarray:
    """float32 (h, w, 3) of premultiplied (h, w, 4), with colours that run on beyond edges.

    A denoiser takes the fall to black at the edge of a thing for a part of its look, and smears it.
    """
    alpha = values[..., 3]
    return continued(values[..., :3] / np.maximum(values[..., 3:], _FAINT), alpha > _FAINT, _PIXELS_BEYOND)


# What surfaces reflect beside their albedo, about: light that is divided by nothing is noise.
_MIRRORED = 0.04
# Less of a pixel than this says nothing.
_FAINT = 1e-3
_PIXELS_BEYOND = 8


def picture(radiance: np.ndarray, backdrop: Backdrop, settings: Settings) -> np.ndarray:
    """uint8 (h, w, 4), sRGB, straight alpha: `shown` as 8 bits."""
    return np.rint(shown(radiance, backdrop, settings) * np.float32(255)).astype(np.uint8)


def shown(radiance: np.ndarray, backdrop: Backdrop, settings: Settings) -> np.ndarray:
    """float32 (h, w, 4), sRGB, straight alpha, 0 to 1. A backdrop's colour is laid under the tone-mapped picture."""
    out = np.empty(radiance.shape, np.float32)
    for rows in bands(out):
        out[rows] = _shown(radiance[rows], backdrop, settings)
    return out


def _shown(radiance: np.ndarray, backdrop: Backdrop, settings: Settings) -> np.ndarray:
    alpha = radiance[..., 3:]
    straight = radiance[..., :3] / np.maximum(alpha, 1e-6)
    colour = srgb(tone_mapped(straight, settings.tone_mapping, settings.exposure))
    if backdrop.kind == "color":
        colour = colour * alpha + srgb(np.array(backdrop.color, np.float32)) * (1 - alpha)
    if backdrop.kind != "transparent":
        alpha = np.ones_like(alpha)
    return np.concatenate([np.where(alpha > 0, colour, 0), alpha], axis=-1)
