"""A model part of a 3MF as it stands in the file: objects, properties and what is to be built, checked but not judged.

3MF Core Specification 1.3, Materials and Properties 1.2, Production 1.2, Beam Lattice 1.2. Numbers are in the part's
own unit, +Z up; nothing refers to anything yet but by id.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileFeatureUnsupported, FileMalformed, FileValuesInvalid
from threed_workers.formats import xml
from threed_workers.formats.findings import Findings
from threed_workers.formats.threemf_groups import (
    CORE,
    FARTHEST,
    MATERIAL,
    Group,
    Texture,
    identifier,
    index,
    read_display,
    read_group,
    read_texture,
    rgba,
)

_MS = "http://schemas.microsoft.com/3dmanufacturing"
PRODUCTION = f"{{{_MS}/production/2015/06}}"
BEAM = f"{{{_MS}/beamlattice/2017/02}}"
SLICE = f"{{{_MS}/slice/2015/07}}"
SETS = f"{{{_MS}/trianglesets/2021/07}}"
BALLS = f"{{{_MS}/beamlattice/balls/2020/07}}"
ALTERNATIVES = f"{{{_MS}/production/alternatives/2021/04}}"
# Extensions that a file may require. Of slices the mesh is read, which must be there too.
_KNOWN = (CORE, MATERIAL, PRODUCTION, BEAM, SLICE, SETS, BALLS, ALTERNATIVES)

METRES = {"micron": 1e-6, "millimeter": 1e-3, "centimeter": 1e-2, "inch": 0.0254, "foot": 0.3048, "meter": 1.0}
_TYPES = ("model", "solidsupport", "support", "surface", "other")
# Core table 3-1.
_METADATA = (
    "Title",
    "Designer",
    "Description",
    "Copyright",
    "LicenseTerms",
    "Rating",
    "CreationDate",
    "ModificationDate",
    "Application",
)
_NOTHING = (-1, -1, -1, -1)
_TRIANGLE = frozenset(("v1", "v2", "v3", "pid", "p1", "p2", "p3"))


@dataclass(frozen=True)
class Reference:
    """An object that is placed somewhere. `transform` is float64 (4, 4) for rows: p' = p @ transform."""

    part: str
    id: int
    transform: np.ndarray
    name: str = ""
    extras: dict[str, object] = field(default_factory=dict)


@dataclass
class Object:
    """`triangles` int64 (t, 3); `properties` int64 (t, 4) are pid, p1, p2 and p3, -1 where the triangle says nothing.

    `beams` float64 (b, 4) are v1, v2 and the radii there. An object has points, or components, or nothing.
    """

    id: int
    type: str
    name: str
    where: str
    pid: int = -1
    pindex: int = -1
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    triangles: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    properties: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.int64))
    beams: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    components: list[Reference] = field(default_factory=list)
    extras: dict[str, object] = field(default_factory=dict)


@dataclass
class Model:
    """One model part. `unit` is in metres."""

    part: str
    unit: float
    metadata: dict[str, str] = field(default_factory=dict)
    objects: dict[int, Object] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    textures: dict[int, Texture] = field(default_factory=dict)
    items: list[Reference] = field(default_factory=list)


def read_model(data: bytes, part: str, findings: Findings, is_root: bool) -> Model:
    """Parse and check one part. Raises a FileRefused for what cannot be understood; the rest goes to `findings`."""
    return _Reading(part, findings, is_root).read(data)


