"""A document as plain meshes, for engines that know little of glTF: attributes as floats, triangles as lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from threed_workers.document import Document, read, read_floats
from threed_workers.document.model import Json
from threed_workers.document.world import instance_matrices, scene_roots, world_matrices

POINTS, LINES, LINE_LOOP, LINE_STRIP, TRIANGLES, _STRIP, _FAN = range(7)


@dataclass(frozen=True, eq=False)
class Part:
    """One primitive of one node. `matrix` float64 (4, 4) takes it to the model's scene, columns last.

    `mode` is POINTS, LINES, LINE_STRIP or TRIANGLES; `indices` uint32 (m, 3) for triangles, which always have normals,
    else (m,). float32 positions and normals (n, 3), tangents (n, 4), colors linear RGBA (n, 4); `texcoords` (n, 2) by
    set, v down as in glTF. `material` numbers the document's materials. `key` is the same for parts that differ in
    nothing but their place.
    """

    matrix: np.ndarray
    mode: int
    positions: np.ndarray
    indices: np.ndarray
    normals: np.ndarray | None
    tangents: np.ndarray | None
    texcoords: Mapping[int, np.ndarray]
    colors: np.ndarray | None
    material: int | None
    key: tuple[int, int]


def flattened(document: Document) -> Iterator[Part]:
    """The parts of the default scene, instances of EXT_mesh_gpu_instancing one by one. Parts of a mesh share arrays."""
    made: dict[tuple[int, int], Part | None] = {}
    order, matrices = world_matrices(document, scene_roots(document))
    for number, matrix in zip(order, matrices, strict=True):
        node = document.all("nodes")[number]
        if "mesh" not in node:
            continue
        places = matrix @ instance_matrices(document, node)
        for index, primitive in enumerate(document.all("meshes")[node["mesh"]]["primitives"]):
            key = (node["mesh"], index)
            if key not in made:
                made[key] = _part(document, primitive, key) if "POSITION" in primitive["attributes"] else None
            if made[key] is not None:
                yield from (replace(made[key], matrix=place) for place in places)


def _part(document: Document, primitive: Json, key: tuple[int, int]) -> Part:
    named = {name: read_floats(document, place) for name, place in primitive["attributes"].items() if _is_drawn(name)}
    count = len(named["POSITION"])
    mode = primitive.get("mode", TRIANGLES)
    order = np.arange(count, dtype=np.uint32)
    if "indices" in primitive:
        order = read(document, primitive["indices"]).reshape(-1).astype(np.uint32)
    if mode >= TRIANGLES:
        order = _triangles(order, mode)
        if "NORMAL" not in named:
            named = _faceted(named, order)
            order = np.arange(order.size, dtype=np.uint32).reshape(-1, 3)
        mode = TRIANGLES
    if mode == LINE_LOOP:
        order = np.concatenate([order, order[:1]])
    colors = named.get("COLOR_0")
    if colors is not None and colors.shape[1] == 3:
        colors = np.column_stack([colors, np.ones(len(colors), np.float32)])
    return Part(
        matrix=np.eye(4),
        mode=LINE_STRIP if mode == LINE_LOOP else mode,
        positions=named["POSITION"],
        indices=order,
        normals=named.get("NORMAL"),
        tangents=named.get("TANGENT"),
        texcoords={int(name[9:]): values for name, values in named.items() if name.startswith("TEXCOORD_")},
        colors=colors,
        material=primitive.get("material"),
        key=key,
    )


def _is_drawn(name: str) -> bool:
    return name in ("POSITION", "NORMAL", "TANGENT", "COLOR_0") or name.startswith("TEXCOORD_")


def _triangles(order: np.ndarray, mode: int) -> np.ndarray:
    """Vertex numbers (m, 3) of a list, strip or fan (glTF 2.0 section 3.7.2.1)."""
    if mode == _STRIP:
        first = np.arange(max(0, len(order) - 2))
        odd = first % 2
        return np.column_stack([order[first], order[first + 1 + odd], order[first + 2 - odd]])
    if mode == _FAN:
        first = np.arange(1, max(1, len(order) - 1))
        return np.column_stack([order[first], order[first + 1], np.full(len(first), order[0])])
    return order[: len(order) // 3 * 3].reshape(-1, 3)


def _faceted(named: dict[str, np.ndarray], order: np.ndarray) -> dict[str, np.ndarray]:
    """Corners of their own for every triangle, with its normal: what glTF asks for when there are no normals."""
    spread = {name: values[order.reshape(-1)] for name, values in named.items() if name != "TANGENT"}
    triangles = spread["POSITION"].reshape(-1, 3, 3)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(lengths > 0, normals / np.maximum(lengths, 1e-30), (0, 0, 1)).astype(np.float32)
    return {**spread, "NORMAL": np.repeat(normals, 3, axis=0)}
