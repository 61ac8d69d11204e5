"""UsdPreviewSurface (specification 2.6) to glTF materials.

Metalness workflow is glTF's own. Specular workflow goes to KHR_materials_specular over a metalness of 0: its F0 is the
specular colour, which that extension writes as a multiple of the 0.04 of an index of refraction of 1.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion
from threed_workers.formats.usd_textures import Sampled, Textures

_F0 = 0.04
_MOST_HOPS = 32
Input = float | tuple[float, ...] | Sampled


@dataclass(frozen=True)
class Wearer:
    """What of a mesh its material depends on. `uv_sets`: primvar name to number of TEXCOORD."""

    uv_sets: tuple[tuple[str, int], ...] = ()
    double_sided: bool = False
    color: tuple[float, ...] | None = None  # constant displayColor and opacity, linear RGBA, where no other material is
    blends: bool = False  # the vertices' colours have opacity


class Materials:
    """Materials by what they are made of."""

    def __init__(self, conversion: Conversion):
        self.conversion = conversion
        self.textures = Textures(conversion)
        self.made: dict[tuple, int | None] = {}
        self.shaders: dict[str, Any] = {}

    def bound(self, prim: Any) -> Any | None:
        """The UsdShade material of a prim or subset, or None."""
        from pxr import UsdShade

        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
        return material if material else None

    def is_readable(self, material: Any) -> bool:
        """Whether it is a UsdPreviewSurface."""
        return self._surface(material) is not None

    def reads(self, material: Any, primvar: str) -> bool:
        """Whether the diffuse colour of a material is that primvar."""
        shader = self._surface(material)
        source = _connected(shader, "diffuseColor") if shader else None
        return source is not None and _reader_name(source) == primvar

    def number(self, material: Any | None, wearer: Wearer, prim: Any) -> int | None:
        """The glTF material; None where the default does."""
        shader = self._surface(material) if material is not None else None
        key = (str(material.GetPath()) if shader else "", wearer)
        if key not in self.made:
            entry = self._entry(material, shader, dict(wearer.uv_sets), prim) if shader else self._plain(wearer)
            if wearer.double_sided:
                entry["doubleSided"] = True
            self.made[key] = self.conversion.builder.add("materials", entry) if entry else None
        return self.made[key]

    def _surface(self, material: Any) -> Any | None:
        """The UsdPreviewSurface shader of a material; None, and a loss, when it has none."""
        path = str(material.GetPath())
        if path not in self.shaders:
            shader, _, _ = material.ComputeSurfaceSource()
            kind = shader.GetIdAttr().Get() if shader else None
            if kind != "UsdPreviewSurface":
                self.conversion.lose(f"material {kind or 'without surface'}"[:80], "Only UsdPreviewSurface is read.")
                shader = None
            self.shaders[path] = shader
            if shader and any(_connected(shader, name) for name in ("displacement",)):
                self.conversion.lose("displacement", "glTF has no displacement.")
        return self.shaders[path]

    def _plain(self, wearer: Wearer) -> Json:
        if wearer.color is None:
            return {}
        entry: Json = {"pbrMetallicRoughness": {"baseColorFactor": list(wearer.color), "metallicFactor": 0.0}}
        return entry | ({"alphaMode": "BLEND"} if wearer.blends or wearer.color[3] < 1 else {})

    # ---------------------------------------------------------------- UsdPreviewSurface

    def _entry(self, material: Any, shader: Any, uv_sets: dict[str, int], prim: Any) -> Json:
        look = _Look(self, material.GetPrim(), shader, uv_sets)
        entry: Json = {"name": material.GetPrim().GetName()}
        surface = entry["pbrMetallicRoughness"] = {}
        base = look.color("diffuseColor", (0.18, 0.18, 0.18))
        opacity = look.scalar("opacity", 1.0)
        self._base(look, entry, surface, base, opacity)
        if look.scalar("useSpecularWorkflow", 0.0):
            surface["metallicFactor"] = 0.0
            self._rough(look, surface, 0.0, look.scalar("roughness", 0.5))
            self._specular(look, entry)
        else:
            self._rough(look, surface, look.scalar("metallic", 0.0), look.scalar("roughness", 0.5))
        self._details(look, entry)
        self._coat(look, entry)
        return entry

    def _base(self, look: _Look, entry: Json, surface: Json, base: Input, opacity: Input) -> None:
        factor = [1.0, 1.0, 1.0, 1.0]
        if isinstance(base, Sampled):
            joined = isinstance(opacity, Sampled) and opacity.place() == base.place()
            if joined and (opacity.token, opacity.channel, opacity.linear()) != (base.token, "a", (1.0, 0.0)):
                image = self.textures.composed({"rgb": base, "a": opacity}, look.prim)
            else:
                image = self.textures.picture(base, look.prim)
            info = self.textures.info(base, image, look.uv_sets, look.prim)
            if info:
                surface["baseColorTexture"] = info
                factor[:3] = look.tint("diffuseColor", base)
        else:
            factor[:3] = [*base]
            if isinstance(opacity, Sampled):
                image = self.textures.composed({"a": opacity}, look.prim)
                info = self.textures.info(opacity, image, look.uv_sets, look.prim)
                surface |= {"baseColorTexture": info} if info else {}
        if not isinstance(opacity, Sampled):
            factor[3] = min(max(opacity, 0.0), 1.0)
        elif isinstance(base, Sampled) and opacity.place() != base.place():
            self.conversion.lose("opacity texture", "It is looked up elsewhere than the base colour, which holds it.")
        surface["baseColorFactor"] = factor
        threshold = look.scalar("opacityThreshold", 0.0)
        if not isinstance(threshold, Sampled) and threshold > 0:
            entry |= {"alphaMode": "MASK", "alphaCutoff": min(threshold, 1.0)}
        elif isinstance(opacity, Sampled) or factor[3] < 1:
            entry["alphaMode"] = "BLEND"

    def _rough(self, look: _Look, surface: Json, metallic: Input, roughness: Input) -> None:
        """One picture for both, or one factor each."""
        sampled = {"b": metallic, "g": roughness}
        sampled = {name: one for name, one in sampled.items() if isinstance(one, Sampled)}
        surface["metallicFactor"] = 1.0 if "b" in sampled else min(max(metallic, 0.0), 1.0)
        surface["roughnessFactor"] = 1.0 if "g" in sampled else min(max(roughness, 0.0), 1.0)
        if len({one.place() for one in sampled.values()}) > 1:
            self.conversion.lose(
                "metallic texture", "It is looked up elsewhere than the roughness, which it goes with."
            )
            surface["metallicFactor"] = 0.0
            del sampled["b"]
        if not sampled:
            return
        one = next(iter(sampled.values()))
        plain = all(part.channel == name and part.linear() == (1.0, 0.0) for name, part in sampled.items())
        if plain and len({part.token for part in sampled.values()}) == 1:
            image = self.textures.picture(one, look.prim)
        else:
            image = self.textures.composed(sampled, look.prim)
        info = self.textures.info(one, image, look.uv_sets, look.prim)
        if info:
            surface["metallicRoughnessTexture"] = info
        else:
            surface |= {"metallicFactor": 0.0} if "b" in sampled else {}
            surface |= {"roughnessFactor": 0.5} if "g" in sampled else {}

    def _specular(self, look: _Look, entry: Json) -> None:
        color = look.color("specularColor", (0.0, 0.0, 0.0))
        found: Json = {"specularColorFactor": [1 / _F0] * 3}
        if isinstance(color, Sampled):
            info = self.textures.info(color, self.textures.picture(color, look.prim), look.uv_sets, look.prim)
            found |= {"specularColorTexture": info} if info else {}
            found["specularColorFactor"] = [part / _F0 for part in look.tint("specularColor", color)]
        else:
            found["specularColorFactor"] = [part / _F0 for part in color]
        self._extend(entry, "KHR_materials_specular", found)

    def _details(self, look: _Look, entry: Json) -> None:
        normal = look.color("normal", (0.0, 0.0, 1.0))
        if isinstance(normal, Sampled):
            info = self.textures.info(normal, self.textures.picture(normal, look.prim), look.uv_sets, look.prim)
            if info:
                strength = normal.scale[0] / 2 if normal.bias[0] < 0 else 1.0
                entry["normalTexture"] = info | ({"scale": strength} if strength != 1 else {})
                if normal.scale[0] * normal.scale[1] < 0:
                    self.conversion.lose("normal map direction", "The map's green points down; glTF's points up.")
        occlusion = look.scalar("occlusion", 1.0)
        if isinstance(occlusion, Sampled):
            plain = occlusion.channel == "r" and occlusion.linear() == (1.0, 0.0)
            make = self.textures.picture if plain else lambda one, prim: self.textures.composed({"r": one}, prim)
            info = self.textures.info(occlusion, make(occlusion, look.prim), look.uv_sets, look.prim)
            entry |= {"occlusionTexture": info} if info else {}
        elif occlusion != 1:
            self.conversion.lose("occlusion", "One occlusion for a whole material is left out.")
        glow = look.color("emissiveColor", (0.0, 0.0, 0.0))
        factor = look.tint("emissiveColor", glow) if isinstance(glow, Sampled) else [*glow]
        if isinstance(glow, Sampled):
            info = self.textures.info(glow, self.textures.picture(glow, look.prim), look.uv_sets, look.prim)
            entry |= {"emissiveTexture": info} if info else {}
            factor = factor if info else [0.0, 0.0, 0.0]
        if any(factor):
            strength = max(1.0, *factor)
            entry["emissiveFactor"] = [max(part, 0.0) / strength for part in factor]
            if strength > 1:
                self._extend(entry, "KHR_materials_emissive_strength", {"emissiveStrength": strength})

    def _coat(self, look: _Look, entry: Json) -> None:
        ior = look.scalar("ior", 1.5)
        if not isinstance(ior, Sampled) and ior != 1.5 and (ior == 0 or ior >= 1):
            self._extend(entry, "KHR_materials_ior", {"ior": ior})
        found: Json = {}
        for name, key, channel in (("clearcoat", "clearcoat", "r"), ("clearcoatRoughness", "clearcoatRoughness", "g")):
            amount = look.scalar(name, 0.0 if name == "clearcoat" else 0.01)
            if isinstance(amount, Sampled):
                plain = amount.channel == channel and amount.linear() == (1.0, 0.0)
                image = (
                    self.textures.picture(amount, look.prim)
                    if plain
                    else self.textures.composed({channel: amount}, look.prim)
                )
                info = self.textures.info(amount, image, look.uv_sets, look.prim)
                found |= {f"{key}Factor": 1.0, f"{key}Texture": info} if info else {}
            else:
                found[f"{key}Factor"] = min(max(amount, 0.0), 1.0)
        if found.get("clearcoatFactor"):
            self._extend(entry, "KHR_materials_clearcoat", found)

    def _extend(self, entry: Json, name: str, found: Json) -> None:
        entry.setdefault("extensions", {})[name] = found
        self.conversion.builder.use(name)


class _Look:
    """The inputs of one shader."""

    def __init__(self, materials: Materials, prim: Any, shader: Any, uv_sets: dict[str, int]):
        self.conversion, self.prim, self.shader, self.uv_sets = materials.conversion, prim, shader, uv_sets

    def scalar(self, name: str, default: float) -> float | Sampled:
        found = self._input(name)
        if isinstance(found, Sampled):
            return found
        found = found[0] if isinstance(found, tuple) else found
        return default if found is None or not math.isfinite(found) else float(found)

    def color(self, name: str, default: tuple[float, ...]) -> tuple[float, ...] | Sampled:
        """Three numbers in [0, 1], or what is above where the name is emissive."""
        found = self._input(name)
        if isinstance(found, Sampled):
            return found
        if not isinstance(found, tuple) or len(found) < 3 or not all(map(math.isfinite, found)):
            return default
        high = math.inf if name == "emissiveColor" else 1.0
        return tuple(min(max(part, 0.0), high) for part in found[:3]) if name != "normal" else found[:3]

    def tint(self, name: str, sampled: Sampled) -> list[float]:
        """The factor that a texture's scale is; a bias cannot be held."""
        if any(sampled.bias[:3]):
            self.conversion.lose("texture bias", f"glTF multiplies {name} and adds nothing.")
        high = math.inf if name == "emissiveColor" else 1.0
        return [min(max(part, 0.0), high) if math.isfinite(part) else 1.0 for part in sampled.scale[:3]]

    def _input(self, name: str) -> float | tuple[float, ...] | Sampled | None:
        source = _connected(self.shader, name)
        if source is not None:
            return self._sampled(source, name)
        found = self.shader.GetInput(name)
        if not found:
            return None
        producers = found.GetValueProducingAttributes()
        if producers and any(attribute.ValueMightBeTimeVarying() for attribute in producers):
            self.conversion.lose("moving material", f"{name} changes in time; its first value is kept.")
        return _numbers(producers[0].Get(self.conversion.time)) if producers else None

    def _sampled(self, source: Any, name: str) -> Sampled | float | tuple[float, ...] | None:
        """What a connected shader gives."""
        shader, output = source
        kind = shader.GetIdAttr().Get()
        if kind != "UsdUVTexture":
            if _reader_name(source) != "displayColor":
                self.conversion.lose(f"shader {kind}"[:80], f"It feeds {name}; glTF has textures and numbers only.")
                return None
            return (1.0, 1.0, 1.0)  # the vertices carry it
        file = _constant(shader, "file", self.conversion)
        if file is None or not file.path:
            return _numbers(_constant(shader, "fallback", self.conversion))
        four = {key: _numbers(_constant(shader, key, self.conversion)) for key in ("scale", "bias")}
        four = {key: tuple(part) for key, part in four.items() if isinstance(part, tuple) and len(part) == 4}
        space = _constant(shader, "sourceColorSpace", self.conversion)
        if space == "raw" and name in ("diffuseColor", "emissiveColor"):
            self.conversion.lose("raw colour texture", f"glTF takes the texture of {name} as sRGB.")
        wrap = tuple(str(_constant(shader, key, self.conversion) or "useMetadata") for key in ("wrapS", "wrapT"))
        return self._placed(file.path, output, shader, wrap, four)

    def _placed(self, token: str, output: str, shader: Any, wrap: tuple, four: dict) -> Sampled:
        """Follow st through UsdTransform2d to the primvar."""
        source, moved = _connected(shader, "st"), {}
        for _ in range(_MOST_HOPS):
            if source is None or source[0].GetIdAttr().Get() != "UsdTransform2d":
                break
            if moved:
                self.conversion.lose("texture transform", "Only one UsdTransform2d in a row is kept.")
            moved = _moved(source[0], self.conversion)
            source = _connected(source[0], "in")
        varname = _reader_name(source) if source is not None else None
        return Sampled(token, output, varname or "st", wrap, **four, **moved)


