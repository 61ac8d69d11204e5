"""Sets of texture coordinates that nothing uses go from the middle, too: the sets after them get lower numbers."""

from __future__ import annotations

import copy
import re
from collections import defaultdict

from threed_workers.document import Document, edit
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import Json, extension
from threed_workers.transforms._uv_sets import material_slots, uv_sets_of, uv_sets_of_info

_NAME = re.compile("TEXCOORD_([0-9]+)")
_TRANSFORM = "KHR_texture_transform"

# By old number, the new one of a set that stays; None for one that goes. Sets that stay as they are are not in it.
Moves = dict[int, int | None]


def uv_moves(document: Document, primitive: Json, fixed: set[int]) -> Moves:
    """What becomes of the sets of a primitive when those go that nothing uses.

    Sets are counted from 0 without gaps (glTF 2.0 section 3.7.2.1), so those above one that goes move down. Only the
    last ones go where a material is `fixed`, for whatever refers to that would not know of new numbers.
    """
    used = uv_sets_of(document, primitive)
    if used is None:
        return {}
    present = sorted(int(found[1]) for name in primitive["attributes"] if (found := _NAME.fullmatch(name)))
    if present != list(range(len(present))) or any(owner[key] in fixed for owner, key in material_slots(primitive)):
        used = set(range(max(used, default=-1) + 1))
    places = {old: new for new, old in enumerate(number for number in present if number in used)}
    return {old: places.get(old) for old in present if places.get(old) != old}


def fixed_materials(document: Document) -> set[int]:
    """Materials that more than primitives and their variants refers to, or with an extension that nobody here knows."""
    own = {id(owner) for _, primitive in document.primitives() for owner, _ in material_slots(primitive)}
    references = ((owner, key) for kind, owner, key in edit.references(document) if kind == "materials")
    found = {owner[key] for owner, key in references if id(owner) not in own}
    unknown = set(edit.opaque(document))
    materials = enumerate(document.all("materials"))
    return found | {number for number, material in materials if unknown & set(material.get("extensions") or {})}


def renumber(document: Document, found: list[tuple[Json, Moves]]) -> None:
    """Carry out `uv_moves` of every primitive of the document: attributes, what morphs them, and materials.

    A material that primitives need with different numbers becomes several. One that some need as it is stays that.
    """
    users: dict[int, list[tuple[Json, str, Moves]]] = defaultdict(list)
    for primitive, moves in found:
        names = {f"TEXCOORD_{old}": f"TEXCOORD_{new}" if new is not None else None for old, new in moves.items()}
        for attributes in (primitive["attributes"], *(primitive.get("targets") or [])):
            kept = {names.get(name, name): index for name, index in attributes.items()}
            kept.pop(None, None)
            attributes.clear()
            attributes.update(kept)
        for owner, key in material_slots(primitive):
            users[owner[key]].append((owner, key, moves))
    for number, slots in sorted(users.items()):
        _split(document, number, slots)


def _split(document: Document, number: int, slots: list[tuple[Json, str, Moves]]) -> None:
    """Give each of these places the material with the numbers that it needs."""
    materials = document.all("materials")
    looks = {uv_set for _, info in texture_infos(materials[number], "") for uv_set in uv_sets_of_info(info)}
    groups: dict[tuple, list[tuple[Json, str]]] = defaultdict(list)
    for owner, key, moves in slots:
        groups[tuple(sorted((old, new) for old, new in moves.items() if old in looks))].append((owner, key))
    first, *others = sorted(groups)  # () is the least: no change
    for moves in others:
        materials.append(copy.deepcopy(materials[number]))
        _move(materials[-1], dict(moves))
        for owner, key in groups[moves]:
            owner[key] = len(materials) - 1
    _move(materials[number], dict(first))


def _move(material: Json, moves: dict[int, int]) -> None:
    for _, info in texture_infos(material, ""):
        for owner in (info, extension(info, _TRANSFORM)):
            if owner is not None and ("texCoord" in owner or owner is info):
                old = owner.get("texCoord", 0)
                if moves.get(old, old) != old:
                    owner["texCoord"] = moves[old]
