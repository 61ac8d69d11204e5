"""Materials of the fixed-function age (Phong, Blinn, Lambert) as glTF materials: shared by 3DS, COLLADA and X3D.

Their colours were put on the screen as they stand, so they are sRGB; glTF factors are linear. Roughness comes from the
exponent as sqrt(2 / (n + 2)) (Karis 2013). Ambient and specular colours have no counterpart in a metallic-roughness
surface; they are kept in the material's `extras`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from threed_workers.document import Builder
from threed_workers.document.model import Json

STRENGTH = "KHR_materials_emissive_strength"


def linear(color: Sequence[float]) -> list[float]:
    """sRGB in [0, 1] to linear (IEC 61966-2-1), channel by channel; values outside are clamped, no number is 0."""
    return [_linear(value) for value in color]


def _linear(value: float) -> float:
    value = min(max(float(value), 0.0), 1.0) if math.isfinite(value) else 0.0
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def roughness_of(exponent: float) -> float:
    """The roughness, in (0, 1], of a Phong exponent."""
    return math.sqrt(2.0 / (max(exponent, 0.0) + 2.0)) if math.isfinite(exponent) else 1.0


def phong(
    *,
    name: str = "",
    diffuse: Sequence[float] = (0.8, 0.8, 0.8),
    alpha: float = 1.0,
    roughness: float = 1.0,
    emission: Sequence[float] = (0.0, 0.0, 0.0),
    two_sided: bool = False,
    texture: Json | None = None,
) -> Json:
    """A glTF material. `diffuse` and `emission` are sRGB; under a `texture` (textureInfo) pass a white `diffuse`."""
    alpha = min(max(alpha, 0.0), 1.0) if math.isfinite(alpha) else 1.0
    surface: Json = {
        "baseColorFactor": [*linear(diffuse[:3]), alpha],
        "metallicFactor": 0.0,
        "roughnessFactor": min(max(roughness, 0.0), 1.0),
    }
    if texture is not None:
        surface["baseColorTexture"] = texture
    material: Json = {"pbrMetallicRoughness": surface}
    if name:
        material["name"] = name
    if any(linear(emission[:3])):
        material["emissiveFactor"] = linear(emission[:3])
    if alpha < 1:
        material["alphaMode"] = "BLEND"
    if two_sided:
        material["doubleSided"] = True
    return material


def texture_info(builder: Builder, index: int, transform: Json | None = None, set_number: int = 0) -> Json:
    """A textureInfo; `transform` is the content of KHR_texture_transform, left out where it changes nothing."""
    info: Json = {"index": index}
    if set_number:
        info["texCoord"] = set_number
    if transform:
        info["extensions"] = {"KHR_texture_transform": transform}
        builder.use("KHR_texture_transform")
    return info
