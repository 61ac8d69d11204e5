"""Materials of FBX to metallic-roughness.

Which property plays which part is in the tables below, tried from left to right: Arnold and Maya's standard surface,
Stingray PBS, 3ds Max Physical and PBR (metal and specular), then Phong and Lambert.

* base colour = colour x weight; under a map, the weight alone. Colours are taken as linear.
* roughness: as given; 1 - glossiness; Phong: sqrt(2 / (exponent + 2)) (Karis 2013); Lambert, or a Phong without
  highlights: 1. Blender writes (10 x (1 - roughness))^2 as the exponent and metalness as ReflectionFactor: undone.
* specular colours of 3ds Max PBR: metalness solved as in the appendix of KHR_materials_pbrSpecularGlossiness.
* opacity: Opacity where the material has one; else 1 - TransparencyFactor x mean(TransparentColor). Autodesk's own
  programs write 1 for materials that are not transparent at all, so exactly 1 counts as 0.
* maps of occlusion, roughness and metalness become one, and a map of opacity the alpha of the base colour.
* coat, sheen, transmission, index of refraction and emission above 1 become their KHR_materials extensions.
* bump maps are heights, which glTF has no word for; those named like normal maps are taken as such.
"""

from __future__ import annotations

import math

import numpy as np

from threed_workers.document.metalness import solve_metalness
from threed_workers.document.model import Json
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.geometry import Surface
from threed_workers.fbx.objects import Object
from threed_workers.fbx.textures import Map, composed, is_there, picture_name, placed, resolved, texture_info

_P, _M = "3dsMax|Parameters|", "3dsMax|main|"
_COLOR = ("Maya|baseColor", "Maya|base_color", f"{_P}base_color", f"{_M}baseColor", f"{_M}basecolor")
_WEIGHT = ("Maya|base", f"{_P}base_weight")
_METAL = ("Maya|metalness", "Maya|metallic", f"{_P}metalness", f"{_M}metalness")
_ROUGH = ("Maya|specularRoughness", "Maya|roughness", f"{_P}roughness", f"{_M}roughness")
_GLOSS = (f"{_M}glossiness",)
_SPECULAR = (f"{_M}Specular", f"{_M}specular")
_EMITTED = ("Maya|emissionColor", "Maya|emissive", f"{_P}emit_color", f"{_M}emit_color")
_EMISSION = ("Maya|emission", "Maya|emissive_intensity", f"{_P}emission")
_IOR = ("Maya|specularIOR", f"{_P}trans_ior")
_THROUGH = ("Maya|transmission", f"{_P}transparency")
_COAT, _COAT_ROUGH = ("Maya|coat", f"{_P}coating"), ("Maya|coatRoughness", f"{_P}coat_roughness")
_SHEEN, _SHEEN_COLOR = ("Maya|sheen", f"{_P}sheen"), ("Maya|sheenColor", f"{_P}sheen_color")
_SHEEN_ROUGH = ("Maya|sheenRoughness", f"{_P}sheen_roughness")

# What maps are connected to, in lower case.
_MAPS = {
    "base": ("maya|basecolor", "maya|tex_color_map", "3dsmax|parameters|base_color_map", "3dsmax|main|base_color_map"),
    "metal": (
        "maya|metalness",
        "maya|tex_metallic_map",
        "3dsmax|parameters|metalness_map",
        "3dsmax|main|metalness_map",
    ),
    "rough": ("maya|specularroughness", "maya|tex_roughness_map", "3dsmax|parameters|roughness_map"),
    "gloss": ("3dsmax|main|glossiness_map",),
    "emitted": ("maya|emissioncolor", "maya|tex_emissive_map", "3dsmax|parameters|emit_color_map"),
    "normal": ("normalmap", "maya|normalcamera", "maya|tex_normal_map", "3dsmax|main|norm_map"),
    "bump": ("bump", "3dsmax|parameters|bump_map"),
    "occlusion": ("maya|tex_ao_map", "3dsmax|main|ao_map"),
    "opacity": ("maya|opacity", "3dsmax|main|opacity_map", "3dsmax|parameters|cutout_map", "transparentcolor"),
}
_MAPS["base"] += ("diffusecolor",)
_MAPS["rough"] += ("3dsmax|main|roughness_map",)
_MAPS["emitted"] += ("3dsmax|main|emit_color_map", "emissivecolor", "3dsmax|parameters|emission_map")
_MAPS["opacity"] += ("transparencyfactor", "opacity")


