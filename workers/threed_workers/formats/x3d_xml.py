"""The XML encoding of X3D (ISO/IEC 19776-1)."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from threed.errors import FileMalformed
from threed_workers.budget import Budget
from threed_workers.formats import xml
from threed_workers.formats.source import Source
from threed_workers.formats.x3d_model import Node, Route, World

# What X3D files declare. The address in it is never opened; any other document type is refused.
_DOCTYPE = re.compile(rb"<!DOCTYPE\s+X3D\s+PUBLIC\s+[\"']ISO//Web3D//DTD X3D")
_PROLOGUE = 1 << 16
_PROTOS = ("ProtoDeclare", "ExternProtoDeclare", "ProtoInstance")
_PASSED = ("head", "IMPORT", "EXPORT", "IS", "field", "fieldValue", "connect")
_MOST_METADATA = 100


def read_world(source: Source, budget: Budget) -> World:
    """Raises FileMalformed or FileTooComplex."""
    head = bytes(source.data[:_PROLOGUE])
    root = xml.parse(source.data, doctype=bool(_DOCTYPE.search(head))).root
    if xml.local(root.tag) != "X3D":
        raise FileMalformed(f"The root is <{xml.local(root.tag)[:60]}>, and should be <X3D>.", where="line 1")
    world = World(source, budget)
    for element in root:
        if xml.local(element.tag) == "head":
            _read_head(element, world)
        elif xml.local(element.tag) == "Scene":
            _read_scene(element, world)
    return world


def _read_head(head: Element, world: World) -> None:
    for element in head:
        kind = xml.local(element.tag)
        if kind == "meta" and element.get("name") and len(world.metadata) < _MOST_METADATA:
            world.metadata.setdefault(element.get("name", "")[:100], (element.get("content") or "")[:1000])
        elif kind == "unit" and (element.get("category") or "").strip() == "length":
            world.metres = Node("unit", fields=dict(element.attrib)).number("conversionFactor", 1.0)


def _read_scene(scene: Element, world: World) -> None:
    """Every element once, parents first, without recursion."""
    root = Node("Scene")
    stack: list[tuple[Node, Element]] = [(root, element) for element in reversed(scene)]
    while stack:
        parent, element = stack.pop()
        kind = xml.local(element.tag)
        if kind in _PROTOS:
            world.findings.lose("prototypes", "Only the nodes of the standard are read.")
            continue
        if kind in _PASSED:
            continue
        if kind == "ROUTE":
            get = element.get
            route = (get("fromNode"), get("fromField"), get("toNode"), get("toField"))
            world.routes.append(Route(*((text or "").strip() for text in route)))
            continue
        node = _node(kind, element, world)
        if node is None:
            continue
        parent.nodes.append(((element.get("containerField") or "").strip(), node))
        if not element.get("USE"):
            stack += [(node, child) for child in reversed(element)]
    world.nodes = [node for _, node in root.nodes]


def _node(kind: str, element: Element, world: World) -> Node | None:
    used, name = (element.get("USE") or "").strip(), (element.get("DEF") or "").strip()
    if used:
        found = world.names.get(used)
        if found is None:
            text = f"USE {used[:60]!r} names no node that was defined before; it is left out."
            world.findings.warning("REFERENCE_DANGLING", kind, text)
        return found
    node = Node(kind, name, dict(element.attrib))
    if name:
        world.names[name] = node
    return node
