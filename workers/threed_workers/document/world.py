"""Where things are: world matrices of the nodes, and the box around a scene."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threed_workers.document.accessors import COMPONENTS, blocks, read, to_floats
from threed_workers.document.bounds import bounds
from threed_workers.document.model import INSTANCING, Document, Json, extension

SKINNED_ROWS = 1 << 17


def scene_roots(document: Document) -> list[int]:
    """The roots of the default scene, else of the first, else every node without a parent."""
    scenes = document.all("scenes")
    if scenes:
        return topmost(document, scenes[document.json.get("scene", 0)].get("nodes") or [])
    return topmost(document, list(range(len(document.all("nodes")))))


def topmost(document: Document, listed: list[int]) -> list[int]:
    """The roots of the trees that `listed` are in, each once. Some exporters list children of a root as well."""
    parents = {
        child: number for number, node in enumerate(document.all("nodes")) for child in node.get("children") or []
    }
    found: dict[int, None] = {}
    for number in listed:
        root = number
        while root in parents:
            root = parents[root]
        found[root] = None
    return list(found)


def world_matrices(document: Document, roots: list[int]) -> tuple[list[int], np.ndarray]:
    """(nodes, matrices): the nodes under `roots`, and float64 (n, 4, 4) from each node to the world, columns last.

    The graph is a forest (checks/graph.py); it is walked level by level, so depth costs no stack.
    """
    nodes = document.all("nodes")
    level, parents = list(roots), np.tile(np.eye(4), (len(roots), 1, 1))
    order: list[int] = []
    matrices = []
    with np.errstate(all="ignore"):  # Products may overflow; whoever asks for the box sees that it is not finite.
        while level:
            world = parents @ local_matrices([nodes[number] for number in level])
            order += level
            matrices.append(world)
            widths = [len(nodes[number].get("children") or []) for number in level]
            parents = np.repeat(world, widths, axis=0)
            level = [child for number in level for child in nodes[number].get("children") or []]
    return order, np.concatenate(matrices) if matrices else np.zeros((0, 4, 4))


def local_matrices(nodes: list[Json]) -> np.ndarray:
    """float64 (n, 4, 4) from each node to its parent. Quaternions are normalized first (glTF 2.0 section 3.5.3)."""
    out = compose(
        np.array([node.get("translation") or (0, 0, 0) for node in nodes], np.float64).reshape(-1, 3),
        np.array([node.get("rotation") or (0, 0, 0, 1) for node in nodes], np.float64).reshape(-1, 4),
        np.array([node.get("scale") or (1, 1, 1) for node in nodes], np.float64).reshape(-1, 3),
    )
    for place, node in enumerate(nodes):
        if node.get("matrix") is not None:
            out[place] = np.array(node["matrix"], np.float64).reshape(4, 4).T
    return out


def compose(translations: np.ndarray, rotations: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """(n, 3), quaternions xyzw (n, 4), (n, 3) to matrices (n, 4, 4)."""
    x, y, z, w = (rotations / np.linalg.norm(rotations, axis=1, keepdims=True)).T
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)
    out = np.tile(np.eye(4), (len(translations), 1, 1))
    out[:, :3, :3] = turn * scales[:, None, :]
    out[:, :3, 3] = translations
    return out


def world_box(document: Document) -> tuple[np.ndarray, np.ndarray] | None:
    """(low, high) of the default scene in metres, float64 (3,) each; None when nothing is drawn or it is not finite.

    The box of the 8 corners of every accessor's box, through the node matrices; skinned meshes by their vertices in
    the pose that the file shows. Morph targets are not applied.
    """
    order, matrices = world_matrices(document, scene_roots(document))
    places = {number: matrix for number, matrix in zip(order, matrices, strict=True)}
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    with np.errstate(all="ignore"):
        for points in _points(document, places):
            low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
    return (low, high) if np.isfinite(low).all() and np.isfinite(high).all() else None


def _points(document: Document, places: dict[int, np.ndarray]) -> Iterator[np.ndarray]:
    """Blocks of world points (n, 3) whose box is the scene's."""
    corners: dict[int, np.ndarray] = {}
    for number, matrix in places.items():
        node = document.all("nodes")[number]
        if "mesh" not in node:
            continue
        primitives = document.all("meshes")[node["mesh"]]["primitives"]
        joints = joint_matrices(document, node, places)
        for primitive in primitives:
            index = primitive["attributes"].get("POSITION")
            if index is None:
                continue
            if joints is not None and "JOINTS_0" in primitive["attributes"] and "WEIGHTS_0" in primitive["attributes"]:
                yield from _skinned(document, primitive["attributes"], joints)
                continue
            if index not in corners:
                corners[index] = _corners(document, index)
            local = corners[index]
            for instance in instance_matrices(document, node):
                yield local @ (matrix @ instance)[:3, :3].T + (matrix @ instance)[:3, 3]


