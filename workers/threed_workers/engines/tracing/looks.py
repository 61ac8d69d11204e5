"""The materials of glTF as fields, with every texture looked up and multiplied by its factor."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from threed_workers.document.metalness import solve_metalness
from threed_workers.document.model import Json, extension
from threed_workers.engines.pictures import LUMINANCE
from threed_workers.engines.tracing.fields import Field, Fields, constant, together


@dataclass(frozen=True, eq=False)
class Look:
    """What a surface is made of. Colours are linear RGB; names and units are those of glTF 2.0 and its extensions.

    `opacity` is None where nothing shines through. `filter` is what is left of light that crossed the volume once.
    `thin` glass has no inside. `inexact` lists (feature, reason) of what was simplified.
    """

    base: Field
    opacity: Field | None
    metallic: Field
    roughness: Field
    normal: Field | None
    emission: Field | None
    transmission: Field
    ior: float
    thin: bool
    filter: np.ndarray
    clearcoat: Field
    clearcoat_roughness: float
    sheen: Field
    sheen_roughness: Field
    specular: float
    anisotropy: float
    unlit: bool
    double_sided: bool
    inexact: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> list[Field]:
        """All that may have textures."""
        surface = (self.base, self.opacity, self.metallic, self.roughness, self.normal, self.emission)
        more = (self.transmission, self.clearcoat, self.sheen, self.sheen_roughness)
        return [field for field in (*surface, *more) if field is not None]

    @property
    def texcoords(self) -> list[int]:
        """The UV sets that are looked at, the most important first."""
        found = [field.sampling.texcoord for field in (self.base, *self.fields) if field.sampling is not None]
        return list(dict.fromkeys(found))

    @property
    def texels(self) -> float:
        """How many a unit square of texture coordinates has, of the coarsest picture; infinite without any."""
        return min((field.texels for field in self.fields), default=math.inf)

    @property
    def luminance(self) -> float:
        """What it sends out, on average over its picture."""
        return 0.0 if self.emission is None else float(self.emission.mean @ LUMINANCE)

    @property
    def is_glass(self) -> bool:
        """Whether light goes through."""
        return bool(self.transmission.values.max() > 0)

    @property
    def is_solid_glass(self) -> bool:
        """Whether light goes through, and is refracted."""
        return self.is_glass and not self.thin

    @property
    def has_sheen(self) -> bool:
        """Whether it shines like velvet anywhere."""
        return bool(self.sheen.values.max() > 0)

    @property
    def texcoord(self) -> int:
        """The UV set that a mesh with this look needs."""
        return self.texcoords[0] if self.texcoords else 0


def read_look(material: Json, fields: Fields) -> Look:
    """The look of a material of the document behind `fields`."""
    surface = material.get("pbrMetallicRoughness") or {}
    found = {name: extension(material, f"KHR_materials_{name}") for name in _EXTENSIONS}
    given = {name: value or {} for name, value in found.items()}
    colour = surface.get("baseColorFactor") or (1.0, 1.0, 1.0, 1.0)
    rough = surface.get("metallicRoughnessTexture")
    volume = given["volume"]
    thickness = volume.get("thicknessFactor", 0.0)
    specular_glossiness = found["pbrSpecularGlossiness"]
    look = Look(
        base=fields.colour(surface.get("baseColorTexture"), colour),
        opacity=_opacity(material, fields, surface.get("baseColorTexture"), colour[3]),
        metallic=fields.channel(rough, 2, surface.get("metallicFactor", 1.0)),
        roughness=fields.channel(rough, 1, surface.get("roughnessFactor", 1.0)),
        normal=_normal(material, fields),
        emission=_emission(material, fields, given["emissive_strength"].get("emissiveStrength", 1.0)),
        transmission=fields.channel(
            given["transmission"].get("transmissionTexture"), 0, given["transmission"].get("transmissionFactor", 0.0)
        ),
        ior=given["ior"].get("ior", 1.5) or 1.5,
        thin=thickness == 0,
        filter=_filter(volume, thickness),
        clearcoat=fields.channel(
            given["clearcoat"].get("clearcoatTexture"), 0, given["clearcoat"].get("clearcoatFactor", 0.0)
        ),
        clearcoat_roughness=given["clearcoat"].get("clearcoatRoughnessFactor", 0.0),
        sheen=fields.colour(
            given["sheen"].get("sheenColorTexture"), given["sheen"].get("sheenColorFactor") or (0.0, 0.0, 0.0)
        ),
        sheen_roughness=fields.channel(
            given["sheen"].get("sheenRoughnessTexture"), 3, given["sheen"].get("sheenRoughnessFactor", 0.0)
        ),
        specular=given["specular"].get("specularFactor", 1.0),
        anisotropy=given["anisotropy"].get("anisotropyStrength", 0.0),
        unlit=found["unlit"] is not None,
        double_sided=bool(material.get("doubleSided")),
        inexact=tuple(_inexact(found)),
    )
    if specular_glossiness is not None:
        look = _glossy(look, specular_glossiness, fields, material)
    return _unlit(look) if look.unlit else look


_EXTENSIONS = (
    "anisotropy clearcoat diffuse_transmission dispersion emissive_strength ior iridescence pbrSpecularGlossiness "
    "sheen specular transmission unlit volume"
).split()

# What is read of an extension only in part: (extension, its keys that are not looked at or None for all, why).
_PARTLY = (
    ("iridescence", None, "drawn without"),
    ("dispersion", None, "drawn without"),
    ("diffuse_transmission", None, "drawn without"),
    ("clearcoat", ("clearcoatRoughnessTexture", "clearcoatNormalTexture"), "equally rough, and smooth"),
    ("specular", ("specularTexture", "specularColorTexture", "specularColorFactor"), "drawn without tint and texture"),
    ("anisotropy", ("anisotropyTexture", "anisotropyRotation"), "drawn along the first texture coordinate"),
    ("volume", ("thicknessTexture",), "drawn with the same thickness everywhere"),
)


def _inexact(found: dict[str, Json | None]) -> list[tuple[str, str]]:
    listed = []
    for name, keys, reason in _PARTLY:
        given = found[name]
        if given is not None and (keys is None or any(given.get(key) for key in keys)):
            listed.append((f"KHR_materials_{name}", reason))
    return listed


def _opacity(material: Json, fields: Fields, info: Json | None, factor: float) -> Field | None:
    """What part of the light is held back: alpha, or 0 and 1 by the cutoff. None for OPAQUE, and where it is all 1."""
    mode = material.get("alphaMode", "OPAQUE")
    if mode == "OPAQUE":
        return None
    alpha = fields.channel(info, 3, factor)
    if mode == "MASK":
        alpha = _cut(alpha, material.get("alphaCutoff", 0.5))
    return None if alpha.values.min() >= 1 else alpha


# Alpha is cut after interpolation; a picture that is looked up without interpolation has to be finer for that.
_FINEST = 2048


def _cut(alpha: Field, cutoff: float) -> Field:
    if alpha.sampling is None:
        return alpha.mapped(lambda values: (values >= cutoff).astype(np.float32))
    height, width = alpha.values.shape[:2]
    times = 1 if alpha.sampling.nearest else max(1, min(8, _FINEST // max(height, width)))
    fine, _, _ = together(alpha, Field(np.zeros((height * times, width * times, 1), np.float16), alpha.sampling))
    return Field((fine[0] >= cutoff).astype(np.float16), replace(alpha.sampling, nearest=True))


def _normal(material: Json, fields: Fields) -> Field | None:
    info = material.get("normalTexture")
    return fields.normal(info, info.get("scale", 1.0)) if info else None


def _emission(material: Json, fields: Fields, strength: float) -> Field | None:
    factor = [part * strength for part in material.get("emissiveFactor") or (0.0, 0.0, 0.0)]
    if not any(factor):
        return None
    emission = fields.colour(material.get("emissiveTexture"), factor)
    return emission if emission.values.max() > 0 else None


def _filter(volume: Json, thickness: float) -> np.ndarray:
    """Beer's law over the thickness that the file states (KHR_materials_volume)."""
    distance = volume.get("attenuationDistance") or 0.0
    if not thickness or not distance:
        return np.ones(3)
    return np.array(volume.get("attenuationColor") or (1.0, 1.0, 1.0)) ** (thickness / distance)


