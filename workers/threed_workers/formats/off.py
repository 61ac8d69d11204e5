"""OFF, the object file format of Geomview, text and binary (The Geometry Center 1993, "OOGL File Formats").

The header's letters say what a vertex has: normals (N), a colour (C), texture coordinates (ST), a fourth or any number
of coordinates (4, n). Faces may have colours of their own. Numbers are taken as metres, +Y up, as they stand.
"""

from __future__ import annotations

import re

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue, loss
from threed_workers.formats.corners import surface_of_corners
from threed_workers.formats.off_table import Faces, Table, read_table
from threed_workers.formats.source import Source
from threed_workers.formats.surface import surface
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.triangulate import triangulate

name = "off"
media_type = "model/vnd.off"
extensions = (".off",)
asset_type = "MODEL"

# A digit may follow at once: "OFF490 518 0" begins many files of ModelNet40.
_KEYWORD = re.compile(rb"(\s*#[^\n]*\n)*\s*(ST)?C?N?4?n?OFF(?=[\s\d#]|$)")

_FARTHEST = 1e30


def recognise(source: Source) -> bool:
    """The first word is OFF, with its letters."""
    return _KEYWORD.match(source.head) is not None


def read(source: Source, budget: Budget) -> Document:
    """One mesh; points and lines, where faces have one corner or two."""
    table = read_table(source.data, budget)
    builder = Builder()
    document_issues = [issue("UNITS_ASSUMED", "INFO", "", "OFF has no unit and no axes: metres and +Y up are assumed.")]
    points, losses = _points(table)
    colors = _colors(table.colors)
    if table.uvs is not None:  # as 32 bit floats; surface() makes those (0, 0) that are no numbers
        table.uvs = np.clip(table.uvs, -_FARTHEST, _FARTHEST)
    primitives = []
    if len(points):
        primitives = [_surface(builder, table, points, colors), *_wires(builder, table.faces, points, colors)]
        primitives = [primitive for primitive in primitives if primitive is not None]
        if not primitives:
            primitives = [_cloud(builder, points, colors)]
        builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": primitives})})
    else:
        document_issues.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no vertices."))
    document = builder.finish()
    document.issues += document_issues
    document.losses += losses
    if table.unused:
        document.losses.append(loss("vertex columns", table.unused, "The header does not say what they are."))
    indexed = int((table.faces.color_sizes == 1).sum())
    if indexed:
        document.losses.append(loss("colormap indices", indexed, "The colours of the map are not in the file."))
    return document


def _points(table: Table) -> tuple[np.ndarray, list]:
    """float64 (n, 3). Homogeneous ones are divided; of more than three coordinates the first three count."""
    header, points = table.header, table.points
    losses = []
    with np.errstate(all="ignore"):
        if header.is_homogeneous:
            points = points[:, :-1] / points[:, -1:]
        if points.shape[1] > 3:
            reason = "Of the coordinates of a point, the first three are kept."
            losses.append(loss("dimensions beyond the third", points.shape[1] - 3, reason))
        flat = np.zeros((len(points), 3))
        flat[:, : min(3, points.shape[1])] = points[:, :3]
        finite = np.isfinite(flat.astype(np.float32)).all(axis=1)
    if not finite.all():
        raise FileValuesInvalid(
            "A vertex is NaN or infinite. Repair the mesh and export it again.",
            where=f"vertex {int(np.flatnonzero(~finite)[0])}",
        )
    return flat, losses


def _colors(colors: np.ndarray | None) -> np.ndarray | None:
    """uint16 (n, 4), linear. The format wants fractions of 1, and many write whole numbers up to 255."""
    if colors is None or not len(colors):
        return None
    with np.errstate(all="ignore"):
        return linear_from_srgb(colors / 255 if np.nanmax(colors, initial=0) > 1 else colors)


def _surface(builder: Builder, table: Table, points: np.ndarray, colors: np.ndarray | None) -> dict | None:
    faces = table.faces
    cut, owners = triangulate(points, faces.corners, faces.sizes)
    triangles = faces.corners[cut]
    if not len(triangles):
        return None
    painted = _face_colors(faces) if colors is None else None
    if painted is None:
        return surface(builder, points, triangles, normals=table.normals, uvs=table.uvs, colors=colors)
    corners = triangles.reshape(-1)
    return surface_of_corners(
        builder,
        points,
        triangles,
        colors=np.repeat(painted[owners], 3, axis=0),
        uvs=table.uvs[corners] if table.uvs is not None else None,
        normals=table.normals[corners] if table.normals is not None else None,
    )


def _face_colors(faces: Faces) -> np.ndarray | None:
    """uint16 (f, 4), white where a face says nothing; None when none says anything."""
    has_color = faces.color_sizes >= 3
    if not has_color.any():
        return None
    given = faces.colors
    whole = np.nanmax(given[has_color][:, :3], initial=0) > 1
    given = np.where(has_color[:, None], given / 255 if whole else given, 1.0)
    given[faces.color_sizes == 3, 3] = 1.0
    return linear_from_srgb(given)


def _wires(builder: Builder, faces: Faces, points: np.ndarray, colors: np.ndarray | None) -> list[dict]:
    """Faces of two corners are lines (mode 1), those of one are points (mode 0)."""
    found = []
    sizes = np.repeat(faces.sizes, faces.sizes)
    for mode, count in ((1, 2), (0, 1)):
        vertices = faces.corners[sizes == count]
        if len(vertices):
            used, indices = np.unique(vertices, return_inverse=True)
            primitive = _cloud(builder, points[used], colors[used] if colors is not None else None)
            found.append(primitive | {"mode": mode, "indices": builder.indices(indices, len(used))})
    return found


def _cloud(builder: Builder, points: np.ndarray, colors: np.ndarray | None) -> dict:
    attributes = {"POSITION": builder.positions(points)}
    if colors is not None:
        attributes["COLOR_0"] = builder.attribute(colors, normalized=True)
    return {"mode": 0, "attributes": attributes}
