"""glTF materials as UsdPreviewSurface networks (UsdPreviewSurface Specification 2.6)."""

from __future__ import annotations

import math
from typing import Any

from pxr import Gf, Sdf, Usd, UsdShade

from threed_workers.document import Document
from threed_workers.exports.pictures import Pictures
from threed_workers.exports.surfaces import Map, Surface
from threed_workers.exports.usd_meshes import coordinates
from threed_workers.exports.usd_names import Paths

_WRAPS = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
_FLOAT, _COLOR, _TOKEN = Sdf.ValueTypeNames.Float, Sdf.ValueTypeNames.Color3f, Sdf.ValueTypeNames.Token
_FLOAT2, _FLOAT4 = Sdf.ValueTypeNames.Float2, Sdf.ValueTypeNames.Float4


class Materials:
    """The materials that meshes were bound to, each made once."""

    def __init__(self, document: Document, stage: Usd.Stage, scope: Sdf.Path, names: Paths, pictures: Pictures):
        self._document, self._stage, self._scope = document, stage, scope
        self._names, self._pictures = names, pictures
        self._made: dict[tuple[int | None, bool], UsdShade.Material] = {}

    def bind(self, prim: Usd.Prim, number: int | None, surface: Surface, painted: bool) -> None:
        """Give `prim` a material; `painted`: its vertices have colours, with that of the material in them."""
        key = (number, painted)
        if key not in self._made:
            otherwise = "default" if number is None else f"material_{number}"
            path = self._names.child(self._scope, surface.name, otherwise)
            material = UsdShade.Material.Define(self._stage, path)
            _Network(self._document, self._stage, material, self._pictures).fill(surface, painted)
            self._made[key] = material
        UsdShade.MaterialBindingAPI.Apply(prim).Bind(self._made[key])


