"""STL, binary and text (3D Systems 1989): triangles and nothing else.

STL has no unit and no axes. As every slicer does, millimetres and +Z up are assumed; one node turns and scales them, so
the numbers of the vertices stay what they were, and the report says so.
"""

from __future__ import annotations

import re

import numpy as np

from threed.errors import FileTruncated, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue
from threed_workers.formats.source import Source
from threed_workers.formats.stl_text import read_text
from threed_workers.mesh.flat import flat_normals

name = "stl"
media_type = "model/stl"
extensions = (".stl",)
asset_type = "MODEL"

_HEADER, _FACET = 84, 50
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
# Millimetres to metres, and +Z to +Y, columns first. A matrix, because a quaternion of a quarter turn is not exact.
Z_UP_MILLIMETRES = [0.001, 0.0, 0.0, 0.0, 0.0, 0.0, -0.001, 0.0, 0.0, 0.001, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def recognise(source: Source) -> bool:
    """Text: it begins with "solid" and goes on with facets or its end. Binary has no signature: see `_is_binary`."""
    return _is_text(source) or _is_binary(source)


def read(source: Source, budget: Budget) -> Document:
    """One mesh per solid, unindexed, with flat normals."""
    solids = read_text(source.data, budget) if _is_text(source) else [("", _read_binary(source.data))]
    return _document(solids)


def _is_text(source: Source) -> bool:
    text = source.text_head()
    if text is None or not text.lstrip()[:5].lower() == "solid":
        return False
    # A long name on the first line may push everything else out of sight.
    return bool(re.search(r"\b(facet|endsolid)", text, re.IGNORECASE)) or "\n" not in text.strip()


def _is_binary(source: Source) -> bool:
    """The count fits the size; or the first facets are plausible, and then the reader says what is wrong with it."""
    if source.size < _HEADER:
        return False
    count = int.from_bytes(source.data[80:84], "little")
    if source.size == _HEADER + count * _FACET:
        return True
    rows = np.frombuffer(source.data, _RECORD, min(8, (source.size - _HEADER) // _FACET), _HEADER)
    if not len(rows) or not count:
        return False
    with np.errstate(all="ignore"):
        numbers = np.abs(np.concatenate([rows["normal"].ravel(), rows["corners"].ravel()]).astype(np.float64))
        lengths = np.linalg.norm(rows["normal"].astype(np.float64), axis=1)
    plain = (numbers == 0) | ((numbers > 1e-20) & (numbers < 1e20))
    return bool(plain.all() and ((lengths < 1.01) & ((lengths > 0.99) | (lengths == 0))).all() and numbers.any())


def _read_binary(data: memoryview) -> np.ndarray:
    """float32 (n, 3, 3)."""
    count = int.from_bytes(data[80:84], "little")
    if _HEADER + count * _FACET > len(data):
        needed = _HEADER + count * _FACET
        raise FileTruncated(
            f"The header says {count} triangles, which need {needed} bytes; the file has {len(data)}.", where="byte 80"
        )
    return np.ascontiguousarray(np.frombuffer(data, _RECORD, count, _HEADER)["corners"], np.float32)


def _document(solids: list[tuple[str, np.ndarray]]) -> Document:
    builder = Builder()
    children = []
    for title, corners in solids:
        finite = np.isfinite(corners)
        if not finite.all():
            bad = int(np.flatnonzero(~finite.all(axis=(1, 2)))[0])
            raise FileValuesInvalid("A vertex is NaN or infinite. Repair the mesh.", where=f"triangle {bad}")
        if len(corners):
            points = corners.reshape(-1, 3)
            attributes = {"POSITION": builder.positions(points), "NORMAL": builder.attribute(flat_normals(corners))}
            mesh = builder.add("meshes", {"name": title, "primitives": [{"attributes": attributes}]})
            children.append(builder.add("nodes", {"name": title, "mesh": mesh}))
    if children:
        builder.add("nodes", {"name": "millimetres, +Z up", "matrix": Z_UP_MILLIMETRES, "children": children})
    builder.note_source(0.001, "Z")
    document = builder.finish()
    text = "STL has no unit and no axes: millimetres and +Z up are assumed, and the model stands in metres, +Y up."
    document.issues.append(issue("UNITS_ASSUMED", "INFO", "", text))
    if not children:
        document.issues.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no triangles."))
    return document
