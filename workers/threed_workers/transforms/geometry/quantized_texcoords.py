"""Texture coordinates on a grid, and the way back from it in KHR_texture_transform.

Materials that share vertices, and vertices that share materials, share a grid. A grid never has fewer than the asked
levels for the whole of a picture: coordinates over many repetitions get up to 16 bits, and beyond that stay floats.
Those within the picture that cannot have a grid become fractions of the picture, and nothing else changes.
"""

from __future__ import annotations

import math
import re

import numpy as np

from threed_workers.document import Document, bounds, edit, read_floats
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import Json, extension
from threed_workers.transforms.geometry.sets import Sets
from threed_workers.transforms.geometry.vertices import note

_TRANSFORM = "KHR_texture_transform"
_NAME = re.compile("TEXCOORD_([0-9]{1,4})")
_FLOAT = 5126
# Tried: fractions for all within the picture, so that fewer files need KHR_texture_transform. 12 bits spread over 16
# fill the low byte with noise: the meshopt file of a textured sphere of 1M triangles is 1.6 % larger, and 6.1 % larger
# when it is simplified to half of them.
_OTHERS = ("EXT_mesh_features", "EXT_structural_metadata")  # They read pictures without a texture transform.


def quantize_texcoords(document: Document, bits: int) -> None:
    """Quantize the float texture coordinates of the document with `bits` bits for each unit, or say why not."""
    infos = _infos(document)
    moving = _moving(document)
    made: dict[int, int] = {}
    for group in _groups(document, infos):
        accessors = [key[1] for key in group if key[0] == "accessor"]
        outside = {index for index in accessors if not _is_inside(document, index)}
        looks = [key[1:] for key in group if key[0] == "look"]
        if outside or (looks and bits < 16):
            why = _why_not(document, group, accessors, looks, infos, moving)
            why = why or _quantize(document, accessors, made, [info for look in looks for info in infos[look]], bits)
            if why is None:
                continue
            if outside:
                text = f"Texture coordinates beyond the picture are not quantized: {why}"
                note(document, "TEXCOORDS_KEPT", f"/accessors/{min(outside)}", text)
        levels = (1 << bits) - 1
        inside = [index for index in accessors if index not in outside and _is_float(document, index)]
        _write(document, inside, made, np.zeros(2), np.full(2, 1 / levels), 255 if bits == 8 else 65535, levels)
    _replace(document, made)


def _is_float(document: Document, index: int) -> bool:
    return document.all("accessors")[index]["componentType"] == _FLOAT


def _is_inside(document: Document, index: int) -> bool:
    """Whether all lie within the picture. Integers have no need to be looked at: they stay."""
    box = bounds(document, index)
    return not _is_float(document, index) or bool((box.low >= 0).all() and (box.high <= 1).all())


def _infos(document: Document) -> dict[tuple[int, int], list[Json]]:
    """By (material, set of texture coordinates), the texture references that look there."""
    found: dict[tuple[int, int], list[Json]] = {}
    for number, material in enumerate(document.all("materials")):
        for _, info in texture_infos(material, ""):
            if isinstance(info, dict):
                moved = extension(info, _TRANSFORM) or {}
                found.setdefault((number, moved.get("texCoord", info.get("texCoord", 0))), []).append(info)
    return found


def _moving(document: Document) -> set[int]:
    """Materials whose texture transforms an animation changes."""
    return {owner[key] for _, owner, key in edit.pointers(document, "materials") if _TRANSFORM in owner.rest}


def _groups(document: Document, infos: dict) -> list[list[tuple]]:
    """("accessor", index), ("look", material, set) and ("held", pointer): those that need one grid."""
    sets = Sets()
    for pointer, primitive in document.primitives():
        variants = (extension(primitive, "KHR_materials_variants") or {}).get("mappings") or []
        materials = {owner["material"] for owner in (primitive, *variants) if "material" in owner}
        held = any(name in _OTHERS for name in primitive.get("extensions") or {})
        for name, index in primitive["attributes"].items():
            named = _NAME.fullmatch(name)
            if named:
                sets.find(("accessor", index))
                for look in [(material, int(named[1])) for material in sorted(materials)]:
                    if look in infos:
                        sets.unite(("accessor", index), ("look", *look))
                if held:
                    sets.unite(("accessor", index), ("held", pointer))
    return sets.all()


