"""3MF (3MF Consortium, Core Specification 1.3; colours by the Materials Extension 1.2.1): for printing.

Millimetres, +Z up. One object for each mesh and, where a model shows more than one, an assembly of components that
keeps them together; transforms come from the nodes. Vertices are joined where they are the same point, because a
printer wants closed surfaces, and glTF splits them at every edge of texture or shading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from threed_workers.document import Document, loss
from threed_workers.document.model import Json
from threed_workers.document.placements import Placement, moved, placements, to_world
from threed_workers.document.shapes import TRIANGLES, Shape, shape_of
from threed_workers.exports.archive import Archive
from threed_workers.exports.axes import Z_UP
from threed_workers.exports.colors import bytes_from_linear, hex_from_linear
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export, one_line
from threed_workers.exports.surfaces import surface_of
from threed_workers.mesh.weld import weld

name = "3mf"
media_type = "model/3mf"
extension = "3mf"

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_MATERIAL = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
_TYPES = b"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
</Types>
"""
_RELATIONS = b"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Target="/3D/3dmodel.model" Id="rel0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>
</Relationships>
"""
_MILLIMETRES = 1000.0
_BLOCK = 1 << 14  # lines formatted at once
_MATERIALS_ID = 1
_MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
_REASONS = {
    "materials": "Their base colours are kept.",
    "hierarchy": "The nodes are joined into one assembly; each mesh keeps its place.",
    "EXT_mesh_gpu_instancing": "Each instance is a component of its own.",
}


def write(document: Document, folder: Path, stem: str) -> Export:
    """The triangles of the default scene. Raises FileTooComplex beyond the budget."""
    file, model = f"{stem}.{extension}", folder / f"{stem}.model"
    with model.open("wb") as out:
        writer = _Writer(document, out)
        writer.write(stem)
    with Archive(folder / file) as archive:
        archive.add("[Content_Types].xml", _TYPES)
        archive.add("_rels/.rels", _RELATIONS)
        archive.add_file("3D/3dmodel.model", model)
    model.unlink()
    return Export(file, media_type, writer.losses())


@dataclass(frozen=True)
class _Use:
    """One showing of an object: its resource id, and where it stands, (4, 4) in metres and glTF's axes."""

    object: int
    matrix: np.ndarray


