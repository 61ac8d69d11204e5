"""Property groups of a 3MF: materials, colours, texture coordinates, mixtures and layers of these.

3MF Core 1.3, chapter 5; Materials and Properties Extension 1.2. Every group is a list whose entries triangles name by
number. Colours are linear here, uint16 (n, 4), as glTF wants them.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileValuesInvalid
from threed_workers.document.model import Json
from threed_workers.formats import xml
from threed_workers.formats.findings import Findings
from threed_workers.mesh.colors import linear_from_srgb

_MS = "http://schemas.microsoft.com/3dmanufacturing"
CORE = f"{{{_MS}/core/2015/02}}"
MATERIAL = f"{{{_MS}/material/2015/02}}"

BASE, COLOR, TEXTURE, COMPOSITE, MULTI = "basematerials", "colorgroup", "texture2dgroup", "compositematerials", "multi"
_KINDS = {
    f"{CORE}basematerials": BASE,
    f"{MATERIAL}colorgroup": COLOR,
    f"{MATERIAL}texture2dgroup": TEXTURE,
    f"{MATERIAL}compositematerials": COMPOSITE,
    f"{MATERIAL}multiproperties": MULTI,
}
_TILES = ("wrap", "mirror", "clamp", "none")
_FILTERS = ("auto", "linear", "nearest")
_ID_END = 1 << 31
# glTF holds 32 bit floats; what is farther is no place, and its squares are infinite.
FARTHEST = 1e18
_MOST_CELLS = 1 << 26


@dataclass(frozen=True)
class Texture:
    """A picture of the package, and how it goes on beyond its edges."""

    path: str
    tiles: tuple[str, str]
    filter: str
    where: str


@dataclass
class Layer:
    """`rows` int64 (n,): which entry of `group` each entry of the multiproperties takes."""

    group: Group
    rows: np.ndarray
    multiplies: bool


@dataclass
class Group:
    """`colors` of materials, colours and mixtures; `uvs` float64 (n, 2), from the bottom left, of textures."""

    kind: str
    where: str
    count: int
    colors: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.uint16))
    names: list[str] = field(default_factory=list)
    uvs: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    texture: Texture | None = None
    layers: list[Layer] = field(default_factory=list)
    display_id: int = -1
    display: list[Json] | None = None


def read_texture(entry: Element, where: str, findings: Findings) -> Texture:
    """Materials chapter 6."""
    path = entry.get("path")
    if not path:
        raise FileMalformed("A texture has no path. Export the model again.", where=where)
    if entry.get("contenttype") not in ("image/png", "image/jpeg"):
        findings.error("TEXTURE_TYPE_INVALID", where, "The content type of a texture must be image/png or image/jpeg.")
    tiles = entry.get("tilestyleu", "wrap"), entry.get("tilestylev", "wrap")
    chosen = entry.get("filter", "auto")
    if not set(tiles) <= set(_TILES) or chosen not in _FILTERS:
        findings.error("TEXTURE_STYLE_INVALID", where, "A tile style or filter is none of the specification's.")
    if "none" in tiles:
        findings.lose("tile style none", "Outside, the edge of the picture goes on.")
    return Texture(path, tiles, chosen, where)


def read_group(
    entry: Element,
    where: str,
    findings: Findings,
    groups: dict[int, Group],
    textures: dict[int, Texture],
    numbers: array[float] | None,
    texts: list[str],
) -> Group | None:
    """A group, whose rows were taken while reading. `groups` and `textures` are those defined before."""
    kind = _KINDS.get(entry.tag)
    if kind is None:
        findings.lose(f"{xml.local(entry.tag)[:60]} resource", "It is not of the specification.")
        return None
    rows = np.array(numbers if numbers is not None else (), np.float64)
    if kind == BASE:
        group = _base(entry, where)
    elif kind == COLOR:
        group = Group(COLOR, where, len(rows) // 4, linear_from_srgb(rows.reshape(-1, 4)))
    elif kind == TEXTURE:
        group = _textured(entry, where, rows.reshape(-1, 2), textures)
    elif kind == COMPOSITE:
        group = _composite(entry, where, texts, groups)
        findings.lose("composite materials", "They are shown in the mixed colour of their parts.", group.count)
    else:
        group = _multi(entry, where, texts, groups, textures, findings)
    if not group.count:
        findings.error("PROPERTY_GROUP_EMPTY", where, "The group has no entries.")
    group.display_id = index(entry, "displaypropertiesid", where)
    if kind == BASE:  # some write it at the materials themselves
        group.display_id = max([group.display_id, *(index(child, "displaypropertiesid", where) for child in entry)])
    return group


def _base(entry: Element, where: str) -> Group:
    materials = entry.findall(f"{CORE}base")
    names = [material.get("name", "") for material in materials]
    colors = [rgba(material.get("displaycolor"), f"{where}, base {n}") for n, material in enumerate(materials)]
    return Group(BASE, where, len(materials), linear_from_srgb(np.array(colors).reshape(-1, 4)), names)


def _textured(entry: Element, where: str, uvs: np.ndarray, textures: dict[int, Texture]) -> Group:
    number = identifier(entry, "texid", where)
    if number not in textures:
        raise FileMalformed(f"Texture {number} is not defined before the group that uses it.", where=where)
    if not (np.abs(uvs) < FARTHEST).all():
        raise FileValuesInvalid("A texture coordinate is NaN, or beyond all bounds.", where=where)
    return Group(TEXTURE, where, len(uvs), uvs=uvs, texture=textures[number])


def _composite(entry: Element, where: str, texts: list[str], groups: dict[int, Group]) -> Group:
    """Materials chapter 4: what is missing counts 0, and when nothing is above 0, all count alike."""
    base = groups.get(identifier(entry, "matid", where))
    chosen = _integers(entry.get("matindices"), where)
    if base is None or base.kind != BASE:
        raise FileMalformed("The matid of a composite is no group of base materials before it.", where=where)
    if not chosen or max(chosen) >= base.count:
        raise FileValuesInvalid("The matindices of a composite are not of its base materials.", where=where)
    weights = np.zeros(_bounded(len(texts), len(chosen), where))
    for row, text in enumerate(texts):
        values = _numbers(text, where)[: len(chosen)]
        weights[row, : len(values)] = values
    weights[weights.sum(axis=1) <= 0] = 1.0
    weights /= weights.sum(axis=1, keepdims=True)
    mixed = np.rint(weights @ base.colors[chosen].astype(np.float64)).astype(np.uint16)
    return Group(COMPOSITE, where, len(texts), mixed)


def _multi(
    entry: Element,
    where: str,
    texts: list[str],
    groups: dict[int, Group],
    textures: dict[int, Texture],
    findings: Findings,
) -> Group:
    """Materials chapter 5: indices that are missing are 0."""
    pids = _integers(entry.get("pids"), where)
    if not pids:
        raise FileMalformed("The multiproperties have no pids. Export the model again.", where=where)
    chosen = np.zeros(_bounded(len(texts), len(pids), where), np.int64)
    for row, text in enumerate(texts):
        values = _integers(text, where)[: len(pids)]
        chosen[row, : len(values)] = values
    methods = entry.get("blendmethods", "").split()
    made = Group(MULTI, where, len(texts))
    for place, pid in enumerate(pids):
        group = groups.get(pid)
        if group is None and pid in textures:
            findings.warning("LAYER_UNUSABLE", where, f"Layer {place} is a texture, not a group of its coordinates.")
            continue
        if group is None:
            raise FileMalformed(f"Property group {pid} is not defined before the layers of it.", where=where)
        rows = chosen[:, place]
        if len(rows) and rows.max() >= group.count:
            message = f"Layer {place} has {group.count} entries, and entry {rows.max()} is used."
            findings.warning("LAYER_INDEX_INVALID", where, message)
            rows = np.minimum(rows, max(group.count - 1, 0))
        multiplies = place > 0 and methods[place - 1 : place] == ["multiply"]
        if group.count or group.kind == MULTI:
            made.layers.append(Layer(group, rows, multiplies))
    _check_layers(made, where)
    return made


def _bounded(rows: int, columns: int, where: str) -> tuple[int, int]:
    if rows * columns > _MOST_CELLS:
        message = f"{rows} mixtures of {columns} parts are more than {_MOST_CELLS} numbers. Split the model."
        raise FileTooComplex(message, where=where)
    return rows, columns


def _check_layers(made: Group, where: str) -> None:
    kinds = [layer.group.kind for layer in made.layers]
    materials = [kind in (BASE, COMPOSITE) for kind in kinds]
    if MULTI in kinds:
        raise FileMalformed("Multiproperties are made of multiproperties, which is forbidden.", where=where)
    if sum(materials) > 1 or kinds.count(COLOR) > 1:
        raise FileMalformed("Multiproperties have two layers of materials, or two of colours.", where=where)
    if any(materials[1:]):
        raise FileMalformed("The material of multiproperties must be their first layer.", where=where)


def read_display(entry: Element, where: str, findings: Findings) -> list[Json] | None:
    """Materials chapter 7: what each entry of a group adds to its glTF material; None when this is something else."""
    kind = xml.local(entry.tag)
    if not kind.endswith("displayproperties"):
        return None
    if kind == "pbmetallicdisplayproperties":
        return [_metallic(row, where) for row in entry]
    if kind == "pbspeculardisplayproperties":
        return [_specular(row, where) for row in entry]
    if kind == "translucentdisplayproperties":
        findings.lose("translucent attenuation", "Light passes without being dimmed on its way.", len(entry))
        return [_translucent(row, where) for row in entry]
    findings.lose(kind[:60], "Textures of metalness, roughness or reflection are not read.")
    return []


def _metallic(row: Element, where: str) -> Json:
    metal, rough = _fraction(row, "metallicness", 0.0, where), _fraction(row, "roughness", 1.0, where)
    return {"pbrMetallicRoughness": {"metallicFactor": metal, "roughnessFactor": rough}}


def _specular(row: Element, where: str) -> Json:
    """The reflectance at normal incidence is 0.04 times the factor (KHR_materials_specular)."""
    color = linear_from_srgb(np.array([rgba(row.get("specularcolor", "#383838"), where)]))[0, :3] / 65535
    specular = {"specularColorFactor": [round(float(part) / 0.04, 6) for part in color]}
    return {
        "pbrMetallicRoughness": {"roughnessFactor": 1.0 - _fraction(row, "glossiness", 0.0, where)},
        "extensions": {"KHR_materials_specular": specular},
    }


def _translucent(row: Element, where: str) -> Json:
    refraction = _numbers(row.get("refractiveindex", "1 1 1"), where)
    ior = max(1.0, sum(refraction) / len(refraction)) if refraction else 1.0
    return {
        "pbrMetallicRoughness": {"roughnessFactor": _fraction(row, "roughness", 0.0, where)},
        "extensions": {"KHR_materials_transmission": {"transmissionFactor": 1.0}, "KHR_materials_ior": {"ior": ior}},
    }


# ---------------------------------------------------------------- simple types


def identifier(entry: Element, name: str, where: str) -> int:
    """ST_ResourceID: a whole number from 1 to 2^31 - 1, which must be there."""
    found = index(entry, name, where)
    if found < 1:
        raise FileMalformed(f"The {name} must be a whole number above 0. Export the model again.", where=where)
    return found


def index(entry: Element, name: str, where: str) -> int:
    """ST_ResourceIndex, from 0; -1 when it is not there."""
    text = entry.get(name)
    if text is None:
        return -1
    if not re.fullmatch(r"\s*\+?[0-9]{1,10}\s*", text) or int(text) >= _ID_END:
        raise FileMalformed(f"The {name} {text[:20]!r} is not a whole number from 0.", where=where)
    return int(text)


def rgba(text: str | None, where: str) -> list[float]:
    """ST_ColorValue as sRGB in [0, 1]."""
    if text is None or not re.fullmatch(r"\s*#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})\s*", text):
        raise FileMalformed("A color must be #RRGGBB or #RRGGBBAA. Export the model again.", where=where)
    return [part / 255 for part in bytes.fromhex(text.strip()[1:].ljust(8, "F"))]


def _integers(text: str | None, where: str) -> list[int]:
    words = (text or "").split()
    if not all(re.fullmatch(r"[0-9]{1,10}", word) for word in words):
        raise FileMalformed("A list of indices holds something else.", where=where)
    return [int(word) for word in words]


def _numbers(text: str, where: str) -> list[float]:
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        values = [float("nan")]
    if not np.isfinite(values).all() or min(values, default=0.0) < 0:
        raise FileMalformed("A list of numbers holds something else.", where=where)
    return values


def _fraction(row: Element, name: str, default: float, where: str) -> float:
    found = _numbers(row.get(name, str(default)), where)
    return min(found[0], 1.0) if found else default
