"""Geometry nodes of X3D and VRML97 to glTF primitives (ISO/IEC 19775-1, 11 and 13)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats import x3d_solids as solids
from threed_workers.formats.vertices import LINES, POINTS, TRIANGLES, Corners, add_primitive
from threed_workers.formats.x3d_model import Node, World
from threed_workers.formats.x3d_sweeps import elevation_grid, extrusion
from threed_workers.mesh.triangulate import triangulate

_COORDINATES = ("Coordinate", "CoordinateDouble")
_UVS = ("TextureCoordinate", "TextureCoordinate2D")
_VERTEX_BYTES = 32
_MOST_SETS = 8
GEOMETRIES = ("IndexedFaceSet", "IndexedTriangleSet", "IndexedTriangleStripSet", "IndexedTriangleFanSet")
GEOMETRIES += ("TriangleSet", "TriangleStripSet", "TriangleFanSet", "IndexedQuadSet", "QuadSet", "IndexedLineSet")
GEOMETRIES += ("LineSet", "PointSet", "Box", "Sphere", "Cone", "Cylinder", "ElevationGrid", "Extrusion")
UNREAD = ("Text", "Arc2D", "ArcClose2D", "Circle2D", "Disk2D", "Polyline2D", "Polypoint2D", "Rectangle2D")
UNREAD += ("TriangleSet2D", "NurbsPatchSurface", "NurbsTrimmedSurface", "NurbsCurve", "NurbsSweptSurface")
UNREAD += ("NurbsSwungSurface", "GeoElevationGrid", "IndexedFaceSet2D")


@dataclass
class Made:
    """A primitive without its material, and what its node says of it: `solid` hides the backs of faces."""

    primitive: Json
    solid: bool
    colored: bool
    sets: int


@dataclass
class Faces:
    """Triangles by the places of their corners.

    corner: int64 (3t,), places in the lists of the node; row: the point of each; face: the number of its polygon.
    """

    corner: np.ndarray
    row: np.ndarray
    face: np.ndarray


class Geometries:
    """Makes each geometry node once."""

    def __init__(self, world: World, builder: Builder):
        self._world = world
        self._builder = builder
        self._made: dict[tuple[Node, bool], Made | None] = {}
        self._points: dict[Node, np.ndarray] = {}
        self._arrays: dict[tuple[Node, str], np.ndarray] = {}
        self._solids: dict[tuple, Json] = {}
        self._invented = 0

    def add(self, node: Node, textured: bool) -> Made | None:
        """None when there is nothing to draw. `textured`: make texture coordinates where the node has none."""
        if (node, textured) not in self._made:
            self._made[node, textured] = self._add(node, textured)
        return self._made[node, textured]

    def _add(self, node: Node, textured: bool) -> Made | None:
        if node.kind in ("Box", "Sphere", "Cone", "Cylinder"):
            primitive = self._solid(node)
            return primitive and Made(primitive, node.flag("solid", True), False, 1)
        if node.kind == "ElevationGrid":
            return self._elevation(node)
        if node.kind == "Extrusion":
            return self._extrusion(node)
        points = self._coordinates(node)
        if points is None or not len(points):
            return None
        if node.kind == "PointSet":
            return self._loose(node, points, np.arange(len(points)), np.arange(len(points)), POINTS)
        if node.kind in ("IndexedLineSet", "LineSet"):
            return self._lines(node, points)
        return self._faces(node, points, textured)

    # ------------------------------------------------------------ what nodes hold

    def _coordinates(self, node: Node) -> np.ndarray | None:
        coordinate = node.of(*_COORDINATES)
        if coordinate is None:
            return None
        if coordinate not in self._points:
            points = coordinate.array("point", 3)
            if not (np.abs(points) < np.finfo(np.float32).max).all():
                raise FileValuesInvalid(
                    "Points are NaN or infinite. Repair the model and export it again.", where=coordinate.where
                )
            self._points[coordinate] = points
        elif not node.kind.startswith("Indexed"):
            self._count(len(self._points[coordinate]), node)  # all of them, once more
        return self._points[coordinate]

    def _array(self, node: Node, name: str, width: int) -> np.ndarray:
        """A list that other nodes may use too, read once."""
        if (node, name) not in self._arrays:
            self._arrays[node, name] = node.array(name, width)
        return self._arrays[node, name]

    def _indices(self, node: Node, name: str, count: int) -> np.ndarray:
        """int64 (k,), -1 between runs. Raises FileValuesInvalid for rows that are not there."""
        indices = node.array(name, dtype=np.int64)
        if len(indices) and indices.max() >= count:
            raise FileValuesInvalid(f"{name} uses row {int(indices.max())}, and there are {count}.", where=node.where)
        return np.maximum(indices, -1)

    def _count(self, vertices: int, node: Node) -> None:
        """Solids, sweeps and further uses of points are a few letters, and become many vertices."""
        self._invented += vertices * _VERTEX_BYTES
        if self._invented > self._world.budget.invented_bytes:
            raise FileTooComplex(
                f"Solids, sweeps and uses of points become more than {self._world.budget.invented_bytes} bytes.",
                where=node.where,
            )

    # ------------------------------------------------------------ faces

    def _faces(self, node: Node, points: np.ndarray, textured: bool) -> Made | None:
        faces = _cut(node, self._lists(node, points), points)
        if not len(faces.row):
            return None
        if not node.flag("ccw", True):
            faces = Faces(*(part.reshape(-1, 3)[:, ::-1].reshape(-1) for part in (faces.corner, faces.row, faces.face)))
        made = Corners(TRIANGLES, faces.row)
        made.normals = self._per_corner(node, "Normal", "vector", "normalIndex", "normalPerVertex", faces, (3,))
        made.colors = self._per_corner(node, "Color", "color", "colorIndex", "colorPerVertex", faces, (3, 4))
        made.uvs = self._uvs(node, faces)
        if textured and not made.uvs:
            made.uvs = [_projected(points[faces.row])]
        crease = 180.0 if node.kind != "IndexedFaceSet" and node.flag("normalPerVertex", True) else 0.0
        if node.kind == "IndexedFaceSet":
            crease = min(math.degrees(max(node.number("creaseAngle", 0.0), 0.0)), 180.0)
        primitive, _ = add_primitive(self._builder, points, made, crease)
        return Made(primitive, node.flag("solid", True), made.colors is not None, len(made.uvs))

    def _lists(self, node: Node, points: np.ndarray) -> np.ndarray:
        """Rows of polygons with -1 between them, whatever the kind of set."""
        if node.kind == "IndexedFaceSet":
            return self._indices(node, "coordIndex", len(points))
        if node.kind.startswith("Indexed"):
            return self._indices(node, "index", len(points))
        if node.kind in ("TriangleStripSet", "TriangleFanSet"):
            counts = node.array("stripCount" if "Strip" in node.kind else "fanCount", dtype=np.int64)
            counts = counts[: np.searchsorted(np.cumsum(np.clip(counts, 0, len(points))), len(points), side="right")]
            return np.insert(np.arange(len(points)), np.cumsum(np.maximum(counts, 0)), -1)
        return np.arange(len(points))

    def _per_corner(
        self, node: Node, kind: str, name: str, index: str, per_vertex: str, faces: Faces, widths: tuple[int, ...]
    ) -> np.ndarray | None:
        """Rows of a Normal or Color node for each corner; None without one, or with too few rows."""
        kinds = (kind, "ColorRGBA") if kind == "Color" else (kind,)
        found = node.of(*kinds)
        if found is None:
            return None
        values = self._array(found, name, 4 if found.kind == "ColorRGBA" else 3)
        indices = self._indices(node, index, len(values)) if node.kind == "IndexedFaceSet" else np.zeros(0, np.int64)
        if node.flag(per_vertex, True):
            rows = faces.row if not len(indices) else _taken(indices, faces.corner)
        else:
            rows = faces.face if not len(indices) else _taken(indices[indices >= 0], faces.face)
        if not len(values) or not len(rows) or rows.min() < 0 or rows.max() >= len(values):
            text = f"The {kind} node has too few rows; it is left out."
            self._world.findings.warning("ATTRIBUTE_TOO_SHORT", node.where, text)
            return None
        return values[rows]

    def _uvs(self, node: Node, faces: Faces) -> list[np.ndarray]:
        multiple = node.of("MultiTextureCoordinate")
        found = list((multiple or node).all(*_UVS))[:_MOST_SETS]
        if (multiple or node).of("TextureCoordinateGenerator") is not None:
            self._world.findings.lose("generated texture coordinates", "glTF has no counterpart.")
        sets = []
        for coordinate in found:
            values = self._array(coordinate, "point", 2)
            indices = self._indices(node, "texCoordIndex", len(values)) if node.kind == "IndexedFaceSet" else []
            rows = _taken(indices, faces.corner) if len(indices) else faces.row
            if len(values) and len(rows) and rows.min() >= 0 and rows.max() < len(values):
                sets.append(values[rows])
            else:
                text = "The texture coordinates have too few rows; they are left out."
                self._world.findings.warning("ATTRIBUTE_TOO_SHORT", node.where, text)
        return sets

    # ------------------------------------------------------------ lines and points

    def _lines(self, node: Node, points: np.ndarray) -> Made | None:
        if node.kind == "IndexedLineSet":
            lists = self._indices(node, "coordIndex", len(points))
        else:
            counts = np.clip(node.array("vertexCount", dtype=np.int64), 0, len(points))
            counts = counts[: np.searchsorted(np.cumsum(counts), len(points), side="right")]
            lists = np.insert(np.arange(counts.sum()), np.cumsum(counts), -1)
        here = np.flatnonzero((lists[:-1] >= 0) & (lists[1:] >= 0))
        if not len(here):
            return None
        corner = np.column_stack([here, here + 1]).reshape(-1)
        run = np.cumsum(lists < 0)[corner]
        return self._loose(node, points, lists[corner], corner, LINES, run)

    def _loose(
        self,
        node: Node,
        points: np.ndarray,
        rows: np.ndarray,
        corner: np.ndarray,
        mode: int,
        run: np.ndarray | None = None,
    ) -> Made:
        colors = self._per_corner(
            node,
            "Color",
            "color",
            "colorIndex",
            "colorPerVertex",
            Faces(corner, rows, rows if run is None else run),
            (3, 4),
        )
        primitive, _ = add_primitive(self._builder, points, Corners(mode, rows, colors=colors))
        return Made(primitive, False, colors is not None, 0)

    # ------------------------------------------------------------ solids and sweeps

    def _solid(self, node: Node) -> Json | None:
        """Solids of the same measures share their vertices."""
        flags = tuple(node.flag(name, True) for name in ("side", "top", "bottom"))
        radius = node.number("bottomRadius" if node.kind == "Cone" else "radius", 1.0)
        size = tuple(node.vector("size", (2.0, 2.0, 2.0)))
        key = (node.kind, flags, radius, node.number("height", 2.0), size)
        if max(map(abs, (radius, key[3], *size))) > 1e30:
            raise FileValuesInvalid("A solid is larger than numbers go.", where=node.where)
        if key not in self._solids:
            self._count(6 * solids.AROUND * solids.UPWARDS, node)
            height = key[3]
            made = {
                "Box": lambda: solids.box(np.array(size)),
                "Sphere": lambda: solids.sphere(radius),
                "Cone": lambda: solids.cone(radius, height, side=flags[0], bottom=flags[2]),
                "Cylinder": lambda: solids.cylinder(radius, height, side=flags[0], top=flags[1], bottom=flags[2]),
            }[node.kind]()
            self._solids[key] = self._sheet(made) if made is not None else None
        return self._solids[key]

    def _sheet(self, made: solids.Solid) -> Json | None:
        points, rows, normals, uvs = made
        return add_primitive(self._builder, points, Corners(TRIANGLES, rows, normals, [uvs]))[0] if len(rows) else None

    def _elevation(self, node: Node) -> Made | None:
        grid = elevation_grid(node)
        if grid is None:
            return None
        points, quads = grid
        self._count(len(points), node)
        return self._swept(node, points, quads, _planar(points, (0, 2)))

    def _extrusion(self, node: Node) -> Made | None:
        found = extrusion(node, lambda count: self._count(count, node))
        if found is None:
            return None
        points, lists, uvs = found
        faces = _cut(node, lists, points, polygons=True)
        if not len(faces.row):
            return None
        if not node.flag("ccw", True):
            faces = Faces(*(part.reshape(-1, 3)[:, ::-1].reshape(-1) for part in (faces.corner, faces.row, faces.face)))
        crease = min(math.degrees(max(node.number("creaseAngle", 0.0), 0.0)), 180.0)
        made = Corners(TRIANGLES, faces.row, uvs=[uvs[faces.row]])
        primitive, _ = add_primitive(self._builder, points, made, crease)
        return Made(primitive, node.flag("solid", True), False, 1)

    def _swept(self, node: Node, points: np.ndarray, lists: np.ndarray, uvs: np.ndarray) -> Made | None:
        faces = _cut(node, lists, points, polygons=True)
        if not len(faces.row):
            return None
        if not node.flag("ccw", True):
            faces = Faces(*(part.reshape(-1, 3)[:, ::-1].reshape(-1) for part in (faces.corner, faces.row, faces.face)))
        crease = min(math.degrees(max(node.number("creaseAngle", 0.0), 0.0)), 180.0)
        made = Corners(TRIANGLES, faces.row)
        made.normals = self._per_corner(node, "Normal", "vector", "normalIndex", "normalPerVertex", faces, (3,))
        made.colors = self._per_corner(node, "Color", "color", "colorIndex", "colorPerVertex", faces, (3, 4))
        made.uvs = self._uvs(node, faces) or [uvs[faces.row]]
        primitive, _ = add_primitive(self._builder, points, made, crease)
        return Made(primitive, node.flag("solid", True), made.colors is not None, len(made.uvs))


def _taken(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The values at `places`; -1 past their end."""
    inside = places < len(values)
    return (
        np.where(inside, values[np.minimum(places, len(values) - 1)], -1) if len(values) else np.full(len(places), -1)
    )


