"""Positions on a grid of integers, and the way back from it in nodes, instances and inverse bind matrices.

A grid has one corner and one step for all axes, so that normals keep their directions. Meshes that share a position
accessor share the grid, and so do meshes that share a skin, since a skin has one set of inverse bind matrices.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from threed_workers.document import Document, bounds, edit, read, read_floats
from threed_workers.document.indices import Pointer
from threed_workers.document.model import INSTANCING, Json, extension
from threed_workers.transforms.geometry.nodes import Graph
from threed_workers.transforms.geometry.placing import matrix_of
from threed_workers.transforms.geometry.sets import Sets
from threed_workers.transforms.geometry.vertices import add_sparse, note, shapes

_VOLUME = "KHR_materials_volume"
_FLOAT = 5126


@dataclass
class Grid:
    """position = low + step * integer. float64 (3,), metres of the mesh, and the largest integer."""

    low: np.ndarray
    step: float
    highest: int

    def matrix(self) -> np.ndarray:
        """From integers to positions: (4, 4), columns last."""
        found = np.diag([self.step, self.step, self.step, 1.0])
        found[:3, 3] = self.low
        return found


def quantize_positions(document: Document, bits: int) -> None:
    """Quantize the positions of every mesh that allows it, with `bits` bits for the longest side of its group."""
    groups = _groups(document)
    graph = Graph(document)
    users: dict[int, list[int]] = {}
    for number, node in enumerate(document.all("nodes")):
        if "mesh" in node:
            users.setdefault(node["mesh"], []).append(number)
    free = {pointer for shape in shapes(document) for pointer in shape.pointers}
    held, moving = _held(document), _moving(document)
    for group in groups:
        meshes = [key for kind, key in group if kind == "mesh"]
        why = _why_not(document, meshes, users, free, held, moving)
        if why:
            note(document, "POSITIONS_KEPT", f"/meshes/{meshes[0]}", f"The positions are not quantized: {why}")
            continue
        grid = _grid(document, meshes, bits)
        if grid is not None:
            _write(document, meshes, grid)
            _undo(document, graph, sorted(number for mesh in meshes for number in users[mesh]), grid)
            _scale_volumes(document, meshes, users, grid)


def _groups(document: Document) -> list[list[tuple[str, int]]]:
    """("mesh", number) and others: those that need one grid."""
    sets = Sets()
    for number, mesh in enumerate(document.all("meshes")):
        for primitive in mesh["primitives"]:
            for attributes in (primitive["attributes"], *(primitive.get("targets") or [])):
                if "POSITION" in attributes:
                    sets.unite(("mesh", number), ("accessor", attributes["POSITION"]))
    for node in document.all("nodes"):
        if "mesh" in node and "skin" in node:
            skin = document.all("skins")[node["skin"]]
            sets.unite(("mesh", node["mesh"]), ("bind", skin.get("inverseBindMatrices", -1 - node["skin"])))
    return [group for group in sets.all() if any(kind == "mesh" for kind, _ in group)]


def _held(document: Document) -> set[int]:
    """Meshes that something besides nodes refers to."""
    nodes = {id(node) for node in document.all("nodes")}
    found = [(owner, key) for kind, owner, key in edit.references(document) if kind == "meshes"]
    return {owner[key] for owner, key in found if id(owner) not in nodes and not _is_weights(owner)}


def _is_weights(owner: object) -> bool:
    return isinstance(owner, Pointer) and owner.rest.startswith("weights")


def _why_not(document: Document, meshes: list[int], users: dict, free: set[str], held: set, moving: set) -> str | None:
    accessors, skinned, plain = document.all("accessors"), False, False
    for mesh in meshes:
        if not users.get(mesh):
            return "no node draws the mesh, so none could say how large it is."
        for place, primitive in enumerate(document.all("meshes")[mesh]["primitives"]):
            if f"/meshes/{mesh}/primitives/{place}" not in free:
                return "an extension may depend on them."
            for attributes in (primitive["attributes"], *(primitive.get("targets") or [])):
                if "POSITION" in attributes and accessors[attributes["POSITION"]]["componentType"] != _FLOAT:
                    return "they are integers already."
        skins = ["skin" in document.all("nodes")[number] for number in users[mesh]]
        skinned, plain = skinned or any(skins), plain or not all(skins)
    if held & set(meshes):
        return "something besides nodes refers to the mesh."
    volumes = _volumes(document, meshes)
    if volumes and skinned and plain:
        return "it is drawn with and without a skin, and its material has a thickness."
    if plain and volumes & moving:
        return "an animation changes the thickness of its material."
    return None


def _grid(document: Document, meshes: list[int], bits: int) -> Grid | None:
    base, targets = set(), set()
    for mesh in meshes:
        for primitive in document.all("meshes")[mesh]["primitives"]:
            base |= {primitive["attributes"]["POSITION"]}
            targets |= {target["POSITION"] for target in primitive.get("targets") or [] if "POSITION" in target}
    boxes = [bounds(document, index) for index in base]
    low, high = np.min([box.low for box in boxes], axis=0), np.max([box.high for box in boxes], axis=0)
    highest = (1 << bits) - 1
    step = float((high - low).max()) / highest
    # Deltas of morph targets are signed, and may be longer than the mesh: then the step grows, and positions have
    # fewer levels, but both stay on one grid.
    for index in targets:
        box = bounds(document, index)
        step = max(step, float(np.abs([box.low, box.high]).max()) / (127 if bits == 8 else 32767))
    if not np.isfinite(step) or step < np.finfo(np.float32).tiny * highest:
        return None
    # Rounded to float32, as nodes store it, before anything is divided by it.
    return Grid(low.astype(np.float32).astype(np.float64), float(np.float32(step)), highest)


def _write(document: Document, meshes: list[int], grid: Grid) -> None:
    made: dict[tuple[int, bool], int] = {}
    for mesh in meshes:
        for primitive in document.all("meshes")[mesh]["primitives"]:
            for place, attributes in enumerate([primitive["attributes"], *(primitive.get("targets") or [])]):
                if "POSITION" in attributes:
                    key = (attributes["POSITION"], place > 0)
                    if key not in made:
                        made[key] = _written(document, *key, grid)
                    attributes["POSITION"] = made[key]


def _written(document: Document, index: int, is_target: bool, grid: Grid) -> int:
    source = document.all("accessors")[index]
    values = read_floats(document, index).astype(np.float64)
    small = grid.highest <= 0xFF
    if is_target:
        rows = np.rint(values / grid.step).astype(np.int8 if small else np.int16)
    else:
        rows = np.rint((values - grid.low) / grid.step)
        rows = np.clip(rows, 0, grid.highest).astype(np.uint8 if small else np.uint16)
    kept = {key: source[key] for key in ("name", "extras") if key in source}
    if is_target and "sparse" in source and "bufferView" not in source:
        code = 5120 if small else 5122
        return add_sparse(document, rows, {"componentType": code, "type": "VEC3"} | kept, edit.extremes(rows))
    made = edit.add_accessor(document, rows, target=edit.ARRAY, bounds=True)
    document.all("accessors")[made] |= kept
    return made


def _undo(document: Document, graph: Graph, numbers: list[int], grid: Grid) -> None:
    """Put the way back from the grid where each node that draws the meshes needs it."""
    binds: dict[int, int] = {}
    done = set()
    for number in numbers:
        node = graph.nodes[number]
        instances = extension(node, INSTANCING)
        if "skin" in node:
            if node["skin"] not in done:
                done.add(node["skin"])
                _bind(document, document.all("skins")[node["skin"]], grid, binds)
        elif instances is not None and instances.get("attributes"):
            _shift_instances(document, instances, grid)
        else:
            _shift(graph.nodes[number if graph.is_plain(number) else graph.carry(number)], grid)


def _bind(document: Document, skin: Json, grid: Grid, binds: dict[int, int]) -> None:
    """Skinned meshes ignore the transform of their node: the way back comes before the joints' own."""
    index = skin.get("inverseBindMatrices", -1)
    if index not in binds:
        count = len(skin["joints"])
        matrices = np.tile(np.eye(4), (count, 1, 1)) if index < 0 else read(document, index).reshape(-1, 4, 4)
        back = grid.matrix().T  # stored by columns
        binds[index] = edit.add_accessor(document, (back @ matrices).astype(np.float32).reshape(-1, 16))
    skin["inverseBindMatrices"] = binds[index]


