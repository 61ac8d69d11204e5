"""Meshes of 3DS to glTF: smoothing groups to normals, material groups to primitives."""

from __future__ import annotations

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Builder
from threed_workers.formats.surface import surface
from threed_workers.formats.threeds_model import Mesh
from threed_workers.mesh.normals import crease_normals, unit_normals
from threed_workers.mesh.weld import weld

# Around one point; smoothing groups beyond that are smooth within themselves only.
_MOST_MASKS = 64
_VERTEX_BYTES = 32  # position, normal and texture coordinates


class Meshes:
    """Makes each mesh once for every frame of reference it is wanted in. `materials` are glTF numbers by name."""

    def __init__(self, builder: Builder, materials: dict[str, int], budget: Budget):
        self._builder = builder
        self._materials = materials
        self._budget = budget
        self._made: dict[tuple, int | None] = {}
        self._names: set[str] = set()
        self._invented = 0

    def add(self, mesh: Mesh, matrix: np.ndarray) -> int | None:
        """The mesh with its points moved by `matrix`, float64 (4, 4); None when it has no faces."""
        key = (mesh.name, matrix.tobytes())
        if key not in self._made:
            self._count_copy(mesh)
            self._made[key] = self._add(mesh, matrix)
        return self._made[key]

    def _count_copy(self, mesh: Mesh) -> None:
        """A node of another pivot needs another mesh: a line of the keyframer costs as much as all its points."""
        if mesh.name in self._names:
            self._invented += _VERTEX_BYTES * 3 * len(mesh.faces)
        if self._invented > self._budget.invented_bytes:
            raise FileTooComplex(
                f"Copies of meshes for nodes of other pivots take more than {self._budget.invented_bytes} bytes.",
                where=f"object {mesh.name[:60]!r}",
            )
        self._names.add(mesh.name)

    def _add(self, mesh: Mesh, matrix: np.ndarray) -> int | None:
        with np.errstate(all="ignore"):
            points = (mesh.points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
        if mesh.smoothing is None:
            normals = crease_normals(points, mesh.faces)
        else:
            normals = smoothed(points, mesh.faces, mesh.smoothing)
        uvs = None if mesh.uvs is None else np.nan_to_num(mesh.uvs).astype(np.float64)
        primitives = []
        for material, faces in _by_material(mesh):
            primitive = surface(
                self._builder, points, mesh.faces[faces], uvs=uvs, corner_normals=normals[faces].reshape(-1, 3)
            )
            if material in self._materials:
                primitive["material"] = self._materials[material]
            primitives.append(primitive)
        if not primitives:
            return None
        return self._builder.add("meshes", {"name": mesh.name, "primitives": primitives})


def _by_material(mesh: Mesh) -> list[tuple[str | None, np.ndarray]]:
    """(material, face numbers): a face is of the last group that lists it, or of none."""
    names: list[str | None] = list(dict.fromkeys(name for name, _ in mesh.groups))
    owner = np.full(len(mesh.faces), len(names))
    places = {name: place for place, name in enumerate(names)}
    for name, faces in mesh.groups:
        owner[faces] = places[name]
    parts = [(name, np.flatnonzero(owner == place)) for place, name in enumerate([*names, None])]
    return [(name, faces) for name, faces in parts if len(faces)]


def smoothed(points: np.ndarray, faces: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Unit normals per corner, float32 (t, 3, 3), from smoothing groups.

    points: float32 (n, 3), equal ones are one point; faces: int (t, 3); masks: uint32 (t,), a bit per group, 0 is flat.
    A corner's normal is the sum of the area-weighted normals of the faces around its point that share a group with it.
    """
    _, point_of = weld(points + np.float32(0))  # -0.0 + 0.0 is 0.0, and only bits are compared
    a, b, c = (points[faces[:, corner]].astype(np.float64) for corner in range(3))
    with np.errstate(all="ignore"):
        weighted = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    corner_mask = np.repeat(masks.astype(np.int64), 3)
    keys = np.column_stack([point_of[faces.reshape(-1)], corner_mask])
    first, group = weld(keys)
    total = np.column_stack([np.bincount(group, weighted[:, axis], len(first)) for axis in range(3)])
    shared = _across_groups(keys[first, 0], keys[first, 1], total)
    normals = np.where((corner_mask == 0)[:, None], weighted, shared[group])
    return unit_normals(normals).reshape(-1, 3, 3)


def _across_groups(point: np.ndarray, mask: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The sums (g, 3) with those of the other masks around the same point that share a bit."""
    order = np.argsort(point, kind="stable")
    starts = np.flatnonzero(np.diff(point[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    start, size = np.repeat(starts, sizes), np.repeat(sizes, sizes)
    place = np.arange(len(order)) - start
    out = total.copy()
    for step in range(1, min(int(sizes.max(initial=1)), _MOST_MASKS)):
        active = np.flatnonzero((size > step) & (size <= _MOST_MASKS))
        mine, other = order[active], order[start[active] + (place[active] + step) % size[active]]
        near = (mask[mine] & mask[other]) != 0
        out[mine[near]] += total[other[near]]
    return out
