"""Order triangles for the vertex cache and vertices for fetching."""

from __future__ import annotations

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.transforms.geometry.kernels import cache_order, first_use
from threed_workers.transforms.geometry.vertices import TRIANGLES, Shape, mode_of, shapes


def changes(options: recipes_pb2.Reorder) -> frozenset[str]:
    return frozenset({"vertices"})  # those that no primitive draws


def apply(document: Document, options: recipes_pb2.Reorder) -> Document:
    """Put indexed triangles into a good order, and their vertices into that of their first use.

    The triangles are the same, each may begin at another corner. Strips, lines and points that share vertices with
    triangles follow; other ones, and triangles without indices, have nothing to order.
    """
    edit.decompress(document)
    for_size = options.target != recipes_pb2.Reorder.PERFORMANCE
    for shape in shapes(document):
        if any("indices" in primitive and mode_of(primitive) == TRIANGLES for primitive in shape.primitives):
            _reorder(shape, for_size)
    return document


def _reorder(shape: Shape, for_size: bool) -> None:
    drawn: list[np.ndarray] = []
    sources: dict[tuple, np.ndarray] = {}
    for primitive in shape.primitives:
        key = (primitive.get("indices"), mode_of(primitive))
        if key not in sources:
            indices = shape.indices(primitive)
            sources[key] = cache_order(indices, for_size) if key[1] == TRIANGLES and len(indices) else indices
        drawn.append(sources[key])
    order, place = first_use(np.concatenate(drawn))
    shape.pick(order)
    shape.draw({number: place[indices] for number, indices in enumerate(drawn)})
