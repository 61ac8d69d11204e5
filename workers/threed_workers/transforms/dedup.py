"""Make equal parts one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable

import orjson

from threed.v1 import recipes_pb2
from threed_workers.document import Document, blocks, edit
from threed_workers.document.indices import Pointer
from threed_workers.document.model import Json

# Each kind after those that it refers to, so that what refers to equal things is equal itself.
_ORDER = ("accessors", "images", "samplers", "textures", "materials", "meshes", "skins")
_ADDRESSES = ("bufferView", "byteOffset", "sparse", "uri")
_MOTION = ("input", "output", "inverseBindMatrices")
_INSTANCES = ("TRANSLATION", "ROTATION", "SCALE")


def changes(options: recipes_pb2.Dedup) -> frozenset[str]:
    # What a merged mesh had is there once less.
    return frozenset(
        "images image_pixels samplers textures materials meshes skins primitives vertices triangles lines points "
        "uv_sets color_sets normals tangents joint_sets custom_attributes morph_targets".split()
    )


def apply(document: Document, options: recipes_pb2.Dedup) -> Document:
    """Let everything refer to the first of several equal parts, and remove the others.

    Accessors are equal when type, use and every value are, images when their bytes are, everything else when its JSON
    is; extras and extensions count, names do not (`keep_unique_names`: those of materials and meshes do). What an
    animation or an unknown extension refers to by its number stays apart.
    """
    if not edit.may_renumber(document):
        return document
    for kind in _ORDER:
        named = options.keep_unique_names and kind in ("materials", "meshes")
        keys = _KEYS.get(kind, _json_keys)(document, kind, named)
        _merge(document, kind, keys)
    return document


def _merge(document: Document, kind: str, keys: dict[int, Hashable]) -> None:
    """Repoint to the first entry of every key, and remove the rest. Entries without a key stay."""
    first: dict[Hashable, int] = {}
    instead = {number: first.setdefault(key, number) for number, key in keys.items()}
    instead = {number: place for number, place in instead.items() if number != place}
    if not instead:
        return
    for other, owner, key in edit.references(document):
        if other == kind and owner[key] in instead:
            owner[key] = instead[owner[key]]
    edit.remove(document, kind, instead)


def _json_keys(document: Document, kind: str, named: bool) -> dict[int, Hashable]:
    pinned = _pinned(document, kind)
    without = () if named else ("name",)
    return {number: _text(entry, without) for number, entry in enumerate(document.all(kind)) if number not in pinned}


def _text(entry: Json, without: tuple[str, ...]) -> bytes:
    kept = {key: value for key, value in entry.items() if key not in without}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def _pinned(document: Document, kind: str) -> set[int]:
    """Entries that something changes or chooses by their number: merged with others, it would change those too."""
    plain = {id(primitive) for _, primitive in document.primitives()}
    for _, primitive in document.primitives():
        variants = (primitive.get("extensions") or {}).get("KHR_materials_variants") or {}
        plain |= {id(mapping) for mapping in variants.get("mappings") or []}
    found = set()
    for other, owner, key in edit.references(document):
        if other == kind and (isinstance(owner, Pointer) or (kind == "materials" and id(owner) not in plain)):
            found.add(owner[key])
    return found


def _accessor_keys(document: Document, kind: str, named: bool) -> dict[int, Hashable]:
    """Only accessors that agree in everything but their values are read at all."""
    draco, uses = document.draco_accessors(), defaultdict(set)
    for other, owner, key in edit.references(document):
        if other == kind:
            uses[owner[key]].add(_use(key))
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for number, accessor in enumerate(document.all(kind)):
        if number not in draco:
            view = document.all("bufferViews")[accessor["bufferView"]] if "bufferView" in accessor else {}
            key = (_text(accessor, (*_ADDRESSES, "name")), view.get("target"), frozenset(uses[number]))
            alike[key].append(number)
    groups = [(key, numbers) for key, numbers in alike.items() if len(numbers) > 1]
    return {number: (key, _digest(document, number)) for key, numbers in groups for number in numbers}


def _use(key: Hashable) -> str:
    """Index, keyframe and vertex data lie in views of other kinds, which may not be mixed (section 3.6.2.4)."""
    if key == "indices" or key in _MOTION:
        return str(key)
    return "instances" if key in _INSTANCES else "attribute"


def _digest(document: Document, number: int) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    for block in blocks(document, number):
        digest.update(block.tobytes())
    return digest.digest()


def _image_keys(document: Document, kind: str, named: bool) -> dict[int, Hashable]:
    """The size first: most pictures differ in it, and need not be hashed."""
    sizes = defaultdict(list)
    for number, image in enumerate(document.all(kind)):
        sizes[len(document.picture(number)), _text(image, (*_ADDRESSES, "name", "mimeType"))].append(number)
    return {
        number: (key, hashlib.blake2b(document.picture(number), digest_size=32).digest())
        for key, numbers in sizes.items()
        if len(numbers) > 1
        for number in numbers
    }


_KEYS: dict[str, Callable[[Document, str, bool], dict[int, Hashable]]] = {
    "accessors": _accessor_keys,
    "images": _image_keys,
}
