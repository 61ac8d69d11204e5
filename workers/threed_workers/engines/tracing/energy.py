"""Light that Mitsuba's BSDFs lose or add, given back by way of their colours.

Microfacets scatter once there: rough metals get dark, and so do rough plastics. The matte part of the Disney BRDF
(Burley 2012) does not know what the surface mirrors. glTF's reference renderers, Filament and Cycles keep the energy.

A dielectric is `roughplastic` with paper (Lambert) beside it, in shares for which white reflects all of a uniform
light, found by least squares over directions of view from what Mitsuba 3.9.1 answered for each lobe alone. A metal is
`principled` with a brighter base colour.
"""

from __future__ import annotations

import numpy as np

_STEPS = np.linspace(0, 1, 11)
# A dielectric with an index of refraction of 1.5: the base colour that `roughplastic` gets, and that of the paper.
# Twice the first would be white in a white room for every view, within 1 %. But what is below is dimmed there by the
# angle of the light, too, which Cycles and Filament do not do; so half of it is paper.
_PLASTIC = np.array([0.509, 0.504, 0.472, 0.446, 0.411, 0.347, 0.252, 0.165, 0.110, 0.078, 0.063])
_PLASTIC_PAPER = np.array([0.455, 0.460, 0.498, 0.547, 0.616, 0.708, 0.808, 0.882, 0.925, 0.950, 0.965])
PLASTIC_IOR = 1.5
# Paper that is drawn in a share of 1 / n reflects n times as much; more than this is noise.
_DENSEST = 2.0


def plastic_shares(roughness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(what the base colour is multiplied by in `roughplastic`, and in the paper beside it), as a sum of both."""
    return np.interp(roughness, _STEPS, _PLASTIC), np.interp(roughness, _STEPS, _PLASTIC_PAPER)


def paper_share(roughness: np.ndarray) -> float:
    """How much of a dielectric is drawn as paper: one number for all of a surface."""
    return float(plastic_shares(roughness)[1].mean()) / _DENSEST


_ROUGHNESS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_METAL = np.array([1.0, 0.991, 0.881, 0.637, 0.367])  # base colour 1, metallic 1
# The same of microfacets whose shadowing and masking are correlated (Heitz 2014), as glTF asks and Cycles has them.
_SCATTERED = np.array([1.0, 0.991, 0.883, 0.656, 0.409])
_MIRRORED = np.array([0.071, 0.069, 0.053, 0.033, 0.018])  # base colour 0, metallic 0, index of refraction 1.5
_MATTE = np.array([0.965, 0.985, 1.008, 1.028, 1.049])  # base colour 1, less what is mirrored


def kept_base(base: np.ndarray, metallic: np.ndarray, roughness: np.ndarray, specular: float) -> np.ndarray:
    """The base colour (..., 3) for which `principled` reflects as much light as glTF asks for; may be above 1.

    `metallic` and `roughness` are (..., 1), `specular` multiplies what dielectrics mirror. The light that a rough metal
    scatters more than once is that of Kulla and Conty 2017, "Revisiting Physically Based Shading at Imageworks", which
    Cycles adds by making the lobe brighter. On balls of three colours, in white and under a sky, the mean is Cycles'
    within 2 %; of white at a roughness of 1, the middle is 15 % darker and the rim 23 % brighter.
    """
    once = np.interp(roughness, _ROUGHNESS, _SCATTERED)
    mean = base + (1 - base) / 21
    more = mean * once / (1 - mean * (1 - once))
    metal = (once + more * (1 - once)) / np.interp(roughness, _ROUGHNESS, _METAL)
    matte = (1 - mirrored(roughness, specular)) / np.interp(roughness, _ROUGHNESS, _MATTE)
    return base * (metallic * metal + (1 - metallic) * matte)


def mirrored(roughness: np.ndarray, specular: float) -> np.ndarray:
    """What a dielectric mirrors."""
    return specular * np.interp(roughness, _ROUGHNESS, _MIRRORED)


def matte_part(metallic: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """How far a surface is paper, 0 to 1: rough dielectrics are drawn as Lambert's, without Disney's bright edges."""
    t = ((roughness - 0.4) / 0.6).clip(0, 1)
    return (1 - metallic) * t * t * (3 - 2 * t)


def under_sheen(base: np.ndarray, sheen: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """A base colour with sheen (..., 3) of this roughness folded in: its light is spread evenly over all directions.

    Mitsuba's own sheen has no colour but the base's. What a white one reflects, and takes from what is under it, is a
    fit to spheres by Cycles (Zeltner, Burley and Chiang 2022): 0.04, 0.17 and 0.445 at a roughness of 0.3, 0.6 and 1,
    under uniform light; under a sky with a sun, 0.05, 0.20 and 0.48 are added, and 0.05, 0.20 and 0.46 taken away.
    """
    reflected = sheen * 0.445 * roughness**1.85
    return base * (1 - reflected.max(axis=-1, keepdims=True)) + reflected
