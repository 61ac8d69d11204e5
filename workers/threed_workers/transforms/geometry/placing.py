"""Transforms of nodes as numbers, and lists of siblings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threed_workers.document import Document, edit
from threed_workers.document.model import Json
from threed_workers.document.rotations import quaternion
from threed_workers.document.world import local_matrices

_SHEAR = 1e-5  # of the product of two scales: what a rounded matrix may have


def siblings(document: Document) -> Iterator[Json]:
    """Every scene and node that holds a list of nodes: `nodes` of a scene, `children` of a node."""
    yield from [scene for scene in document.all("scenes") if scene.get("nodes")]
    yield from [node for node in document.all("nodes") if node.get("children")]


def matrix_of(node: Json) -> np.ndarray:
    """float64 (4, 4) from the node to its parent, columns last."""
    return local_matrices([node])[0]


def trs(node: Json) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Translation (3,), rotation xyzw (4,), scale (3,) of a node; None for a matrix that is more than that."""
    if "matrix" not in node:
        rotation = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
        length = np.linalg.norm(rotation)
        scale = np.array(node.get("scale", (1, 1, 1)), np.float64)
        return np.array(node.get("translation", (0, 0, 0)), np.float64), rotation / length, scale
    matrix = matrix_of(node)
    scale = np.linalg.norm(matrix[:3, :3], axis=0)
    if not scale.all() or not np.array_equal(matrix[3], (0, 0, 0, 1)):
        return None
    turn = matrix[:3, :3] / scale
    if np.abs(turn.T @ turn - np.eye(3)).max() > _SHEAR:
        return None
    if np.linalg.det(turn) < 0:
        turn, scale = -turn, -scale
    return matrix[:3, 3], quaternion(turn), scale


def drop_nodes(document: Document, gone: set[int]) -> None:
    """Take nodes out of their lists, then out of the document."""
    for owner in list(siblings(document)):
        key = "nodes" if "nodes" in owner else "children"
        owner[key] = [number for number in owner[key] if number not in gone]
        if not owner[key]:
            del owner[key]
    edit.remove(document, "nodes", gone)


def unused_meshes(document: Document) -> set[int]:
    """Meshes that nothing refers to."""
    used = {owner[key] for kind, owner, key in edit.references(document) if kind == "meshes"}
    return set(range(len(document.all("meshes")))) - used
