"""Do surfaces have normals, of length one, and what their normal maps need?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threed_workers.document import blocks
from threed_workers.document.accessors import to_floats
from threed_workers.document.model import Document, Json, extension, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.triangles import has_triangles
from threed_workers.quality.wording import counted

# How far a length may be from 1, by component type: bytes cannot be nearer.
_TOLERANCE = {5120: 0.05, 5122: 0.01, 5126: 0.01}


def check_normals_missing(subject: Subject) -> Iterator[Json]:
    """NORMALS_MISSING: a lit surface without NORMAL, which is drawn flat (glTF 2.0 section 3.7.2.1)."""
    for pointer, primitive in _surfaces(subject.document):
        if "NORMAL" not in primitive["attributes"] and not _is_unlit(subject.document, primitive):
            text = "The surface has no normals, so every triangle is shaded flat. Compute normals."
            yield issue("NORMALS_MISSING", "INFO", pointer, text)


def check_normals_unit(subject: Subject) -> Iterator[Json]:
    """NORMALS_NOT_UNIT: lengths more than 0.01 from 1 (0.05 for bytes). Says it when the limit ends the look."""
    document, left = subject.document, subject.limits.normals
    seen: set[int] = set()
    for pointer, primitive in document.primitives():
        index = primitive["attributes"].get("NORMAL")
        if index is None or index in seen:
            continue
        seen.add(index)
        count = document.all("accessors")[index]["count"]
        if count > left:
            text = f"Only {subject.limits.normals} normals are measured; these and all after them were not."
            yield issue("NORMALS_NOT_CHECKED", "INFO", f"{pointer}/attributes/NORMAL", text)
            return
        left -= count
        wrong = _not_unit(document, index)
        if wrong:
            text = f"{counted(wrong, 'normal is', 'normals are')} not of length 1, of {count}: they are lit wrongly. "
            yield issue("NORMALS_NOT_UNIT", "WARNING", f"{pointer}/attributes/NORMAL", text + "Normalize them.")


def check_tangents(subject: Subject) -> Iterator[Json]:
    """TANGENTS_MISSING: a normal map without TANGENT. Renderers make them while loading, each its own."""
    document = subject.document
    mapped = {
        n for n, material in enumerate(document.all("materials")) if isinstance(material.get("normalTexture"), dict)
    }
    for pointer, primitive in _surfaces(document):
        if primitive.get("material") in mapped and "TANGENT" not in primitive["attributes"]:
            text = "The normal map has no tangents, so every renderer computes its own. Compute them (MikkTSpace)."
            yield issue("TANGENTS_MISSING", "HINT", pointer, text)


def _surfaces(document: Document) -> Iterator[tuple[str, Json]]:
    return (found for found in document.primitives() if has_triangles(document, found[1]))


def _is_unlit(document: Document, primitive: Json) -> bool:
    number = primitive.get("material")
    return number is not None and extension(document.all("materials")[number], "KHR_materials_unlit") is not None


def _not_unit(document: Document, index: int) -> int:
    """How many rows have another length."""
    accessor = document.all("accessors")[index]
    tolerance, wrong = _TOLERANCE.get(accessor["componentType"], 0.05), 0
    for block in blocks(document, index):
        values = to_floats(block, bool(accessor.get("normalized")))
        with np.errstate(all="ignore"):
            off = np.abs(np.sqrt(np.einsum("ij,ij->i", values, values)) - 1)
        wrong += int((~(off <= tolerance)).sum())  # NaN is wrong as well
    return wrong
