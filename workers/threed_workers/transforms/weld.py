"""Make vertices one that are equal in every attribute and morph target, bit for bit."""

from __future__ import annotations

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.mesh.weld import weld
from threed_workers.transforms.geometry.vertices import Shape, shapes

_POINTS = 0


def changes(options: recipes_pb2.Weld) -> frozenset[str]:
    return frozenset({"vertices"})


def apply(document: Document, options: recipes_pb2.Weld) -> Document:
    """Merge equal vertices. Primitives without indices get some, if that merges anything; points stay as they are.

    What several primitives share they share afterwards. -0.0 and 0.0 differ.
    """
    edit.decompress(document)
    for shape in shapes(document):
        weld_shape(shape)
    return document


def weld_shape(shape: Shape) -> None:
    """Merge equal vertices of one set."""
    if any(primitive.get("mode") == _POINTS for primitive in shape.primitives) or not shape.count:
        return
    first, place = weld(shape.words())
    if len(first) == shape.count:
        return
    drawn = {number: place[shape.indices(primitive)] for number, primitive in enumerate(shape.primitives)}
    shape.pick(np.asarray(first))
    shape.draw(drawn)