class _Network:
    """The shaders of one material."""

    def __init__(self, document: Document, stage: Usd.Stage, material: UsdShade.Material, pictures: Pictures):
        self._document, self._stage, self._pictures = document, stage, pictures
        self._material = material
        self._path = material.GetPath()
        self._readers: dict[tuple, UsdShade.Output] = {}
        self._surface = self._shader("surface", "UsdPreviewSurface")
        output = self._surface.CreateOutput("surface", _TOKEN)
        material.CreateSurfaceOutput().ConnectToSource(output)

    def fill(self, surface: Surface, painted: bool) -> None:
        self._base(surface, painted)
        both = surface.maps.get("surface")
        factors = (1.0, surface.roughness, surface.metallic, 1.0)
        self._input("roughness", _FLOAT, surface.roughness, both, "g", "surface", scale=factors)
        self._input("metallic", _FLOAT, surface.metallic, both, "b", "surface", scale=factors)
        glow = surface.maps.get("emissive")
        factors = (*surface.emissive, 1.0)
        self._input("emissiveColor", _COLOR, surface.emissive, glow, "rgb", "emissive", scale=factors, srgb=True)
        normal = surface.maps.get("normal")
        if normal is not None:
            # 8 bit colours to vectors; glTF's scale is of x and y (section 3.9.3).
            by = 2 * normal.strength
            scale, bias = (by, by, 2.0, 1.0), (-by / 2, -by / 2, -1.0, 0.0)
            kind = Sdf.ValueTypeNames.Normal3f
            self._input("normal", kind, (0.0, 0.0, 1.0), normal, "rgb", "normal", scale=scale, bias=bias)
        shade = surface.maps.get("occlusion")
        if shade is not None:
            by = shade.strength
            scale, bias = (by, 1.0, 1.0, 1.0), (1.0 - by, 0.0, 0.0, 0.0)
            self._input("occlusion", _FLOAT, 1.0, shade, "r", "occlusion", scale=scale, bias=bias)
        self._coat(surface)
        self._surface.CreateInput("ior", _FLOAT).Set(surface.ior)

    def _base(self, surface: Surface, painted: bool) -> None:
        base = surface.maps.get("base")
        if painted and base is None:
            self._vertex_value("diffuseColor", "displayColor", _COLOR)
            if surface.alpha_mode != "OPAQUE":
                self._vertex_value("opacity", "displayOpacity", _FLOAT)
            return
        self._input("diffuseColor", _COLOR, surface.color[:3], base, "rgb", "base", scale=surface.color, srgb=True)
        if surface.alpha_mode != "OPAQUE":
            self._input("opacity", _FLOAT, surface.color[3], base, "a", "base", scale=surface.color, srgb=True)
        if surface.alpha_mode == "MASK":
            self._surface.CreateInput("opacityThreshold", _FLOAT).Set(surface.cutoff)

    def _vertex_value(self, name: str, primvar: str, kind: Sdf.ValueTypeName) -> None:
        """An input that comes from the vertices; opacity is written only where it is below 1."""
        single = kind == _FLOAT
        reader = self._shader(primvar, "UsdPrimvarReader_float" if single else "UsdPrimvarReader_float3")
        reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set(primvar)
        if single:
            reader.CreateInput("fallback", _FLOAT).Set(1.0)
        result = _FLOAT if single else Sdf.ValueTypeNames.Float3
        self._surface.CreateInput(name, kind).ConnectToSource(reader.CreateOutput("result", result))

    def _coat(self, surface: Surface) -> None:
        factor, roughness = surface.clearcoat
        if not factor:
            return
        scale = (factor, 1.0, 1.0, 1.0)
        self._input("clearcoat", _FLOAT, factor, surface.maps.get("clearcoat"), "r", "clearcoat", scale=scale)
        map, scale = surface.maps.get("clearcoat roughness"), (1.0, roughness, 1.0, 1.0)
        self._input("clearcoatRoughness", _FLOAT, roughness, map, "g", "clearcoat_roughness", scale=scale)

    def _input(
        self,
        name: str,
        kind: Sdf.ValueTypeName,
        value: Any,
        map: Map | None,
        channel: str,
        slot: str,
        *,
        scale: tuple[float, ...],
        bias: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
        srgb: bool = False,
    ) -> None:
        """An input of the surface: a value, or a channel of a texture where there is a picture for it."""
        picture = self._pictures.of(map.texture) if map is not None else None
        target = self._surface.CreateInput(name, kind)
        if picture is None:
            target.Set(Gf.Vec3f(*value) if isinstance(value, tuple) else float(value))
            return
        path = self._path.AppendChild(f"{slot}_texture")
        texture = UsdShade.Shader(self._stage.GetPrimAtPath(path))
        if not texture:
            texture = self._texture(f"{slot}_texture", map, picture.name, srgb)
            texture.CreateInput("scale", _FLOAT4).Set(Gf.Vec4f(*scale))
            if any(bias):
                texture.CreateInput("bias", _FLOAT4).Set(Gf.Vec4f(*bias))
        kinds = {"rgb": Sdf.ValueTypeNames.Float3}
        target.ConnectToSource(texture.CreateOutput(channel, kinds.get(channel, _FLOAT)))

    def _texture(self, name: str, map: Map, file: str, srgb: bool) -> UsdShade.Shader:
        texture = self._shader(name, "UsdUVTexture")
        texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(f"textures/{file}"))
        texture.CreateInput("sourceColorSpace", _TOKEN).Set("sRGB" if srgb else "raw")
        texture.CreateInput("st", _FLOAT2).ConnectToSource(self._coordinates(map))
        number = self._document.all("textures")[map.texture].get("sampler")
        sampler = self._document.all("samplers")[number] if number is not None else {}
        for side in ("wrapS", "wrapT"):
            texture.CreateInput(side, _TOKEN).Set(_WRAPS.get(sampler.get(side, 10497), "repeat"))
        return texture

    def _coordinates(self, map: Map) -> UsdShade.Output:
        """A reader of the UV set, and the KHR_texture_transform behind it, turned to an origin at the bottom left."""
        if map.coordinates not in self._readers:
            number = len(self._readers)
            reader = self._shader(f"coordinates_{number}", "UsdPrimvarReader_float2")
            reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set(coordinates(map.uv_set))
            output = reader.CreateOutput("result", _FLOAT2)
            if map.is_moved:
                cos, sin = math.cos(map.rotation), math.sin(map.rotation)
                moved = self._shader(f"transform_{number}", "UsdTransform2d")
                moved.CreateInput("in", _FLOAT2).ConnectToSource(output)
                moved.CreateInput("scale", _FLOAT2).Set(Gf.Vec2f(*map.scale))
                moved.CreateInput("rotation", _FLOAT).Set(math.degrees(map.rotation))
                shift = (map.offset[0] + sin * map.scale[1], 1 - map.offset[1] - cos * map.scale[1])
                moved.CreateInput("translation", _FLOAT2).Set(Gf.Vec2f(*shift))
                output = moved.CreateOutput("result", _FLOAT2)
            self._readers[map.coordinates] = output
        return self._readers[map.coordinates]

    def _shader(self, name: str, kind: str) -> UsdShade.Shader:
        shader = UsdShade.Shader.Define(self._stage, self._path.AppendChild(name))
        shader.CreateIdAttr(kind)
        return shader
