"""PLY, binary and little endian (Turk 1994): one mesh in the world, with normals, colours and texture coordinates.

Metres, +Y up. Colours are sRGB bytes, as every reader expects: COLOR_0 times the material's base colour, so that a
model of plain materials keeps its look. Texture coordinates are `s` and `t` from the bottom left, those of the base
colour.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from threed_workers.document import Document
from threed_workers.document.placements import parts
from threed_workers.document.shapes import TRIANGLES
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export
from threed_workers.exports.painting import is_painted
from threed_workers.exports.ply_rows import REASONS, header, properties_of, vertex_columns, vertex_rows

name = "ply"
media_type = "model/ply"
extension = "ply"

_KEPT = ("normals", "texture coordinates", "vertex colours", "triangles", "KHR_texture_transform")


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
    return Export(file, media_type, dropped(document, name, _KEPT, REASONS))


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
