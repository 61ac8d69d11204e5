"""Light that Mitsuba's `principled` loses or adds, given back by way of its base colour.

The Disney BRDF (Burley 2012) scatters once: rough metals get dark, and its matte part does not know what the surface
mirrors. glTF's reference renderers, Filament and Cycles keep the energy. All numbers here are the reflected part of a
uniform light, averaged over all directions of view, measured with Mitsuba 3.9.1 (64 samples, white sphere).
"""

from __future__ import annotations

import numpy as np

_ROUGHNESS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_METAL = np.array([1.0, 0.991, 0.881, 0.637, 0.367])  # base colour 1, metallic 1
_MIRRORED = np.array([0.071, 0.069, 0.053, 0.033, 0.018])  # base colour 0, metallic 0, index of refraction 1.5
_MATTE = np.array([0.965, 0.985, 1.008, 1.028, 1.049])  # base colour 1, less what is mirrored


def kept_base(base: np.ndarray, metallic: np.ndarray, roughness: np.ndarray, specular: float) -> np.ndarray:
    """The base colour (..., 3) for which `principled` reflects as much light as glTF asks for; may be above 1.

    `metallic` and `roughness` are (..., 1), `specular` multiplies what dielectrics mirror. The light that a rough metal
    scatters more than once is that of Kulla and Conty 2017, "Revisiting Physically Based Shading at Imageworks".
    """
    once = np.interp(roughness, _ROUGHNESS, _METAL)
    mean = base + (1 - base) / 21
    metal = 1 + mean * (1 - once) / (1 - mean * (1 - once)) * (mean / np.maximum(base, 0.04)).clip(0, 1)
    matte = (1 - mirrored(roughness, specular)) / np.interp(roughness, _ROUGHNESS, _MATTE)
    return base * (metallic * metal + (1 - metallic) * matte)


def mirrored(roughness: np.ndarray, specular: float) -> np.ndarray:
    """What a dielectric mirrors."""
    return specular * np.interp(roughness, _ROUGHNESS, _MIRRORED)


def matte_part(metallic: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """How far a surface is paper, 0 to 1: rough dielectrics are drawn as Lambert's, without Disney's bright edges."""
    t = ((roughness - 0.4) / 0.6).clip(0, 1)
    return (1 - metallic) * t * t * (3 - 2 * t)


# What a sheen of 1 reflects of a uniform light, chosen so that cloth comes out as bright as with Cycles.
_SHEEN = 0.3


def under_sheen(base: np.ndarray, sheen: np.ndarray) -> np.ndarray:
    """A base colour with sheen colours (..., 3) folded in: as much light, spread evenly over all directions.

    Mitsuba's own sheen has no colour but the base's.
    """
    return base * (1 - _SHEEN * sheen.max(axis=-1, keepdims=True)) + _SHEEN * sheen
