"""Skins, morph targets and instances as plain meshes, for engines that know only those. glTF 2.0 section 3.7."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Document, read_floats
from threed_workers.document.model import INSTANCING, Json, extension
from threed_workers.document.packing import Pieces
from threed_workers.document.world import (
    SKINNED_ROWS,
    instance_matrices,
    joint_matrices,
    scene_roots,
    skinning_matrices,
    world_matrices,
)

_FLOAT, _ARRAY = 5126, 34962
_TYPES = {2: "VEC2", 3: "VEC3", 4: "VEC4"}
_MOVED = ("POSITION", "NORMAL", "TANGENT")


def baked(document: Document, budget: Budget = Budget()) -> Document:  # noqa: B008 frozen
    """The default scene with every vertex where it is in the pose that the nodes have now.

    Skinned meshes hang at the root, in the frame of the scene; instances are nodes. Animations, skins and morph targets
    are gone, and the document itself is returned when there were none. What lies in buffers stays, baked vertices are
    in one more. Raises FileTooComplex when that would be more than the budget.
    """
    still = not any(document.all(kind) for kind in ("animations", "skins"))
    morphed = any(primitive.get("targets") for _, primitive in document.primitives())
    instanced = any(extension(node, INSTANCING) for node in document.all("nodes"))
    return document if still and not morphed and not instanced else _Bakery(document, budget).document()


def is_morphed(document: Document) -> bool:
    """Whether a node shows a morph target now."""
    for node in document.all("nodes"):
        if "mesh" in node:
            mesh = document.all("meshes")[node["mesh"]]
            weights = node.get("weights") or mesh.get("weights") or ()
            if any(weights) and any(primitive.get("targets") for primitive in mesh["primitives"]):
                return True
    return False


class _Bakery:
    """The JSON under change, and the new buffer."""

    def __init__(self, document: Document, budget: Budget):
        self._old = document
        self._budget = budget
        self._pieces = Pieces()
        self._root: Json = {key: value for key, value in document.json.items() if key not in ("animations", "skins")}
        for kind in ("nodes", "meshes", "accessors", "bufferViews", "buffers"):
            self._root[kind] = list(document.all(kind))
        self._made: dict[tuple, int] = {}
        self._loose: list[int] = []
        order, matrices = world_matrices(document, scene_roots(document))
        self._places = dict(zip(order, matrices, strict=True))

    def document(self) -> Document:
        for number, node in enumerate(self._old.all("nodes")):
            kept = {key: value for key, value in node.items() if key not in ("skin", "weights")}
            self._root["nodes"][number] = kept
            if "mesh" in node and number in self._places:
                self._place(node, kept)
        scenes = [dict(scene) for scene in self._old.all("scenes")] or [{"nodes": scene_roots(self._old)}]
        shown = scenes[self._old.json.get("scene", 0)]
        shown["nodes"] = [*(shown.get("nodes") or []), *self._loose]
        self._root |= {"scenes": scenes}
        self._drop_targets()
        for key in ("extensionsUsed", "extensionsRequired"):
            names = [name for name in self._root.pop(key, []) if name != INSTANCING]
            self._root |= {key: names} if names else {}
        buffers = list(self._old.buffers)
        if self._pieces.size:
            self._root["buffers"].append({"byteLength": self._pieces.size})
            buffers.append(memoryview(b"".join(self._pieces.pieces)))
        return replace(self._old, json=self._root, buffers=buffers, bounds=dict(self._old.bounds))

    def _place(self, node: Json, kept: Json) -> None:
        joints = joint_matrices(self._old, node, self._places)
        mesh = self._mesh(node, joints)
        if joints is not None:
            del kept["mesh"]
            self._loose.append(self._add("nodes", {"mesh": mesh}))
            return
        kept["mesh"] = mesh
        if extension(node, INSTANCING):
            self._spread(node, kept)

    def _spread(self, node: Json, kept: Json) -> None:
        """EXT_mesh_gpu_instancing as children."""
        matrices = instance_matrices(self._old, node)
        if len(self._root["nodes"]) + len(matrices) > self._budget.nodes:
            raise FileTooComplex(
                f"Its instances make more than {self._budget.nodes} nodes. Draw fewer of them.", where="/nodes"
            )
        mesh = kept.pop("mesh")
        kept["extensions"] = {key: value for key, value in kept["extensions"].items() if key != INSTANCING}
        columns = matrices.transpose(0, 2, 1).reshape(-1, 16).tolist()
        made = [self._add("nodes", {"mesh": mesh, "matrix": matrix}) for matrix in columns]
        kept["children"] = [*(kept.get("children") or []), *made]

    def _mesh(self, node: Json, joints: np.ndarray | None) -> int:
        """The number of the node's mesh as it looks now; shared by nodes for which it looks the same."""
        entry = self._old.all("meshes")[node["mesh"]]
        weights = tuple(node.get("weights") or entry.get("weights") or ())
        morphs = any(weights) and any(primitive.get("targets") for primitive in entry["primitives"])
        if joints is None and not morphs:
            return node["mesh"]
        key = (node["mesh"], node.get("skin") if joints is not None else None, weights)
        if key not in self._made:
            primitives = [self._primitive(primitive, weights, joints) for primitive in entry["primitives"]]
            bare = {name: value for name, value in entry.items() if name != "weights"}
            self._made[key] = self._add("meshes", {**bare, "primitives": primitives})
        return self._made[key]

    def _primitive(self, primitive: Json, weights: tuple[float, ...], joints: np.ndarray | None) -> Json:
        attributes = primitive["attributes"]
        skinned = joints is not None and "JOINTS_0" in attributes and "WEIGHTS_0" in attributes
        targets = [(weight, target) for weight, target in zip(weights, primitive.get("targets") or [], strict=False)]
        moving = {name for weight, target in targets if weight for name in target if name in attributes}
        moving |= {name for name in _MOVED if name in attributes} if skinned else set()
        if "POSITION" not in attributes:
            moving = set()
        changed = {name: self._morphed(name, attributes, targets) for name in sorted(moving)}
        if skinned and changed:
            _skin(changed, skinning_matrices(self._old, attributes, joints))
        kept = {
            name: self._accessor(name, changed[name]) if name in changed else index
            for name, index in attributes.items()
            if not name.startswith(("JOINTS_", "WEIGHTS_"))
        }
        return {**primitive, "attributes": kept}

    def _morphed(self, name: str, attributes: Json, targets: list[tuple[float, Json]]) -> np.ndarray:
        """float32 (n, width): the attribute plus what each target adds (glTF 2.0 section 3.7.2.2)."""
        values = read_floats(self._old, attributes[name])
        for weight, target in targets:
            if weight and name in target:
                offsets = read_floats(self._old, target[name])
                width = min(values.shape[1], offsets.shape[1])  # a tangent's side is not moved
                values[:, :width] += np.float32(weight) * offsets[:, :width]
        return values

    def _accessor(self, name: str, values: np.ndarray) -> int:
        if self._pieces.size + values.nbytes > self._budget.decoded_bytes:
            raise FileTooComplex(
                f"Its moved vertices take more than {self._budget.decoded_bytes} bytes. Use fewer of them.",
                where="/meshes",
            )
        offset = self._pieces.append(np.ascontiguousarray(values, "<f4").tobytes())
        view = {"buffer": len(self._old.buffers), "byteOffset": offset, "byteLength": values.nbytes, "target": _ARRAY}
        entry = {"bufferView": self._add("bufferViews", view), "componentType": _FLOAT, "count": len(values)}
        entry["type"] = _TYPES[values.shape[1]]
        if name == "POSITION":
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return self._add("accessors", entry)

    def _drop_targets(self) -> None:
        for number, mesh in enumerate(self._root["meshes"]):
            if "weights" in mesh or any("targets" in primitive for primitive in mesh["primitives"]):
                bare = [{key: value for key, value in each.items() if key != "targets"} for each in mesh["primitives"]]
                kept = {key: value for key, value in mesh.items() if key != "weights"}
                self._root["meshes"][number] = {**kept, "primitives": bare}

    def _add(self, kind: str, entry: Json) -> int:
        self._root[kind].append(entry)
        return len(self._root[kind]) - 1


def _skin(changed: dict[str, np.ndarray], matrices: Iterator[np.ndarray]) -> None:
    """Move the vertices in place, in blocks. Normals go by the cofactors, which a flat scale does not spoil."""
    start = 0
    for block in matrices:
        rows, turn = slice(start, start + len(block)), block[:, :3, :3]
        start += SKINNED_ROWS
        for name, values in changed.items():
            if name == "POSITION":
                values[rows] = np.einsum("nij,nj->ni", turn, values[rows]) + block[:, :3, 3]
            elif name in ("NORMAL", "TANGENT"):
                by = _cofactors(turn) if name == "NORMAL" else turn
                values[rows, :3] = _unit(np.einsum("nij,nj->ni", by, values[rows, :3]))


def _cofactors(turn: np.ndarray) -> np.ndarray:
    """(n, 3, 3): the transposed inverse times the determinant."""
    first, second, third = turn[:, :, 0], turn[:, :, 1], turn[:, :, 2]
    return np.stack([np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1, lengths)
