"""What stands in an AMF (ISO/ASTM 52915:2020, section 5), checked, in the file's own unit and axes.

Colours are sRGB with alpha, float64, NaN where nothing is said.
"""

from __future__ import annotations

import binascii
import re
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.formats import xml
from threed_workers.formats.findings import Findings

NO_COLOR = (float("nan"),) * 4
# Vertices and triangles are elements with several children each: memory, and they are the file.
_NAMESPACE = re.compile(rb"<amf[^>]{0,2000}?\sxmlns=[\"']([^\"']{0,200})")


@dataclass(frozen=True)
class Texture:
    """Grey pixels, uint8 (height, width), first row at the top."""

    pixels: np.ndarray
    is_tiled: bool


@dataclass(frozen=True)
class Map:
    """Textures for red, green, blue and alpha ("" where there is none)."""

    red: str
    green: str
    blue: str
    alpha: str


@dataclass
class Volume:
    """`colors` by triangle, where one is given; `maps` by triangle, with u and v of three corners, float64 (6,)."""

    triangles: np.ndarray
    material: str
    color: tuple[float, ...]
    colors: dict[int, tuple[float, ...]]
    maps: dict[int, tuple[Map, tuple[float, ...]]]
    is_support: bool


@dataclass
class Object:
    """`colors` (n, 4) and `normals` (n, 3) by point, NaN where none is given."""

    id: str
    points: np.ndarray
    colors: np.ndarray
    normals: np.ndarray
    color: tuple[float, ...]
    volumes: list[Volume]


@dataclass(frozen=True)
class Instance:
    """An object or constellation that is placed; `matrix` float64 (4, 4) for columns."""

    id: str
    matrix: np.ndarray = field(default_factory=lambda: np.eye(4))


@dataclass
class Amf:
    """`materials` are (name, colour) by id; `metadata_of` is by the id of objects and constellations."""

    unit: str
    metadata: dict[str, str]
    objects: dict[str, Object] = field(default_factory=dict)
    constellations: dict[str, list[Instance]] = field(default_factory=dict)
    materials: dict[str, tuple[str, tuple[float, ...]]] = field(default_factory=dict)
    textures: dict[str, Texture] = field(default_factory=dict)
    metadata_of: dict[str, dict[str, str]] = field(default_factory=dict)


def read_amf(data: memoryview, findings: Findings) -> Amf:
    """Raises FileMalformed or FileValuesInvalid for what cannot be understood; the rest goes to `findings`."""
    return _Reading(data, findings).read()


