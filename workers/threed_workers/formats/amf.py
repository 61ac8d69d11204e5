"""AMF, the Additive Manufacturing File Format (ISO/ASTM 52915:2020), plain; zipped it comes as the one file of a zip.

Objects become meshes, volumes their primitives, constellations nodes. Millimetres (or what the file says) and +Z up
stay in the numbers, and one node turns and scales them. Curved triangles come in flat, with their normals; materials
that are mixtures or formulas are losses.
"""

from __future__ import annotations

import re

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document
from threed_workers.document.model import Json
from threed_workers.formats.amf_model import Amf, Instance, read_amf
from threed_workers.formats.amf_surfaces import Surfaces
from threed_workers.formats.findings import Findings
from threed_workers.formats.placement import placed
from threed_workers.formats.source import Source

name = "amf"
media_type = "application/x-amf"
extensions = (".amf",)
asset_type = "MODEL"

_METRES = {
    "millimeter": 1e-3,
    "inch": 0.0254,
    "feet": 0.3048,
    "foot": 0.3048,
    "meter": 1.0,
    "micrometer": 1e-6,
    "micron": 1e-6,
}
_ROOT = re.compile(r"(?s)\ufeff?\s*(<\?xml.{0,200}?\?>)?(\s|<!--.{0,3000}?-->)*<(\w+:)?amf[\s>]")
# Constellations within constellations.
MOST_NESTED = 100


def recognise(source: Source) -> bool:
    """XML whose first element is amf."""
    text = source.text_head()
    return text is not None and _ROOT.match(text) is not None


def read(source: Source, budget: Budget) -> Document:
    """A node per object or instance."""
    findings = Findings()
    model = read_amf(source.data, findings)
    if model.unit not in _METRES:
        raise FileFeatureUnsupported(f"The unit {model.unit[:40]!r} is none of {', '.join(_METRES)}.", where="amf")
    document = _Scene(model, budget, findings).document()
    findings.report(document)
    return document


class _Scene:
    def __init__(self, model: Amf, budget: Budget, findings: Findings):
        self.model, self.budget, self.findings = model, budget, findings
        self.builder = Builder()
        self.surfaces = Surfaces(self.builder, model, budget, findings)
        self.meshes: dict[str, int | None] = {}
        self.sizes: dict[str, tuple[int, int]] = {}

    def document(self) -> Document:
        inside = {link.id for links in self.model.constellations.values() for link in links}
        roots = [id_ for id_ in (*self.model.objects, *self.model.constellations) if id_ not in inside]
        if inside and not roots:
            raise FileValuesInvalid("Every constellation is a part of itself.", where="constellation")
        nodes = vertices = 0
        for id_ in roots:
            size = self.measure(id_, ())
            nodes, vertices = nodes + size[0], vertices + size[1]
            self.check_size(nodes, vertices, id_)
        children = [node for id_ in roots if (node := self.node(Instance(id_))) is not None]
        if children:
            unit = _METRES[self.model.unit]
            matrix = [0.0] * 16
            matrix[0], matrix[6], matrix[9], matrix[15] = unit, -unit, unit, 1.0
            upright = self.builder.add("nodes", {"matrix": matrix, "children": children})
            self.builder.json |= {"scenes": [{"nodes": [upright]}], "scene": 0}
        else:
            self.findings.warning("MODEL_EMPTY", "amf", "The file holds no geometry.")
        if self.model.metadata:
            self.builder.json["asset"]["extras"] = {"metadata": self.model.metadata}
        self.builder.note_source(_METRES[self.model.unit], "Z")
        return self.builder.finish()

    def measure(self, id_: str, above: tuple[str, ...]) -> tuple[int, int]:
        """(nodes, vertices) of what is placed, instances counted. Recursion is bounded by MOST_NESTED."""
        if id_ in above:
            raise FileValuesInvalid(f"Constellation {id_[:40]!r} is a part of itself.", where="constellation")
        if len(above) > MOST_NESTED:
            raise FileTooComplex(f"Constellations are nested more than {MOST_NESTED} deep.", where="constellation")
        if id_ not in self.sizes:
            if id_ in self.model.objects:
                self.sizes[id_] = 1, len(self.model.objects[id_].points)
            elif id_ in self.model.constellations:
                nodes, vertices = 1, 0
                for link in self.model.constellations[id_]:
                    size = self.measure(link.id, (*above, id_))
                    nodes, vertices = nodes + size[0], vertices + size[1]
                    self.check_size(nodes, vertices, id_)
                self.sizes[id_] = nodes, vertices
            else:
                message = f"An instance is of object {id_[:40]!r}, which is not there. Export the model again."
                raise FileMalformed(message, where="constellation")
        return self.sizes[id_]

    def check_size(self, nodes: int, vertices: int, id_: str) -> None:
        if nodes > self.budget.nodes or vertices > self.budget.drawn_vertices:
            limits = f"{self.budget.nodes} nodes or {self.budget.drawn_vertices} vertices"
            raise FileTooComplex(f"Instances unfold to more than {limits}.", where=f"constellation {id_[:40]!r}")

    def node(self, link: Instance) -> int | None:
        """The node of an object or constellation, with all below it; None when nothing of it is shown."""
        metadata = dict(self.model.metadata_of.get(link.id, {}))
        content: Json = {"name": metadata.pop("name")} if metadata.get("name") else {}
        if link.id in self.model.constellations:
            inside = self.model.constellations[link.id]
            children = [node for each in inside if (node := self.node(each)) is not None]
            if not children:
                return None
            content["children"] = children
        else:
            if link.id not in self.meshes:
                self.meshes[link.id] = self.mesh(link.id, content.get("name"))
            if self.meshes[link.id] is None:
                return None
            content["mesh"] = self.meshes[link.id]
        if metadata:
            content["extras"] = {"metadata": metadata}
        return placed(self.builder, content, link.matrix)

    def mesh(self, id_: str, name: str | None) -> int | None:
        primitives = self.surfaces.primitives_of(self.model.objects[id_])
        if not primitives:
            return None
        return self.builder.add("meshes", ({"name": name} if name else {}) | {"primitives": primitives})
