"""What a document draws, as numbers: every corner of every triangle in the world, with skins and morph targets."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Document, read, read_floats
from threed_workers.document.model import INSTANCING, Json, extension
from threed_workers.document.world import compose, scene_roots, world_matrices

_TRIANGLES = 4


def corners(document: Document, weights: float | None = None) -> np.ndarray:
    """float64 (n, 3): by mesh, then by node. `weights` replaces the weights of every morph target."""
    order, matrices = world_matrices(document, scene_roots(document))
    world = dict(zip(order, matrices, strict=True))
    found: list[tuple[int, np.ndarray]] = []
    for number in order:
        node = document.json["nodes"][number]
        for primitive in document.json["meshes"][node["mesh"]]["primitives"] if "mesh" in node else ():
            if primitive.get("mode", _TRIANGLES) == _TRIANGLES:
                points = _morphed(document, node, primitive, weights)
                index = indices(document, primitive)
                for matrix in _matrices(document, node, primitive, world, number):
                    moved = np.einsum("nij,nj->ni", np.broadcast_to(matrix, (len(points), 4, 4)), points)
                    drawn = moved[index, :3]
                    if np.ndim(matrix) == 2 and np.linalg.det(matrix) < 0:
                        # A mirrored node turns its triangles round (glTF 2.0 section 3.7.4).
                        drawn = drawn.reshape(-1, 3, 3)[:, ::-1].reshape(-1, 3)
                    found.append((node["mesh"], drawn))
    return np.concatenate([points for _, points in sorted(found, key=lambda entry: entry[0])])


def indices(document: Document, primitive: Json) -> np.ndarray:
    if "indices" not in primitive:
        return np.arange(document.json["accessors"][primitive["attributes"]["POSITION"]]["count"])
    return read(document, primitive["indices"]).reshape(-1).astype(np.int64)


def _morphed(document: Document, node: Json, primitive: Json, weights: float | None) -> np.ndarray:
    points = read_floats(document, primitive["attributes"]["POSITION"]).astype(np.float64)
    own = node.get("weights") or document.json["meshes"][node["mesh"]].get("weights") or []
    for place, target in enumerate(primitive.get("targets") or []):
        if "POSITION" in target:
            weight = weights if weights is not None else own[place]
            points = points + weight * read_floats(document, target["POSITION"])
    return np.column_stack([points, np.ones(len(points))])


def _matrices(document: Document, node: Json, primitive: Json, world: dict, number: int) -> list[np.ndarray]:
    instances = extension(node, INSTANCING)
    if "skin" in node:
        skin = document.json["skins"][node["skin"]]
        binds = read_floats(document, skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        joints = np.array([world[joint] for joint in skin["joints"]]) @ binds
        bones = read(document, primitive["attributes"]["JOINTS_0"]).astype(np.int64)
        parts = read_floats(document, primitive["attributes"]["WEIGHTS_0"]).astype(np.float64)
        return [np.einsum("nk,nkij->nij", parts, joints[bones])]
    if instances is None:
        return [world[number]]
    values = {name: read_floats(document, index) for name, index in instances["attributes"].items()}
    count = len(next(iter(values.values())))
    local = compose(
        values.get("TRANSLATION", np.zeros((count, 3))).astype(np.float64),
        values.get("ROTATION", np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))).astype(np.float64),
        values.get("SCALE", np.ones((count, 3))).astype(np.float64),
    )
    return [world[number] @ matrix for matrix in local]


def triangles(points: np.ndarray) -> set[tuple]:
    """The triangles of corners (3 n, 3) as a set: each begins at its lowest corner, and keeps its direction."""
    rounded = np.round(points, 5).reshape(-1, 3, 3) + 0.0
    found = set()
    for rows in rounded.tolist():
        start = rows.index(min(rows))
        found.add(tuple(tuple(rows[(start + place) % 3]) for place in range(3)))
    return found