def _corners(document: Document, index: int) -> np.ndarray:
    accessor = document.all("accessors")[index]
    extremes = np.stack(bounds(document, index)[:2])
    if accessor.get("normalized"):
        extremes = to_floats(extremes.astype(COMPONENTS[accessor["componentType"]]), True).astype(np.float64)
    low, high = extremes
    pick = np.array([[corner >> axis & 1 for axis in range(3)] for corner in range(8)], bool)
    return np.where(pick, high, low)


def instance_matrices(document: Document, node: Json) -> np.ndarray:
    """Matrices (n, 4, 4) of EXT_mesh_gpu_instancing; one identity without it."""
    instanced = extension(node, INSTANCING)
    attributes = (instanced or {}).get("attributes") or {}
    if not attributes:
        return np.eye(4)[None]
    count = document.all("accessors")[next(iter(attributes.values()))]["count"]
    parts = []
    for name, neutral in (("TRANSLATION", (0, 0, 0)), ("ROTATION", (0, 0, 0, 1)), ("SCALE", (1, 1, 1))):
        if name in attributes:
            accessor = document.all("accessors")[attributes[name]]
            parts.append(
                to_floats(read(document, attributes[name]), bool(accessor.get("normalized"))).astype(np.float64)
            )
        else:
            parts.append(np.tile(np.array(neutral, np.float64), (count, 1)))
    return compose(*parts)


def joint_matrices(document: Document, node: Json, places: dict[int, np.ndarray]) -> np.ndarray | None:
    """float64 (joints, 4, 4) from the bind pose to the world; None when the node has no skin, or joints elsewhere."""
    if "skin" not in node:
        return None
    skin = document.all("skins")[node["skin"]]
    if not all(joint in places for joint in skin["joints"]):
        return None
    world = np.array([places[joint] for joint in skin["joints"]])
    if "inverseBindMatrices" not in skin:
        return world
    inverse = read(document, skin["inverseBindMatrices"])[: len(world)].astype(np.float64)
    return world @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1)


def _skinned(document: Document, attributes: Json, joints: np.ndarray) -> Iterator[np.ndarray]:
    """World positions of a skinned primitive, in blocks."""
    points = blocks(document, attributes["POSITION"], SKINNED_ROWS)
    normalized = bool(document.all("accessors")[attributes["POSITION"]].get("normalized"))
    for block, matrices in zip(points, skinning_matrices(document, attributes, joints), strict=True):
        local = to_floats(block, normalized).astype(np.float64)
        yield np.einsum("nij,nj->ni", matrices[:, :3, :3], local) + matrices[:, :3, 3]


def skinning_matrices(document: Document, attributes: Json, joints: np.ndarray) -> Iterator[np.ndarray]:
    """What moves each vertex of a skinned primitive: float64 (n, 4, 4) in blocks of SKINNED_ROWS vertices.

    glTF 2.0 section 3.7.3.3, with any number of JOINTS_n and WEIGHTS_n; `joints` as of `joint_matrices`.
    """
    accessors = document.all("accessors")
    sets = [n for n in range(len(attributes)) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
    names = [f"{kind}_{n}" for n in sets for kind in ("JOINTS", "WEIGHTS")]
    streams = [blocks(document, attributes[name], SKINNED_ROWS) for name in names]
    flags = [bool(accessors[attributes[name]].get("normalized")) for name in names]
    for group in zip(*streams, strict=True):
        blended = np.zeros((len(group[0]), 4, 4))
        for place in range(0, len(group), 2):
            chosen = np.minimum(group[place].astype(np.int64), len(joints) - 1)
            weights = to_floats(group[place + 1], flags[place + 1])
            for lane in range(4):
                blended += weights[:, lane, None, None] * joints[chosen[:, lane]]
        # Weights that do not sum to 1 are common; the last row holds their sum.
        yield blended / np.where(blended[:, 3, 3] == 0, 1, blended[:, 3, 3])[:, None, None]
