"""The triangles of primitives, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from threed_workers.document import Document, read, read_floats
from threed_workers.document.model import Json
from threed_workers.inspection import triangles_of

TRIANGLES, STRIP, FAN = 4, 5, 6
BLOCK = 1 << 18  # triangles


def has_triangles(document: Document, primitive: Json) -> bool:
    """Does it draw a surface?"""
    return "POSITION" in primitive["attributes"] and triangles_of(document, primitive) > 0


def weight(document: Document, primitive: Json) -> int:
    """What looking at the surface costs, in triangles: few of them may lie among very many vertices."""
    if not has_triangles(document, primitive):
        return 0
    vertices = document.all("accessors")[primitive["attributes"]["POSITION"]]["count"]
    return max(triangles_of(document, primitive), vertices // 3)


def corners(document: Document, primitive: Json) -> np.ndarray:
    """Vertex numbers of its triangles, uint32 (t, 3), wound as glTF 2.0 section 3.7.2.1 says.

    What strips repeat only to go on elsewhere is left out.
    """
    attributes, mode = primitive["attributes"], primitive.get("mode", TRIANGLES)
    if "indices" in primitive:
        order = read(document, primitive["indices"]).reshape(-1).astype(np.uint32, copy=False)
    else:
        order = np.arange(document.all("accessors")[attributes["POSITION"]]["count"], dtype=np.uint32)
    if mode == TRIANGLES:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if mode == FAN:
        return np.column_stack([order[1:-1], order[2:], np.broadcast_to(order[:1], len(order[2:]))])
    if mode != STRIP:
        return np.zeros((0, 3), np.uint32)
    found = np.column_stack([order[:-2], order[1:-1], order[2:]])
    found[1::2, 1:] = found[1::2, :0:-1]
    a, b, c = found.T
    return found[(a != b) & (b != c) & (a != c)]


class Surface(NamedTuple):
    """All triangles of one mesh: float32 (n, 3) points in metres, in the mesh's own frame, and uint32 (t, 3)."""

    points: np.ndarray
    corners: np.ndarray


def surface(document: Document, mesh: Json) -> Surface:
    """The primitives of a mesh together, because one solid is often split by its materials."""
    points, triangles, start = [], [], 0
    for primitive in mesh["primitives"]:
        if has_triangles(document, primitive):
            points.append(read_floats(document, primitive["attributes"]["POSITION"]))
            triangles.append(corners(document, primitive) + np.uint32(start))
            start += len(points[-1])
    if len(points) == 1:
        return Surface(points[0], triangles[0])
    if not points:
        return Surface(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32))
    return Surface(np.concatenate(points), np.concatenate(triangles))


def in_blocks(values: np.ndarray, rows: int = BLOCK) -> Iterator[np.ndarray]:
    """The rows, a block at a time, so that what is computed of them stays small."""
    for start in range(0, len(values), rows):
        yield values[start : start + rows]
