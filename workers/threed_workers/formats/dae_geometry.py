"""COLLADA meshes (COLLADA 1.4.1, chapter 5, "mesh") to glTF primitives."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.dae_sources import Input, Sources
from threed_workers.formats.dae_xml import Dae, where_of
from threed_workers.formats.number_list import numbers
from threed_workers.formats.vertices import LINES, TRIANGLES, Corners, add_primitive
from threed_workers.mesh.triangulate import cut_polygon, triangulate

_KINDS = ("triangles", "polylist", "polygons", "trifans", "tristrips", "lines", "linestrips")
_MOST_SETS = 8  # texture coordinates


@dataclass
class Part:
    """A glTF primitive without its material: `symbol` is what instances bind one to.

    `sets` are the numbers of the texture coordinate sets, in the order of TEXCOORD_n. `rows` is the point of each
    vertex.
    """

    symbol: str
    primitive: Json
    rows: np.ndarray
    sets: list[int]


@dataclass
class Shape:
    """A geometry: its points, float64 (n, 3), and the parts that use them."""

    points: np.ndarray
    parts: list[Part] = field(default_factory=list)


class Geometries:
    """Makes each geometry once."""

    def __init__(self, dae: Dae, builder: Builder, sources: Sources):
        self._dae = dae
        self._builder = builder
        self._sources = sources
        self._made: dict[Element, Shape | None] = {}

    def shape(self, geometry: Element) -> Shape | None:
        """None for a geometry that is no mesh; its kind is counted as lost."""
        if geometry not in self._made:
            self._made[geometry] = self._shape(geometry)
        return self._made[geometry]

    def points(self, geometry: Element) -> np.ndarray | None:
        """float64 (n, 3) of a mesh; None when it has none."""
        mesh = _mesh_of(geometry)
        vertices = mesh.find("vertices") if mesh is not None else None
        if vertices is None:
            return None
        for entry in self._sources.inputs(vertices):
            if entry.semantic == "POSITION":
                return self._checked(entry, geometry)
        return None

    def _checked(self, entry: Input, geometry: Element) -> np.ndarray:
        points = self._sources.table(entry.source)
        if points.shape[1] < 3:
            points = np.column_stack([points, np.zeros((len(points), 3 - points.shape[1]))])
        if not (np.abs(points[:, :3]) < np.finfo(np.float32).max).all():
            raise FileValuesInvalid(
                "Positions are NaN or infinite. Repair the mesh and export it again.", where=where_of(geometry)
            )
        return points[:, :3]

    def _shape(self, geometry: Element) -> Shape | None:
        mesh = _mesh_of(geometry)
        points = self.points(geometry)
        if mesh is None or points is None:
            for other in ("spline", "brep"):
                if geometry.find(other) is not None:
                    self._dae.findings.lose(other, "Only meshes are read.")
            return None
        shape = Shape(points)
        shared = {
            entry.semantic: entry.source
            for entry in self._sources.inputs(mesh.find("vertices"))
            if entry.semantic != "POSITION"
        }
        for element in mesh:
            if element.tag in _KINDS:
                part = self._part(element, shape.points, shared, geometry)
                if part is not None:
                    shape.parts.append(part)
        return shape

    def _part(self, element: Element, points: np.ndarray, shared: dict, geometry: Element) -> Part | None:
        where = f"{where_of(geometry)}, <{element.tag}>"
        inputs = self._sources.inputs(element)
        vertex = next((entry for entry in inputs if entry.semantic in ("VERTEX", "POSITION")), None)
        if vertex is None:
            self._dae.findings.warning("PRIMITIVE_UNUSABLE", where, "A primitive has no vertices; it is left out.")
            return None
        inputs += [Input(semantic, source, vertex.offset, None) for semantic, source in shared.items()]
        stride = max(entry.offset for entry in inputs) + 1
        lists = _Lists(element, stride, where)
        mode, corners = lists.corners(points, vertex.offset)
        if not len(corners):
            return None
        made = Corners(mode, _rows(corners, vertex.offset, len(points), where))
        sets = self._fill(made, inputs, corners, where)
        primitive, rows = add_primitive(self._builder, points, made)
        return Part((element.get("material") or "").strip(), primitive, rows, sets)

    def _fill(self, made: Corners, inputs: list[Input], corners: np.ndarray, where: str) -> list[int]:
        """Take every stream but the positions from its source, and give the numbers of the texture sets."""
        sets: list[int] = []
        tangents, binormals = None, None
        for entry in inputs:
            if entry.semantic in ("VERTEX", "POSITION"):
                continue
            table = self._sources.table(entry.source)
            if not len(table):
                continue
            values = table[_rows(corners, entry.offset, len(table), where)]
            if entry.semantic == "NORMAL" and made.normals is None and values.shape[1] >= 3:
                made.normals = values[:, :3]
            elif entry.semantic in ("TEXCOORD", "UV") and values.shape[1] >= 2 and len(sets) < _MOST_SETS:
                made.uvs.append(values[:, :2])
                sets.append(len(sets) if entry.set is None else entry.set)
            elif entry.semantic == "COLOR" and made.colors is None and values.shape[1] in (3, 4):
                made.colors = values
            elif entry.semantic in ("TEXTANGENT", "TANGENT") and tangents is None and values.shape[1] >= 3:
                tangents = values[:, :3]
            elif entry.semantic in ("TEXBINORMAL", "BINORMAL") and binormals is None and values.shape[1] >= 3:
                binormals = values[:, :3]
            else:
                reason = "glTF holds one of these, or none."
                self._dae.findings.lose(f"vertex input {entry.semantic[:40]}", reason)
        if tangents is not None and made.normals is not None and made.mode == TRIANGLES:
            made.tangents = _handed(made.normals, tangents, binormals)
        return sets


def _handed(normals: np.ndarray, tangents: np.ndarray, binormals: np.ndarray | None) -> np.ndarray:
    """Tangents (c, 4): w is the side of the binormal, as glTF 2.0 section 3.7.2.1 has it."""
    with np.errstate(all="ignore"):
        side = 1.0 if binormals is None else np.einsum("ij,ij->i", np.cross(normals, tangents), binormals)
    return np.column_stack([tangents, np.broadcast_to(side, len(tangents))])


def _mesh_of(geometry: Element) -> Element | None:
    mesh = geometry.find("mesh")
    return mesh if mesh is not None else geometry.find("convex_mesh")


def _rows(corners: np.ndarray, offset: int, count: int, where: str) -> np.ndarray:
    """One column of corners, checked. Raises FileValuesInvalid for an index that is not there."""
    rows = corners[:, offset]
    if len(rows) and not (rows.min() >= 0 and rows.max() < count):
        wrong = int(rows[(rows < 0) | (rows >= count)][0])
        raise FileValuesInvalid(f"A corner uses row {wrong}, and there are {count}.", where=where)
    return rows


class _Lists:
    """The index lists of one primitive element."""

    def __init__(self, element: Element, stride: int, where: str):
        self._element = element
        self._stride = stride
        self._where = where

    def corners(self, points: np.ndarray, vertex: int) -> tuple[int, np.ndarray]:
        """(mode, corners): int64 (c, stride), separate triangles or lines."""
        kind = self._element.tag
        if kind == "polygons":
            return TRIANGLES, self._polygons(points, vertex)
        if kind == "triangles":
            flat = self._joined()
            return TRIANGLES, flat[: len(flat) // 3 * 3]
        if kind == "polylist":
            return TRIANGLES, self._polylist(points, vertex)
        if kind == "lines":
            flat = self._joined()
            return LINES, flat[: len(flat) // 2 * 2]
        runs = [self._of(element) for element in self._element.findall("p")]
        pick = {"trifans": _fan, "tristrips": _strip, "linestrips": _chain}[kind]
        parts = [run[pick(len(run))] for run in runs]
        joined = np.concatenate(parts) if parts else self._empty()
        return LINES if kind == "linestrips" else TRIANGLES, joined

    def _empty(self) -> np.ndarray:
        return np.zeros((0, self._stride), np.int64)

    def _of(self, element: Element) -> np.ndarray:
        flat = numbers(element.text, self._where, np.int64)
        if len(flat) % self._stride:
            raise FileMalformed(
                f"A list of {len(flat)} indices is no multiple of {self._stride}, the number of offsets.",
                where=self._where,
            )
        return flat.reshape(-1, self._stride)

    def _joined(self) -> np.ndarray:
        parts = [self._of(element) for element in self._element.findall("p")]
        return np.concatenate(parts) if parts else self._empty()

    def _polylist(self, points: np.ndarray, vertex: int) -> np.ndarray:
        count = self._element.find("vcount")
        sizes = numbers(count.text if count is not None else "", self._where, np.int64)
        flat = self._joined()
        if (sizes < 0).any() or (sizes > len(flat)).any() or sizes.sum() > len(flat):
            raise FileMalformed(f"The polygons want more than the {len(flat)} corners there are.", where=self._where)
        flat = flat[: sizes.sum()]
        return flat[self._triangles(flat, sizes, points, vertex)]

    def _polygons(self, points: np.ndarray, vertex: int) -> np.ndarray:
        """Plain polygons together, and each with holes by itself."""
        plain = [self._of(element) for element in self._element.findall("p")]
        parts = []
        if plain:
            flat = np.concatenate(plain)
            sizes = np.array([len(run) for run in plain], np.int64)
            parts.append(flat[self._triangles(flat, sizes, points, vertex)])
        for holed in self._element.findall("ph"):
            outer = holed.find("p")
            rings = ([self._of(outer)] if outer is not None else []) + [self._of(hole) for hole in holed.findall("h")]
            rings = [ring for ring in rings if len(ring) >= 3]
            if rings:
                flat = np.concatenate(rings)
                ends = np.cumsum([len(ring) for ring in rings])
                parts.append(flat[cut_polygon(points[_rows(flat, vertex, len(points), self._where)], ends).reshape(-1)])
        return np.concatenate(parts) if parts else self._empty()

    def _triangles(self, flat: np.ndarray, sizes: np.ndarray, points: np.ndarray, vertex: int) -> np.ndarray:
        triangles, _ = triangulate(points, _rows(flat, vertex, len(points), self._where), sizes)
        return triangles.reshape(-1)


def _fan(count: int) -> np.ndarray:
    steps = np.arange(max(count - 2, 0))
    return np.column_stack([np.zeros_like(steps), steps + 1, steps + 2]).reshape(-1)


def _strip(count: int) -> np.ndarray:
    """Every other triangle turns round, so that all wind alike."""
    steps = np.arange(max(count - 2, 0))
    odd = steps % 2
    return np.column_stack([steps + odd, steps + 1 - odd, steps + 2]).reshape(-1)


def _chain(count: int) -> np.ndarray:
    steps = np.arange(max(count - 1, 0))
    return np.column_stack([steps, steps + 1]).reshape(-1)