def materials_of(conversion: Conversion, model: Object, surface: Surface) -> dict[int, int]:
    """glTF materials by the numbers that the polygons of `surface` use, as shown by `model`."""
    listed = list(model.of("Material"))
    numbers = np.unique(surface.materials) if surface.materials is not None else np.array([0])
    return {int(number): _made(conversion, listed[number], surface) for number in numbers if 0 <= number < len(listed)}


def _made(conversion: Conversion, material: Object, surface: Surface) -> int:
    """The glTF material, made once for each way that its maps find their texture coordinates."""
    maps = _maps(conversion, material, surface)
    key = f"material {material.id!r} {[(role, found.key) for role, found in maps.items()]}"
    made = conversion.builder.made
    if key not in made:
        made[key] = conversion.builder.add("materials", _Material(conversion, material, maps).json())
    return made[key]


def _maps(conversion: Conversion, material: Object, surface: Surface) -> dict[str, Map]:
    """The maps of a material by the part they play; those of the surface's texture coordinates only."""
    found: dict[str, Map] = {}
    for role, names in _roles(conversion).items():
        for name in names:
            for child, prop in material.children:
                if prop.lower() != name or child.kind not in ("Texture", "LayeredTexture") or role in found:
                    continue
                texture = resolved(conversion, child) if _is_on(material, prop) else None
                place = _place(texture, surface) if texture is not None else None
                if place is not None and is_there(conversion, texture):
                    found[role] = Map(texture, picture_name(conversion, texture), place)
    return found


def _roles(conversion: Conversion) -> dict[str, tuple[str, ...]]:
    if not _is_blenders(conversion):
        return _MAPS
    return _MAPS | {"metal": (*_MAPS["metal"], "reflectionfactor"), "rough": (*_MAPS["rough"], "shininessexponent")}


def _is_blenders(conversion: Conversion) -> bool:
    return "Blender" in conversion.objects.creator


def _is_on(material: Object, prop: str) -> bool:
    """Maps can be switched off: "x_map_on" in 3ds Max, "use_x_map" in Stingray."""
    switch = prop.replace("|TEX_", "|use_") if "|TEX_" in prop else f"{prop}_on"
    return material.properties.number(switch, 1.0) != 0


def _place(texture: Object, surface: Surface) -> int | None:
    """The number of the texture coordinates that a texture names; the first ones when it names none of these."""
    if not surface.uvs:
        return None
    wanted = texture.properties.text("UVSet")
    names = [element.name for element in surface.uvs]
    return names.index(wanted) if wanted in names else 0


