"""What the PLY files of meshes and of points share: the header, and vertices as records."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Document
from threed_workers.document.placements import Part
from threed_workers.document.shapes import Shape
from threed_workers.exports.export import one_line
from threed_workers.exports.painting import base_uvs, painted

_ROOM = 20  # digits of a count, which is known at the end
REASONS = {
    "materials": "Their base colours are in the colours of the vertices; the rest is lost.",
    "points": "They are written by the export points.",
}


def vertex_rows(document: Document, part: Part, shape: Shape, columns: dict[str, str]) -> np.ndarray:
    """The vertices of a shape as records of `columns`, name to numpy type; what it lacks is neutral."""
    rows = np.zeros(len(shape.positions), [*columns.items()])
    for axis, column in enumerate("xyz"):
        rows[column] = shape.positions[:, axis]
        if "nx" in columns and shape.normals is not None:
            rows[f"n{column}"] = shape.normals[:, axis]
    if "red" in columns:
        colors = painted(document, part, shape)
        for channel, column in enumerate(("red", "green", "blue", "alpha")):
            rows[column] = colors[:, channel]
    if "s" in columns:
        uvs = base_uvs(document, part, shape)
        rows["s"], rows["t"] = (uvs[:, 0], 1 - uvs[:, 1]) if uvs is not None else (0.0, 0.0)
    return rows


def header(document: Document, elements: list[tuple[str, int, list[str]]]) -> bytes:
    """The text in front; counts take the same room whatever they are."""
    lines = ["ply", "format binary_little_endian 1.0", "comment made by threed, metres, +Y up"]
    copyright = one_line(document.json["asset"].get("copyright"))
    lines += [f"comment copyright {copyright}"] if copyright else []
    room = 0
    for title, count, properties in elements:
        lines += [f"element {title} {count}", *(f"property {text}" for text in properties)]
        room += _ROOM - len(str(count))
    lines += ["comment " + "-" * room, "end_header", ""]
    return "\n".join(lines).encode()


def vertex_columns(*, normals: bool, colors: bool, uvs: bool) -> dict[str, str]:
    """Column names to numpy types, in the order of the file."""
    names = ["x", "y", "z", *(("nx", "ny", "nz") if normals else ()), *(("s", "t") if uvs else ())]
    columns = dict.fromkeys(names, "<f4")
    return columns | (dict.fromkeys(("red", "green", "blue", "alpha"), "u1") if colors else {})


def properties_of(columns: dict[str, str]) -> list[str]:
    """The header's lines of these columns."""
    return [f"{'uchar' if kind == 'u1' else 'float'} {column}" for column, kind in columns.items()]