class _Reading:
    def __init__(self, data: memoryview, findings: Findings):
        self.data, self.findings = data, findings
        found = _NAMESPACE.search(bytes(data[:4096]))
        self.space = "{" + found[1].decode("utf-8", "replace") + "}" if found and found[1] else ""
        # By the element that holds them: vertices, or the volume.
        self.points: dict[Element, array[float]] = defaultdict(lambda: array("d"))
        self.point_colors: dict[Element, dict[int, tuple[float, ...]]] = defaultdict(dict)
        self.point_normals: dict[Element, dict[int, tuple[float, ...]]] = defaultdict(dict)
        self.corners: dict[Element, array[int]] = defaultdict(lambda: array("q"))
        self.colors: dict[Element, dict[int, tuple[float, ...]]] = defaultdict(dict)
        self.maps: dict[Element, dict[int, tuple[Map, tuple[float, ...]]]] = defaultdict(dict)
        self.shared: dict[Map, Map] = {}

    def read(self) -> Amf:
        names = {"vertex": self.vertex, "triangle": self.triangle, "edge": self.edge}
        root = xml.parse(self.data, taken={self.space + name: take for name, take in names.items()}).root
        if xml.local(root.tag).lower() != "amf":
            raise FileMalformed("The first element is not amf.", where="line 1")
        model = Amf(root.get("unit", "millimeter").strip().lower(), self.metadata(root, "amf"))
        model.unit = model.unit or "millimeter"
        for entry in root:
            kind = xml.local(entry.tag)
            id_ = entry.get("id", "").strip()
            where = f"{kind[:40]} {id_[:40]}"
            if kind in ("object", "constellation") and (not id_ or id_ in model.metadata_of):
                raise FileMalformed("An id is missing, or another has it too. Export the model again.", where=where)
            if kind == "object":
                model.objects[id_] = self.object(entry, id_, where)
                model.metadata_of[id_] = self.metadata(entry, where)
            elif kind == "constellation":
                model.constellations[id_] = [self.instance(child, where) for child in self.all(entry, "instance")]
                model.metadata_of[id_] = self.metadata(entry, where)
            elif kind == "material":
                model.materials[id_] = self.material(entry, id_, where)
            elif kind == "texture":
                texture = self.texture(entry, where)
                if texture is not None:
                    model.textures[id_] = texture
            elif kind != "metadata":
                self.findings.lose(f"{kind[:60]} element", "It is not of the specification.")
        return model

    # ------------------------------------------------------------ rows, as they end

    def vertex(self, parent: Element, row: Element) -> None:
        number = len(self.points[parent]) // 3
        where = f"vertex {number}"
        coordinates = row.find(f"{self.space}coordinates")
        if coordinates is None:
            raise FileMalformed("A vertex has no coordinates.", where=where)
        self.points[parent].extend(self.floats(coordinates, ("x", "y", "z"), where))
        for child in row:
            kind = child.tag[len(self.space) :]
            if kind == "color":
                self.point_colors[parent][number] = self.color(child)
            elif kind == "normal":
                self.point_normals[parent][number] = self.floats(child, ("nx", "ny", "nz"), where)

    def triangle(self, parent: Element, row: Element) -> None:
        number = len(self.corners[parent]) // 3
        try:
            self.corners[parent].extend([int(self.text(row, name)) for name in ("v1", "v2", "v3")])
        except (ValueError, OverflowError):
            message = "A triangle has no v1, v2 and v3 that are whole numbers."
            raise FileMalformed(message, where=f"triangle {number}") from None
        if len(row) > 3:
            for child in row:
                kind = child.tag[len(self.space) :]
                if kind == "color":
                    self.colors[parent][number] = self.color(child)
                elif kind in ("texmap", "map"):
                    self.maps[parent][number] = self.mapped(child, f"triangle {number}")

    def edge(self, _parent: Element, _row: Element) -> None:
        self.findings.lose("curved edges", "Triangles come in flat.")

    def mapped(self, entry: Element, where: str) -> tuple[Map, tuple[float, ...]]:
        made = Map(*(entry.get(f"{channel}texid", "").strip() for channel in "rgba"))
        letter = "utex" if entry.find(f"{self.space}utex1") is not None else "u"
        names = tuple(letter.replace("u", axis) + str(corner) for corner in (1, 2, 3) for axis in "uv")
        return self.shared.setdefault(made, made), self.floats(entry, names, where)

    # ------------------------------------------------------------ parts

    def object(self, entry: Element, id_: str, where: str) -> Object:
        points, colors, normals, volumes = [], [], [], []
        count = 0
        for mesh in self.all(entry, "mesh"):
            vertices = mesh.find(f"{self.space}vertices")
            rows = np.array(self.points.pop(vertices, ()), np.float64).reshape(-1, 3)
            if not np.isfinite(rows).all():
                message = "A vertex is NaN or infinite. Repair the mesh and export it again."
                raise FileValuesInvalid(message, where=where)
            points.append(rows)
            colors.append(_sparse(self.point_colors.pop(vertices, {}), len(rows), 4))
            normals.append(_sparse(self.point_normals.pop(vertices, {}), len(rows), 3))
            volumes += [self.volume(volume, len(rows), count, where) for volume in self.all(mesh, "volume")]
            count += len(rows)
        given = np.vstack([np.zeros((0, 3)), *normals])
        self.findings.lose(
            "curved triangles", "Triangles come in flat, with these normals.", int((~np.isnan(given[:, 0])).sum())
        )
        return Object(
            id_,
            np.vstack([np.zeros((0, 3)), *points]),
            np.vstack([np.zeros((0, 4)), *colors]),
            given,
            self.color(entry.find(f"{self.space}color")),
            volumes,
        )

    def volume(self, entry: Element, vertices: int, first: int, where: str) -> Volume:
        triangles = np.array(self.corners.pop(entry, ()), np.int64).reshape(-1, 3)
        wrong = (triangles < 0) | (triangles >= vertices)
        if wrong.any():
            row, corner = np.argwhere(wrong)[0]
            message = f"A triangle uses vertex {triangles[row, corner]}, and there are {vertices}."
            raise FileValuesInvalid(message, where=f"{where}, triangle {row}")
        return Volume(
            triangles + first,
            entry.get("materialid", "").strip(),
            self.color(entry.find(f"{self.space}color")),
            self.colors.pop(entry, {}),
            self.maps.pop(entry, {}),
            entry.get("type", "object").strip().lower() == "support",
        )

    def material(self, entry: Element, id_: str, where: str) -> tuple[str, tuple[float, ...]]:
        if entry.find(f"{self.space}composite") is not None:
            self.findings.lose("composite materials", "glTF has no word for mixtures in space.")
        return self.metadata(entry, where).get("name", ""), self.color(entry.find(f"{self.space}color"))

    def texture(self, entry: Element, where: str) -> Texture | None:
        """Section 5.6: one byte a pixel, in base64; of a solid texture the first slice is what a surface would show."""
        try:
            width, height, depth = (int(entry.get(name, "1")) for name in ("width", "height", "depth"))
            pixels = np.frombuffer(binascii.a2b_base64(entry.text or ""), np.uint8)
        except (ValueError, binascii.Error):
            width = height = depth = 0
            pixels = np.zeros(0, np.uint8)
        if min(width, height, depth) < 1 or depth != 1 or len(pixels) != width * height:
            self.findings.lose("textures", f"Only flat ones of one byte a pixel are read ({where}).")
            return None
        return Texture(pixels.reshape(height, width), entry.get("tiled", "false").strip().lower() in ("true", "1"))

    def instance(self, entry: Element, where: str) -> Instance:
        """Section 5.7: turned about x, then y, then z, in degrees, then moved."""
        id_ = entry.get("objectid", "").strip()
        if not id_:
            raise FileMalformed("An instance has no objectid. Export the model again.", where=where)
        values = {name: 0.0 for name in ("deltax", "deltay", "deltaz", "rx", "ry", "rz")} | {"scale": 1.0}
        for child in entry:
            if (name := xml.local(child.tag)) in values:
                (values[name],) = self.floats(entry, (name,), where)
        matrix = np.eye(4)
        for axis, name in enumerate(("rx", "ry", "rz")):
            matrix[:3, :3] = _turn(axis, np.radians(values[name])) @ matrix[:3, :3]
        matrix[:3, :3] *= values["scale"]
        matrix[:3, 3] = [values[name] for name in ("deltax", "deltay", "deltaz")]
        return Instance(id_, matrix)

    def metadata(self, owner: Element, where: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for entry in self.all(owner, "metadata"):
            kind = entry.get("type", "").strip()
            if not kind:
                self.findings.warning("METADATA_NAME_MISSING", where, "A metadata element has no type.")
            else:
                found[kind] = self.findings.shortened((entry.text or "").strip())
        return found

    def color(self, entry: Element | None) -> tuple[float, ...]:
        if entry is None:
            return NO_COLOR
        try:
            found = [float(self.text(entry, part)) for part in "rgb"]
            alpha = entry.findtext(f"{self.space}a")
            found.append(float(alpha) if alpha else 1.0)
        except ValueError:
            self.findings.lose("colour formulas", "Colours that are no numbers depend on the place.")
            return NO_COLOR
        return tuple(found)

    def floats(self, owner: Element, names: tuple[str, ...], where: str) -> tuple[float, ...]:
        try:
            found = tuple(float(self.text(owner, name)) for name in names)
        except ValueError:
            message = f"A {xml.local(owner.tag)[:40]} has no {', '.join(names)} that are numbers."
            raise FileMalformed(message, where=where) from None
        if not all(abs(value) < 1e30 for value in found):
            raise FileValuesInvalid(f"A number of a {xml.local(owner.tag)[:40]} is beyond all bounds.", where=where)
        return found

    def text(self, owner: Element, name: str) -> str:
        return owner.findtext(self.space + name) or ""

    def all(self, owner: Element, name: str) -> list[Element]:
        return owner.findall(self.space + name)


def _sparse(rows: dict[int, tuple[float, ...]], count: int, width: int) -> np.ndarray:
    found = np.full((count, width), np.nan)
    if rows:
        found[list(rows)] = list(rows.values())
    return found


def _turn(axis: int, angle: float) -> np.ndarray:
    """A rotation about x, y or z, float64 (3, 3) for columns."""
    found = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    found[i, i] = found[j, j] = np.cos(angle)
    found[j, i] = np.sin(angle)
    found[i, j] = -np.sin(angle)
    return found
