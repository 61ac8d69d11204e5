"""Nodes that carry meshes: which ones nothing else depends on, and how to put the mesh of the others below them."""

from __future__ import annotations

import copy
import re

from threed_workers.document import Document, edit
from threed_workers.document.indices import Pointer
from threed_workers.document.model import INSTANCING, Json, extension

_OWN = frozenset((INSTANCING, "MSFT_lod"))


class Graph:
    """The nodes of a document, with what refers to each of them."""

    def __init__(self, document: Document):
        self.document = document
        self.nodes: list[Json] = document.all("nodes")
        self.levels: set[int] = set()
        self.parents: dict[int, int] = {}
        self._roots: set[int] = set()
        self._needed: set[int] = set()
        self._weights: dict[int, list[tuple[Json, Json]]] = {}
        self._find()

    def _find(self) -> None:
        weights = self._find_weights()
        lists = {id(scene.get("nodes")) for scene in self.document.all("scenes")}
        children = {id(node.get("children")): number for number, node in enumerate(self.nodes)}
        levels = {id(extension(node, "MSFT_lod")["ids"]) for node in self.nodes if _has_levels(node)}
        for kind, owner, key in edit.references(self.document):
            if kind != "nodes":
                continue
            if id(owner) in levels:
                self.levels.add(owner[key])
            elif id(owner) in lists:
                self._roots.add(owner[key])
            elif id(owner) in children:
                self.parents[owner[key]] = children[id(owner)]
            elif id(owner) not in weights and not (isinstance(owner, Pointer) and owner.rest.startswith("weights")):
                self._needed.add(owner[key])

    def _find_weights(self) -> set[int]:
        """Note which channels animate the weights of which node. Answers with the ids of their targets."""
        targets = set()
        for animation in self.document.all("animations"):
            for channel in animation["channels"]:
                target = channel["target"]
                pointer = (extension(target, "KHR_animation_pointer") or {}).get("pointer")
                named = re.match("/nodes/([0-9]{1,9})/weights", pointer) if isinstance(pointer, str) else None
                number = target.get("node") if target.get("path") == "weights" else int(named[1]) if named else None
                if number is not None:
                    self._weights.setdefault(number, []).append((animation, channel))
                    targets.add(id(target))
        return targets

    def is_plain(self, number: int) -> bool:
        """Whether only its own mesh depends on the node's transform, so that both may change together."""
        node = self.nodes[number]
        return not (
            number in self._needed
            or node.get("children")
            or "camera" in node
            or set(node.get("extensions") or {}) - _OWN
        )

    def is_shown(self, number: int) -> bool:
        """Whether a scene, a parent or a level of detail holds it."""
        return number in self._roots or number in self.parents or number in self.levels

    def is_free(self, number: int) -> bool:
        """Whether exactly one scene or parent refers to the node, and nothing else in the document."""
        return self.is_plain(number) and self.is_shown(number) and number not in self.levels

    def add(self, node: Json) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def carry(self, number: int) -> int:
        """Put mesh, skin, weights and instances of a node into a new child of it, and answer with the child.

        Animations of the weights follow. The node keeps everything else: transform, name, children, levels of detail.
        """
        node = self.nodes[number]
        child: Json = {key: node.pop(key) for key in ("mesh", "skin", "weights") if key in node}
        if extension(node, INSTANCING) is not None:
            child["extensions"] = {INSTANCING: node["extensions"].pop(INSTANCING)}
            if not node["extensions"]:
                del node["extensions"]
        place = self.add(child)
        node.setdefault("children", []).append(place)
        self.parents[place] = number
        moved = self._weights.pop(number, [])
        for _, channel in moved:
            _retarget(channel, number, place)
        self._weights[place] = moved
        return place

    def copy_weights(self, number: int, other: int) -> None:
        """Animate the weights of another node in the same way."""
        for animation, channel in self._weights.get(number, []):
            animation["channels"].append(copy.deepcopy(channel))
            _retarget(animation["channels"][-1], number, other)


def _retarget(channel: Json, old: int, new: int) -> None:
    target = channel["target"]
    if "node" in target:
        target["node"] = new
    else:
        pointer = target["extensions"]["KHR_animation_pointer"]
        pointer["pointer"] = pointer["pointer"].replace(f"/nodes/{old}/", f"/nodes/{new}/", 1)


def _has_levels(node: Json) -> bool:
    return isinstance((extension(node, "MSFT_lod") or {}).get("ids"), list)
