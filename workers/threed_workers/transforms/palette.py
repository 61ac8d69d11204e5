"""Materials that differ only in plain colours become one, with a small picture of the colours."""

from __future__ import annotations

import math

import numpy as np
import orjson

from threed.errors import FileTooComplex
from threed.v1 import recipes_pb2
from threed_workers.budget import Budget
from threed_workers.document import Document, edit
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.indices import Pointer
from threed_workers.document.model import Json
from threed_workers.textures.encodings import encode
from threed_workers.textures.light import from_light
from threed_workers.textures.roles import COLOR
from threed_workers.transforms._leftovers import remove_orphans, used

_DEFAULT_LEAST = 5
_CELL = 4  # pixels of one colour, each way: mipmaps and compression in blocks leave the middle as it is
_NEAREST, _CLAMP = 9728, 33071
_ROOT_KEYS = ("emissiveFactor",)
_PLAIN_KEYS = ("baseColorFactor", "metallicFactor", "roughnessFactor")

# base colour (4), metallic, roughness, emission (3): linear, in [0, 1]
Look = tuple[float, ...]


def changes(options: recipes_pb2.Palette) -> frozenset[str]:
    return frozenset(("materials",))


def apply(document: Document, options: recipes_pb2.Palette) -> Document:
    """Give primitives without texture coordinates one material with a palette, in place of at least `min` of theirs.

    Materials go together that have no textures and agree in everything but base colour, metallic, roughness and
    emission. What an animation changes, or a variant shows, stays as it is. Colours are rounded to 8 bits of sRGB.
    """
    before = used(document)
    found: dict[bytes, list[Json]] = {}
    for primitive, kind in _candidates(document):
        found.setdefault(kind, []).append(primitive)
    groups = [
        primitives
        for primitives in found.values()
        if len({primitive["material"] for primitive in primitives}) >= max(2, options.min or _DEFAULT_LEAST)
    ]
    if not groups:
        return document
    edit.decompress(document)
    for primitives in groups:
        _paint(document, primitives)
    remove_orphans(document, before, ("materials",))
    return document


def _candidates(document: Document) -> list[tuple[Json, bytes]]:
    """Primitives that can take a palette, with what their materials must agree in."""
    pinned = set()
    own = {id(primitive) for _, primitive in document.primitives()}
    for kind, owner, key in edit.references(document):
        if kind == "materials" and (isinstance(owner, Pointer) or id(owner) not in own):
            pinned.add(owner[key])
    kinds = [_kind(material) for material in document.all("materials")]
    found = []
    for _, primitive in document.primitives():
        number = primitive.get("material")
        has_uvs = any(name.startswith("TEXCOORD_") for name in primitive["attributes"])
        if number is None or number in pinned or has_uvs or "POSITION" not in primitive["attributes"]:
            continue
        if kinds[number] is not None and not set(primitive.get("extensions") or {}) - {"KHR_draco_mesh_compression"}:
            found.append((primitive, kinds[number]))
    return found


def _kind(material: Json) -> bytes | None:
    """Everything of a material but what a palette can hold; None when it has textures."""
    if any(True for _ in texture_infos(material, "")):
        return None
    rest = {key: value for key, value in material.items() if key not in ("name", *_ROOT_KEYS)}
    plain = rest.pop("pbrMetallicRoughness", None) or {}
    rest["plain"] = {key: value for key, value in plain.items() if key not in _PLAIN_KEYS}
    return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)


def _look(material: Json) -> Look:
    plain = material.get("pbrMetallicRoughness") or {}
    base = plain.get("baseColorFactor") or (1.0, 1.0, 1.0, 1.0)
    emission = material.get("emissiveFactor") or (0.0, 0.0, 0.0)
    numbers = (*base, plain.get("metallicFactor", 1.0), plain.get("roughnessFactor", 1.0), *emission)
    return tuple(min(1.0, max(0.0, float(number))) for number in numbers)


