"""Remove what nothing refers to: accessors, buffer views, and bytes."""

from __future__ import annotations

import numpy as np

from threed_workers.document.accessors import layout
from threed_workers.document.build import ARRAY
from threed_workers.document.indices import may_renumber, references, remove
from threed_workers.document.model import MESHOPT, Document, Json, extension


def collect(document: Document) -> Document:
    """Remove accessors, buffer views and bytes that nothing refers to, and give the document back.

    Values stay as they are, bit for bit. Where an unknown extension may refer to anything, all of it stays, and an
    issue says so.
    """
    if not may_renumber(document):
        return document
    dead = _unused(document, "accessors")
    torn = {document.all("accessors")[index].get("bufferView") for index in dead} - {None}
    remove(document, "accessors", dead)
    _split(document, torn)
    remove(document, "bufferViews", _unused(document, "bufferViews"))
    remove(document, "buffers", _unused(document, "buffers"))
    ranges: dict[int, list[Json]] = {}
    for entry in _ranges(document):
        ranges.setdefault(entry["buffer"], []).append(entry)
    for number, entries in ranges.items():
        _shrink(document, number, sorted(entries, key=lambda entry: entry.get("byteOffset", 0)))
    return document


def _unused(document: Document, kind: str) -> list[int]:
    used = {owner[key] for found, owner, key in references(document) if found == kind}
    return [index for index in range(len(document.all(kind))) if index not in used]


def _split(document: Document, torn: set[int]) -> None:
    """Give accessors views of their own where others of the same view are gone: rows may be interleaved."""
    tenants: dict[int, list[Json]] = {view: [] for view in torn}
    shared = set()
    for kind, owner, key in references(document):
        if kind == "bufferViews" and owner[key] in tenants:
            if key == "bufferView" and "componentType" in owner and "count" in owner:
                tenants[owner[key]].append(owner)
            else:
                shared.add(owner[key])
    for view, accessors in tenants.items():
        if view not in shared and MESHOPT not in (document.all("bufferViews")[view].get("extensions") or {}):
            _own_views(document, view, accessors)


def _own_views(document: Document, view: int, accessors: list[Json]) -> None:
    source, data = document.all("bufferViews")[view], document.view(view)
    made: dict[tuple, int] = {}
    for accessor in accessors:
        size, offset, count = layout(accessor).size, accessor.get("byteOffset", 0), accessor["count"]
        key = (offset, size, count)
        if key not in made:
            rows = np.ndarray((count, size), np.uint8, data, offset, (source.get("byteStride") or size, 1))
            entry = {key: source[key] for key in ("target", "name", "extras", "extensions") if key in source}
            if source.get("byteStride") or source.get("target") == ARRAY:
                rows = padded(rows)
                entry["byteStride"] = rows.shape[1]
            made[key] = add_view(document, rows.tobytes(), **entry)
        accessor["bufferView"] = made[key]
        accessor.pop("byteOffset", None)


def padded(rows: np.ndarray) -> np.ndarray:
    """uint8 rows (n, bytes) with zeros up to a multiple of 4 bytes each (glTF 2.0 section 3.6.2.4)."""
    missing = -rows.shape[1] % 4
    return np.pad(rows, ((0, 0), (0, missing))) if missing else rows


def add_view(document: Document, data: bytes | memoryview, **more: object) -> int:
    """Append a buffer with these bytes, and a view of all of it. `more` are further keys of the view."""
    buffers = document.json.setdefault("buffers", [])
    buffers.append({"byteLength": len(data)})
    document.buffers.append(memoryview(data))
    views = document.json.setdefault("bufferViews", [])
    views.append({"buffer": len(buffers) - 1, "byteOffset": 0, "byteLength": len(data), **more})
    return len(views) - 1


def _shrink(document: Document, number: int, ranges: list[Json]) -> None:
    """Take the bytes that no view covers out of a buffer. What remains keeps its place modulo 4."""
    data = document.buffers[number]
    if data is None:
        return
    runs: list[list[int]] = []
    for entry in ranges:
        low = entry.get("byteOffset", 0)
        high = low + entry["byteLength"]
        if runs and low <= runs[-1][1] + 3:
            runs[-1][1] = max(runs[-1][1], high)
        else:
            runs.append([low & ~3, high])
    if sum(high - low for low, high in runs) + 4 * len(runs) >= len(data):
        return
    starts, pieces, size, run = [], [], 0, 0
    for low, high in runs:
        starts.append(size)
        pieces += [data[low:high], b"\0" * (-(high - low) % 4)]
        size += high - low + -(high - low) % 4
    for entry in ranges:
        low = entry.get("byteOffset", 0)
        while low >= runs[run][1] and run + 1 < len(runs):
            run += 1
        entry["byteOffset"] = starts[run] + low - runs[run][0]
    document.buffers[number] = memoryview(b"".join(pieces))
    document.all("buffers")[number].pop("uri", None)
    document.all("buffers")[number]["byteLength"] = size


def _ranges(document: Document) -> list[Json]:
    """Everything with buffer, byteOffset and byteLength: views, and the streams that some stand for."""
    views = document.all("bufferViews")
    return views + [stream for view in views if (stream := extension(view, MESHOPT)) is not None]