def _glossy(look: Look, given: Json, fields: Fields, material: Json) -> Look:
    """KHR_materials_pbrSpecularGlossiness as base colour, metalness and roughness."""
    factor = given.get("diffuseFactor") or (1.0, 1.0, 1.0, 1.0)
    shine = given.get("specularGlossinessTexture")
    gloss = fields.channel(shine, 3, given.get("glossinessFactor", 1.0))
    diffuse = fields.colour(given.get("diffuseTexture"), factor)
    specular = fields.colour(shine, given.get("specularFactor") or (1.0, 1.0, 1.0))
    values, sampling, _ = together(diffuse, specular)
    base, metallic = solve_metalness(*values)
    return replace(
        look,
        base=Field(base.astype(np.float32), sampling if base.ndim > 1 else None),
        opacity=_opacity(material, fields, given.get("diffuseTexture"), factor[3]),
        metallic=Field(metallic.astype(np.float32), sampling if metallic.ndim > 1 else None),
        roughness=gloss.mapped(lambda values: 1 - values),
        specular=1.0,
    )


def _unlit(look: Look) -> Look:
    """Its colour is what it emits, and it reflects nothing."""
    return replace(
        look, emission=look.base, base=constant(0, 0, 0), normal=None, transmission=constant(0), metallic=constant(0)
    )
