"""Corners to vertices: what COLLADA and X3D say per corner of a face becomes a glTF primitive."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.normals import CREASE_DEG, corner_normals, unit_normals
from threed_workers.mesh.weld import weld

POINTS, LINES, TRIANGLES = 0, 1, 4


@dataclass
class Corners:
    """Corners one after the other: 3 make a triangle, 2 a line, 1 a point.

    rows: int (c,), which point each corner takes. normals: float (c, 3); uvs: float (c, 2) each, v upwards; colors:
    float (c, 3 or 4), sRGB; tangents: float (c, 4).
    """

    mode: int
    rows: np.ndarray
    normals: np.ndarray | None = None
    uvs: list[np.ndarray] = field(default_factory=list)
    colors: np.ndarray | None = None
    tangents: np.ndarray | None = None


def add_primitive(
    builder: Builder, points: np.ndarray, corners: Corners, crease_deg: float = CREASE_DEG
) -> tuple[Json, np.ndarray]:
    """(primitive, rows (v,)): equal corners become one vertex; `rows` says which point each vertex took.

    points: float (n, 3), finite. Triangles without normals get them, split at creases.
    """
    normals = corners.normals
    if normals is None and corners.mode == TRIANGLES:
        used, faces = np.unique(corners.rows, return_inverse=True)
        normals = corner_normals(points[used], faces.reshape(-1, 3), crease_deg)
    columns = [corners.rows.astype(np.int64)]
    streams: dict[str, np.ndarray] = {}
    if normals is not None:
        streams["NORMAL"] = unit_normals(normals)
    if corners.tangents is not None:
        streams["TANGENT"] = _unit_tangents(corners.tangents)
    for number, uvs in enumerate(corners.uvs):
        flipped = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]])
        with np.errstate(all="ignore"):
            streams[f"TEXCOORD_{number}"] = np.nan_to_num(flipped.astype(np.float32), posinf=0.0, neginf=0.0)
    if corners.colors is not None:
        streams["COLOR_0"] = linear_from_srgb(corners.colors)
    columns += [values.view(np.uint32) if values.dtype == np.uint16 else values for values in streams.values()]
    first, indices = weld(*columns)
    rows = corners.rows[first]
    attributes = {"POSITION": builder.positions(points[rows])}
    for name, values in streams.items():
        attributes[name] = builder.attribute(values[first], **({"normalized": True} if name == "COLOR_0" else {}))
    primitive: Json = {"attributes": attributes, "indices": builder.indices(indices, len(rows))}
    if corners.mode != TRIANGLES:
        primitive["mode"] = corners.mode
    return primitive, rows


def _unit_tangents(tangents: np.ndarray) -> np.ndarray:
    """float32 (n, 4): unit length in x, y and z; w is 1 or -1."""
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(tangents[:, :3], axis=1, keepdims=True)
        usable = (lengths > 0) & np.isfinite(lengths)
        unit = np.where(usable, tangents[:, :3] / np.where(usable, lengths, 1), (1.0, 0.0, 0.0))
    return np.column_stack([unit, np.where(tangents[:, 3] < 0, -1.0, 1.0)]).astype(np.float32)