def _moved(shader: Any, conversion: Conversion) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, name in (("tiling", "scale"), ("offset", "translation")):
        pair = _numbers(_constant(shader, name, conversion))
        if isinstance(pair, tuple) and len(pair) == 2 and all(map(math.isfinite, pair)):
            found[key] = pair
    turned = _numbers(_constant(shader, "rotation", conversion))
    if isinstance(turned, float) and math.isfinite(turned):
        found["rotation_deg"] = turned
    return found


def _connected(shader: Any, name: str) -> tuple[Any, str] | None:
    """(shader, output name) at the other end of an input, through all interfaces; None for a plain value."""
    from pxr import UsdShade

    found = shader.GetInput(name)
    if not found:
        return None
    for attribute in found.GetValueProducingAttributes():
        base, kind = UsdShade.Utils.GetBaseNameAndType(attribute.GetName())
        if kind == UsdShade.AttributeType.Output:
            return UsdShade.Shader(attribute.GetPrim()), base
    return None


def _constant(shader: Any, name: str, conversion: Conversion) -> Any:
    """The value of an input that is not fed by a shader."""
    found = shader.GetInput(name)
    producers = found.GetValueProducingAttributes() if found else []
    return producers[0].Get(conversion.time) if producers else None


def _reader_name(source: tuple[Any, str]) -> str | None:
    """The primvar that a UsdPrimvarReader reads."""
    shader, _ = source
    if not str(shader.GetIdAttr().Get() or "").startswith("UsdPrimvarReader"):
        return None
    found = shader.GetInput("varname")
    producers = found.GetValueProducingAttributes() if found else []
    name = producers[0].Get() if producers else None
    return str(name) if name else None


def _numbers(found: Any) -> float | tuple[float, ...] | None:
    if isinstance(found, int | float):
        return float(found)
    try:
        return tuple(float(part) for part in found)
    except (TypeError, ValueError):
        return None
