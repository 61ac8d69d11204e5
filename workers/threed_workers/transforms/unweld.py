"""Give every corner of every triangle a vertex of its own."""

from __future__ import annotations

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.document.model import Json
from threed_workers.transforms.geometry.vertices import TRIANGLES, Shape, mode_of, shapes


def changes(options: recipes_pb2.Unweld) -> frozenset[str]:
    return frozenset({"vertices"})  # those that no triangle draws


def apply(document: Document, options: recipes_pb2.Unweld) -> Document:
    """Remove the indices of triangle lists. Strips, fans, lines and points keep theirs.

    Primitives that draw the same corners of the same vertices still share them. Raises FileTooComplex when the
    vertices would take more than the budget of one decoded file.
    """
    edit.decompress(document)
    for shape in shapes(document):
        by_indices: dict[int, list[Json]] = {}
        for primitive in shape.primitives:
            if "indices" in primitive and mode_of(primitive) == TRIANGLES:
                by_indices.setdefault(primitive["indices"], []).append(primitive)
        for primitives in by_indices.values():
            corners = shape.indices(primitives[0])
            if len(corners):
                Shape(document, shape.count, primitives=primitives).pick(corners)
                for primitive in primitives:
                    del primitive["indices"]
    return document
