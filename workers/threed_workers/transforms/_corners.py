"""Values per corner of triangles, written as vertices: corners that agree share one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from threed_workers.document import Document, edit
from threed_workers.document.model import Json
from threed_workers.mesh.weld import weld
from threed_workers.transforms.geometry.vertices import TRIANGLES, Shape, mode_of

_STRIP, _FAN = 5, 6
MODES = (TRIANGLES, _STRIP, _FAN)


def triangle_list(shape: Shape, primitive: Json) -> np.ndarray:
    """int64 (t, 3): the triangles that a primitive draws, wound as glTF 2.0 section 3.7.2.1 says."""
    corners = shape.indices(primitive).astype(np.int64)
    mode, count = mode_of(primitive), max(0, len(corners) - 2)
    step = np.arange(count)
    if mode == TRIANGLES:
        return corners.reshape(-1, 3)
    if mode == _STRIP:
        return np.column_stack([corners[step], corners[step + 1 + step % 2], corners[step + 2 - step % 2]])
    return np.column_stack([corners[step + 1], corners[step + 2], np.broadcast_to(corners[:1], count)])


def alike(shape: Shape, kind: Callable[[Json], object]) -> dict[tuple, list[Json]]:
    """The primitives of triangles, together where they draw the same ones and `kind` answers the same, not None."""
    found: dict[tuple, list[Json]] = {}
    for primitive in shape.primitives:
        what = kind(primitive) if mode_of(primitive) in MODES else None
        if what is not None:
            found.setdefault((primitive.get("indices"), mode_of(primitive), what), []).append(primitive)
    return found


def write(
    document: Document,
    shape: Shape,
    primitives: list[Json],
    triangles: np.ndarray,
    name: str,
    corners: np.ndarray,
    morphs: dict[int, np.ndarray] | None = None,
) -> None:
    """Give primitives that draw `triangles` (t, 3) the attribute `name`: float32 (3t, k), one row a corner.

    `morphs` has, by target, what is added to it: float32 (3t, 3). Vertices whose corners differ are split; the
    primitives become triangle lists.
    """
    morphs = morphs or {}
    vertices = triangles.reshape(-1)
    rows = np.hstack([corners, *morphs.values()]).astype(np.float32) + np.float32(0)
    first, place = weld(vertices, rows)
    part = Shape(document, shape.count, primitives=primitives)
    for primitive in primitives:
        primitive["attributes"].pop(name, None)
        for number in morphs:
            primitive["targets"][number].pop(name, None)
    part.pick(vertices[first])
    for primitive in primitives:
        primitive.pop("mode", None)
    part.draw({number: place for number in range(len(primitives))})
    made = edit.add_accessor(document, np.ascontiguousarray(corners[first], np.float32), target=edit.ARRAY)
    added = {
        number: edit.add_accessor(document, np.ascontiguousarray(values[first], np.float32), target=edit.ARRAY)
        for number, values in morphs.items()
    }
    for primitive in primitives:
        primitive["attributes"][name] = made
        for number, index in added.items():
            primitive["targets"][number][name] = index
