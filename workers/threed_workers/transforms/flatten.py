"""Remove levels of the hierarchy."""

from __future__ import annotations

from collections.abc import Collection

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.document.model import INSTANCING, Json
from threed_workers.document.world import topmost, world_matrices
from threed_workers.transforms._channels import moved_nodes
from threed_workers.transforms._placing import PLACE, placed, referred_elsewhere

# Extensions of nodes that mean the same wherever the node stands. Others (visibility, levels, bodies) reach down.
_FREE = frozenset(("KHR_lights_punctual", INSTANCING))
_KEEPS = frozenset(("name", "extras", "mesh", "camera", "skin", "extensions"))


def changes(options: recipes_pb2.Flatten) -> frozenset[str]:
    return frozenset(("nodes",))


def apply(document: Document, options: recipes_pb2.Flatten) -> Document:
    """Give nodes with a mesh, a camera or a light the world's transform, and make them roots of their scenes.

    Stays below its parent: what an animation moves, and everything under it; joints, what holds joints, and what hangs
    on them; what an extension of an ancestor may reach; and what would need a shear. Nodes that are left empty go,
    unless they have a name or extras, or something refers to them.
    """
    if not edit.may_renumber(document):
        return document
    nodes = document.all("nodes")
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children") or []}
    order, matrices = world_matrices(document, topmost(document, list(range(len(nodes)))))
    world = dict(zip(order, matrices, strict=True))
    held = _held(document, parents)
    joints = {joint for skin in document.all("skins") for joint in skin["joints"]}
    anchored = _anchored(document, order, parents, moved_nodes(document) | joints)
    lifted: dict[int, Json] = {}
    for number in order:
        if number in parents and number not in held and number not in anchored and _has_content(nodes[number]):
            place = placed(world[number])
            if place is not None:
                lifted[number] = place
    _lift(document, lifted, order, parents)
    _remove_empty(document, {parents[number] for number in lifted}, parents)
    return document


def _has_content(node: Json) -> bool:
    return any(key in node for key in ("mesh", "camera")) or "KHR_lights_punctual" in (node.get("extensions") or {})


def _held(document: Document, parents: dict[int, int]) -> set[int]:
    """Nodes that cannot move themselves: referred to by more than a parent, with extensions, or above a joint."""
    found = referred_elsewhere(document)
    found |= {number for number, node in enumerate(document.all("nodes")) if set(node.get("extensions") or {}) - _FREE}
    for joint in {joint for skin in document.all("skins") for joint in skin["joints"]}:
        number = parents.get(joint)
        while number is not None and number not in found:
            found.add(number)
            number = parents.get(number)
    return found


def _anchored(document: Document, order: list[int], parents: dict[int, int], anchors: set[int]) -> set[int]:
    """Nodes below one of the anchors, or below a node with an extension that reaches down. Parents come first."""
    nodes = document.all("nodes")
    found: set[int] = set()
    for number in order:
        parent = parents.get(number)
        reaches = parent is not None and bool(set(nodes[parent].get("extensions") or {}) - _FREE)
        if parent in found or parent in anchors or reaches:
            found.add(number)
    return found


def _lift(document: Document, lifted: dict[int, Json], order: list[int], parents: dict[int, int]) -> None:
    """Move nodes to where the roots above them are listed, each in every scene of its root."""
    nodes, tops = document.all("nodes"), {}
    for number in order:
        tops[number] = tops[parents[number]] if number in parents else number
    under: dict[int, list[int]] = {}
    for number, place in lifted.items():
        under.setdefault(tops[number], []).append(number)
        for key in PLACE:
            nodes[number].pop(key, None)
        nodes[number] |= place
    for number in {parents[number] for number in lifted}:
        _without(nodes[number], "children", lifted)
    for scene in document.all("scenes"):
        listed = scene.get("nodes") or []
        found = [number for root in listed for number in under.get(root, ())]
        if found:
            scene["nodes"] = list(dict.fromkeys(listed + found))


def _without(owner: Json, key: str, gone: Collection[int]) -> None:
    """Take nodes out of a list; an empty one goes, since glTF wants none."""
    owner[key] = [number for number in owner[key] if number not in gone]
    if not owner[key]:
        del owner[key]


def _remove_empty(document: Document, left: set[int], parents: dict[int, int]) -> None:
    """Remove those of the nodes that hold nothing any more, and parents that this empties."""
    nodes, needed = document.all("nodes"), referred_elsewhere(document)
    gone: set[int] = set()
    rest = sorted(left)
    while rest:
        number = rest.pop()
        node = nodes[number]
        children = [child for child in node.get("children") or [] if child not in gone]
        if number in gone or number in needed or children or _KEEPS & set(node):
            continue
        gone.add(number)
        rest += [parents[number]] if number in parents else []
    for number in {parents[number] for number in gone if number in parents} - gone:
        if "children" in nodes[number]:
            _without(nodes[number], "children", gone)
    for scene in document.all("scenes"):
        if gone & set(scene.get("nodes") or []):
            _without(scene, "nodes", gone)
    for number in gone:
        nodes[number].pop("children", None)
    edit.remove(document, "nodes", gone)
