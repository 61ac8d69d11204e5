"""3MF (3MF Consortium, Core Specification 1.3), with the extensions for materials, production and beam lattices.

What the build lists comes in, as nodes; an object that is built twice is one mesh. Millimetres (or what the file says)
and +Z up stay in the numbers, and one node turns and scales them. Rules of the specification that do not stand in the
way are reported as errors, the others refuse the file. Slices, sets of triangles, volumes and print settings are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from threed.errors import FileMalformed, FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document
from threed_workers.document.model import Json
from threed_workers.formats import archive
from threed_workers.formats.findings import Findings
from threed_workers.formats.placement import placed
from threed_workers.formats.source import Source
from threed_workers.formats.threemf_model import Model, Object, Reference, read_model
from threed_workers.formats.threemf_package import Parts, check_model_part, key, looks_like_3mf, opened, start_part
from threed_workers.formats.threemf_surfaces import Surfaces

name = "3mf"
media_type = "model/3mf"
extensions = (".3mf",)
asset_type = "MODEL"

# Components within components.
MOST_NESTED = 100
_SUPPORT = ("support", "solidsupport")


def recognise(source: Source) -> bool:
    """A zip with content types and a model in it."""
    return archive.is_zip(source) and looks_like_3mf(archive.names(source))


def read(source: Source, budget: Budget) -> Document:
    """A node per build item and component, a mesh per object."""
    findings = Findings()
    with opened(source, budget, findings) as parts:
        models = _models(parts, start_part(parts), findings)
        document = _Scene(models, parts, budget, findings).document()
        others = [part for part in parts.others() if not part.endswith("/")]
        findings.lose(
            "other parts of the package", "Thumbnails, print settings and the like are not read.", len(others)
        )
    findings.report(document)
    return document


def _models(parts: Parts, start: str, findings: Findings) -> dict[str, Model]:
    """The root model first, and those that it names by path (production extension), by key."""
    found: dict[str, Model] = {}
    waiting = [start]
    while waiting:
        part = waiting.pop(0)
        if key(part) in found:
            continue
        if part not in parts:
            raise FileMalformed(f"The model part {part[-80:]!r} is not in the package.", where=start)
        check_model_part(parts, part)
        model = found[key(part)] = read_model(parts.read(part), part, findings, is_root=not found)
        waiting += sorted({link.part for link in _references(model)})
    return found


def _references(model: Model) -> Iterator[Reference]:
    yield from model.items
    for made in model.objects.values():
        yield from made.components


@dataclass
class _Extent:
    """How much an object is when everything in it is placed."""

    nodes: int = 1
    vertices: int = 0
    types: set[str] = field(default_factory=set)


class _Scene:
    def __init__(self, models: dict[str, Model], parts: Parts, budget: Budget, findings: Findings):
        self.models, self.parts, self.budget, self.findings = models, parts, budget, findings
        self.root = next(iter(models.values()))
        self.builder = Builder()
        self.surfaces = Surfaces(self.builder, parts, budget, findings)
        self.meshes: dict[tuple[str, int], int | None] = {}

    def document(self) -> Document:
        self.check_extent()
        items = [node for item in self.root.items if (node := self.node(item, self.root)) is not None]
        if items:
            matrix = [0.0] * 16
            unit = self.root.unit
            matrix[0], matrix[6], matrix[9], matrix[15] = unit, -unit, unit, 1.0
            upright = self.builder.add("nodes", {"name": "build", "matrix": matrix, "children": items})
            scene: Json = {"nodes": [upright]}
            if self.root.metadata.get("Title"):
                scene["name"] = self.root.metadata["Title"]
            self.builder.json |= {"scenes": [scene], "scene": 0}
        else:
            self.findings.warning("MODEL_EMPTY", self.root.part, "The build lists nothing that can be shown.")
        asset = self.builder.json["asset"]
        if self.root.metadata:
            asset["extras"] = {"metadata": self.root.metadata}
        if self.root.metadata.get("Copyright"):
            asset["copyright"] = self.root.metadata["Copyright"]
        self.builder.note_source(self.root.unit, "Z")
        return self.builder.finish()

    def object(self, link: Reference) -> Object:
        model = self.models[key(link.part)]
        found = model.objects.get(link.id)
        if found is None:
            message = f"Object {link.id} is placed, and is not in {link.part[-80:]!r}. Export the model again."
            raise FileMalformed(message, where=link.part)
        return found

    # ------------------------------------------------------------ how much it is

    def check_extent(self) -> None:
        """Refuse cycles, and what unfolds beyond the budget, before anything is made of it."""
        extents: dict[tuple[str, int], _Extent] = {}
        whole = _Extent()
        for item in self.root.items:
            self.measure(item, extents)
            self.enlarge(whole, extents[key(item.part), item.id], item)
            if "other" in extents[key(item.part), item.id].types:
                message = f"Object {item.id} is built, and is of type other, or has a component that is."
                raise FileMalformed(message, where=self.root.part)

    def measure(self, link: Reference, extents: dict[tuple[str, int], _Extent]) -> None:
        """Extents of an object and all below it, deepest first, without recursion."""
        path: list[tuple[Reference, Iterator[Reference]]] = []
        open_: set[tuple[str, int]] = set()
        waiting: Reference | None = link
        while True:
            if waiting is not None and (key(waiting.part), waiting.id) not in extents:
                place = key(waiting.part), waiting.id
                if place in open_:
                    raise FileValuesInvalid(f"Object {waiting.id} is a component of itself.", where=waiting.part)
                if len(path) >= MOST_NESTED:
                    message = f"Components are nested more than {MOST_NESTED} deep. Flatten the model."
                    raise FileTooComplex(message, where=waiting.part)
                open_.add(place)
                path.append((waiting, iter(self.object(waiting).components)))
            if not path:
                return
            top, rest = path[-1]
            waiting = next(rest, None)
            if waiting is None:
                path.pop()
                place = key(top.part), top.id
                open_.discard(place)
                extents[place] = self.extent(top, extents)

    def extent(self, link: Reference, extents: dict[tuple[str, int], _Extent]) -> _Extent:
        made = self.object(link)
        found = _Extent(vertices=len(made.points), types=set() if made.components else {made.type})
        for child in made.components:
            self.enlarge(found, extents[key(child.part), child.id], child)
        return found

    def enlarge(self, whole: _Extent, part: _Extent, link: Reference) -> None:
        # A transform may take two nodes.
        whole.nodes += part.nodes + 1
        whole.vertices += part.vertices
        whole.types |= part.types
        if whole.nodes > self.budget.nodes or whole.vertices > self.budget.drawn_vertices:
            raise FileTooComplex(
                f"Placed components are more than {self.budget.nodes} nodes or {self.budget.drawn_vertices} vertices.",
                where=link.part,
            )

    # ------------------------------------------------------------ nodes

    def node(self, link: Reference, placing: Model) -> int | None:
        """The node of an object that `placing` places, with all below it; None when nothing of it is shown.

        Recursion is bounded by MOST_NESTED.
        """
        made = self.object(link)
        if made.components:
            inside = self.models[key(link.part)]
            children = [child for each in made.components if (child := self.node(each, inside)) is not None]
            content: Json | None = {"children": children} if children else None
        else:
            mesh = self.mesh(link, made)
            content = {"mesh": mesh} if mesh is not None else None
        if content is None:
            return None
        if made.name:
            content["name"] = made.name
        extras = link.extras | ({"object": made.extras} if made.components and made.extras else {})
        if extras:
            content["extras"] = extras
        # Numbers are in the unit of the root, since the one node above all scales by that.
        matrix = link.transform.T.copy()
        matrix[:3, 3] *= placing.unit / self.root.unit
        return placed(self.builder, content, matrix)

    def mesh(self, link: Reference, made: Object) -> int | None:
        place = key(link.part), link.id
        if place not in self.meshes:
            self.meshes[place] = self.new_mesh(self.models[place[0]], made)
        if made.type in _SUPPORT:
            self.findings.lose("support structures", "They help to print the model, and are no part of it.")
        return self.meshes[place]

    def new_mesh(self, model: Model, made: Object) -> int | None:
        if made.type in _SUPPORT:
            return None
        primitives = self.surfaces.primitives_of(model, made, model.unit / self.root.unit)
        if not primitives:
            return None
        named: Json = {"name": made.name} if made.name else {}
        if made.extras:
            named["extras"] = made.extras
        return self.builder.add("meshes", {**named, "primitives": primitives})
