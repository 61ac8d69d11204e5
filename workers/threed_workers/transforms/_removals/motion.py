"""Animations, skins and morph targets."""

from __future__ import annotations

import copy

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, issue, read_floats
from threed_workers.document.model import Json
from threed_workers.document.world import topmost, world_matrices
from threed_workers.transforms._channels import drop_channels, moved_nodes
from threed_workers.transforms._leftovers import remove_unreferenced
from threed_workers.transforms._placing import PLACE, placed
from threed_workers.transforms._removals.geometry import drop_attributes
from threed_workers.transforms.geometry.nodes import Graph


def animations(document: Document) -> None:
    """All animations, of whatever."""
    drop_channels(document, lambda pointer: True)


# ---------------------------------------------------------------- skins


def skins(document: Document) -> None:
    """All skins with their vertex data. Meshes keep the shape that they were bound in, where the skin showed it.

    A skinned mesh ignores its node (glTF 2.0 section 3.7.3.3), so the node is put to where the first joint has the
    bind pose; where it cannot be, because of children, animations or a shear, a new root holds the mesh. Joints stay,
    as nodes.
    """
    nodes = document.all("nodes")
    order, matrices = world_matrices(document, topmost(document, list(range(len(nodes)))))
    world = dict(zip(order, matrices, strict=True))
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children") or []}
    moved = moved_nodes(document)
    graph = Graph(document)
    for number in [number for number, node in enumerate(nodes) if "skin" in node]:
        skin = document.all("skins")[nodes[number].pop("skin")]
        target = _bind_pose(document, skin, world)
        if "mesh" not in nodes[number] or target is None:
            continue
        above = world[parents[number]] if number in parents else np.eye(4)
        local = _solved(above, target)
        if local is None or not graph.is_plain(number) or _is_moved(number, parents, moved):
            place = placed(target)
            if place is None:
                text = "The bind pose shears the mesh, which no node can; it stands where its node does."
                document.issues.append(issue("BIND_POSE_NOT_PLACED", "WARNING", f"/nodes/{number}", text))
                continue
            number, local = _as_root(document, graph, number), place
        for key in PLACE:
            nodes[number].pop(key, None)
        nodes[number] |= local
    drop_attributes(document, r"(JOINTS|WEIGHTS)_[0-9]+")
    remove_unreferenced(document, ("skins",))


def _bind_pose(document: Document, skin: Json, world: dict[int, np.ndarray]) -> np.ndarray | None:
    """(4, 4): from the mesh to the world, as the first joint has it. None when that is not finite."""
    matrix = world[skin["joints"][0]]
    if "inverseBindMatrices" in skin:
        inverse = read_floats(document, skin["inverseBindMatrices"])[0].astype(np.float64).reshape(4, 4).T
        matrix = matrix @ inverse
    return matrix if np.isfinite(matrix).all() else None


def _solved(above: np.ndarray, target: np.ndarray) -> Json | None:
    """The local transform that gives `target` under `above`; None when there is none."""
    if not np.isfinite(above).all() or abs(np.linalg.det(above[:3, :3])) < 1e-30:
        return None
    return placed(np.linalg.solve(above, target))


def _is_moved(number: int, parents: dict[int, int], moved: set[int]) -> bool:
    """Whether an animation moves the node, or any above it."""
    while number is not None:
        if number in moved:
            return True
        number = parents.get(number)
    return False


def _as_root(document: Document, graph: Graph, number: int) -> int:
    """Put the mesh of a node, with its weights and what animates them, into a new root of the node's scenes."""
    place = graph.carry(number)
    node = document.all("nodes")[number]
    node["children"].remove(place)
    if not node["children"]:
        del node["children"]
    top = topmost(document, [number])[0]
    for scene in document.all("scenes"):
        if top in (scene.get("nodes") or []):
            scene["nodes"].append(place)
    return place


# ---------------------------------------------------------------- morph targets


def morph_targets(document: Document) -> None:
    """All morph targets. Meshes keep the shape of the weights that each node has, else the mesh."""
    meshes, nodes = document.all("meshes"), document.all("nodes")
    morphed = {number for number, mesh in enumerate(meshes) if any(p.get("targets") for p in mesh["primitives"])}
    if morphed:
        edit.decompress(document)
    drop_channels(document, lambda pointer: "/weights" in pointer and pointer.startswith(("/nodes/", "/meshes/")))
    shaped: dict[tuple[int, tuple[float, ...]], int] = {}
    baker = _Baker(document)
    originals = {number: copy.deepcopy(meshes[number]) for number in morphed}
    shown = [(node, node["mesh"]) for node in nodes if node.get("mesh") in morphed]
    for node, number in shown:
        weights = tuple(node.pop("weights", None) or originals[number].get("weights") or ())
        if (number, weights) not in shaped:
            taken = any(mesh == number for mesh, _ in shaped)
            shaped[number, weights] = len(meshes) if taken else number
            mesh = baker.shaped(originals[number], weights)
            if taken:
                meshes.append(mesh)
            else:
                meshes[number] = mesh
        node["mesh"] = shaped[number, weights]
    for number in morphed - {mesh for mesh, _ in shaped}:
        meshes[number] = baker.shaped(originals[number], tuple(originals[number].get("weights") or ()))
    for node in nodes:
        node.pop("weights", None)
    edit.unuse(document, edit.QUANTIZATION)


class _Baker:
    """Adds targets to meshes. Many nodes may show a large mesh, each with its own weights: the bytes are counted."""

    def __init__(self, document: Document):
        self._document = document
        self._size = 0

    def shaped(self, source: Json, weights: tuple[float, ...]) -> Json:
        """A copy of the mesh with its targets added by their weights, and without them."""
        mesh = copy.deepcopy(source)
        mesh.pop("weights", None)
        if isinstance(mesh.get("extras"), dict) and mesh["extras"].pop("targetNames", None) is not None:
            if not mesh["extras"]:
                del mesh["extras"]
        for primitive in mesh["primitives"]:
            changes: dict[str, list[tuple[float, int]]] = {}
            for weight, target in zip(weights, primitive.pop("targets", []), strict=False):
                for name, index in target.items():
                    if weight and name in primitive["attributes"]:
                        changes.setdefault(name, []).append((weight, index))
            for name, parts in changes.items():
                primitive["attributes"][name] = self._added(primitive["attributes"][name], name, parts)
        return mesh

    def _added(self, index: int, name: str, parts: list[tuple[float, int]]) -> int:
        """The attribute with weighted changes added. A tangent's sign is not morphed."""
        values = read_floats(self._document, index)
        self._size += values.nbytes
        if self._size > Budget().decoded_bytes:
            raise FileTooComplex(
                f"Meshes in the shape of their weights would take {self._size} bytes; "
                f"the limit is {Budget().decoded_bytes}.",
                where=f"/accessors/{index}",
            )
        for weight, change in parts:
            moved = read_floats(self._document, change)
            width = min(values.shape[1], moved.shape[1])
            values[:, :width] += np.float32(weight) * moved[:, :width]
        if name in ("NORMAL", "TANGENT"):
            length = np.linalg.norm(values[:, :3], axis=1, keepdims=True)
            values[:, :3] /= np.where(length > 0, length, 1)
        elif name.startswith("COLOR"):
            values = np.clip(values, 0, 1)
        return edit.add_accessor(self._document, values, target=edit.ARRAY, bounds=name == "POSITION")
