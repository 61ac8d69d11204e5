"""Fewer triangles, by meshoptimizer (quadric error)."""

from __future__ import annotations

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.transforms.geometry.simplifying import Simplifier
from threed_workers.transforms.geometry.vertices import TRIANGLES, Shape, mode_of, shapes
from threed_workers.transforms.weld import weld_shape

_ERROR = 0.01


def changes(options: recipes_pb2.Simplify) -> frozenset[str]:
    return frozenset({"triangles", "vertices"})


def apply(document: Document, options: recipes_pb2.Simplify) -> Document:
    """Keep a part of the triangles of every triangle list. Vertices stay where they are, those left over go.

    Seams of texture coordinates and normals keep both sides, and so do borders between primitives of one mesh. Lists
    without indices are welded first, since their triangles do not know their neighbours. Strips, fans, lines and
    points stay as they are.
    """
    edit.decompress(document)
    found = shapes(document)
    for shape in found:
        if any("indices" not in primitive and mode_of(primitive) == TRIANGLES for primitive in shape.primitives):
            weld_shape(shape)
    simplifier = Simplifier(document, found, options.lock_border, options.ignore_attributes)
    for shape in found:
        levels = simplifier.levels(shape, [options.ratio], options.error or _ERROR)
        if levels:
            _keep(shape, {place: corners[0] for place, corners in levels.items()})
    return document


def _keep(shape: Shape, drawn: dict[int, np.ndarray]) -> None:
    """Let the primitives draw these corners, and drop the vertices that none draws any more."""
    sizes = [document_count(shape, place) for place in drawn]
    if sizes == [len(corners) for corners in drawn.values()]:
        return
    drawn |= {place: shape.indices(primitive) for place, primitive in enumerate(shape.primitives) if place not in drawn}
    used = np.zeros(shape.count, bool)
    for corners in drawn.values():
        used[corners] = True
    place = np.cumsum(used, dtype=np.uint32) - np.uint32(1)
    shape.pick(np.flatnonzero(used))
    shape.draw({number: place[corners] for number, corners in drawn.items()})


def document_count(shape: Shape, place: int) -> int:
    """How many corners a primitive draws now."""
    primitive = shape.primitives[place]
    index = primitive.get("indices", primitive["attributes"]["POSITION"])
    return shape.document.all("accessors")[index]["count"]