class _Material:
    """One material on its way."""

    def __init__(self, conversion: Conversion, source: Object, maps: dict[str, Map]):
        self.conversion, self.source, self.maps = conversion, source, maps
        self.properties = source.properties
        self.extensions: Json = {}

    def json(self) -> Json:
        color, metal, rough = self._surface()
        alpha = self._alpha()
        surface: Json = {"baseColorFactor": [*color, alpha], "metallicFactor": metal, "roughnessFactor": rough}
        material: Json = {"name": self.source.name} if self.source.name else {}
        material |= {"pbrMetallicRoughness": surface, "doubleSided": True}
        blends = self._base_map(surface)
        if blends or alpha < 1:
            material["alphaMode"] = "BLEND"
        self._packed_maps(material, surface)
        normal = self._normal()
        if normal is not None:
            material["normalTexture"] = normal
        self._emission(material)
        self._layers()
        if self.extensions:
            material["extensions"] = self.extensions
        self._count_losses()
        return material

    def _first(self, names: tuple[str, ...], default: float, high: float = 1.0) -> float:
        found = self.properties.first(names)
        return min(max(found[0], 0.0), high) if found else default

    def _color(self, names: tuple[str, ...]) -> list[float] | None:
        return self.properties.first(names, 3)

    def _surface(self) -> tuple[list[float], float, float]:
        """(base colour, metalness, roughness)."""
        modern = self._color(_COLOR)
        if modern is None:
            return self._phong()
        weight = self._first(_WEIGHT, 1.0)
        color = [1.0, 1.0, 1.0] if "base" in self.maps else modern
        metal = self._first(_METAL, 0.0)
        gloss = self.properties.first(_GLOSS)
        rough = 1 - min(max(gloss[0], 0.0), 1.0) if gloss else self._first(_ROUGH, 0.5)
        if self.properties.integer(f"{_P}roughness_inv", 0):
            rough = 1 - rough
        specular = self._color(_SPECULAR)
        if specular is not None and not self.properties.first(_METAL) and "base" not in self.maps:
            solved, metals = solve_metalness(np.clip(color, 0, 1), np.clip(specular, 0, 1))
            color, metal = solved.tolist(), float(metals[0])
        metal = 1.0 if "metal" in self.maps else metal
        rough = 1.0 if "rough" in self.maps or "gloss" in self.maps else rough
        return [min(max(part * weight, 0.0), 1.0) for part in color], metal, rough

    def _phong(self) -> tuple[list[float], float, float]:
        properties = self.properties
        weight = properties.number("DiffuseFactor", 1.0)
        color = properties.numbers("DiffuseColor", 3, tuple(properties.numbers("Diffuse", 3, (0.8, 0.8, 0.8))))
        color = [1.0, 1.0, 1.0] if "base" in self.maps else color
        exponent = max(properties.number("ShininessExponent", properties.number("Shininess", 20.0)), 0.0)
        metal = 0.0
        if _is_blenders(self.conversion):
            rough = 1 - math.sqrt(min(exponent, 100.0)) / 10
            metal = min(max(properties.number("ReflectionFactor", 0.0), 0.0), 1.0)
        else:
            model = self.source.node.child_text("ShadingModel", properties.text("ShadingModel")).lower()
            shines = max(properties.numbers("SpecularColor", 3, (0.2, 0.2, 0.2))) * properties.number(
                "SpecularFactor", 1.0
            )
            rough = 1.0 if model == "lambert" or shines <= 0 else math.sqrt(2 / (exponent + 2))
        metal = 1.0 if "metal" in self.maps else metal
        rough = 1.0 if "rough" in self.maps else rough
        return [min(max(part * weight, 0.0), 1.0) for part in color], metal, rough

    def _alpha(self) -> float:
        properties = self.properties
        if "opacity" in self.maps:
            return 1.0
        modern = properties.first(("Maya|opacity",), 3)
        if modern:
            return min(max(sum(modern) / 3, 0.0), 1.0)
        if "Opacity" in properties:
            return min(max(properties.number("Opacity", 1.0), 0.0), 1.0)
        clear = properties.number("TransparencyFactor", 0.0)
        if "TransparentColor" in properties:
            clear *= sum(properties.numbers("TransparentColor", 3, (1.0, 1.0, 1.0))) / 3
        return 1.0 if clear >= 1 else 1 - max(clear, 0.0)

    def _base_map(self, surface: Json) -> bool:
        """Whether the base colour has an alpha to blend by."""
        base, opacity = self.maps.get("base"), self.maps.get("opacity")
        if base is not None and opacity is not None and base.name == opacity.name:
            info = texture_info(self.conversion, base)
            if info is not None:
                surface["baseColorTexture"] = info
            return info is not None
        if opacity is not None and (base is None or base.place == opacity.place):
            kept = {"RGB": (base, False)} if base is not None else {"R": None, "G": None, "B": None}
            index = composed(self.conversion, {**kept, "A": (opacity, False)}, "RGBA")
            if index is not None:
                surface["baseColorTexture"] = placed(self.conversion, index, base or opacity)
                return True
        if opacity is not None:
            self.conversion.lose("opacity_maps", "The map of opacity could not be joined with that of the base colour.")
        info = texture_info(self.conversion, base) if base is not None else None
        if info is not None:
            surface["baseColorTexture"] = info
        return False

    def _packed_maps(self, material: Json, surface: Json) -> None:
        """Occlusion (R), roughness (G) and metalness (B) in one texture, as glTF wants them."""
        rough = self.maps.get("rough") or self.maps.get("gloss")
        wanted = {"R": self.maps.get("occlusion"), "G": rough, "B": self.maps.get("metal")}
        first = next((found for found in wanted.values() if found is not None), None)
        if first is None:
            return
        wanted = {band: found if found and found.place == first.place else None for band, found in wanted.items()}
        inverted = "rough" not in self.maps
        bands = {band: (found, band == "G" and inverted) if found else None for band, found in wanted.items()}
        index = composed(self.conversion, bands, "RGB")
        if index is None:
            names = ", ".join(found.name[-40:] for found in wanted.values() if found)
            text = (
                f"its maps of occlusion, roughness or metalness ({names}) were not uploaded along, or are no pictures."
            )
            self.conversion.doubt("COMPANION_MISSING", self.source, text)
            return
        info = placed(self.conversion, index, first)
        if wanted["R"]:
            material["occlusionTexture"] = info
        if wanted["G"] or wanted["B"]:
            surface["metallicRoughnessTexture"] = info

    def _normal(self) -> Json | None:
        found, bump = self.maps.get("normal"), self.maps.get("bump")
        if found is None and bump is not None and any(word in bump.name.lower() for word in ("normal", "nrm", "_n.")):
            found = bump
        elif bump is not None:
            self.conversion.lose("bump_maps", "Bump maps are heights; glTF knows normal maps.")
        return texture_info(self.conversion, found) if found is not None else None

    def _emission(self, material: Json) -> None:
        color = self._color(_EMITTED)
        if color is not None:
            weight = self._first(_EMISSION, 1.0, 1e6)
        else:
            color = self.properties.numbers(
                "EmissiveColor", 3, tuple(self.properties.numbers("Emissive", 3, (0, 0, 0)))
            )
            weight = self.properties.number("EmissiveFactor", 1.0)
        info = texture_info(self.conversion, self.maps["emitted"]) if "emitted" in self.maps else None
        if info is not None:
            material["emissiveTexture"] = info
            color, weight = [1.0, 1.0, 1.0], weight if weight > 0 else 1.0
        glow = [min(max(part * weight, 0.0), 1e6) for part in color]
        strength = max(1.0, *glow)
        if any(glow):
            material["emissiveFactor"] = [part / strength for part in glow]
        if strength > 1:
            self._extend("KHR_materials_emissive_strength", {"emissiveStrength": strength})

    def _layers(self) -> None:
        """What lies above or below the surface, where a standard surface says so."""
        if self._color(_COLOR) is None:
            return
        index = self.properties.first(_IOR)
        if index and 1.0 <= index[0] <= 10.0 and abs(index[0] - 1.5) > 1e-3:
            self._extend("KHR_materials_ior", {"ior": index[0]})
        through = self._first(_THROUGH, 0.0)
        if through > 0:
            self._extend("KHR_materials_transmission", {"transmissionFactor": through})
        coat = self._first(_COAT, 0.0)
        if coat > 0:
            rough = self._first(_COAT_ROUGH, 0.0)
            self._extend("KHR_materials_clearcoat", {"clearcoatFactor": coat, "clearcoatRoughnessFactor": rough})
        sheen = self._first(_SHEEN, 0.0)
        if sheen > 0:
            color = [min(max(part * sheen, 0.0), 1.0) for part in self._color(_SHEEN_COLOR) or (1.0, 1.0, 1.0)]
            rough = self._first(_SHEEN_ROUGH, 0.3)
            self._extend("KHR_materials_sheen", {"sheenColorFactor": color, "sheenRoughnessFactor": rough})

    def _extend(self, name: str, values: Json) -> None:
        self.extensions[name] = values
        self.conversion.builder.use(name)

    def _count_losses(self) -> None:
        known = {name for names in _roles(self.conversion).values() for name in names}
        others = [prop for child, prop in self.source.children if "Texture" in child.kind and prop.lower() not in known]
        self.conversion.lose("material_maps", "glTF has no such map: displacement, specular and others.", len(others))
