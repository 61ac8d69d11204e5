"""Diffuse and specular colours as base colour and metalness: the appendix of KHR_materials_pbrSpecularGlossiness."""

from __future__ import annotations

import numpy as np

_DIELECTRIC = 0.04
_LUMA = np.array([0.299, 0.587, 0.114])


def solve_metalness(diffuse: np.ndarray, specular: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(base colour (..., 3), metalness (..., 1)) whose diffuse and specular colours are these, as nearly as may be.

    All linear, 0 to 1. `diffuse` is that of the extension: what is mirrored is still to be taken away.
    """
    shines = np.sqrt((specular**2) @ _LUMA)[..., None]
    spreads = np.sqrt((diffuse**2) @ _LUMA)[..., None]
    rest = (1 - specular.max(axis=-1, keepdims=True)) / (1 - _DIELECTRIC)
    b = spreads * rest + shines - 2 * _DIELECTRIC
    root = np.sqrt(np.maximum(b * b - 4 * _DIELECTRIC * (_DIELECTRIC - shines), 0))
    metal = np.where(shines < _DIELECTRIC, 0.0, ((root - b) / (2 * _DIELECTRIC)).clip(0, 1))
    from_diffuse = diffuse * rest / np.maximum(1 - metal, 1e-6)
    from_specular = (specular - _DIELECTRIC * (1 - metal)) / np.maximum(metal, 1e-6)
    return (from_diffuse + (from_specular - from_diffuse) * metal * metal).clip(0, 1), metal
