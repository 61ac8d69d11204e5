"""Where the default scene shows which mesh: nodes, instances and skins, flattened to the world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document.accessors import read, read_floats
from threed_workers.document.checks.primitives import instances_of, vertices_of
from threed_workers.document.model import Document, Json
from threed_workers.document.shapes import Shape, default_weights, shape_of
from threed_workers.document.world import instance_matrices, joint_matrices, scene_roots, world_matrices
from threed_workers.mesh.normals import unit_normals

_ROWS = 1 << 17
_SMALL, _MOST_KEPT = 1 << 14, 256  # vertices of shapes that are kept for the next node, and how many are
_FARTHEST_M = 1e30  # in millimetres still a 32-bit float, and so is a cross product's length


@dataclass(frozen=True, eq=False)
class Placement:
    """One showing of a mesh. `matrix` (4, 4) takes it to the world; `joints` (j, 4, 4) do instead where it is skinned.

    `instance` (4, 4) is the last step of `matrix`, that of EXT_mesh_gpu_instancing; `weights` are the morph weights.
    """

    node: int
    mesh: int
    name: str
    matrix: np.ndarray
    instance: np.ndarray
    joints: np.ndarray | None
    weights: list[float]

    @property
    def mirrors(self) -> bool:
        """Does the matrix turn the winding around?"""
        return bool(np.linalg.det(self.matrix[:3, :3]) < 0)


@dataclass(frozen=True, eq=False)
class Part:
    """One primitive of one placement, in the world; `material` is its number or None."""

    placement: Placement
    material: int | None
    shape: Shape


def placements(document: Document, budget: Budget = Budget()) -> Iterator[Placement]:  # noqa: B008 frozen
    """Every showing of a mesh in the default scene, EXT_mesh_gpu_instancing expanded.

    Raises FileTooComplex when they draw more than the budget, FileValuesInvalid when one is not finite.
    """
    order, matrices = world_matrices(document, scene_roots(document))
    shown = [number for number in order if "mesh" in document.all("nodes")[number]]
    _check_size(document, shown, budget)
    places = dict(zip(order, matrices, strict=True))
    for number in shown:
        node = document.all("nodes")[number]
        mesh = document.all("meshes")[node["mesh"]]
        if not np.isfinite(places[number]).all():
            raise FileValuesInvalid(
                "Transforms multiply beyond all bounds. Scale the model's nodes.", where=f"/nodes/{number}"
            )
        name = next((text for text in (node.get("name"), mesh.get("name")) if isinstance(text, str) and text), "")
        joints, weights = joint_matrices(document, node, places), default_weights(mesh, node)
        for instance in instance_matrices(document, node):
            yield Placement(number, node["mesh"], name, places[number] @ instance, instance, joints, weights)


def parts(document: Document, budget: Budget = Budget()) -> Iterator[Part]:  # noqa: B008 frozen
    """Every primitive that the default scene draws, in world space, one at a time.

    Raises as `placements`, and FileValuesInvalid for vertices that are not finite or too far away for 32-bit floats.
    """
    kept: dict[tuple, Shape | None] = {}
    for placement in placements(document, budget):
        for place, primitive in enumerate(document.all("meshes")[placement.mesh]["primitives"]):
            key = (placement.mesh, place, tuple(placement.weights))
            shape = kept[key] if key in kept else shape_of(document, primitive, placement.weights)
            if len(kept) < _MOST_KEPT and (shape is None or len(shape.positions) <= _SMALL):
                kept[key] = shape
            if shape is not None:
                shown = to_world(document, primitive, shape, placement)
                _check_reach(shown, placement)
                yield Part(placement, primitive.get("material"), shown)


def to_world(document: Document, primitive: Json, shape: Shape, placement: Placement) -> Shape:
    """The shape where the placement shows it: skinned in the pose of the nodes, or moved by the matrix."""
    if placement.joints is not None and is_skinned(primitive):
        return _skinned(document, primitive["attributes"], shape, placement.joints)
    return moved(shape, placement.matrix)


def is_skinned(primitive: Json) -> bool:
    """Do its vertices follow joints?"""
    return "JOINTS_0" in primitive["attributes"] and "WEIGHTS_0" in primitive["attributes"]


def moved(shape: Shape, matrix: np.ndarray) -> Shape:
    """The shape under a matrix (4, 4); mirrors turn the winding, so that fronts stay fronts."""
    linear = matrix[:3, :3]
    positions = shape.positions @ linear.T + matrix[:3, 3]
    normals = None if shape.normals is None else unit_normals(shape.normals @ _cofactors(linear).T).astype(np.float64)
    result = replace(shape, positions=positions, normals=normals)
    return result.flipped() if np.linalg.det(linear) < 0 else result


def _cofactors(linear: np.ndarray) -> np.ndarray:
    """What turns normals (..., 3, 3): the inverse transpose up to a positive factor, and no inverse is needed."""
    after, before = linear[..., [1, 2, 0], :], linear[..., [2, 0, 1], :]
    products = after[..., [1, 2, 0]] * before[..., [2, 0, 1]] - after[..., [2, 0, 1]] * before[..., [1, 2, 0]]
    sign = np.where(np.linalg.det(linear) < 0, -1.0, 1.0)
    return products * sign[..., None, None]


def _skinned(document: Document, attributes: Json, shape: Shape, joints: np.ndarray) -> Shape:
    """Linear blend skinning (glTF 2.0 section 3.7.3.3), in blocks of rows."""
    sets = [n for n in range(4) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
    chosen = np.hstack([read(document, attributes[f"JOINTS_{n}"]) for n in sets]).astype(np.int64)
    weights = np.hstack([read_floats(document, attributes[f"WEIGHTS_{n}"]) for n in sets]).astype(np.float64)
    chosen = np.minimum(chosen, len(joints) - 1)
    positions = np.empty_like(shape.positions)
    normals = None if shape.normals is None else np.empty_like(shape.normals)
    mirrored = 0
    for start in range(0, len(positions), _ROWS):
        rows = slice(start, start + _ROWS)
        blended = np.zeros((len(positions[rows]), 4, 4))
        for lane in range(chosen.shape[1]):
            blended += weights[rows, lane, None, None] * joints[chosen[rows, lane]]
        # Weights that do not sum to 1 are common; the last row holds their sum.
        total = np.where(blended[:, 3, 3] == 0, 1, blended[:, 3, 3])[:, None]
        positions[rows] = (
            np.einsum("nij,nj->ni", blended[:, :3, :3], shape.positions[rows]) + blended[:, :3, 3]
        ) / total
        if normals is not None:
            turned = np.einsum("nij,nj->ni", _cofactors(blended[:, :3, :3]), shape.normals[rows])
            normals[rows] = unit_normals(turned)
        mirrored += int((np.linalg.det(blended[:, :3, :3]) < 0).sum())
    result = replace(shape, positions=positions, normals=normals)
    return result.flipped() if 2 * mirrored > len(positions) else result


def _check_reach(shape: Shape, placement: Placement) -> None:
    with np.errstate(invalid="ignore"):
        near = np.abs(shape.positions) < _FARTHEST_M
    if not near.all():
        raise FileValuesInvalid(
            f"A vertex is not finite, or farther away than {_FARTHEST_M:g} m. Scale the model's nodes.",
            where=f"/nodes/{placement.node}",
        )


def _check_size(document: Document, shown: list[int], budget: Budget) -> None:
    costs: dict[int, int] = {}
    drawn = 0
    for number in shown:
        node = document.all("nodes")[number]
        if node["mesh"] not in costs:
            costs[node["mesh"]] = vertices_of(document, document.all("meshes")[node["mesh"]])
        drawn += costs[node["mesh"]] * instances_of(document, node)
    if drawn > budget.drawn_vertices:
        raise FileTooComplex(
            f"The scene draws {drawn} vertices in all; the limit is {budget.drawn_vertices}. Export it as glb.",
            where="/nodes",
        )