def _shift(node: Json, grid: Grid) -> None:
    if "matrix" in node:
        node["matrix"] = (matrix_of(node) @ grid.matrix()).T.reshape(-1).tolist()
        return
    moved = matrix_of(node) @ np.append(grid.low, 1.0)
    node["translation"] = moved[:3].tolist()
    node["scale"] = [value * grid.step for value in node.get("scale", (1.0, 1.0, 1.0))]


def _shift_instances(document: Document, instances: Json, grid: Grid) -> None:
    """The same for each instance: its translation and scale take the way back in."""
    attributes = instances["attributes"]
    found = {
        name: read_floats(document, attributes[name]).astype(np.float64)
        for name in ("TRANSLATION", "ROTATION", "SCALE")
        if name in attributes
    }
    count = document.all("accessors")[next(iter(attributes.values()))]["count"]
    scale = found.get("SCALE", np.ones((count, 3)))
    corner = scale * grid.low
    if "ROTATION" in found:
        corner = _turned(found["ROTATION"], corner)
    moved = found.get("TRANSLATION", np.zeros((count, 3))) + corner
    instances["attributes"] = attributes | {
        "TRANSLATION": edit.add_accessor(document, moved.astype(np.float32)),
        "SCALE": edit.add_accessor(document, (scale * grid.step).astype(np.float32)),
    }


