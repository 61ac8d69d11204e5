"""A Geometry of FBX: control points, polygons and what lies on their corners."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.layers import Element, elements, per_polygon
from threed_workers.fbx.objects import Object
from threed_workers.fbx.polygons import Polygons, read_polygons
from threed_workers.mesh.triangulate import triangulate

_OTHER_SURFACES = {
    "NurbsSurface": "nurbs_surfaces",
    "Nurb": "nurbs_surfaces",
    "TrimNurbsSurface": "nurbs_surfaces",
    "NurbsCurve": "nurbs_curves",
    "Boundary": "nurbs_curves",
    "Patch": "patches",
}


@dataclass
class Surface:
    """`positions`: float64 (n, 3), metres, in the file's axes. `triangles`: corners (t, 3); `owners`: polygons (t,)."""

    positions: np.ndarray
    polygons: Polygons
    triangles: np.ndarray
    owners: np.ndarray
    normals: Element | None = None
    tangents: np.ndarray | None = None  # float64 (c, 4)
    uvs: list[Element] = field(default_factory=list)
    colors: list[Element] = field(default_factory=list)
    materials: np.ndarray | None = None  # int64 (p,)


def read_surface(conversion: Conversion, geometry: Object) -> Surface | None:
    """The surface of a Mesh or Line geometry; None, with a loss, for every other kind.

    Raises FileValuesInvalid for positions that are not finite, FileMalformed for corners without a point.
    """
    node = geometry.node
    if geometry.subkind == "Line" and node.child("Points") is not None:
        return _line(conversion, geometry)
    if node.child("Vertices") is None:
        feature = _OTHER_SURFACES.get(geometry.subkind)
        if feature:
            conversion.lose(feature, "Only polygons and lines are read. Convert curved surfaces before exporting.")
        return None
    positions = _positions(conversion, geometry, "Vertices")
    numbers = node.numbers("PolygonVertexIndex", np.int64)
    conversion.ledger.take_bytes(64 * len(numbers), geometry.where)
    polygons = read_polygons(numbers, len(positions), geometry.where)
    triangles, owners = triangulate(positions, polygons.points, polygons.sizes)
    triangles, owners = _without_holes(conversion, geometry, polygons, triangles, owners)
    surface = Surface(positions, polygons, triangles, owners)
    _read_layers(conversion, geometry, surface)
    return surface


def _positions(conversion: Conversion, geometry: Object, name: str) -> np.ndarray:
    positions = conversion.metres(geometry.node.rows(name, 3))
    if len(positions) and not np.abs(positions).max() < 1e37:
        row = int(np.flatnonzero(~(np.abs(positions) < 1e37).all(axis=1))[0])
        raise FileValuesInvalid(
            f"Control point {row} of {geometry.name[:60]!r} is not finite. Repair the mesh and export it again.",
            where=geometry.where,
        )
    return positions


def _line(conversion: Conversion, geometry: Object) -> Surface:
    """Curves that a program turned into lines: runs of points, the last of each marked like that of a polygon."""
    positions = _positions(conversion, geometry, "Points")
    numbers = geometry.node.numbers("PointsIndex", np.int64)
    runs = read_polygons(numbers, len(positions), geometry.where)
    place = np.arange(len(runs.points))
    ends = runs.starts + runs.sizes - 1
    begin = place[~np.isin(place, ends)]
    pairs = runs.points[np.column_stack([begin, begin + 1]).reshape(-1)]
    polygons = Polygons(pairs, np.full(len(begin), 2))
    return Surface(positions, polygons, np.zeros((0, 3), np.int64), np.zeros(0, np.int64))


def _without_holes(conversion, geometry, polygons, triangles, owners) -> tuple[np.ndarray, np.ndarray]:
    holes = per_polygon(geometry.node, "LayerElementHole", "Hole", polygons)
    if holes is None or not (holes > 0).any():
        return triangles, owners
    count = int((holes > 0).sum())
    conversion.lose("hole_polygons", "Polygons that are marked as holes are left out.", count)
    kept = holes[owners] <= 0
    return triangles[kept], owners[kept]


def _read_layers(conversion: Conversion, geometry: Object, surface: Surface) -> None:
    node, polygons = geometry.node, surface.polygons

    def read(layer: str, rows: str, indices: str, width: int) -> list[Element]:
        found = []
        for element in elements(node, layer, rows, indices, width, polygons):
            conversion.ledger.take_bytes(8 * (width + 1) * len(polygons.points), geometry.where)
            found.append(element)
        return found

    normals = read("LayerElementNormal", "Normals", "NormalsIndex", 3)
    surface.normals = normals[0] if normals else None
    surface.uvs = read("LayerElementUV", "UV", "UVIndex", 2)
    surface.colors = read("LayerElementColor", "Colors", "ColorIndex", 4)
    tangents = read("LayerElementTangent", "Tangents", "TangentsIndex", 3)
    binormals = read("LayerElementBinormal", "Binormals", "BinormalsIndex", 3)
    if surface.normals is not None and tangents:
        surface.tangents = _tangents(surface.normals, tangents[0], binormals[0] if binormals else None)
    surface.materials = per_polygon(node, "LayerElementMaterial", "Materials", polygons)
    conversion.lose("normal_sets", "glTF holds one set of normals.", len(normals) - 1 if normals else 0)
    conversion.lose("tangent_sets", "glTF holds one set of tangents.", len(tangents) - 1 if tangents else 0)
    _count_losses(conversion, geometry, surface)


def _tangents(normals: Element, tangents: Element, binormals: Element | None) -> np.ndarray | None:
    """float64 (c, 4); None when some are no directions. The sign tells on which side the binormal is."""
    directions = tangents.values()
    lengths = np.linalg.norm(directions, axis=1)
    if not len(lengths) or not (np.isfinite(lengths) & (lengths > 1e-6)).all():
        return None
    sign = np.ones(len(directions))
    if binormals is not None:
        side = np.einsum("ij,ij->i", np.cross(normals.values(), directions), binormals.values())
        sign = np.where(side < 0, -1.0, 1.0)
    return np.column_stack([directions / lengths[:, None], sign])


def _count_losses(conversion: Conversion, geometry: Object, surface: Surface) -> None:
    node = geometry.node
    for layer, values, feature in (
        ("LayerElementEdgeCrease", "EdgeCrease", "edge_creases"),
        ("LayerElementVertexCrease", "VertexCrease", "vertex_creases"),
    ):
        for found in node.all(layer):
            count = int((found.numbers(values) > 0).sum())
            conversion.lose(feature, "Subdivision surfaces stay as their control mesh.", count)
    if geometry.properties.integer("Smoothness", 0) or node.child_number("Smoothness") > 0:
        conversion.lose("subdivision_surfaces", "Subdivision surfaces stay as their control mesh.")
    smoothing = node.child("LayerElementSmoothing")
    if smoothing is not None and surface.normals is None:
        conversion.lose("smoothing_groups", "Normals that are not in the file are made, split at creases.")
    for number, element in enumerate(surface.uvs):
        if element.missing:
            text = f"{element.missing} corners have no texture coordinate in set {number}; they get (0, 0)."
            conversion.doubt("INDICES_DANGLING", geometry, text)
