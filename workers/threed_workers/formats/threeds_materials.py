"""Materials of 3DS: Phong surfaces with pictures laid over them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions, issue
from threed_workers.document.model import Json
from threed_workers.formats.phong import phong, roughness_of, texture_info
from threed_workers.formats.surface import add_texture
from threed_workers.formats.threeds_chunks import Chunk, Chunks

_COLORS = {0xA010: "ambient", 0xA020: "diffuse", 0xA030: "specular"}
_AMOUNTS = {0xA040: "shininess", 0xA041: "shininess strength", 0xA050: "transparency", 0xA084: "self illumination"}
_MAPS = {0xA200: "texture", 0xA33A: "second texture", 0xA210: "opacity", 0xA230: "bump", 0xA204: "specular"}
_MAPS |= {0xA33C: "shininess", 0xA33D: "self illumination", 0xA220: "reflection"}
_UNTILED = 0x10  # of the tiling flags: the picture is not repeated


@dataclass
class Map:
    """A picture: its file, and how often it repeats, where it begins (both in its own size) and its turn in degrees."""

    file: str = ""
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0
    flags: int = 0


@dataclass
class Material:
    """`colors` are sRGB in [0, 1], `amounts` fractions of 1."""

    name: str = ""
    colors: dict[str, list[float]] = field(default_factory=dict)
    amounts: dict[str, float] = field(default_factory=dict)
    maps: dict[str, Map] = field(default_factory=dict)
    two_sided: bool = False
    wire: bool = False


def read_material(chunks: Chunks, chunk: Chunk) -> Material:
    material = Material()
    for part in chunks.within(chunk):
        if part.number == 0xA000:
            material.name = chunks.text(part)
        elif part.number in _COLORS:
            material.colors[_COLORS[part.number]] = _color(chunks, part)
        elif part.number in _AMOUNTS:
            material.amounts[_AMOUNTS[part.number]] = _amount(chunks, part)
        elif part.number in _MAPS:
            material.maps.setdefault(_MAPS[part.number], _map(chunks, part))
        elif part.number == 0xA081:
            material.two_sided = True
        elif part.number == 0xA085:
            material.wire = True
    return material


def _color(chunks: Chunks, chunk: Chunk) -> list[float]:
    """The last of the forms that a colour is written in: plain first, then corrected for the screen."""
    color = [0.8, 0.8, 0.8]
    for part in chunks.within(chunk):
        if part.number in (0x0010, 0x0013):
            color = chunks.numbers(part, "f4", 3).tolist()
        elif part.number in (0x0011, 0x0012):
            color = (chunks.numbers(part, "u1", 3) / 255.0).tolist()
    return [min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0 for value in color]


def _amount(chunks: Chunks, chunk: Chunk) -> float:
    amount = 0.0
    for part in chunks.within(chunk):
        if part.number == 0x0030:
            amount = chunks.number(part, "i2") / 100.0
        elif part.number == 0x0031:
            amount = chunks.number(part, "f4")
    return min(max(amount, 0.0), 1.0) if math.isfinite(amount) else 0.0


def _map(chunks: Chunks, chunk: Chunk) -> Map:
    found = Map()
    places: dict[int, float] = {}
    for part in chunks.within(chunk):
        if part.number == 0xA300:
            found.file = chunks.text(part)
        elif part.number == 0xA351:
            found.flags = int(chunks.number(part, "u2"))
        elif part.number in (0xA354, 0xA356, 0xA358, 0xA35A, 0xA35C):
            value = chunks.number(part, "f4")
            if math.isfinite(value):
                places[part.number] = value
    found.scale = (places.get(0xA356, 1.0) or 1.0, places.get(0xA354, 1.0) or 1.0)
    found.offset = (places.get(0xA358, 0.0), places.get(0xA35A, 0.0))
    found.angle = places.get(0xA35C, 0.0)
    return found


def add_material(
    builder: Builder, material: Material, companions: Companions, budget: Budget, issues: list[Json]
) -> int:
    """The number of the glTF material. Maps that glTF has no place for are named in an issue."""
    where = f"material {material.name[:60]!r}"
    texture = _texture(builder, material.maps.get("texture"), companions, budget, issues, where)
    diffuse = material.colors.get("diffuse", [0.8, 0.8, 0.8])
    glow = material.amounts.get("self illumination", 0.0)
    made = phong(
        name=material.name,
        diffuse=[1.0, 1.0, 1.0] if texture else diffuse,
        alpha=1.0 - material.amounts.get("transparency", 0.0),
        # The exponent is 2 to the tenfold of the glossiness (3ds Max's Blinn shader).
        roughness=roughness_of(2.0 ** (10.0 * material.amounts.get("shininess", 0.0))),
        emission=[glow * part for part in diffuse],
        two_sided=material.two_sided,
        texture=texture,
    )
    shine = _texture(builder, material.maps.get("self illumination"), companions, budget, issues, where)
    if shine:
        made |= {"emissiveTexture": shine, "emissiveFactor": [1.0, 1.0, 1.0]}
    kept = {key: material.colors[key] for key in ("ambient", "specular") if key in material.colors}
    if kept:
        made["extras"] = {"3ds": kept | material.amounts}
    unused = sorted(set(material.maps) - {"texture", "self illumination"}) + ["wire"] * material.wire
    if unused:
        issues.append(issue("MATERIAL_MAPS_UNUSED", "INFO", where, f"Not carried over: {', '.join(unused)}."))
    return builder.add("materials", made)


def _texture(
    builder: Builder, found: Map | None, companions: Companions, budget: Budget, issues: list[Json], where: str
) -> Json | None:
    if found is None or not found.file:
        return None
    index = add_texture(builder, companions, found.file, budget, issues, where)
    if index is None:
        return None
    if found.flags & _UNTILED:
        issues.append(issue("TEXTURE_REPEATS", "INFO", where, "The picture was not to be repeated; here it is."))
    return texture_info(builder, index, _transform(found))


def _transform(found: Map) -> Json | None:
    """KHR_texture_transform, whose v runs downwards.

    3DS samples at (u * su + ou, v * sv + ov) from the bottom, so from the top, with V = 1 - v, at
    1 - ((1 - V) * sv + ov) = V * sv + 1 - sv - ov.
    """
    (su, sv), (ou, ov) = found.scale, found.offset
    if (su, sv, ou, ov, found.angle) == (1.0, 1.0, 0.0, 0.0, 0.0):
        return None
    transform: Json = {"scale": [su, sv], "offset": [ou, 1.0 - sv - ov]}
    if found.angle:
        transform["rotation"] = math.radians(found.angle)
    return transform
