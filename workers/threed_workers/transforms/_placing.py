"""Where nodes stand: matrices as translation, rotation and scale, and a whole model moved or scaled."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Document, edit
from threed_workers.document.model import Json, extension
from threed_workers.document.rotations import quaternion
from threed_workers.document.world import topmost
from threed_workers.transforms._channels import moved_nodes

PLACE = ("matrix", "translation", "rotation", "scale")
_TOLERANCE = 1e-5


def placed(matrix: np.ndarray) -> Json | None:
    """A matrix (4, 4), columns last, as translation, rotation and scale; {} for none at all. None when it shears.

    glTF 2.0 section 3.5.3: a node's transform must be all of those three, and no more.
    """
    scale = np.linalg.norm(matrix[:3, :3], axis=0)
    if not np.isfinite(matrix).all() or scale.min() <= 0:
        return None
    if np.linalg.det(matrix[:3, :3]) < 0:
        scale[0] = -scale[0]
    turn = matrix[:3, :3] / scale
    if np.abs(turn.T @ turn - np.eye(3)).max() > _TOLERANCE:
        return None
    found = {
        "translation": (matrix[:3, 3], np.zeros(3)),
        "rotation": (quaternion(turn), np.array([0.0, 0.0, 0.0, 1.0])),
        "scale": (scale, np.ones(3)),
    }
    return {name: value.tolist() for name, (value, neutral) in found.items() if np.abs(value - neutral).max() > 1e-7}


def move_model(document: Document, factor: float, offset: np.ndarray) -> None:
    """Scale everything about the origin by `factor`, and then move it by `offset` (3,), in metres.

    Roots of scenes, and of skeletons that are in none, are changed themselves. Those that an animation moves are put
    below a new node without a name: one for each scene, or set of scenes that share them.
    """
    animated = moved_nodes(document, "translation", "rotation", "scale", "matrix")
    wrapped: dict[tuple[int, ...], list[int]] = {}
    for number in _roots(document):
        if number in animated:
            scenes = document.all("scenes")
            wrapped.setdefault(
                tuple(place for place, scene in enumerate(scenes) if number in (scene.get("nodes") or [])), []
            ).append(number)
        else:
            _move(document.all("nodes")[number], factor, offset)
    for scenes, numbers in wrapped.items():
        holder: Json = {"children": numbers}
        _move(holder, factor, offset)
        document.json["nodes"].append(holder)
        place = len(document.json["nodes"]) - 1
        for scene in (document.json["scenes"][number] for number in scenes):
            scene["nodes"] = [number for number in scene["nodes"] if number not in numbers] + [place]


def _roots(document: Document) -> list[int]:
    """The roots of all scenes (of everything, where there are none), of every joint, and levels of detail of those."""
    nodes = document.all("nodes")
    listed = [number for scene in document.all("scenes") for number in scene.get("nodes") or []]
    listed += [joint for skin in document.all("skins") for joint in skin["joints"]]
    roots = topmost(document, listed if document.all("scenes") else list(range(len(nodes))))
    levels = [level for number in roots for level in (extension(nodes[number], "MSFT_lod") or {}).get("ids") or []]
    return list(dict.fromkeys(roots + topmost(document, levels)))


def _move(node: Json, factor: float, offset: np.ndarray) -> None:
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4)
        matrix[:, :3] *= factor
        matrix[3, :3] += offset
        node["matrix"] = matrix.reshape(-1).tolist()
        return
    translation = np.array(node.get("translation") or (0, 0, 0), np.float64) * factor + offset
    scale = np.array(node.get("scale") or (1, 1, 1), np.float64) * factor
    for name, value, neutral in (("translation", translation, 0.0), ("scale", scale, 1.0)):
        if name in node or (value != neutral).any():
            node[name] = value.tolist()


def scene_nodes(document: Document) -> list[tuple[Json, list[int]]]:
    """Scenes that have nodes, with the list itself."""
    return [(scene, scene["nodes"]) for scene in document.all("scenes") if scene.get("nodes")]


def referred_elsewhere(document: Document) -> set[int]:
    """Nodes that anything but a scene or a parent refers to: joints, animations, levels of detail, extensions."""
    lists = {id(nodes) for _, nodes in scene_nodes(document)}
    lists |= {id(node.get("children")) for node in document.all("nodes")}
    return {owner[key] for kind, owner, key in edit.references(document) if kind == "nodes" and id(owner) not in lists}
