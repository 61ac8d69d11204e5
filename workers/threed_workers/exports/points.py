"""A cloud of points as PLY, binary and little endian: the points of the model, or else the vertices of its meshes.

Metres, +Y up; colours as in `ply`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from threed_workers.document import Document
from threed_workers.document.placements import parts
from threed_workers.document.shapes import POINTS, corners_of
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export
from threed_workers.exports.painting import is_painted
from threed_workers.exports.ply_rows import REASONS, header, properties_of, vertex_columns, vertex_rows

name = "points"
media_type = "model/ply"
extension = "ply"


def write(document: Document, folder: Path, stem: str) -> Export:
    """The POINTS primitives of the default scene; when the model has none, each used vertex of the others once.

    Raises FileTooComplex beyond the budget.
    """
    primitives = [primitive for _, primitive in document.primitives()]
    only_points = any(corners_of(primitive) == POINTS for primitive in primitives)
    chosen = [primitive for primitive in primitives if not only_points or corners_of(primitive) == POINTS]
    normals = any("NORMAL" in primitive["attributes"] for primitive in chosen)
    columns = vertex_columns(normals=normals, colors=is_painted(document), uvs=False)
    properties = properties_of(columns)
    file = f"{stem}.{extension}"
    count = 0
    with (folder / file).open("wb") as out:
        out.write(header(document, [("vertex", count, properties)]))
        for part in parts(document):
            if part.shape.corners == POINTS or not only_points:
                rows = vertex_rows(document, part, part.shape, columns)[np.unique(part.shape.elements)]
                out.write(rows.tobytes())
                count += len(rows)
        out.seek(0)
        out.write(header(document, [("vertex", count, properties)]))
    reason = "The model has points, and only those are written." if only_points else "Their vertices are the points."
    reasons = REASONS | dict.fromkeys(("triangles", "lines"), reason)
    return Export(file, media_type, dropped(document, name, ("normals", "vertex colours", "points"), reasons))
