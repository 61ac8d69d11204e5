"""The primitives of a document as plain arrays: triangles, lines or points, default morph weights applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from threed_workers.document.accessors import read, read_floats
from threed_workers.document.model import Document, Json
from threed_workers.mesh.flat import flat_normals

POINTS, LINES, TRIANGLES = 1, 2, 3  # corners of an element
_POINTS, _LINES, _LOOP, _LINE_STRIP, _TRIANGLES, _STRIP, _FAN = range(7)
_SETS = 8  # texture coordinate sets that anything here looks at


@dataclass(frozen=True, eq=False)
class Shape:
    """One primitive in the frame of its mesh, or of the world.

    positions float64 (n, 3), metres; normals float64 (n, 3) or None; uvs by set float32 (n, 2), origin top left;
    colors float32 (n, 4), linear, or None; elements int64 (m, corners), counter-clockwise from outside.
    """

    positions: np.ndarray
    elements: np.ndarray
    normals: np.ndarray | None
    uvs: dict[int, np.ndarray]
    colors: np.ndarray | None

    @property
    def corners(self) -> int:
        """POINTS, LINES or TRIANGLES."""
        return self.elements.shape[1]

    def faceted(self) -> Shape:
        """Three vertices of its own for each triangle, with its normal: glTF's look of a mesh without normals."""
        order = self.elements.reshape(-1)
        corners = self.positions[order]
        return Shape(
            corners,
            np.arange(len(order)).reshape(-1, 3),
            flat_normals(corners.reshape(-1, 3, 3)).astype(np.float64),
            {number: uvs[order] for number, uvs in self.uvs.items()},
            None if self.colors is None else self.colors[order],
        )

    def flipped(self) -> Shape:
        """The other winding."""
        return replace(self, elements=self.elements[:, ::-1]) if self.corners == TRIANGLES else self


def shape_of(document: Document, primitive: Json, weights: list[float] | None = None) -> Shape | None:
    """The Shape of a primitive under these morph weights; None when it draws nothing."""
    attributes = primitive["attributes"]
    if "POSITION" not in attributes:
        return None
    elements = elements_of(document, primitive)
    if not len(elements):
        return None
    arrays = {name: read_floats(document, attributes[name]).astype(np.float64) for name in _named(attributes)}
    _morph(document, primitive, weights or [], arrays)
    for name in arrays.keys() - {"POSITION"}:
        np.nan_to_num(arrays[name], copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    colors = arrays.get("COLOR_0")
    if colors is not None:
        alpha = colors[:, 3:4] if colors.shape[1] == 4 else np.ones((len(colors), 1))
        colors = np.clip(np.hstack([colors[:, :3], alpha]), 0.0, 1.0).astype(np.float32)
    sets = {number: f"TEXCOORD_{number}" for number in range(_SETS)}
    uvs = {number: arrays[name].astype(np.float32) for number, name in sets.items() if name in arrays}
    return Shape(arrays["POSITION"], elements, arrays.get("NORMAL"), uvs, colors)


def elements_of(document: Document, primitive: Json) -> np.ndarray:
    """int64 (m, corners): strips, fans and loops taken apart (glTF 2.0 section 3.7.2.1)."""
    if "indices" in primitive:
        order = read(document, primitive["indices"]).reshape(-1).astype(np.int64)
    else:
        order = np.arange(document.all("accessors")[primitive["attributes"]["POSITION"]]["count"])
    mode = primitive.get("mode", _TRIANGLES)
    if mode == _POINTS:
        return order[:, None]
    if mode in (_LOOP, _LINE_STRIP):
        ends = np.append(order[1:], order[:1]) if mode == _LOOP else order[1:]
        return np.column_stack([order[: len(ends)], ends])
    if mode in (_STRIP, _FAN):
        first = np.arange(max(0, len(order) - 2))
        if mode == _STRIP:
            odd = first % 2
            return np.column_stack([order[first], order[first + 1 + odd], order[first + 2 - odd]])
        return np.column_stack([order[first + 1], order[first + 2], np.broadcast_to(order[:1], len(first))])
    corners = LINES if mode == _LINES else TRIANGLES
    return order[: len(order) // corners * corners].reshape(-1, corners)


def corners_of(primitive: Json) -> int:
    """POINTS, LINES or TRIANGLES, without a look at the data."""
    mode = primitive.get("mode", _TRIANGLES)
    return POINTS if mode == _POINTS else LINES if mode < _TRIANGLES else TRIANGLES


def default_weights(mesh: Json, node: Json) -> list[float]:
    """The morph weights that a node shows: its own, else those of its mesh."""
    return node.get("weights") or mesh.get("weights") or []


def _named(attributes: Json) -> list[str]:
    wanted = ["POSITION", "NORMAL", "COLOR_0", *(f"TEXCOORD_{number}" for number in range(_SETS))]
    return [name for name in wanted if name in attributes]


def _morph(document: Document, primitive: Json, weights: list[float], arrays: dict[str, Any]) -> None:
    """Add each target's displacements, weighted (glTF 2.0 section 3.7.2.2)."""
    for target, weight in zip(primitive.get("targets") or [], weights, strict=False):
        for name in arrays.keys() & target.keys() if weight else ():
            moved = read_floats(document, target[name])
            arrays[name][:, : moved.shape[1]] += weight * moved
