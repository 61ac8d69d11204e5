"""Which texture coordinates and tangents of a primitive its materials look at."""

from __future__ import annotations

import re

from threed_workers.document import Document
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import DRACO, Json, extension

# Extensions of primitives that look at no vertex attribute by its name.
_BLIND = frozenset((DRACO, "KHR_materials_variants"))
_TANGENT_SLOTS = ("normalTexture", "clearcoatNormalTexture", "anisotropyTexture")


def materials_of(document: Document, primitive: Json) -> list[Json]:
    """The materials that a primitive may be shown with: its own, and those of its variants."""
    return [document.all("materials")[owner[key]] for owner, key in material_slots(primitive)]


def material_slots(primitive: Json) -> list[tuple[Json, str]]:
    """Where the numbers of those materials stand: (owner, key)."""
    variants = extension(primitive, "KHR_materials_variants") or {}
    owners = [primitive, *(variants.get("mappings") or [])]
    return [(owner, "material") for owner in owners if isinstance(owner.get("material"), int)]


def uv_sets_of(document: Document, primitive: Json) -> set[int] | None:
    """The TEXCOORD sets that are used. None: an extension of the primitive may use any."""
    if set(primitive.get("extensions") or {}) - _BLIND:
        return None
    infos = [info for material in materials_of(document, primitive) for _, info in texture_infos(material, "")]
    return {uv_set for info in infos for uv_set in uv_sets_of_info(info)}


def uv_sets_of_info(info: Json) -> set[int]:
    """The sets that a texture reference takes: with KHR_texture_transform, and by readers that do not know it."""
    return {uv_set_of(info), info.get("texCoord", 0)}


def uv_set_of(info: Json) -> int:
    """The set that a texture reference takes; KHR_texture_transform may name another."""
    moved = extension(info, "KHR_texture_transform") or {}
    return moved.get("texCoord", info.get("texCoord", 0))


def tangent_uv_set(document: Document, primitive: Json) -> int | None:
    """The set that tangents of a primitive follow: that of the first normal map. None when nothing needs tangents."""
    for material in materials_of(document, primitive):
        infos = {pointer.rsplit("/", 1)[-1]: info for pointer, info in texture_infos(material, "")}
        for slot in _TANGENT_SLOTS:
            if slot in infos:
                return uv_set_of(infos[slot])
        if (extension(material, "KHR_materials_anisotropy") or {}).get("anisotropyStrength"):
            return 0
    return None


def has_other_tangents(document: Document, primitive: Json) -> bool:
    """Whether a material looks at tangents without a `normalTexture`, the one map that readers make tangents by."""
    for material in materials_of(document, primitive):
        slots = {pointer.rsplit("/", 1)[-1] for pointer, _ in texture_infos(material, "")}
        bent = (extension(material, "KHR_materials_anisotropy") or {}).get("anisotropyStrength")
        if "normalTexture" not in slots and (slots & set(_TANGENT_SLOTS) or bent):
            return True
    return False


def drop_attribute(primitive: Json, name: str) -> None:
    """Take a vertex attribute away, and what morphs it."""
    for attributes in (primitive["attributes"], *(primitive.get("targets") or [])):
        attributes.pop(name, None)


def unused_uv_names(document: Document, primitive: Json) -> list[str]:
    """TEXCOORD_n above the highest set in use. Those below stay: sets are counted from 0 without gaps."""
    used = uv_sets_of(document, primitive)
    if used is None:
        return []
    highest = max(used, default=-1)
    names = [re.fullmatch(r"TEXCOORD_([0-9]+)", name) for name in primitive["attributes"]]
    return [found[0] for found in names if found and int(found[1]) > highest]
