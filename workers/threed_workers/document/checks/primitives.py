"""Meshes, skins and animations use accessors of the right kind, and draw a bearable number of vertices."""

from __future__ import annotations

from threed.errors import FileMalformed, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document.model import INSTANCING, Document, Json, extension

_UNSIGNED = (5121, 5123, 5125)


def check_primitives(document: Document, budget: Budget) -> None:
    """Raises FileMalformed for accessors of a kind that their use forbids, FileTooComplex for too much to draw."""
    for pointer, primitive in document.primitives():
        _check_primitive(document, primitive, pointer)
    costs = [vertices_of(document, mesh) for mesh in document.all("meshes")]
    drawn = sum(costs[node["mesh"]] * instances_of(document, node) for node in document.all("nodes") if "mesh" in node)
    if drawn > budget.drawn_vertices:
        raise FileTooComplex(
            f"The nodes draw {drawn} vertices in all; the limit is {budget.drawn_vertices}.", where="/nodes"
        )
    for number, animation in enumerate(document.all("animations")):
        _check_animation(document, animation, f"/animations/{number}")
    for number, skin in enumerate(document.all("skins")):
        _check_skin(document, skin, f"/skins/{number}")


def instances_of(document: Document, node: Json) -> int:
    """How often EXT_mesh_gpu_instancing draws the node's mesh; 1 without it."""
    instanced = extension(node, INSTANCING) or {}
    attributes = instanced.get("attributes") or {}
    return max((document.all("accessors")[index]["count"] for index in attributes.values()), default=1)


def vertices_of(document: Document, mesh: Json) -> int:
    """Vertices that one use of the mesh draws: indices where there are some, else positions."""
    total = 0
    for primitive in mesh["primitives"]:
        accessor = primitive.get("indices", primitive["attributes"].get("POSITION"))
        total += document.all("accessors")[accessor]["count"] if accessor is not None else 0
    return total


def _check_primitive(document: Document, primitive: Json, pointer: str) -> None:
    accessors = document.all("accessors")
    attributes = primitive.get("attributes")
    if not isinstance(attributes, dict):
        raise FileMalformed("A primitive must have attributes.", where=f"{pointer}/attributes")
    mode = primitive.get("mode", 4)
    if not isinstance(mode, int) or mode not in range(7):
        raise FileMalformed("mode must be 0 to 6.", where=f"{pointer}/mode")
    counts = {name: accessors[index]["count"] for name, index in attributes.items()}
    if len(set(counts.values())) > 1:
        raise FileMalformed(f"The attributes have different counts: {counts}.", where=f"{pointer}/attributes")
    if "POSITION" in attributes and accessors[attributes["POSITION"]]["type"] != "VEC3":
        raise FileMalformed("POSITION must be VEC3.", where=f"{pointer}/attributes/POSITION")
    if "indices" in primitive:
        indices = accessors[primitive["indices"]]
        if indices["type"] != "SCALAR" or indices["componentType"] not in _UNSIGNED:
            raise FileMalformed("indices must be unsigned whole numbers.", where=f"{pointer}/indices")
    for place, target in enumerate(primitive.get("targets") or []):
        for name, index in target.items():
            if accessors[index]["count"] != next(iter(counts.values()), accessors[index]["count"]):
                raise FileMalformed(
                    f"The morph target's {name} has another count than the mesh.", where=f"{pointer}/targets/{place}"
                )


def _check_animation(document: Document, animation: Json, pointer: str) -> None:
    samplers, channels = animation.get("samplers"), animation.get("channels")
    if not isinstance(samplers, list) or not isinstance(channels, list):
        raise FileMalformed("An animation must have samplers and channels.", where=pointer)
    for place, sampler in enumerate(samplers):
        if not isinstance(sampler, dict) or "input" not in sampler or "output" not in sampler:
            raise FileMalformed("A sampler must have input and output.", where=f"{pointer}/samplers/{place}")
        times = document.all("accessors")[sampler["input"]]
        if times["type"] != "SCALAR" or times["componentType"] != 5126:
            raise FileMalformed(
                "The input of a sampler must be float times.", where=f"{pointer}/samplers/{place}/input"
            )
    for place, channel in enumerate(channels):
        if "sampler" not in channel or not isinstance(channel.get("target"), dict):
            raise FileMalformed("A channel must have a sampler and a target.", where=f"{pointer}/channels/{place}")


def _check_skin(document: Document, skin: Json, pointer: str) -> None:
    joints = skin.get("joints")
    if not isinstance(joints, list) or not joints:
        raise FileMalformed("A skin must have joints.", where=f"{pointer}/joints")
    if "inverseBindMatrices" in skin:
        matrices = document.all("accessors")[skin["inverseBindMatrices"]]
        if matrices["type"] != "MAT4" or matrices["componentType"] != 5126 or matrices["count"] < len(joints):
            raise FileMalformed(
                f"inverseBindMatrices must be at least {len(joints)} float MAT4.",
                where=f"{pointer}/inverseBindMatrices",
            )
