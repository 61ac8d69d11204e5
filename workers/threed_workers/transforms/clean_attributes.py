"""Remove vertex data that nothing uses."""

from __future__ import annotations

import re

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, blocks, edit
from threed_workers.document.model import Json
from threed_workers.transforms._uv_numbers import fixed_materials, renumber, uv_moves
from threed_workers.transforms._uv_sets import drop_attribute, tangent_uv_set


def changes(options: recipes_pb2.CleanAttributes) -> frozenset[str]:
    uv_sets = set() if options.keep_texcoords else {"uv_sets"}
    color_sets = set() if options.keep_white else {"color_sets"}
    return frozenset({"tangents"} | uv_sets | color_sets)


def apply(document: Document, options: recipes_pb2.CleanAttributes) -> Document:
    """Remove texture coordinates that no material uses, colours that are all white, and tangents no normal map needs.

    Texture coordinates after those that go get lower numbers, and so do the textures that show by them; of a material
    that other primitives need with the old numbers there are two then. Where an animation or an extension refers to a
    material, only the last sets go; so do colours. Primitives with an extension that may look at their attributes keep
    them.
    """
    found = [(primitive, _unused(document, primitive, options)) for _, primitive in document.primitives()]
    fixed = set() if options.keep_texcoords else fixed_materials(document)
    moves = [
        (primitive, {} if options.keep_texcoords else uv_moves(document, primitive, fixed)) for primitive, _ in found
    ]
    if any(names for _, names in found + moves):
        edit.decompress(document)
        renumber(document, moves)
    for primitive, names in found:
        for name in names:
            drop_attribute(primitive, name)
    edit.unuse(document, edit.QUANTIZATION)
    return document


def _unused(document: Document, primitive: Json, options: recipes_pb2.CleanAttributes) -> list[str]:
    names = [] if options.keep_white else _white(document, primitive)
    if "TANGENT" in primitive["attributes"] and tangent_uv_set(document, primitive) is None:
        names.append("TANGENT")
    return names


def _white(document: Document, primitive: Json) -> list[str]:
    """The last colour sets, as long as they are white and opaque and nothing morphs them."""
    numbered = {
        found[0]: int(found[1]) for name in primitive["attributes"] if (found := re.fullmatch(r"COLOR_(\d+)", name))
    }
    names = []
    for name in sorted(numbered, key=numbered.get, reverse=True):
        if any(name in target for target in primitive.get("targets") or []):
            break
        if not _is_white(document, primitive["attributes"][name]):
            break
        names.append(name)
    return names


def _is_white(document: Document, index: int) -> bool:
    dtype = next(blocks(document, index, 1), np.zeros(0)).dtype
    top = np.iinfo(dtype).max if dtype.kind in "iu" else 1.0
    return all(bool((block == top).all()) for block in blocks(document, index))
