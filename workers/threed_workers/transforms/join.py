"""Make the primitives of sibling nodes that agree in material, mode and attributes one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import orjson

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, read, read_floats
from threed_workers.document.model import Json
from threed_workers.mesh.normals import unit_normals
from threed_workers.transforms.geometry.nodes import Graph
from threed_workers.transforms.geometry.placing import drop_nodes, matrix_of, siblings, unused_meshes
from threed_workers.transforms.geometry.sets import Sets
from threed_workers.transforms.geometry.vertices import TRIANGLES, add_indices, corners, mode_of, shapes

_NODE_KEYS = frozenset(("mesh", "name", "translation", "rotation", "scale", "matrix"))
_MESH_KEYS = frozenset(("primitives", "name"))
_PRIMITIVE_KEYS = frozenset(("attributes", "indices", "material", "mode", "extensions"))
_POINTS = 0
_LISTS = (_POINTS, 1, TRIANGLES)  # points, lines, triangles: what can be written one after the other


def changes(options: recipes_pb2.Join) -> frozenset[str]:
    return frozenset(
        "nodes named_nodes names meshes primitives vertices normals tangents uv_sets color_sets joint_sets "
        "custom_attributes extensions.KHR_materials_variants".split()
    )


def apply(document: Document, options: recipes_pb2.Join) -> Document:
    """Make one node and one mesh of siblings that have primitives in common, with their transforms in the vertices.

    Nodes with children, extras, skins, morph targets, extensions or animations stay, and so do meshes that several
    nodes use, strips, loops and fans. Names of joined nodes and meshes go, but for that of the first. With
    `keep_named`, meshes of different names are not joined. Nothing is joined where an unknown extension may refer to
    nodes by their number.
    """
    if not edit.may_renumber(document):
        return document
    edit.decompress(document)
    graph = Graph(document)
    users = Counter(owner[key] for kind, owner, key in edit.references(document) if kind == "meshes")
    free = {pointer for shape in shapes(document) for pointer in shape.pointers}
    gone: set[int] = set()
    for owner in list(siblings(document)):
        key = "nodes" if "nodes" in owner else "children"
        wanted = [number for number in owner[key] if _may_join(document, graph, number, users, free)]
        for numbers in _clusters(document, graph, wanted, options.keep_named):
            _join(document, [graph.nodes[number] for number in numbers])
            gone.update(numbers[1:])
    drop_nodes(document, gone)
    edit.remove(document, "meshes", unused_meshes(document) & set(users))
    return document


def _may_join(document: Document, graph: Graph, number: int, users: Counter, free: set[str]) -> bool:
    node = graph.nodes[number]
    if "mesh" not in node or set(node) - _NODE_KEYS or users[node["mesh"]] != 1 or not graph.is_free(number):
        return False
    mesh = document.all("meshes")[node["mesh"]]
    return not set(mesh) - _MESH_KEYS and all(
        mode_of(primitive) in _LISTS
        and not set(primitive) - _PRIMITIVE_KEYS
        and f"/meshes/{node['mesh']}/primitives/{place}" in free
        for place, primitive in enumerate(mesh["primitives"])
    )


def _kind(document: Document, primitive: Json) -> tuple:
    """What primitives must agree in to be one."""
    accessors = document.all("accessors")
    names = tuple(
        (name, accessors[index]["type"], accessors[index]["componentType"], bool(accessors[index].get("normalized")))
        for name, index in sorted(primitive["attributes"].items())
        if name not in ("POSITION", "NORMAL", "TANGENT")
    )
    bent = tuple(name for name in ("NORMAL", "TANGENT") if name in primitive["attributes"])
    more = orjson.dumps(primitive.get("extensions"), option=orjson.OPT_SORT_KEYS)
    return primitive.get("material"), mode_of(primitive), names, bent, more


def _clusters(document: Document, graph: Graph, numbers: list[int], keep_named: bool) -> list[list[int]]:
    """Nodes that have a kind of primitive in common, directly or by others between them."""
    sets, first = Sets(), {}
    for number in numbers:
        mesh = document.all("meshes")[graph.nodes[number]["mesh"]]
        for primitive in mesh["primitives"]:
            kind = (*_kind(document, primitive), mesh.get("name") if keep_named else None)
            sets.unite(number, first.setdefault(kind, number))
    return [sorted(cluster) for cluster in sets.all() if len(cluster) > 1]


def _join(document: Document, nodes: list[Json]) -> None:
    """Let the first node draw what all of them draw. It keeps its translation, so that numbers stay small."""
    center = np.eye(4)
    center[:3, 3] = matrix_of(nodes[0])[:3, 3]
    kinds: dict[tuple, list[tuple[Json, np.ndarray]]] = {}
    for node in nodes:
        matrix = np.linalg.inv(center) @ matrix_of(node)
        for primitive in document.all("meshes")[node["mesh"]]["primitives"]:
            kinds.setdefault(_kind(document, primitive), []).append((primitive, matrix))
    mesh = document.all("meshes")[nodes[0]["mesh"]]
    mesh["primitives"] = [_joined(document, parts) for parts in kinds.values()]
    for key in ("rotation", "scale", "matrix", "translation"):
        nodes[0].pop(key, None)
    if center[:3, 3].any():
        nodes[0]["translation"] = center[:3, 3].tolist()


def _joined(document: Document, parts: list[tuple[Json, np.ndarray]]) -> Json:
    first = parts[0][0]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in first["attributes"]}
    drawn, start = [], 0
    for part, matrix in parts:
        found = corners(document, part)
        used, found = np.unique(found, return_inverse=True)  # Several parts may share vertices, and draw few of them.
        if mode_of(part) == TRIANGLES and np.linalg.det(matrix[:3, :3]) < 0:
            found = found.reshape(-1, 3)[:, ::-1].reshape(-1)
        drawn.append(found + start)
        start += len(used)
        for name, columns in rows.items():
            columns.append(_baked(document, part, matrix, name, used))
    attributes = {}
    for name, columns in rows.items():
        values = np.concatenate(columns)
        made = edit.add_accessor(document, values, target=edit.ARRAY, bounds=name == "POSITION")
        attributes[name] = made
        source = document.all("accessors")[first["attributes"][name]]
        if source.get("normalized") and values.dtype.kind != "f":
            document.all("accessors")[made]["normalized"] = True
    primitive = {key: value for key, value in first.items() if key != "indices"} | {"attributes": attributes}
    if mode_of(first) != _POINTS:
        primitive["indices"] = add_indices(document, np.concatenate(drawn), start)
    return primitive


def _baked(document: Document, primitive: Json, matrix: np.ndarray, name: str, used: np.ndarray) -> np.ndarray:
    """One attribute of the used vertices: positions, normals, tangents transformed, as float32; all else as stored."""
    index = primitive["attributes"][name]
    if name not in ("POSITION", "NORMAL", "TANGENT"):
        return read(document, index)[used]
    values = read_floats(document, index)[used].astype(np.float64)
    linear = matrix[:3, :3]
    if name == "POSITION":
        return (values @ linear.T + matrix[:3, 3]).astype(np.float32)
    if name == "TANGENT":
        turned = unit_normals(values[:, :3] @ linear.T)
        return np.column_stack([turned, values[:, 3] * np.sign(np.linalg.det(linear) or 1)]).astype(np.float32)
    # The cofactor matrix is det * inverse transpose: the same direction, and defined for flat scales as well.
    cofactor = np.stack(
        [np.cross(linear[1], linear[2]), np.cross(linear[2], linear[0]), np.cross(linear[0], linear[1])]
    )
    return unit_normals(values @ (cofactor * np.sign(np.linalg.det(linear) or 1)).T).astype(np.float32)