def _paint(document: Document, primitives: list[Json]) -> None:
    """One material for all of them, and for each the place of its colour as TEXCOORD_0."""
    materials = document.all("materials")
    numbers = list(dict.fromkeys(primitive["material"] for primitive in primitives))
    looks = {number: _look(materials[number]) for number in numbers}
    cells = {look: cell for cell, look in enumerate(dict.fromkeys(looks.values()))}
    _check_size(document, primitives)
    columns = 1 << math.ceil(math.log2(math.ceil(math.sqrt(len(cells)))))
    rows = 1 << math.ceil(math.log2(math.ceil(len(cells) / columns)))
    source = materials[numbers[0]]
    materials.append(_material(document, source, np.array(list(cells)), columns, rows))
    made: dict[tuple[int, int], int] = {}
    for primitive in primitives:
        cell = cells[looks[primitive["material"]]]
        count = document.all("accessors")[primitive["attributes"]["POSITION"]]["count"]
        if (cell, count) not in made:
            place = ((cell % columns + 0.5) / columns, (cell // columns + 0.5) / rows)
            made[cell, count] = edit.add_accessor(document, np.tile(np.float32(place), (count, 1)), target=edit.ARRAY)
        primitive["attributes"]["TEXCOORD_0"] = made[cell, count]
        primitive["material"] = len(materials) - 1


def _check_size(document: Document, primitives: list[Json]) -> None:
    """Many primitives may draw from one large set of vertices, and each needs coordinates for all of it."""
    accessors, limit = document.all("accessors"), Budget().decoded_bytes
    size = sum(8 * accessors[primitive["attributes"]["POSITION"]]["count"] for primitive in primitives)
    if size > limit:
        raise FileTooComplex(
            f"The texture coordinates of a palette would take {size} bytes; the limit is {limit}. Join first.",
            where="/meshes",
        )


def _material(document: Document, source: Json, looks: np.ndarray, columns: int, rows: int) -> Json:
    """Like `source`, its numbers in pictures where they differ. looks: (n, 9)."""
    material = {key: value for key, value in source.items() if key not in ("name", *_ROOT_KEYS)}
    plain = dict(material.get("pbrMetallicRoughness") or {})
    base, metal, emission = looks[:, :4], looks[:, 4:6], looks[:, 6:]
    if (base == base[0]).all():
        plain["baseColorFactor"] = base[0].tolist()
    else:
        plain.pop("baseColorFactor", None)
        colours = np.column_stack([from_light(base[:, :3]), base[:, 3:]])
        colours = colours if (base[:, 3] < 1).any() else colours[:, :3]
        plain["baseColorTexture"] = {"index": _texture(document, colours, columns, rows, "base colours")}
    if (metal == metal[0]).all():
        plain |= {"metallicFactor": float(metal[0, 0]), "roughnessFactor": float(metal[0, 1])}
    else:
        for key in ("metallicFactor", "roughnessFactor"):
            plain.pop(key, None)
        numbers = np.column_stack([np.ones(len(metal)), metal[:, 1], metal[:, 0]])  # green: roughness, blue: metallic
        plain["metallicRoughnessTexture"] = {"index": _texture(document, numbers, columns, rows, "metal and roughness")}
    if not (emission == emission[0]).all():
        material["emissiveFactor"] = [1.0, 1.0, 1.0]
        material["emissiveTexture"] = {"index": _texture(document, from_light(emission), columns, rows, "emission")}
    elif emission[0].any():
        material["emissiveFactor"] = emission[0].tolist()
    return {"name": "palette", **material, "pbrMetallicRoughness": plain}


def _texture(document: Document, numbers: np.ndarray, columns: int, rows: int, name: str) -> int:
    """A texture of cells with these numbers (n, 3 or 4) in [0, 1], row by row from the top left; the rest is 0."""
    cells = np.zeros((rows * columns, numbers.shape[1]), np.uint8)
    cells[: len(numbers)] = np.rint(numbers * 255)
    pixels = cells.reshape(rows, columns, -1).repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    data = encode(pixels, "image/png", 100, COLOR)
    images, samplers, textures = (document.json.setdefault(kind, []) for kind in ("images", "samplers", "textures"))
    images.append({"bufferView": edit.add_view(document, data), "mimeType": "image/png", "name": f"palette: {name}"})
    nearest = {"magFilter": _NEAREST, "minFilter": _NEAREST, "wrapS": _CLAMP, "wrapT": _CLAMP}
    if nearest not in samplers:
        samplers.append(nearest)
    textures.append({"sampler": samplers.index(nearest), "source": len(images) - 1})
    return len(textures) - 1
