"""Layer elements of a mesh: normals, tangents, texture coordinates, colours, materials, per corner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from threed_workers.fbx.node import Node
from threed_workers.fbx.polygons import Polygons


@dataclass(frozen=True)
class Element:
    """`rows`: float64 (r, width); `of_corner`: int64 (c,), the row of each corner, -1 where it has none."""

    name: str
    rows: np.ndarray
    of_corner: np.ndarray

    @property
    def missing(self) -> int:
        """Corners without a row."""
        return int((self.of_corner < 0).sum())

    def values(self) -> np.ndarray:
        """float64 (c, width); zeros where a corner has none."""
        if not len(self.rows):
            return np.zeros((len(self.of_corner), self.rows.shape[1]))
        return np.where((self.of_corner >= 0)[:, None], self.rows[np.maximum(self.of_corner, 0)], 0.0)


def elements(geometry: Node, layer: str, rows: str, indices: str, width: int, polygons: Polygons) -> Iterator[Element]:
    """The elements called `layer`, in the order of their numbers: rows under `rows`, `indices` where they are used.

    Mappings: ByPolygonVertex, ByVertex (ByVertice), ByPolygon, AllSame. Others, as ByEdge, are passed over.
    References: Direct, IndexToDirect (Index).
    """
    nodes = sorted(geometry.all(layer), key=lambda node: node.number(0, 0.0))
    for node in nodes:
        places = _places(node.child_text("MappingInformationType"), polygons)
        table = node.rows(rows, width)
        if places is None or not len(table):
            continue
        if node.child_text("ReferenceInformationType", "Direct") != "Direct" and node.child(indices) is not None:
            places = _picked(node.numbers(indices, np.int64), places)
        inside = (places >= 0) & (places < len(table))
        yield Element(node.child_text("Name"), table, np.where(inside, places, -1))


def per_polygon(geometry: Node, layer: str, values: str, polygons: Polygons) -> np.ndarray | None:
    """int64 (p,): the number that each polygon has in that layer; None when there is none, or it is of something else.

    Materials are such numbers: their "direct" table is the list of the model's materials.
    """
    node = geometry.child(layer)
    if node is None:
        return None
    table = node.numbers(values, np.int64)
    mapping = node.child_text("MappingInformationType")
    if not len(table):
        return None
    if mapping == "AllSame":
        return np.full(len(polygons.sizes), table[0])
    if mapping != "ByPolygon":
        return None
    return _picked(table, np.arange(len(polygons.sizes)))


def _places(mapping: str, polygons: Polygons) -> np.ndarray | None:
    corners = len(polygons.points)
    if mapping == "ByPolygonVertex":
        return np.arange(corners)
    if mapping in ("ByVertice", "ByVertex", "ByControlPoint"):
        return polygons.points
    if mapping == "ByPolygon":
        return polygons.of_corner
    if mapping == "AllSame":
        return np.zeros(corners, np.int64)
    return None


def _picked(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    """table[places], and -1 beyond its end."""
    if not len(table):
        return np.full(len(places), -1)
    return np.where(places < len(table), table[np.minimum(places, len(table) - 1)], -1)
