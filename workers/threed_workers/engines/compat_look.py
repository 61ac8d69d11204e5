"""What of a material the engine `compat` shows: colour, alpha and what shines, as pyrender wants them.

pyrender has one UV set, writes the alpha of what is opaque, cuts nothing off, and squares the factor of what shines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed_workers.document import Document
from threed_workers.document.metalness import solve_metalness
from threed_workers.document.model import Json, extension
from threed_workers.engines.sampling import Sampling, sampling_of
from threed_workers.engines.texels import Texels

_GLOSSY, _UNLIT = "KHR_materials_pbrSpecularGlossiness", "KHR_materials_unlit"
# The extensions of materials that are drawn.
DRAWN = (_GLOSSY, _UNLIT)
_WHITE = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class PlainLook:
    """Linear factors; `pixels` and `glow` uint8 (h, w, 4), both looked up by `sampling`. `mode` is OPAQUE or BLEND.

    `looks_at_alpha`: of the vertices' colours.
    """

    factor: tuple[float, float, float, float]
    pixels: np.ndarray | None
    shines: tuple[float, float, float]
    glow: np.ndarray | None
    sampling: Sampling
    roughness: float
    mode: str
    looks_at_alpha: bool
    double_sided: bool


def plain_look(document: Document, material: Json, texels: Texels) -> PlainLook:
    """The look of a material of the document."""
    surface = _surface(material)
    info = surface.get("baseColorTexture")
    sampling = base_sampling(document, material)
    # Whole numbers are of 255 to pyrender.
    red, green, blue, alpha = (float(part) for part in surface.get("baseColorFactor") or _WHITE)
    mode, alpha, pixels = _covered(material, alpha, texels.of(info["index"]) if info else None)
    shines = tuple(float(part) for part in material.get("emissiveFactor") or (0.0, 0.0, 0.0))
    glowing, glow = material.get("emissiveTexture"), None
    if glowing:
        glow = texels.of(glowing["index"]) if is_glow_drawn(document, material) else None
        shines = shines if glow is not None else (0.0, 0.0, 0.0)
    if extension(material, _UNLIT) is not None:
        shines, glow, (red, green, blue) = (red, green, blue), pixels, (0.0, 0.0, 0.0)
    return PlainLook(
        factor=(red, green, blue, alpha),
        pixels=pixels,
        shines=tuple(part**0.5 for part in shines),
        glow=glow,
        sampling=sampling,
        roughness=max(0.4, surface.get("roughnessFactor", 1.0)),
        mode=mode,
        looks_at_alpha=material.get("alphaMode") == "BLEND",
        double_sided=bool(material.get("doubleSided")),
    )


def base_sampling(document: Document, material: Json) -> Sampling:
    """How the picture of its colour is looked up; of what shines, where there is no other."""
    info = _surface(material).get("baseColorTexture") or material.get("emissiveTexture")
    return sampling_of(document, info) if info else Sampling()


def is_glow_drawn(document: Document, material: Json) -> bool:
    """Whether the picture of what shines is looked up as that of the colour is."""
    return sampling_of(document, material["emissiveTexture"]) == base_sampling(document, material)


def _surface(material: Json) -> Json:
    """Its colour and roughness; those of KHR_materials_pbrSpecularGlossiness where it has that."""
    glossy = extension(material, _GLOSSY)
    if glossy is None:
        return material.get("pbrMetallicRoughness") or {}
    factor = glossy.get("diffuseFactor") or _WHITE
    texture = glossy.get("diffuseTexture")
    if not texture:
        base, _ = solve_metalness(np.array(factor[:3]), np.array(glossy.get("specularFactor") or _WHITE[:3]))
        factor = [*base.tolist(), factor[3]]
    rough = 1.0 - glossy.get("glossinessFactor", 1.0)
    return {"baseColorFactor": factor, "baseColorTexture": texture, "roughnessFactor": rough}


def _covered(material: Json, alpha: float, pixels: np.ndarray | None) -> tuple[str, float, np.ndarray | None]:
    """(mode, alpha of the factor, pixels), as far as the material looks at alpha. A cutoff makes it 0 or 1."""
    mode = material.get("alphaMode", "OPAQUE")
    if mode == "BLEND":
        return mode, alpha, pixels
    if mode == "OPAQUE":
        return mode, 1.0, None if pixels is None else _with_alpha(pixels, np.full(pixels.shape[:2], True))
    cutoff = material.get("alphaCutoff", 0.5)
    if pixels is None:
        return "BLEND", float(alpha >= cutoff), None
    return "BLEND", 1.0, _with_alpha(pixels, pixels[..., 3] * (alpha / 255) >= cutoff)


def _with_alpha(pixels: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return np.dstack([pixels[..., :3], np.where(shown, 255, 0).astype(np.uint8)])
