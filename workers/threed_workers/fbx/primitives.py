"""Surfaces to glTF primitives: one per material, vertices where corners differ."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.geometry import Surface
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.normals import corner_normals, unit_normals
from threed_workers.mesh.weld import weld


@dataclass
class Influences:
    """Of each control point: `joints` int64 (n, 4 or 8), `weights` float64, sums of 1, largest first."""

    joints: np.ndarray
    weights: np.ndarray


@dataclass
class Target:
    """A morph target: control points (m,) and what they move by, float64 (m, 3), metres; normals likewise or None."""

    name: str
    points: np.ndarray
    moves: np.ndarray
    normals: np.ndarray | None = None


@dataclass
class Deformation:
    """What bends a surface."""

    influences: Influences | None = None
    targets: list[Target] = field(default_factory=list)


def primitives(
    conversion: Conversion, surface: Surface, materials: dict[int, int], deformation: Deformation
) -> list[Json]:
    """Triangles by material, then lines (polygons of two corners), then points (of one).

    `materials` maps the numbers of `surface.materials` to glTF materials; others have none.
    """
    polygons = surface.polygons
    numbers = surface.materials if surface.materials is not None else np.zeros(len(polygons.sizes), np.int64)
    corner_normals = _normals(surface)
    found = []
    for mode, corners, owners in _shapes(surface):
        named = numbers[owners]
        named = np.where(np.isin(named, list(materials)), named, -1)
        for number in np.unique(named):
            picked = corners[named == number]
            primitive = _primitive(conversion.builder, surface, picked.reshape(-1), corner_normals, mode, deformation)
            if mode != 4:
                primitive["mode"] = mode
            if number >= 0:
                primitive["material"] = materials[int(number)]
            found.append(primitive)
    return found


def _shapes(surface: Surface):
    """(mode, corners (s, 3 | 2 | 1), polygons (s,)) of everything that can be drawn."""
    sizes, starts = surface.polygons.sizes, surface.polygons.starts
    if len(surface.triangles):
        yield 4, surface.triangles, surface.owners
    for size, mode in ((2, 1), (1, 0)):
        chosen = np.flatnonzero(sizes == size)
        if len(chosen):
            yield mode, starts[chosen][:, None] + np.arange(size), chosen


def _normals(surface: Surface) -> np.ndarray | None:
    """float32 (c, 3) per corner, unit length; made where the file has none. None when nothing needs one."""
    corners = len(surface.polygons.points)
    if not len(surface.triangles):
        return None
    given = np.zeros((corners, 3)) if surface.normals is None else surface.normals.values()
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(given, axis=1)
    usable = np.isfinite(lengths) & (lengths > 1e-12)
    used = surface.triangles.reshape(-1)
    if not usable[used].all():
        made = np.zeros((corners, 3))
        made[used] = _made(surface)
        given = np.where(usable[:, None], given, made)
    return unit_normals(given)


def _made(surface: Surface) -> np.ndarray:
    """Normals (3t, 3) for the corners of the triangles."""
    triangles = surface.polygons.points[surface.triangles]
    return corner_normals(surface.positions, triangles)


def _primitive(
    builder: Builder,
    surface: Surface,
    corners: np.ndarray,
    normals: np.ndarray | None,
    mode: int,
    deformation: Deformation,
) -> Json:
    points = surface.polygons.points[corners]
    columns: dict[str, np.ndarray] = {}
    if mode == 4:
        columns["NORMAL"] = normals[corners]
        if surface.tangents is not None:
            columns["TANGENT"] = surface.tangents[corners].astype(np.float32)
    for number, element in enumerate(surface.uvs):
        columns[f"TEXCOORD_{number}"] = _flipped(element.rows, element.of_corner[corners])
    for number, element in enumerate(surface.colors):
        columns[f"COLOR_{number}"] = linear_from_srgb(_colored(element.rows, element.of_corner[corners]))
    first, indices = weld(points[:, None], *columns.values())
    points = points[first]
    attributes = {"POSITION": builder.positions(surface.positions[points])}
    for name, values in columns.items():
        more = {"normalized": True} if name.startswith("COLOR") else {}
        attributes[name] = builder.attribute(values[first], **more)
    if deformation.influences is not None:
        attributes |= _weights(builder, deformation.influences, points)
    primitive: Json = {"attributes": attributes, "indices": builder.indices(indices, len(points))}
    if deformation.targets:
        shaded = "NORMAL" in attributes
        primitive["targets"] = [_target(builder, target, points, shaded) for target in deformation.targets]
    return primitive


def _flipped(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """float32 (n, 2), origin at the top left."""
    picked = np.where((places >= 0)[:, None], rows[np.maximum(places, 0)], (0.0, 1.0))
    picked = np.nan_to_num(np.clip(picked, -1e30, 1e30), nan=0.0)
    return np.column_stack([picked[:, 0], 1 - picked[:, 1]]).astype(np.float32)


def _colored(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.where((places >= 0)[:, None], rows[np.maximum(places, 0)], 1.0)


def _weights(builder: Builder, influences: Influences, points: np.ndarray) -> dict[str, int]:
    found = {}
    dtype = np.uint8 if influences.joints.max(initial=0) < 256 else np.uint16
    for lane in range(influences.joints.shape[1] // 4):
        part = slice(4 * lane, 4 * lane + 4)
        found[f"JOINTS_{lane}"] = builder.attribute(influences.joints[points, part].astype(dtype))
        found[f"WEIGHTS_{lane}"] = builder.attribute(influences.weights[points, part].astype(np.float32))
    return found


def _target(builder: Builder, target: Target, points: np.ndarray, shaded: bool) -> dict[str, int]:
    place = np.full(int(max(points.max(), target.points.max(initial=0))) + 1, -1)
    place[target.points] = np.arange(len(target.points))
    rows = place[points]
    moved = np.flatnonzero(rows >= 0)
    found = {"POSITION": _sparse(builder, len(points), moved, target.moves[rows[moved]], True)}
    if shaded and target.normals is not None:
        found["NORMAL"] = _sparse(builder, len(points), moved, target.normals[rows[moved]], False)
    return found


def _sparse(builder: Builder, count: int, rows: np.ndarray, values: np.ndarray, bounds: bool) -> int:
    """An accessor of `count` vectors, zero but in `rows`; dense when most of them are moved."""
    values = values.astype(np.float32)
    changed = np.flatnonzero((values != 0).any(axis=1))
    rows, values = rows[changed], values[changed]
    if 2 * len(rows) > count:
        dense = np.zeros((count, 3), np.float32)
        dense[rows] = values
        return builder.accessor(dense, 34962, bounds=bounds)
    entry: Json = {"componentType": 5126, "count": count, "type": "VEC3"}
    if bounds:
        low = np.minimum(values.min(axis=0, initial=np.inf), 0.0)
        high = np.maximum(values.max(axis=0, initial=-np.inf), 0.0)
        entry |= {"min": low.tolist(), "max": high.tolist()}
    if len(rows):
        entry["sparse"] = {
            "count": len(rows),
            "indices": {"bufferView": builder.view(rows.astype(np.uint32).tobytes()), "componentType": 5125},
            "values": {"bufferView": builder.view(values.tobytes())},
        }
    return builder.add("accessors", entry)