def _why_not(document, group, accessors, looks, infos, moving) -> str | None:
    if any(key[0] == "held" for key in group):
        return "an extension of the mesh looks pictures up by them."
    if not all(_is_float(document, index) for index in accessors):
        return "some that share a material are integers already."
    if any(material in moving for material, _ in looks):
        return "an animation moves the texture."
    for material, _ in looks:
        unknown = [name for name in document.all("materials")[material].get("extensions") or {} if not _moves(name)]
        if unknown:
            return f"{unknown[0]} may not know texture transforms."
    if not all(_is_sound(info) for look in looks for info in infos[look]):
        return "their texture transform is malformed."
    shared = {id(info) for look in looks for info in infos[look]}
    if len(shared) != sum(len(infos[look]) for look in looks):
        return "one texture reference looks at two sets."
    return None


def _is_sound(info: Json) -> bool:
    """Whether the extensions of a texture reference are objects, and the numbers of its transform numbers."""
    extensions = info.get("extensions", {})
    moved = extensions.get(_TRANSFORM, {}) if isinstance(extensions, dict) else None
    if not isinstance(moved, dict):
        return False
    pairs = [moved.get("offset", (0, 0)), moved.get("scale", (1, 1))]
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        return False
    numbers = [moved.get("rotation", 0), *pairs[0], *pairs[1]]
    return all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)


def _moves(name: str) -> bool:
    return name.startswith(("KHR_", "EXT_materials_"))


def _quantize(document: Document, accessors: list[int], made: dict, infos: list[Json], bits: int) -> str | None:
    boxes = [bounds(document, index) for index in accessors]
    low, high = np.min([box.low for box in boxes], axis=0), np.max([box.high for box in boxes], axis=0)
    if not infos:
        return "no material uses them, so none could say where they lie."
    spread = high - low
    levels = math.ceil(((1 << bits) - 1) * max(1.0, float(spread.max())))
    if levels > 0xFFFF:
        return f"they span {spread.max():.0f} repetitions, which {bits} bits each do not fit into 16."
    low = low.astype(np.float32).astype(np.float64)
    # Every axis has its own step; one without any extent keeps that of the other.
    step = np.where(spread > 0, spread, spread.max() or 1.0) / levels
    top = 255 if levels <= 255 else 65535
    _write(document, accessors, made, low, step, None, levels)
    for info in infos:
        _compose(info, low, step * top)
    edit.use(document, _TRANSFORM, required=True)
    return None


def _write(document: Document, accessors: list[int], made: dict[int, int], low, step, stretch, levels: int) -> None:
    """Store each as integers of the grid; with `stretch`, spread over all values of the type, so that 1 is 1."""
    for index in accessors:
        source = document.all("accessors")[index]
        rows = np.clip(np.rint((read_floats(document, index).astype(np.float64) - low) / step), 0, levels)
        if stretch is not None:
            rows = np.rint(rows * (stretch / levels))
        small = (stretch or levels) <= 0xFF
        rows = rows.astype(np.uint8 if small else np.uint16)
        made[index] = edit.add_accessor(document, rows, target=edit.ARRAY, normalized=True, bounds="min" in source)
        document.all("accessors")[made[index]] |= {key: source[key] for key in ("name", "extras") if key in source}


def _replace(document: Document, made: dict[int, int]) -> None:
    for _, primitive in document.primitives():
        for name, index in primitive["attributes"].items():
            if index in made and _NAME.fullmatch(name):
                primitive["attributes"][name] = made[index]


def _compose(info: Json, low: np.ndarray, scale: np.ndarray) -> None:
    """Let a texture reference see `low + scale * uv` where it saw uv: offset + R S (low + scale uv)."""
    moved = info.setdefault("extensions", {}).setdefault(_TRANSFORM, {})
    turn = moved.get("rotation", 0.0)
    old = np.array(moved.get("scale", (1.0, 1.0)), np.float64)
    # Counter-clockwise with V downwards, as the sample viewer and three.js turn: the GLSL in the specification is
    # the transpose, and nobody draws it.
    back = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    moved["offset"] = (np.array(moved.get("offset", (0.0, 0.0))) + back @ (old * low)).tolist()
    moved["scale"] = (old * scale).tolist()
