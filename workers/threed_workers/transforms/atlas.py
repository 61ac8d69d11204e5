"""Materials that differ only in their pictures become one, with the pictures side by side."""

from __future__ import annotations

import copy
from collections import defaultdict

import numpy as np

from threed.errors import FileTooComplex
from threed.v1 import recipes_pb2
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, read_floats
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import Json
from threed_workers.textures import store
from threed_workers.textures.encodings import encode
from threed_workers.textures.packing import Atlas, Canvas, packed
from threed_workers.textures.roles import SOURCES, role_of_slot
from threed_workers.transforms._atlas_kinds import TRANSFORM, Sheet, sheets
from threed_workers.transforms._leftovers import remove_orphans, used
from threed_workers.transforms.geometry.vertices import note

_DEFAULT_LEAST, _DEFAULT_LONGEST, _DEFAULT_PADDING = 2, 4096, 8
_CLAMP = 33071
# A reader looks at 2 x 2 pixels, and compressors at blocks of 4 x 4.
_BLOCK = 4


def changes(options: recipes_pb2.Atlas) -> frozenset[str]:
    extensions = (f"extensions.{name}" for name in (TRANSFORM, *SOURCES))
    return frozenset(("materials", "textures", "images", "image_pixels", "samplers", *extensions))


def apply(document: Document, options: recipes_pb2.Atlas) -> Document:
    """Give primitives one material in place of at least `min`, whose pictures have theirs side by side.

    Materials go together that agree in everything but the pixels: the same slots with the same settings and filters,
    pictures whose sizes stand in the same ratio, one placement (KHR_texture_transform) of all textures of a material,
    which goes into the texture coordinates. Pixels are copied, never averaged, so normals and data keep their values.
    Each picture has a border of `padding_px` that continues it as its sampler did. What repeats its picture, what
    animations, variants or extensions refer to, and what does not fit into `max_px` stays as it is.
    """
    before = used(document)
    groups: dict[bytes, list[Sheet]] = defaultdict(list)
    padding = options.padding_px or _DEFAULT_PADDING
    least = max(2, options.min or _DEFAULT_LEAST)
    for sheet in sheets(document, padding, least):
        groups[sheet.kind].append(sheet)
    for found in groups.values():
        _lay_out(document, found, options.max_px or _DEFAULT_LONGEST, padding, least)
    remove_orphans(document, before, ("materials", "textures", "samplers", "images"))
    for name in (TRANSFORM, *SOURCES, edit.QUANTIZATION):
        edit.unuse(document, name)
    return document


def _lay_out(document: Document, found: list[Sheet], longest: int, padding: int, least: int) -> None:
    """Atlases for sheets of one kind. Those with the same pictures share a cell."""
    border = max(padding, *found[0].divisors)
    grid = max(border, _BLOCK * max(found[0].divisors))
    cells: dict[tuple, list[Sheet]] = defaultdict(list)
    for sheet in found:
        if max(_cell(sheet, border)) > longest // grid * grid:
            text = f"Its picture of {sheet.size[0]} x {sheet.size[1]} pixels and a border do not fit into {longest}."
            note(document, "ATLAS_LEFT_OUT", f"/materials/{sheet.material}", text)
        else:
            cells[sheet.pictures].append(sheet)
    shared = list(cells.values())
    for atlas in packed([_cell(alike[0], border) for alike in shared], longest, grid):
        parts = [(sheet, place) for cell, place in atlas.places.items() for sheet in shared[cell]]
        if len(parts) >= least:
            edit.decompress(document)
            _draw(document, parts, atlas, border)