class _Reading:
    def __init__(self, part: str, findings: Findings, is_root: bool):
        self.part, self.findings, self.is_root = part, findings, is_root
        # Rows by the element that holds them.
        self.numbers: dict[Element, array[float]] = defaultdict(lambda: array("d"))
        self.integers: dict[Element, array[int]] = defaultdict(lambda: array("q"))
        self.texts: dict[Element, list[str]] = defaultdict(list)

    def read(self, data: bytes) -> Model:
        taken = {
            f"{CORE}vertex": self.vertex,
            f"{CORE}triangle": self.triangle,
            f"{MATERIAL}tex2coord": self.coordinate,
            f"{MATERIAL}color": self.color,
            f"{BEAM}beam": self.beam,
        }
        for space in (MATERIAL, CORE):  # samples of the consortium forget the prefix
            taken |= {f"{space}multi": self.words("pindices"), f"{space}composite": self.words("values")}
        for name in (f"{SLICE}vertex", f"{SLICE}segment", f"{SLICE}polygon", f"{SLICE}slice"):
            taken[name] = self.slice
        for name in (f"{SETS}ref", f"{SETS}refrange", f"{BEAM}ref", f"{BEAM}ball", f"{BALLS}ball", f"{BALLS}ballref"):
            taken[name] = self.passed_over
        if not _is_utf8(data):
            self.findings.error("ENCODING_NOT_UTF8", self.part, "A 3MF model must be UTF-8.")
        tree = xml.parse(data, where=self.part, taken=taken)
        for prefix in sorted(tree.unbound)[:3]:
            self.findings.warning("PREFIX_UNBOUND", self.part, f"The prefix {prefix[:40]!r} is declared nowhere.")
        root = tree.root
        if root.tag != f"{CORE}model":
            message = f"The model begins with {root.tag[:120]!r}, which is no model of 3MF core 2015/02."
            raise FileFeatureUnsupported(message, where=self.part)
        self.check_extensions(root, tree.prefixes)
        unit = root.get("unit", "millimeter")
        if unit not in METRES:
            raise FileMalformed(f"The unit {unit[:40]!r} is none of {', '.join(METRES)}.", where=self.part)
        model = Model(self.part, METRES[unit], self.metadata(root, tree.prefixes))
        self.resources(model, self.only(root, "resources"))
        self.build(model, self.only(root, "build"))
        return model

    # ------------------------------------------------------------ rows, as they end

    def vertex(self, parent: Element, row: Element) -> None:
        try:
            self.numbers[parent].extend((float(row.attrib["x"]), float(row.attrib["y"]), float(row.attrib["z"])))
        except (KeyError, ValueError):
            self.row_broken("A vertex", "x, y and z", len(self.numbers[parent]) // 3)

    def triangle(self, parent: Element, row: Element) -> None:
        found = row.attrib
        try:
            self.integers[parent].extend((int(found["v1"]), int(found["v2"]), int(found["v3"])))
            if len(found) == 3:  # nearly always
                self.integers[parent].extend(_NOTHING)
            else:
                self.integers[parent].extend([int(found.get(name, -1)) for name in ("pid", "p1", "p2", "p3")])
        except (KeyError, ValueError, OverflowError):
            self.row_broken("A triangle", "v1, v2 and v3", len(self.integers[parent]) // 7)
        if len(found) > 3 and not found.keys() <= _TRIANGLE:
            more = next(name for name in found if name not in _TRIANGLE)
            self.findings.lose(f"triangle attribute {xml.local(more)[:60]}", "It is of an extension that is not read.")

    def coordinate(self, parent: Element, row: Element) -> None:
        try:
            self.numbers[parent].extend((float(row.attrib["u"]), float(row.attrib["v"])))
        except (KeyError, ValueError):
            self.row_broken("A texture coordinate", "u and v", len(self.numbers[parent]) // 2)

    def color(self, parent: Element, row: Element) -> None:
        self.numbers[parent].extend(rgba(row.get("color"), f"{self.part}, color {len(self.numbers[parent]) // 4}"))

    def beam(self, parent: Element, row: Element) -> None:
        try:
            first, second = int(row.attrib["v1"]), int(row.attrib["v2"])
            radius = float(row.get("r1", "nan"))
            self.numbers[parent].extend((first, second, radius, float(row.get("r2", radius))))
        except (KeyError, ValueError, OverflowError):
            self.row_broken("A beam", "v1 and v2", len(self.numbers[parent]) // 4)

    def words(self, name: str) -> xml.Taker:
        def take(parent: Element, row: Element) -> None:
            if row.get(name) is None:
                self.row_broken(f"A {xml.local(row.tag)}", name, len(self.texts[parent]))
            self.texts[parent].append(row.get(name, ""))

        return take

    def slice(self, _parent: Element, row: Element) -> None:
        if row.tag == f"{SLICE}slice":
            self.findings.lose("slices", "The mesh is kept, of which the slices are sections.")

    def passed_over(self, _parent: Element, row: Element) -> None:
        self.findings.lose(f"{xml.local(row.tag)}s of sets and lattices", "glTF has no word for them.")

    def row_broken(self, what: str, names: str, number: int) -> None:
        raise FileMalformed(f"{what} has no {names} that are numbers.", where=f"{self.part}, number {number}")

    # ------------------------------------------------------------ the model

    def check_extensions(self, root: Element, prefixes: dict[str, str]) -> None:
        """Core 2.3.1: who does not know what a file requires must not read it."""
        known = {name[1:-1] for name in _KNOWN}
        for prefix in root.get("requiredextensions", "").split():
            space = prefixes.get(prefix)
            if space is None:
                message = f"The required extension {prefix[:40]!r} is not declared."
                raise FileMalformed(message, where=self.part)
            if space not in known:
                raise FileFeatureUnsupported(
                    f"The model requires {space[:200]}, which is not read. Export it without, as a plain mesh.",
                    where=self.part,
                    extension=space[:200],
                )
        for prefix in root.get("recommendedextensions", "").split():
            if prefixes.get(prefix) not in known:
                space = prefixes.get(prefix, prefix)[:200]
                self.findings.warning(
                    "EXTENSION_UNKNOWN", self.part, f"The model recommends {space}, which is not read."
                )

    def metadata(self, owner: Element, prefixes: dict[str, str] | None = None) -> dict[str, str]:
        """Core 3.4.1. Names that the specification does not know need a prefix; they are kept all the same."""
        found: dict[str, list[str]] = {}
        for entry in owner.findall(f"{CORE}metadata"):
            name = entry.get("name", "").strip()
            prefix = name.partition(":")[0] if ":" in name else ""
            if not name:
                self.findings.error("METADATA_NAME_MISSING", self.part, "A metadata element has no name.")
                continue
            if prefixes is not None and not prefix and name not in _METADATA:
                message = f"The metadata name {name[:60]!r} is not of the specification, and has no namespace."
                self.findings.error("METADATA_NAME_UNDEFINED", self.part, message)
            if prefixes is not None and prefix and prefix not in prefixes:
                message = f"The prefix of the metadata name {name[:60]!r} is not declared."
                self.findings.error("METADATA_NAME_UNDEFINED", self.part, message)
            if name in found:  # forbidden, and done by samples of the consortium
                self.findings.warning("METADATA_DUPLICATE", self.part, f"Metadata {name[:60]!r} is given twice.")
            found.setdefault(name, []).append((entry.text or "").strip())
        return {name: self.findings.shortened("\n".join(texts)) for name, texts in found.items()}

    def only(self, root: Element, name: str) -> Element:
        found = root.findall(f"{CORE}{name}")
        if not found:
            raise FileMalformed(f"The model has no {name} element. Export it again.", where=self.part)
        if len(found) > 1:
            self.findings.error("ELEMENT_DUPLICATE", self.part, f"The model has {len(found)} {name} elements.")
        return found[0]

    def resources(self, model: Model, resources: Element) -> None:
        seen: set[int] = set()
        displays = {}
        for entry in resources:
            where = f"{self.part}, {xml.local(entry.tag)[:40]} {entry.get('id', '')[:20]}"
            if not entry.tag.startswith((CORE, MATERIAL)):
                self.findings.lose(f"{xml.local(entry.tag)[:60]} resource", "It is of an extension that is not read.")
                continue
            number = identifier(entry, "id", where)
            if number in seen:
                raise FileMalformed(f"Two resources have the id {number}. Export the model again.", where=where)
            seen.add(number)
            if entry.tag == f"{CORE}object":
                model.objects[number] = self.object(entry, number, where, seen)
            elif entry.tag == f"{MATERIAL}texture2d":
                model.textures[number] = read_texture(entry, where, self.findings)
            elif (display := read_display(entry, where, self.findings)) is not None:
                displays[number] = display
            else:
                rows = self.numbers.pop(entry, None), self.texts.pop(entry, [])
                group = read_group(entry, where, self.findings, model.groups, model.textures, *rows)
                if group is not None:
                    model.groups[number] = group
        for group in model.groups.values():
            if group.display_id not in displays and group.display_id != -1:
                message = f"Display properties {group.display_id} are not there."
                self.findings.warning("DISPLAY_PROPERTIES_MISSING", group.where, message)
            group.display = displays.get(group.display_id)

    def object(self, entry: Element, number: int, where: str, seen: set[int]) -> Object:
        made = Object(number, entry.get("type", "model"), entry.get("name", ""), where)
        if made.type not in _TYPES:
            message = f"The object is of type {made.type[:40]!r}, which is none of {', '.join(_TYPES)}."
            raise FileMalformed(message, where=where)
        made.pid, made.pindex = index(entry, "pid", where), index(entry, "pindex", where)
        if made.pindex >= 0 and made.pid < 0:
            self.findings.error("PROPERTY_GROUP_MISSING", where, "The object has a pindex, and no pid.")
        if entry.get("partnumber"):
            made.extras["partnumber"] = entry.get("partnumber")
        if made.type != "model":
            made.extras["type"] = made.type
        for group in entry.findall(f"{CORE}metadatagroup"):
            made.extras["metadata"] = self.metadata(group)
        mesh, components = entry.find(f"{CORE}mesh"), entry.find(f"{CORE}components")
        if (mesh is None) == (components is None):
            self.findings.error("OBJECT_EMPTY", where, "The object must have either a mesh or components.")
        if mesh is not None:
            self.mesh(made, mesh)
        elif components is not None:
            if made.pid >= 0:
                message = "An object of components has a pid, which means nothing."
                self.findings.warning("PROPERTY_UNUSED", where, message)
            made.components = [self.reference(child, where) for child in components.iter(f"{CORE}component")]
            for child in made.components:
                if child.part == self.part and child.id not in seen:
                    message = f"Component object {child.id} is not defined before it is used."
                    self.findings.error("REFERENCE_FORWARD", where, message)
        return made

    def mesh(self, made: Object, mesh: Element) -> None:
        vertices, triangles = mesh.find(f"{CORE}vertices"), mesh.find(f"{CORE}triangles")
        made.points = np.array(self.numbers.pop(vertices, ()), np.float64).reshape(-1, 3)
        rows = np.array(self.integers.pop(triangles, ()), np.int64).reshape(-1, 7)
        made.triangles, made.properties = rows[:, :3], rows[:, 3:]
        if not (np.abs(made.points) < FARTHEST).all():
            message = "A vertex is NaN, or beyond all bounds. Repair the mesh and export it again."
            raise FileValuesInvalid(message, where=made.where)
        lattice = mesh.find(f"{BEAM}beamlattice")
        if lattice is not None:
            self.lattice(made, lattice)
        if not len(made.triangles) and lattice is None:
            self.findings.error("MESH_EMPTY", made.where, "The mesh has no triangles.")
        wrong = (made.triangles < 0) | (made.triangles >= len(made.points))
        if wrong.any():
            row, corner = np.argwhere(wrong)[0]
            raise FileValuesInvalid(
                f"A triangle uses vertex {made.triangles[row, corner]}, and there are {len(made.points)}.",
                where=f"{made.where}, triangle {row}",
            )
        a, b, c = made.triangles.T
        flat = int(((a == b) | (b == c) | (c == a)).sum())
        if flat:
            message = f"{flat} triangles name a vertex twice."
            self.findings.error("TRIANGLE_DEGENERATE", made.where, message)
        if made.type == "model" and 0 < len(made.triangles) < 4:
            message = f"{len(made.triangles)} triangles enclose nothing; a model needs 4."
            self.findings.warning("MESH_OPEN", made.where, message)

    def lattice(self, made: Object, lattice: Element) -> None:
        """Beam Lattice 1.2, chapter 2: a beam without radii has that of the lattice."""
        try:
            radius = float(lattice.get("radius", ""))
        except ValueError:
            raise FileMalformed("The beam lattice has no radius.", where=made.where) from None
        for element in lattice.iter(f"{BEAM}beams"):
            made.beams = np.array(self.numbers.pop(element, ()), np.float64).reshape(-1, 4)
        made.beams[:, 2:] = np.where(np.isnan(made.beams[:, 2:]), radius, made.beams[:, 2:])
        ends, radii = made.beams[:, :2], made.beams[:, 2:]
        if ((ends < 0) | (ends >= len(made.points))).any() or (ends[:, 0] == ends[:, 1]).any():
            raise FileValuesInvalid("A beam does not join two vertices of its mesh.", where=made.where)
        if not ((radii > 0) & (radii < FARTHEST)).all():
            raise FileValuesInvalid("A beam has a radius that is not above 0, or beyond all bounds.", where=made.where)
        spans = made.points[ends[:, 1].astype(np.int64)] - made.points[ends[:, 0].astype(np.int64)]
        short = ~(np.linalg.norm(spans, axis=1) > 0)
        if short.any():
            self.findings.warning("BEAM_WITHOUT_LENGTH", made.where, f"{int(short.sum())} beams have no length.")
            made.beams = made.beams[~short]
        if lattice.get("clippingmesh") is not None:
            self.findings.lose("beam lattice clipping", "Beams are kept whole.")

    def build(self, model: Model, build: Element) -> None:
        model.items = [self.reference(item, f"{self.part}, build item") for item in build.iter(f"{CORE}item")]
        if not self.is_root and model.items:
            model.items = []
            self.findings.error("BUILD_NOT_EMPTY", self.part, "A part that is not the root builds something.")

    def reference(self, entry: Element, where: str) -> Reference:
        number = identifier(entry, "objectid", where)
        extras: dict[str, object] = {}
        if entry.get("partnumber"):
            extras["partnumber"] = entry.get("partnumber")
        for group in entry.findall(f"{CORE}metadatagroup"):
            extras["metadata"] = self.metadata(group)
        return Reference(entry.get(f"{PRODUCTION}path", self.part), number, self.matrix(entry, where), "", extras)

    def matrix(self, entry: Element, where: str) -> np.ndarray:
        """Core 3.3."""
        made = np.eye(4)
        words = entry.get("transform")
        if words is None:
            return made
        try:
            numbers = np.array([float(word) for word in words.split()])
        except ValueError:
            numbers = np.zeros(0)
        if numbers.shape != (12,) or not (np.abs(numbers) < FARTHEST).all():
            raise FileMalformed("A transform is not of 12 numbers.", where=where)
        made[:, :3] = numbers.reshape(4, 3)
        if not np.linalg.det(made[:3, :3]):
            self.findings.warning("TRANSFORM_SINGULAR", where, "A transform flattens what it places.")
        return made


def _is_utf8(data: bytes) -> bool:
    declared = re.match(rb"\s*(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=[\"']([^\"']*)", data[:200])
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    return declared is None or declared[1].lower() in (b"utf-8", b"utf8")