class _Writer:
    """The model part, written object by object."""

    def __init__(self, document: Document, out: BinaryIO):
        self._document = document
        self._out = out
        self._ids = _MATERIALS_ID
        self._objects: dict[tuple, int | None] = {}
        self._flat_triangles = 0

    def write(self, title: str) -> None:
        self._line('<?xml version="1.0" encoding="UTF-8"?>')
        self._line(f'<model unit="millimeter" xml:lang="en-US" xmlns="{_CORE}" xmlns:m="{_MATERIAL}">')
        self._line('<metadata name="Application">threed</metadata>')
        copyright = one_line(self._document.json["asset"].get("copyright"))
        if copyright:
            self._line(f'<metadata name="Copyright">{quoteattr(copyright)[1:-1]}</metadata>')
        self._line("<resources>")
        self._materials()
        uses = [use for placement in placements(self._document) if (use := self._use(placement)) is not None]
        if len(uses) > 1:
            uses = [_Use(self._assembly(title, uses), np.eye(4))]
        self._line("</resources>")
        self._line("<build>")
        for use in uses:
            self._line(f'<item objectid="{use.object}"{_transform(use.matrix)}/>')
        self._line("</build>")
        self._line("</model>")

    def losses(self) -> list[Json]:
        """What the model lacks."""
        kept = ["triangles", "vertex colours"]
        found = dropped(self._document, name, kept, _REASONS)
        if self._flat_triangles:
            reason = "Two of their corners are the same point, which 3MF forbids."
            found.append(loss("triangles without area", self._flat_triangles, reason, name))
        return found

    def _materials(self) -> None:
        """Every material, and one more for primitives without; their numbers are those of the document."""
        self._line(f'<basematerials id="{_MATERIALS_ID}">')
        for number in [*range(len(self._document.all("materials"))), None]:
            surface = surface_of(self._document, number)
            title = one_line(surface.name) or ("default" if number is None else f"material {number}")
            color = surface.color if surface.alpha_mode != "OPAQUE" else (*surface.color[:3], 1.0)
            self._line(f'<base name={quoteattr(title)} displaycolor="{hex_from_linear(color)}"/>')
        self._line("</basematerials>")

    def _use(self, placement: Placement) -> _Use | None:
        """The object of a placement, written when it is new; None when it has no triangles.

        Mirrored showings get mirrored objects: transforms of 3MF are to keep insides inside.
        """
        matrix, mirrored = placement.matrix, placement.mirrors
        if placement.joints is not None or not np.linalg.det(matrix[:3, :3]):
            found = self._object(
                placement, lambda primitive, shape: to_world(self._document, primitive, shape, placement)
            )
            return None if found is None else _Use(found, np.eye(4))
        key = (placement.mesh, tuple(placement.weights), mirrored)
        if key not in self._objects:
            self._objects[key] = self._object(
                placement, lambda primitive, shape: moved(shape, _MIRROR) if mirrored else shape
            )
        found = self._objects[key]
        return None if found is None else _Use(found, matrix @ _MIRROR if mirrored else matrix)

    def _object(self, placement: Placement, frame: Callable[[Json, Shape], Shape]) -> int | None:
        shapes = []
        for primitive in self._document.all("meshes")[placement.mesh]["primitives"]:
            shape = shape_of(self._document, primitive, placement.weights)
            if shape is not None and shape.corners == TRIANGLES:
                shapes.append((primitive.get("material"), frame(primitive, shape)))
        if not shapes:
            return None
        pieces, start = [], 0
        for material, shape in shapes:
            pieces.append((start, material, shape))
            start += len(shape.positions)
        points = np.concatenate([shape.positions for _, shape in shapes]) @ Z_UP.T * _MILLIMETRES + 0.0
        first, places = weld(points)
        groups = [self._colors(material, shape) for material, shape in shapes]
        self._ids += 1
        number = self._ids
        mesh_name = self._document.all("meshes")[placement.mesh].get("name")
        title = one_line(mesh_name) or one_line(placement.name) or f"mesh {placement.mesh}"
        self._line(f'<object id="{number}" type="model" name={quoteattr(title)}><mesh><vertices>')
        self._rows('<vertex x="%.9g" y="%.9g" z="%.9g"/>\n', points[first])
        self._line("</vertices><triangles>")
        for (begin, material, shape), group in zip(pieces, groups, strict=True):
            self._triangles(places[shape.elements + begin], material, shape.elements, group)
        self._line("</triangles></mesh></object>")
        return number

    def _colors(self, material: int | None, shape: Shape) -> tuple[int, np.ndarray] | None:
        """(id, colour of each vertex) of a group of COLOR_0 times the base colour; None without COLOR_0."""
        if shape.colors is None:
            return None
        tinted = bytes_from_linear(shape.colors * surface_of(self._document, material).color)
        values, places = np.unique(tinted, axis=0, return_inverse=True)
        self._ids += 1
        self._line(f'<m:colorgroup id="{self._ids}">')
        self._rows('<m:color color="#%02X%02X%02X%02X"/>\n', values)
        self._line("</m:colorgroup>")
        return self._ids, places.reshape(-1)

    def _triangles(
        self, corners: np.ndarray, material: int | None, vertices: np.ndarray, group: tuple[int, np.ndarray] | None
    ) -> None:
        a, b, c = corners.T
        solid = (a != b) & (b != c) & (c != a)
        self._flat_triangles += int((~solid).sum())
        if group is not None:
            pattern = f'<triangle v1="%d" v2="%d" v3="%d" pid="{group[0]}" p1="%d" p2="%d" p3="%d"/>\n'
            self._rows(pattern, np.hstack([corners, group[1][vertices]])[solid])
            return
        place = material if material is not None else len(self._document.all("materials"))
        self._rows(f'<triangle v1="%d" v2="%d" v3="%d" pid="{_MATERIALS_ID}" p1="{place}"/>\n', corners[solid])

    def _assembly(self, title: str, uses: list[_Use]) -> int:
        self._ids += 1
        self._line(f'<object id="{self._ids}" type="model" name={quoteattr(title)}><components>')
        for use in uses:
            self._line(f'<component objectid="{use.object}"{_transform(use.matrix)}/>')
        self._line("</components></object>")
        return self._ids

    def _line(self, text: str) -> None:
        self._out.write(text.encode() + b"\n")

    def _rows(self, pattern: str, rows: np.ndarray) -> None:
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            self._out.write((pattern * len(block) % tuple(block.reshape(-1).tolist())).encode())


def _transform(matrix: np.ndarray) -> str:
    """The attribute for a matrix in metres and +Y up: rows act from the right (section 3.3); none for the identity."""
    if np.array_equal(matrix, np.eye(4)):
        return ""
    linear = Z_UP @ matrix[:3, :3] @ Z_UP.T
    moved_by = Z_UP @ matrix[:3, 3] * _MILLIMETRES
    numbers = np.vstack([linear.T, moved_by]).reshape(-1) + 0.0
    return ' transform="' + " ".join(f"{number:.9g}" for number in numbers) + '"'
