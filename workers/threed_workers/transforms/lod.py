"""Levels of detail, each of the original, as MSFT_lod of the nodes or as documents of their own."""

from __future__ import annotations

import copy
import itertools
import math

import orjson

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.document.model import INSTANCING, Json, extension
from threed_workers.transforms import simplify
from threed_workers.transforms.geometry.nodes import Graph
from threed_workers.transforms.geometry.simplifying import Simplifier
from threed_workers.transforms.geometry.vertices import TRIANGLES, add_indices, mode_of, note, shapes
from threed_workers.transforms.weld import weld_shape

LOD = "MSFT_lod"
_ERROR = 0.1
_WORTH = 0.95  # A level that keeps more of the triangles of the one before is none.


def changes(options: recipes_pb2.Lod) -> frozenset[str]:
    return frozenset()  # The finest level keeps all.


def split(document: Document, options: recipes_pb2.Lod) -> list[Document]:
    """With the output FILES the document as it is, and then a coarser one for each ratio; otherwise as `apply`.

    A coarser one keeps that part of the triangles, and only the vertices that they draw. One that would hardly be
    coarser than the one before is left out, with an issue LOD_LEFT_OUT. Raises RecipeInvalid when ratios do not fall.
    """
    if options.output != recipes_pb2.Lod.FILES:
        return [apply(document, options)]
    _check(options)
    edit.decompress(document)
    levels, last = [document], _all_triangles(document)
    for ratio in options.ratios:
        level = simplify.apply(_copy(document), recipes_pb2.Simplify(ratio=ratio, error=options.error or _ERROR))
        count = _all_triangles(level)
        if 0 < count <= _WORTH * last:
            levels.append(level)
            last = count
        else:
            text = f"The level with {ratio:g} of the triangles would have {count}, and the one before has {last}."
            note(document, "LOD_LEFT_OUT", "/meshes", text)
    return levels


def apply(document: Document, options: recipes_pb2.Lod) -> Document:
    """Give every node with triangles coarser nodes, by the ids of MSFT_lod, finest first.

    All levels draw from the vertices of the original. MSFT_screencoverage in the extras says from which part of the
    screen on a level is enough. A level that would hardly be coarser is left out; nodes with levels already keep
    them. Nodes with children, and animated ones, get a child that carries the mesh and the levels, because a level
    stands for all that is below it. Raises RecipeInvalid when ratios do not fall.
    """
    _check(options)
    edit.decompress(document)
    levels = _levels(document, list(options.ratios), options.error or _ERROR)
    graph = Graph(document)
    for number in range(len(document.all("nodes"))):
        node = document.all("nodes")[number]
        if node.get("mesh") in levels and extension(node, LOD) is None and number not in graph.levels:
            carrier = number if graph.is_plain(number) else graph.carry(number)
            _attach(document, graph, carrier, levels[graph.nodes[carrier]["mesh"]])
    return document


def _check(options: recipes_pb2.Lod) -> None:
    if any(later >= earlier for earlier, later in itertools.pairwise(options.ratios)):
        raise RecipeInvalid("The ratios of levels of detail must fall: 0.5, 0.25 ...", ratios=list(options.ratios))


def _copy(document: Document) -> Document:
    """The same content; bytes are shared, because nobody writes to them."""
    root, pictures = orjson.loads(orjson.dumps(document.json)), dict(document.pictures)
    return Document(root, list(document.buffers), pictures, list(document.issues), list(document.losses))


def _levels(document: Document, ratios: list[float], error: float) -> dict[int, list[tuple[int, float]]]:
    """By mesh, its levels: (mesh, part of the triangles)."""
    found = shapes(document)
    for shape in found:
        if any("indices" not in primitive and mode_of(primitive) == TRIANGLES for primitive in shape.primitives):
            weld_shape(shape)
    simplifier = Simplifier(document, found)
    accessors: dict[str, list[int]] = {}
    for shape in found:
        made: dict[bytes, int] = {}
        for place, corners in simplifier.levels(shape, ratios, error).items():
            for level in corners:
                key = level.tobytes()
                if key not in made:
                    made[key] = add_indices(document, level, shape.count)
                accessors.setdefault(shape.pointers[place], []).append(made[key])
    levels = {}
    for number, mesh in enumerate(list(document.all("meshes"))):
        chosen = _meshes(document, number, mesh, ratios, accessors)
        if chosen:
            levels[number] = chosen
    return levels


def _meshes(document: Document, number: int, mesh: Json, ratios: list[float], accessors: dict) -> list:
    chosen, last, whole = [], _triangles(document, mesh), _triangles(document, mesh)
    for level in range(len(ratios)):
        coarse = copy.deepcopy(mesh)
        for place, primitive in enumerate(coarse["primitives"]):
            found = accessors.get(f"/meshes/{number}/primitives/{place}")
            if found:
                primitive["indices"] = found[level]
        count = _triangles(document, coarse)
        if 0 < count <= _WORTH * last:
            if mesh.get("name"):
                coarse["name"] = f"{mesh['name']} level {len(chosen) + 1}"
            document.json["meshes"].append(coarse)
            chosen.append((len(document.json["meshes"]) - 1, count / whole))
            last = count
    return chosen


def _all_triangles(document: Document) -> int:
    return sum(_triangles(document, mesh) for mesh in document.all("meshes"))


def _triangles(document: Document, mesh: Json) -> int:
    total = 0
    for primitive in mesh["primitives"]:
        if mode_of(primitive) == TRIANGLES:
            index = primitive.get("indices", primitive["attributes"].get("POSITION"))
            total += document.all("accessors")[index]["count"] // 3 if index is not None else 0
    return total


def _attach(document: Document, graph: Graph, carrier: int, levels: list[tuple[int, float]]) -> None:
    node, ids = graph.nodes[carrier], []
    for place, (mesh, _) in enumerate(levels):
        kept = ("translation", "rotation", "scale", "matrix", "skin", "weights")
        level: Json = {key: copy.deepcopy(node[key]) for key in kept if key in node}
        level["mesh"] = mesh
        if node.get("name"):
            level["name"] = f"{node['name']} level {place + 1}"
        instances = extension(node, INSTANCING)
        if instances is not None:
            level["extensions"] = {INSTANCING: copy.deepcopy(instances)}
        ids.append(graph.add(level))
        graph.copy_weights(carrier, ids[-1])
    node.setdefault("extensions", {})[LOD] = {"ids": ids}
    if not isinstance(node.setdefault("extras", {}), dict):
        node["extras"] = {"value": node["extras"]}
    node["extras"]["MSFT_screencoverage"] = [math.sqrt(part) / 2 for _, part in levels] + [0.0]
    edit.use(document, LOD)