def _cell(sheet: Sheet, border: int) -> tuple[int, int]:
    """(width, height) with the border, at multiples of it: so mipmaps down to 1 / border mix no two cells."""
    width, height = (-(-(edge + 2 * border) // border) * border for edge in sheet.size)
    return width, height


def _draw(document: Document, parts: list[tuple[Sheet, tuple[int, int]]], atlas: Atlas, border: int) -> None:
    """One material for all parts, and texture coordinates that say where each is."""
    first = parts[0][0]
    source = document.all("materials")[first.material]
    material = {"name": "atlas", **{key: value for key, value in copy.deepcopy(source).items() if key != "name"}}
    for slot, (pointer, info) in enumerate(texture_infos(material, "")):
        role = role_of_slot(pointer.rsplit("/", 1)[-1], material)
        pixels = _pixels(document, parts, atlas, border, slot)
        image = _image(document, encode(pixels, "image/png", 100, role), f"atlas: {pointer.rsplit('/', 1)[-1]}")
        info["index"] = _texture(document, image, first.filters[slot])
        _drop_placement(info, first.uv_set)
    document.json["materials"].append(material)
    _place(document, parts, atlas, border, len(document.json["materials"]) - 1)


def _pixels(document: Document, parts: list, atlas: Atlas, border: int, slot: int) -> np.ndarray:
    divisor = parts[0][0].divisors[slot]
    canvas = Canvas(atlas.width // divisor, atlas.height // divisor)
    done = set()
    for sheet, (left, top) in parts:
        if (left, top) in done:
            continue
        done.add((left, top))
        image, *wraps = sheet.pictures[slot]
        pixels = store.get(document, image, Budget())
        cell = tuple(edge // divisor for edge in _cell(sheet, border))
        canvas.put(pixels.values, left // divisor, top // divisor, cell, border // divisor, tuple(wraps))
    return canvas.pixels


def _image(document: Document, data: bytes, name: str) -> int:
    images = document.json.setdefault("images", [])
    images.append({"bufferView": edit.add_view(document, data), "mimeType": "image/png", "name": name})
    return len(images) - 1


def _texture(document: Document, image: int, filters: Json) -> int:
    samplers, textures = document.json.setdefault("samplers", []), document.json["textures"]
    sampler = {**filters, "wrapS": _CLAMP, "wrapT": _CLAMP}
    if sampler not in samplers:
        samplers.append(sampler)
    textures.append({"sampler": samplers.index(sampler), "source": image})
    return len(textures) - 1


def _drop_placement(info: Json, uv_set: int) -> None:
    info.pop("texCoord", None)
    if uv_set:
        info["texCoord"] = uv_set
    extensions = info.get("extensions") or {}
    extensions.pop(TRANSFORM, None)
    if not extensions:
        info.pop("extensions", None)


def _place(document: Document, parts: list, atlas: Atlas, border: int, material: int) -> None:
    """Point the primitives at their cells. Coordinates of the same vertices in the same cell are written once."""
    made: dict[tuple, int] = {}
    size = 0
    for sheet, (left, top) in parts:
        name = f"TEXCOORD_{sheet.uv_set}"
        scale = np.array([sheet.size[0] / atlas.width, sheet.size[1] / atlas.height])
        corner = np.array([(left + border) / atlas.width, (top + border) / atlas.height])
        for primitive in sheet.primitives:
            index = primitive["attributes"][name]
            key = (index, left, top, sheet.matrix.tobytes())
            if key not in made:
                size += 8 * document.all("accessors")[index]["count"]
                _check_size(size)
                inside = read_floats(document, index) @ sheet.matrix[:, :2].T + sheet.matrix[:, 2]
                made[key] = edit.add_accessor(document, (corner + inside * scale).astype(np.float32), target=edit.ARRAY)
            primitive["attributes"][name] = made[key]
            primitive["material"] = material


def _check_size(size: int) -> None:
    """Many primitives may draw from one large set of vertices, and each needs coordinates for all of it."""
    if size > Budget().decoded_bytes:
        raise FileTooComplex(
            f"The texture coordinates of an atlas would take {size} bytes; the limit is {Budget().decoded_bytes}. "
            "Join or prune first.",
            where="/meshes",
        )
