"""A world of X3D or VRML97 as a glTF document."""

from __future__ import annotations

from threed_workers.document import Builder, Document
from threed_workers.document.checks import check
from threed_workers.formats.x3d_animations import add_animations
from threed_workers.formats.x3d_model import World
from threed_workers.formats.x3d_nodes import Graph

_CREDITS = ("title", "creator", "description", "created", "modified", "generator", "license", "identifier", "reference")


def document_of(world: World) -> Document:
    """Raises a FileRefused for what cannot be read, and leaves the rest as issues and losses."""
    builder = Builder()
    if not 1e-12 < world.metres < 1e12:
        world.findings.warning("UNITS_ASSUMED", "UNIT", "The unit is no number of metres; metres are assumed.")
        world.metres = 1.0
    graph = Graph(world, builder)
    graph.add()
    add_animations(world, builder, graph)
    kept = {name: world.metadata[name] for name in _CREDITS if name in world.metadata}
    if kept:
        builder.json["asset"]["extras"] = {"x3d": kept}
    builder.note_source(world.metres, "Y")
    document = builder.finish()
    if not builder.json.get("meshes"):
        world.findings.warning("MODEL_EMPTY", "", "The file shows no geometry.")
    world.findings.report(document)
    check(document, world.budget)
    return document
