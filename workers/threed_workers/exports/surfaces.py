"""Materials as every export sees them: numbers with their defaults, and references to textures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from threed_workers.document import Document
from threed_workers.document.model import Json, extension

TRANSFORM = "KHR_texture_transform"


@dataclass(frozen=True)
class Map:
    """A texture reference: which texture, by which UV set, moved how (KHR_texture_transform)."""

    texture: int
    uv_set: int = 0
    offset: tuple[float, float] = (0.0, 0.0)
    rotation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    strength: float = 1.0  # `scale` of normal maps, `strength` of occlusion

    @property
    def coordinates(self) -> tuple:
        """What makes its coordinates: equal for maps that lie on a surface in the same way."""
        return self.uv_set, self.offset, self.rotation, self.scale

    @property
    def is_moved(self) -> bool:
        """Does KHR_texture_transform change anything?"""
        return self.coordinates[1:] != ((0.0, 0.0), 0.0, (1.0, 1.0))

    def applied(self, uvs: np.ndarray) -> np.ndarray:
        """float (n, 2), origin top left, through the transform: scaled, turned, moved, in this order."""
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        u, v = (uvs.astype(np.float64) * self.scale).T
        return np.column_stack([cos * u + sin * v + self.offset[0], cos * v - sin * u + self.offset[1]])


@dataclass(frozen=True)
class Surface:
    """A glTF material. Colours are linear; `emissive` has KHR_materials_emissive_strength in it.

    KHR_materials_pbrSpecularGlossiness comes as diffuse colour and roughness, where there is nothing else.
    """

    name: str
    color: tuple[float, float, float, float]
    metallic: float
    roughness: float
    emissive: tuple[float, float, float]
    alpha_mode: str
    cutoff: float
    double_sided: bool
    maps: dict[str, Map]  # base, surface (metallic B, roughness G), normal, occlusion, emissive, clearcoat (roughness)
    clearcoat: tuple[float, float]  # factor, roughness
    ior: float


def surface_of(document: Document, number: int | None) -> Surface:
    """The material of that number; glTF's default one for None."""
    material = document.all("materials")[number] if number is not None else {}
    rough = material.get("pbrMetallicRoughness") or {}
    glossy = extension(material, "KHR_materials_pbrSpecularGlossiness")
    if glossy is not None and not rough:
        rough = {
            "baseColorFactor": glossy.get("diffuseFactor"),
            "baseColorTexture": glossy.get("diffuseTexture"),
            "metallicFactor": 0.0,
            "roughnessFactor": 1.0 - _number(glossy.get("glossinessFactor"), 1.0),
        }
    strength = (extension(material, "KHR_materials_emissive_strength") or {}).get("emissiveStrength")
    coat = extension(material, "KHR_materials_clearcoat") or {}
    references = {
        "base": rough.get("baseColorTexture"),
        "surface": rough.get("metallicRoughnessTexture"),
        "normal": material.get("normalTexture"),
        "occlusion": material.get("occlusionTexture"),
        "emissive": material.get("emissiveTexture"),
        "clearcoat": coat.get("clearcoatTexture"),
        "clearcoat roughness": coat.get("clearcoatRoughnessTexture"),
    }
    maps = {slot: _map(info) for slot, info in references.items() if isinstance(info, dict)}
    return Surface(
        name=material["name"] if isinstance(material.get("name"), str) else "",
        color=_numbers(rough.get("baseColorFactor"), (1.0, 1.0, 1.0, 1.0)),
        metallic=_number(rough.get("metallicFactor"), 1.0),
        roughness=_number(rough.get("roughnessFactor"), 1.0),
        emissive=tuple(
            part * _number(strength, 1.0) for part in _numbers(material.get("emissiveFactor"), (0.0, 0.0, 0.0))
        ),
        alpha_mode=material.get("alphaMode", "OPAQUE"),
        cutoff=_number(material.get("alphaCutoff"), 0.5),
        double_sided=bool(material.get("doubleSided")),
        maps=maps,
        clearcoat=(_number(coat.get("clearcoatFactor"), 0.0), _number(coat.get("clearcoatRoughnessFactor"), 0.0)),
        ior=_number((extension(material, "KHR_materials_ior") or {}).get("ior"), 1.5),
    )


def _map(info: Json) -> Map:
    moved = extension(info, TRANSFORM) or {}
    uv_set = moved.get("texCoord", info.get("texCoord", 0))
    return Map(
        texture=info["index"],
        uv_set=uv_set if isinstance(uv_set, int) else 0,
        offset=_numbers(moved.get("offset"), (0.0, 0.0)),
        rotation=_number(moved.get("rotation"), 0.0),
        scale=_numbers(moved.get("scale"), (1.0, 1.0)),
        strength=_number(info.get("scale", info.get("strength")), 1.0),
    )


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _numbers(value: Any, default: tuple) -> tuple:
    if not isinstance(value, list) or len(value) != len(default):
        return default
    return tuple(_number(part, other) for part, other in zip(value, default, strict=True))
