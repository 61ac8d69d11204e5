"""An FBX scene as a glTF document: the order of the work."""

from __future__ import annotations

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions, Document
from threed_workers.fbx.animations import add_animations
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.hierarchy import add_nodes
from threed_workers.fbx.meshes import add_meshes
from threed_workers.fbx.node import Ledger, Node
from threed_workers.fbx.objects import Objects, read_objects
from threed_workers.fbx.optics import add_cameras_and_lights
from threed_workers.fbx.takes import read_takes
from threed_workers.fbx.textures import Pictures
from threed_workers.fbx.units import read_units
from threed_workers.formats.findings import Findings

# Animations times objects: each animation looks at each object.
_MOST_TAKEN = 20_000_000
_NOT_CARRIED = {
    "Constraint": ("constraints", "glTF has none; bake them into keys before exporting."),
    "Cache": ("point_caches", "Point caches are files of their own, which are not read."),
    "Audio": ("sounds", "glTF has none."),
    "AudioLayer": ("sound_layers", "glTF has none."),
    "CollectionExclusive": ("display_layers", "glTF has none."),
    "SelectionSet": ("selection_sets", "glTF has none."),
    "Character": ("characters", "Rigs of characters stay as their joints."),
}


def convert(version: int, tree: Node, companions: Companions, budget: Budget, ledger: Ledger) -> Document:
    """The document of a tree. Raises FileRefused for what is impossible; everything odd becomes an issue."""
    findings = Findings()
    objects = read_objects(version, tree)
    pictures = Pictures(companions.files, companions.base)
    conversion = Conversion(objects, read_units(objects.settings, findings), pictures, budget, ledger, findings)
    asset = conversion.builder.json["asset"]
    asset["extras"] = {"threed": {**conversion.units.extras(), "source_version": version}}
    conversion.takes = read_takes(objects)
    if len(conversion.takes) * len(objects.objects) > _MOST_TAKEN:
        text = (
            f"{len(conversion.takes)} animations of {len(objects.objects)} objects are too many. Export fewer at once."
        )
        raise FileTooComplex(text, where="Takes")
    add_nodes(conversion)
    add_meshes(conversion)
    add_cameras_and_lights(conversion)
    add_animations(conversion)
    _give_joints_a_root(conversion.builder)
    _count_what_stays_behind(conversion, objects)
    document = conversion.builder.finish()
    if not document.all("meshes"):
        findings.warning("MODEL_EMPTY", "", "The file holds no geometry.")
    findings.report(document)
    return document


def _give_joints_a_root(builder: Builder) -> None:
    """Put everything below one node where a skin's joints have no ancestor in common (glTF 2.0 section 3.7.3.1)."""
    nodes = builder.json.get("nodes") or []
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children", [])}
    top = list(range(len(nodes)))
    for number in range(len(nodes)):
        path = []
        while number in parents and top[number] == number:
            path.append(number)
            number = parents[number]
        for passed in path:
            top[passed] = top[number]
    if any(len({top[joint] for joint in skin["joints"]}) > 1 for skin in builder.json.get("skins", [])):
        roots = [number for number in range(len(nodes)) if number not in parents]
        builder.add("nodes", {"name": "root", "children": roots})


def _count_what_stays_behind(conversion: Conversion, objects: Objects) -> None:
    for kind, (feature, reason) in _NOT_CARRIED.items():
        conversion.lose(feature, reason, sum(1 for _ in objects.of(kind)))
