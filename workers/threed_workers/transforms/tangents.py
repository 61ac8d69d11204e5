"""Make tangents (MikkTSpace)."""

from __future__ import annotations

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, read_floats
from threed_workers.document.model import Json
from threed_workers.transforms._corners import alike, triangle_list, write
from threed_workers.transforms._mikktspace import corner_tangents
from threed_workers.transforms._uv_sets import tangent_uv_set
from threed_workers.transforms.geometry.vertices import note, shapes


def changes(options: recipes_pb2.Tangents) -> frozenset[str]:
    return frozenset(("vertices",))


def apply(document: Document, options: recipes_pb2.Tangents) -> Document:
    """Give triangles whose material has a normal map, or anisotropy, tangents along that map's texture coordinates.

    Vertices are split where tangents differ, as at mirrored seams. Tangents that are there stay, unless `overwrite`.
    Without normals or texture coordinates there is nothing to make them of: an issue says so.
    """
    edit.decompress(document)
    wanted = [primitive for _, primitive in document.primitives() if _wants(document, primitive, options.overwrite)]
    if not wanted:
        return document
    for shape in shapes(document):
        groups = alike(shape, lambda primitive: _uv_set(document, primitive, options.overwrite))
        for (_, _, uv_set), primitives in groups.items():
            attributes = primitives[0]["attributes"]
            if "NORMAL" not in attributes or f"TEXCOORD_{uv_set}" not in attributes:
                text = f"Tangents need normals and TEXCOORD_{uv_set}. Make normals first."
                note(document, "TANGENTS_NOT_MADE", shape.pointers[0], text, "WARNING")
                continue
            triangles = triangle_list(shape, primitives[0])
            if len(triangles):
                names = ("POSITION", "NORMAL", f"TEXCOORD_{uv_set}")
                drawn, local = np.unique(triangles, return_inverse=True)  # others may draw from the same vertices
                values = [read_floats(document, attributes[name])[drawn] for name in names]
                corners = corner_tangents(*values, local.reshape(-1, 3))
                write(document, shape, primitives, triangles, "TANGENT", corners)
    return document


def _wants(document: Document, primitive: Json, overwrite: bool) -> bool:
    return _uv_set(document, primitive, overwrite) is not None


def _uv_set(document: Document, primitive: Json, overwrite: bool) -> int | None:
    """The texture coordinates to follow; None where no tangents are to be made."""
    if "TANGENT" in primitive["attributes"] and not overwrite:
        return None
    return tangent_uv_set(document, primitive)
