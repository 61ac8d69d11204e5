"""Which materials can go together into an atlas, and what of each must be known for that."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import orjson

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, read_floats
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import DRACO, Json
from threed_workers.picture import Picture
from threed_workers.quality.texturing import Use, uses
from threed_workers.textures import store
from threed_workers.textures.pixels import decode
from threed_workers.textures.roles import SOURCES, Kind, role_of_slot
from threed_workers.transforms.geometry.vertices import corners, note

TRANSFORM = "KHR_texture_transform"
_FILTERS = ("magFilter", "minFilter")
_Headers = Callable[[int], Picture | None]
_DIVISORS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Sheet:
    """The pictures of one material: what an atlas has a cell for. Slots are in the order of `texture_infos`.

    `pictures` are (image, wrapS, wrapT) by slot; `size` (width, height) that of the largest, in pixels, and `divisors`
    how many times it is each slot's. `uv_set` and `matrix` (2, 3) say how all of them lie on the primitives. Sheets of
    the same `kind` agree in everything but `pictures`, `size`, `matrix` and primitives.
    """

    kind: bytes
    material: int
    pictures: tuple[tuple[int, int, int], ...]
    size: tuple[int, int]
    divisors: tuple[int, ...]
    filters: tuple[Json, ...]
    uv_set: int
    matrix: np.ndarray
    primitives: list[Json]


def sheets(document: Document, padding: int, least: int) -> Iterator[Sheet]:
    """Those that can go together with others, at least `least` of a kind. Issues say why others of a kind cannot."""
    headers = cache(lambda image: store.header(document, image, Budget()))
    users = _users(document).items()
    found = [sheet for number, own in users if (sheet := _sheet(document, number, own, headers)) is not None]
    common = Counter(sheet.kind for sheet in found)
    for sheet in found:
        if common[sheet.kind] < least:
            continue
        why = _why_not(document, sheet, padding)
        if why:
            note(document, "ATLAS_LEFT_OUT", f"/materials/{sheet.material}", f"The material keeps its pictures: {why}")
        else:
            yield sheet


def _users(document: Document) -> dict[int, list[Json]]:
    """By material, the primitives that it is on; only materials that nothing else refers to."""
    own = {id(primitive) for _, primitive in document.primitives()}
    pinned = {
        owner[key] for kind, owner, key in edit.references(document) if kind == "materials" and id(owner) not in own
    }
    found: dict[int, list[Json]] = defaultdict(list)
    for _, primitive in document.primitives():
        if "material" in primitive and primitive["material"] not in pinned:
            found[primitive["material"]].append(primitive)
    return dict(sorted(found.items()))


def _sheet(document: Document, number: int, primitives: list[Json], header_of: _Headers) -> Sheet | None:
    """What there is to know of a material's pictures. None without any, or where their ratios are no powers of 2."""
    seen = uses(document, number)
    if not seen or any(use.image is None or _is_strange(document, use) for use in seen):
        return None
    headers = [header_of(use.image) for use in seen]
    if any(header is None for header in headers):
        return None
    size = max(header.width_px for header in headers), max(header.height_px for header in headers)
    divisors = tuple(_divisor(size, header) for header in headers)
    if 0 in divisors:
        return None
    filters = tuple(_filters(document, use) for use in seen)
    return Sheet(
        kind=_kind(document.all("materials")[number], seen, divisors, filters),
        material=number,
        pictures=tuple((use.image, *use.wraps) for use in seen),
        size=size,
        divisors=divisors,
        filters=filters,
        uv_set=seen[0].uv_set,
        matrix=seen[0].matrix,
        primitives=primitives,
    )


def _is_strange(document: Document, use: Use) -> bool:
    """Whether something unknown says more of the texture than which picture it shows."""
    texture = document.all("textures")[use.texture]
    return bool(
        set(texture) - {"source", "sampler", "name", "extensions"} or set(texture.get("extensions") or {}) - {*SOURCES}
    )


def _divisor(size: tuple[int, int], header: Picture) -> int:
    """How many times the picture goes into `size`, both ways; 0 when it does not."""
    fitting = (n for n in _DIVISORS if (n * header.width_px, n * header.height_px) == size)
    return next(fitting, 0)


def _filters(document: Document, use: Use) -> Json:
    number = document.all("textures")[use.texture].get("sampler")
    sampler = document.all("samplers")[number] if number is not None else {}
    return {name: sampler[name] for name in _FILTERS if name in sampler}


def _kind(material: Json, seen: list[Use], divisors: tuple[int, ...], filters: tuple[Json, ...]) -> bytes:
    """Everything of a material but its name, its pictures and where they lie."""
    rest = copy.deepcopy({key: value for key, value in material.items() if key != "name"})
    for _, info in texture_infos(rest, ""):
        info.pop("index")
        info.pop("texCoord", None)
        (info.get("extensions") or {}).pop(TRANSFORM, None)
        if not info.get("extensions"):
            info.pop("extensions", None)
    said = [rest, seen[0].uv_set, divisors, filters]
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def _why_not(document: Document, sheet: Sheet, padding: int) -> str:
    """Why its texture coordinates cannot be moved into a part of a picture; empty when they can."""
    seen = uses(document, sheet.material)
    if any(use.uv_set != sheet.uv_set or not np.array_equal(use.matrix, sheet.matrix) for use in seen):
        return "its textures do not lie on the surface in the same way."
    name = f"TEXCOORD_{sheet.uv_set}"
    turned = not np.array_equal(sheet.matrix[:, :2], np.diag(np.abs(np.diag(sheet.matrix[:, :2]))))
    bumpy = any(role_of_slot(use.pointer.rsplit("/", 1)[-1], {}).kind is Kind.NORMAL for use in seen)
    over = (np.array([padding, padding]) / 2) / sheet.size
    for primitive in sheet.primitives:
        if set(primitive.get("extensions") or {}) - {DRACO}:
            return "an extension of a primitive may look at its texture coordinates."
        if not {"POSITION", name} <= set(primitive["attributes"]):
            return f"a primitive has no {name}."
        if any(name in target for target in primitive.get("targets") or []):
            return "its texture coordinates are morphed."
        if turned and bumpy and "TANGENT" not in primitive["attributes"]:
            return "its normal map is turned, and tangents are made of texture coordinates that are not."
        drawn = read_floats(document, primitive["attributes"][name])[np.unique(corners(document, primitive))]
        placed = drawn @ sheet.matrix[:, :2].T + sheet.matrix[:, 2]
        if len(placed) and not ((placed >= -over) & (placed <= 1 + over)).all():
            return "it repeats them."
    return "" if all(_decodes(document, use.image) for use in seen) else "one of them does not decode."


def _decodes(document: Document, image: int) -> bool:
    try:
        decode(document.picture(image), Budget(), f"/images/{image}")
    except FileRefused:
        return False
    return True