def _turned(quaternions: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, 3) turned by quaternions xyzw (n, 4)."""
    quaternions = quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)
    axis, w = quaternions[:, :3], quaternions[:, 3:]
    twice = 2 * np.cross(axis, vectors)
    return vectors + w * twice + np.cross(axis, twice)


def _volumes(document: Document, meshes: list[int]) -> set[int]:
    """Materials of these meshes that have a thickness, which is in units of the mesh."""
    found = set()
    for mesh in meshes:
        for primitive in document.all("meshes")[mesh]["primitives"]:
            for owner in _painted(primitive):
                volume = extension(document.all("materials")[owner["material"]], _VOLUME) or {}
                thickness = volume.get("thicknessFactor")
                found |= {owner["material"]} if isinstance(thickness, int | float) and thickness else set()
    return found


def _painted(primitive: Json) -> list[Json]:
    """The objects of a primitive with a material: itself, and its variants."""
    variants = (extension(primitive, "KHR_materials_variants") or {}).get("mappings") or []
    return [owner for owner in (primitive, *variants) if "material" in owner]


def _moving(document: Document) -> set[int]:
    """Materials whose thickness an animation changes."""
    return {owner[key] for _, owner, key in edit.pointers(document, "materials") if _VOLUME in owner.rest}


def _scale_volumes(document: Document, meshes: list[int], users: dict, grid: Grid) -> None:
    """Keep thicknesses as they look: renderers multiply them by the scale of the node, which has the step in it now."""
    volumes = _volumes(document, meshes)
    if not volumes or "skin" in document.all("nodes")[users[meshes[0]][0]]:
        return
    copies: dict[int, int] = {}
    for mesh in meshes:
        for primitive in document.all("meshes")[mesh]["primitives"]:
            for owner in _painted(primitive):
                if owner["material"] in volumes:
                    if owner["material"] not in copies:
                        copies[owner["material"]] = _scaled(document, owner["material"], grid)
                    owner["material"] = copies[owner["material"]]


def _scaled(document: Document, material: int, grid: Grid) -> int:
    twin = copy.deepcopy(document.all("materials")[material])
    twin["extensions"][_VOLUME]["thicknessFactor"] /= grid.step
    document.json["materials"].append(twin)
    return len(document.json["materials"]) - 1
