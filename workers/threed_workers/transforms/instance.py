"""Draw a mesh that many sibling nodes use once, with EXT_mesh_gpu_instancing."""

from __future__ import annotations

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.document.model import INSTANCING, Json
from threed_workers.transforms.geometry.nodes import Graph
from threed_workers.transforms.geometry.placing import drop_nodes, siblings, trs

_MIN = 5
_KEYS = frozenset(("mesh", "name", "translation", "rotation", "scale", "matrix"))


def changes(options: recipes_pb2.Instance) -> frozenset[str]:
    return frozenset({"nodes", "named_nodes", "names"})


def apply(document: Document, options: recipes_pb2.Instance) -> Document:
    """Replace sibling nodes that are nothing but the same mesh in other places by one node with their transforms.

    Nodes with children, extras, skins, weights, extensions or animations stay, and so do matrices that shear. The
    names of the replaced nodes go; the new node has that of the mesh. Nothing is replaced where an unknown extension
    may refer to nodes by their number.
    """
    if not edit.may_renumber(document):
        return document
    graph = Graph(document)
    gone: set[int] = set()
    for owner in siblings(document):
        by_mesh: dict[int, list[int]] = {}
        for number in owner["nodes" if "nodes" in owner else "children"]:
            node = graph.nodes[number]
            if "mesh" in node and set(node) <= _KEYS and graph.is_free(number) and trs(node) is not None:
                by_mesh.setdefault(node["mesh"], []).append(number)
        for mesh, numbers in by_mesh.items():
            if len(numbers) >= (options.min or _MIN):
                _add(document, graph, owner, mesh, numbers)
                gone.update(numbers)
    drop_nodes(document, gone)
    return document


def _add(document: Document, graph: Graph, owner: Json, mesh: int, numbers: list[int]) -> None:
    rows = [trs(graph.nodes[number]) for number in numbers]
    attributes = {}
    for name, place, rest in (("TRANSLATION", 0, 0), ("ROTATION", 1, (0, 0, 0, 1)), ("SCALE", 2, 1)):
        values = np.array([row[place] for row in rows], np.float32)
        if name == "TRANSLATION" or (values != np.array(rest, np.float32)).any():
            attributes[name] = edit.add_accessor(document, values)
    node: Json = {"mesh": mesh, "extensions": {INSTANCING: {"attributes": attributes}}}
    name = document.all("meshes")[mesh].get("name")
    if name:
        node["name"] = name
    owner["nodes" if "nodes" in owner else "children"].append(graph.add(node))
    edit.use(document, INSTANCING, required=True)
