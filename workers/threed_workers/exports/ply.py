"""PLY, binary and little endian (Turk 1994): one mesh in the world, with normals, colours and texture coordinates.

Metres, +Y up. Colours are sRGB bytes, as every reader expects: COLOR_0 times the material's base colour, so that a
model of plain materials keeps its look. Texture coordinates are `s` and `t` from the bottom left, those of the base
colour.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from threed_workers.document import Document
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export, one_line
from threed_workers.exports.painting import base_uvs, is_painted, painted
from threed_workers.exports.placement import Part, parts
from threed_workers.exports.shapes import TRIANGLES, Shape

name = "ply"
media_type = "model/ply"
extension = "ply"

_ROOM = 20  # digits of a count, which is known at the end
KEPT = ("normals", "texture coordinates", "vertex colours", "triangles", "KHR_texture_transform")
REASONS = {
    "materials": "Their base colours are in the colours of the vertices; the rest is lost.",
    "points": "They are written by the export points.",
}


def write(document: Document, folder: Path, stem: str) -> Export:
    """Every triangle of the default scene as one mesh.

    Where some primitives have normals and others have none, those get normals of their triangles, and vertices of their
    own for it. Raises FileTooComplex beyond the budget.
    """
    columns = _columns(document)
    file = f"{stem}.{extension}"
    rows = triangles = 0
    faces = folder / f"{stem}.faces"
    with (folder / file).open("wb") as out, faces.open("w+b") as spool:
        out.write(_header(document, columns, 0, 0))
        for part in parts(document):
            if part.shape.corners == TRIANGLES:
                shape = part.shape
                if "nx" in columns and shape.normals is None:
                    shape = shape.faceted()
                out.write(vertex_rows(document, part, shape, columns).tobytes())
                spool.write(_face_rows(shape.elements + rows).tobytes())
                rows, triangles = rows + len(shape.positions), triangles + len(shape.elements)
        spool.seek(0)
        while block := spool.read(1 << 20):
            out.write(block)
        out.seek(0)
        out.write(_header(document, columns, rows, triangles))
    faces.unlink()
    return Export(file, media_type, dropped(document, name, KEPT, REASONS))


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


def _columns(document: Document) -> dict[str, str]:
    used = {attribute for _, primitive in document.primitives() for attribute in primitive["attributes"]}
    has_uvs = any(attribute.startswith("TEXCOORD_") for attribute in used)
    return vertex_columns(normals="NORMAL" in used, colors=is_painted(document), uvs=has_uvs)


def _header(document: Document, columns: dict[str, str], rows: int, triangles: int) -> bytes:
    faces = ("face", triangles, ["list uchar uint vertex_indices"])
    return header(document, [("vertex", rows, properties_of(columns)), faces])


def _face_rows(elements: np.ndarray) -> np.ndarray:
    rows = np.empty(len(elements), [("count", "u1"), ("corners", "<u4", 3)])
    rows["count"], rows["corners"] = 3, elements
    return rows
