"""The nodes are a forest of bearable depth, with transforms that mean something."""

from __future__ import annotations

from threed.errors import FileMalformed, FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document.checks.numbers import vector
from threed_workers.document.model import Document

_TRANSFORM = (("matrix", 16), ("translation", 3), ("rotation", 4), ("scale", 3))


def check_graph(document: Document, budget: Budget) -> None:
    """Raises for cycles, nodes with two parents, chains beyond the budget and rotations of length zero."""
    nodes = document.all("nodes")
    parents: list[int | None] = [None] * len(nodes)
    for number, node in enumerate(nodes):
        for place, child in enumerate(node.get("children") or []):
            if parents[child] is not None or child == number:
                raise FileValuesInvalid(
                    f"Node {child} has more than one parent, or is listed twice. Nodes must form a tree.",
                    where=f"/nodes/{number}/children/{place}",
                )
            parents[child] = number
        _check_transform(node, f"/nodes/{number}")
    _check_depth(document, parents, budget)
    for number, scene in enumerate(document.all("scenes")):
        roots = scene.get("nodes") or []
        if len(set(roots)) != len(roots):
            raise FileValuesInvalid("A scene lists a node twice.", where=f"/scenes/{number}/nodes")


def _check_transform(node: dict, pointer: str) -> None:
    for key, length in _TRANSFORM:
        value = vector(node, key, length, pointer)
        if key == "rotation" and value is not None and not any(value):
            raise FileValuesInvalid(
                "A rotation of length zero turns nothing. Use 0, 0, 0, 1.", where=f"{pointer}/{key}"
            )
    if node.get("weights") is not None and not isinstance(node["weights"], list):
        raise FileMalformed("weights must be an array.", where=f"{pointer}/weights")


def _check_depth(document: Document, parents: list[int | None], budget: Budget) -> None:
    """Walk down from the roots without recursion. What is never reached lies on a cycle."""
    level = [number for number, parent in enumerate(parents) if parent is None]
    seen, depth = len(level), 1
    while level:
        level = [child for number in level for child in document.all("nodes")[number].get("children") or []]
        seen, depth = seen + len(level), depth + 1
        if level and depth > budget.node_depth:
            raise FileTooComplex(
                f"Nodes are nested deeper than {budget.node_depth}. Flatten the hierarchy.", where=f"/nodes/{level[0]}"
            )
    if seen != len(parents):
        raise FileValuesInvalid("Some nodes are their own ancestors. Nodes must form a tree.", where="/nodes")
