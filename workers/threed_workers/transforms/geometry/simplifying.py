"""Fewer triangles of the same vertices, one primitive at a time, so that primitives still fit each other."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Document, bounds, layout, read_floats
from threed_workers.document.model import Json
from threed_workers.mesh.weld import equal_rows
from threed_workers.transforms.geometry.kernels import LOCK_BORDER, simplified
from threed_workers.transforms.geometry.vertices import TRIANGLES, Shape, mode_of

# How much a difference of 1 weighs against the extent of the primitive.
_WEIGHTS = {"NORMAL": 0.5, "TEXCOORD": 1.0, "COLOR": 0.5}
_MOST_ATTRIBUTES = 32


class Simplifier:
    """Simplifies primitives of one document. Vertices that other primitives of the mesh also have stay in place."""

    def __init__(self, document: Document, shapes: list[Shape], lock_border: bool = False, shape_only: bool = False):
        self._document = document
        self._options = LOCK_BORDER if lock_border else 0
        self._shape_only = shape_only
        self._extents = [_extent(document, mesh) for mesh in document.all("meshes")]
        self._locks = _locks(document, shapes)

    def levels(self, shape: Shape, ratios: list[float], error: float) -> dict[int, list[np.ndarray]]:
        """For each triangle list of a shape, by its place in it, the corners that each ratio leaves: uint32 (3 t,).

        A primitive that would lose its last triangle keeps all of them.
        """
        index = shape.primitives[0]["attributes"]["POSITION"]
        positions, extent = read_floats(self._document, index), _spread(self._document, index)
        attributes, weights = self._attributes(shape)
        locked = self._locks.get(id(shape))
        made: dict[int | None, list[np.ndarray]] = {}
        found = {}
        for place, primitive in enumerate(shape.primitives):
            if mode_of(primitive) != TRIANGLES or extent <= 0:
                continue
            key = primitive.get("indices")
            if key not in made:
                whole = self._extents[int(shape.pointers[place].split("/")[2])]
                limit = error * max(1.0, whole / extent)
                corners = shape.indices(primitive)
                made[key] = [
                    self._fewer(corners, positions, attributes, weights, locked, ratio, limit) for ratio in ratios
                ]
            found[place] = made[key]
        return found

    def _fewer(self, corners, positions, attributes, weights, locked, ratio, error) -> np.ndarray:
        wanted = 3 * max(1, round(len(corners) // 3 * ratio))
        if len(corners) <= wanted:
            return corners
        less = simplified(corners, positions, attributes, weights, locked, wanted, error, self._options)
        return less if len(less) else corners

    def _attributes(self, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
        """float32 (n, k) and (k,): normals, texture coordinates and colours, with their weights."""
        columns, weights = [np.zeros((shape.count, 0), np.float32)], []
        for name, index in shape.primitives[0]["attributes"].items():
            weight = _WEIGHTS.get(name.partition("_")[0])
            if weight is None or self._shape_only:
                continue
            values = read_floats(self._document, index)
            if len(weights) + values.shape[1] > _MOST_ATTRIBUTES:
                break
            # Texture coordinates of a picture that repeats 50 times differ 50 times as much, and look no worse.
            spread = _spread(self._document, index) if name.startswith("TEXCOORD") else 1.0
            columns.append(values)
            weights += [weight / max(spread, 1.0)] * values.shape[1]
        return np.hstack(columns), np.array(weights, np.float32)


def _extent(document: Document, mesh: Json) -> float:
    """The longest side of a mesh's box, in its own units."""
    found = {primitive["attributes"].get("POSITION") for primitive in mesh["primitives"]} - {None}
    return _spread(document, *found) if found else 0.0


def _spread(document: Document, *indices: int) -> float:
    """The longest side of the box around accessors of one type, as numbers that renderers see."""
    boxes = [bounds(document, index) for index in indices]
    accessor = document.all("accessors")[indices[0]]
    unit = np.iinfo(layout(accessor).dtype).max if accessor.get("normalized") else 1
    high, low = np.max([box.high for box in boxes], axis=0), np.min([box.low for box in boxes], axis=0)
    return float((high - low).max()) / unit


def _locks(document: Document, shapes: list[Shape]) -> dict[int, np.ndarray]:
    """By id of the shape, bool (n,): vertices whose position other primitives of the same mesh have too."""
    by_mesh: dict[str, list[tuple[Shape, Json]]] = {}
    for shape in shapes:
        seen = set()
        for pointer, primitive in zip(shape.pointers, shape.primitives, strict=True):
            mesh = pointer.split("/")[2]
            key = (mesh, primitive.get("indices"))
            if mode_of(primitive) == TRIANGLES and key not in seen:
                seen.add(key)
                by_mesh.setdefault(mesh, []).append((shape, primitive))
    locks: dict[int, np.ndarray] = {}
    for parts in by_mesh.values():
        if len(parts) > 1:
            _lock_shared(document, [(shape, _used(shape, primitive)) for shape, primitive in parts], locks)
    return locks


def _used(shape: Shape, primitive: Json) -> np.ndarray:
    """The vertices that a primitive draws, each once."""
    drawn = np.zeros(shape.count, bool)
    drawn[shape.indices(primitive)] = True
    return np.flatnonzero(drawn)


def _lock_shared(document: Document, parts: list[tuple[Shape, np.ndarray]], locks: dict[int, np.ndarray]) -> None:
    rows = []
    for shape, used in parts:
        rows.append(read_floats(document, shape.primitives[0]["attributes"]["POSITION"])[used] + np.float32(0))
    _, place = equal_rows(np.concatenate(rows).view(np.uint32))
    ids = np.split(place, np.cumsum([len(row) for row in rows])[:-1])
    users = np.zeros(int(place.max()) + 1, np.int32)
    for found in ids:
        users[np.unique(found)] += 1
    for (shape, used), found in zip(parts, ids, strict=True):
        locked = locks.setdefault(id(shape), np.zeros(shape.count, bool))
        locked[used[users[found] > 1]] = True