def _cut(node: Node, lists: np.ndarray, points: np.ndarray, polygons: bool = False) -> Faces:
    """Triangles of runs that -1 ends."""
    if not polygons and ("Strip" in node.kind or "Fan" in node.kind):
        return _runs(lists, "Strip" in node.kind)
    corner = np.flatnonzero(lists >= 0)
    if not polygons and "FaceSet" not in node.kind:
        width = 4 if "Quad" in node.kind else 3
        corner = corner[: len(corner) // width * width]
        sizes = np.full(len(corner) // width, width)
        numbers = np.arange(len(sizes))
    else:
        run = np.cumsum(lists < 0)[corner]
        numbers, sizes = np.unique(run, return_counts=True)
    rows = lists[corner]
    cut = triangulate(points, rows, sizes)[0].reshape(-1)
    # A face's number counts the runs before it, empty ones too.
    return Faces(corner[cut], rows[cut], np.repeat(numbers, sizes)[cut])


def _runs(lists: np.ndarray, strip: bool) -> Faces:
    """Triangles of strips or fans: three values in a row, or two behind the first of the run."""
    place = (
        np.flatnonzero((lists[:-2] >= 0) & (lists[1:-1] >= 0) & (lists[2:] >= 0))
        if len(lists) > 2
        else np.zeros(0, int)
    )
    first = np.flatnonzero(np.append(True, lists[:-1] < 0))
    start = first[np.searchsorted(first, place, side="right") - 1]
    if strip:
        odd = (place - start) % 2
        corner = np.column_stack([place + odd, place + 1 - odd, place + 2]).reshape(-1)
    else:
        corner = np.column_stack([start, place + 1, place + 2]).reshape(-1)
    return Faces(corner, lists[corner], np.repeat(np.arange(len(place)), 3))


def _projected(points: np.ndarray) -> np.ndarray:
    """The texture coordinates of faces that name none: along the longest side of the box, and the next."""
    axes = np.argsort(-np.ptp(points, axis=0), kind="stable")[:2]
    return _planar(points, tuple(axes.tolist()))


def _planar(points: np.ndarray, axes: tuple[int, int]) -> np.ndarray:
    chosen = points[:, list(axes)]
    span = np.ptp(chosen, axis=0)
    return (chosen - chosen.min(axis=0)) / (span[0] or span[1] or 1.0)
