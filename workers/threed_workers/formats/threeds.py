"""3DS (3D Studio, Autodesk 1996): meshes, materials, smoothing groups, hierarchy, keyframes, cameras and lights.

The file is +Z up and names no unit: a root node turns it, and numbers are taken as metres. Keyframes run at 30 frames a
second and are joined by straight lines.
"""

from __future__ import annotations

import struct

from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue, loss
from threed_workers.document.checks import check
from threed_workers.document.model import Json
from threed_workers.formats.source import Source
from threed_workers.formats.threeds_chunks import HEADER
from threed_workers.formats.threeds_materials import add_material
from threed_workers.formats.threeds_meshes import Meshes
from threed_workers.formats.threeds_model import Scene, read_scene
from threed_workers.formats.threeds_nodes import add_nodes

name = "3ds"
media_type = "application/x-3ds"
extensions = (".3ds",)
asset_type = "MODEL"

_MAIN, _FIRST = 0x4D4D, (0x0002, 0x3D3D, 0x3D3E, 0xB000)


def recognise(source: Source) -> bool:
    """The main chunk, and in it one of those that come first. A TIFF of other byte order begins with "MM" too."""
    if source.size < 2 * HEADER:
        return False
    number, length, first, inner = struct.unpack_from("<HIHI", source.head)
    return number == _MAIN and first in _FIRST and HEADER <= inner <= length - HEADER


def read(source: Source, budget: Budget) -> Document:
    """A node per object under a root that turns +Z up to +Y up; a primitive per material."""
    scene = read_scene(source.data, budget)
    builder = Builder()
    issues: list[Json] = []
    materials = {
        title: add_material(builder, material, source.companions, budget, issues)
        for title, material in scene.materials.items()
    }
    add_nodes(builder, scene, Meshes(builder, materials, budget), budget)
    builder.note_source(1.0, "Z")
    document = builder.finish()
    document.issues += [*issues, *_remarks(scene)]
    document.losses += _losses(scene)
    check(document, budget)
    return document


def _remarks(scene: Scene) -> list[Json]:
    text = "3DS does not name its unit: metres are assumed. Scale the model if it comes out too large or too small."
    found = [issue("UNITS_ASSUMED", "INFO", "", text)]
    if not any(len(mesh.faces) for mesh in scene.meshes.values()):
        found.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no faces."))
    if scene.lamps:
        text = "3DS has no photometric units: a light of strength 1 became one of pi candelas, without falloff."
        found.append(issue("LIGHT_UNITS_ASSUMED", "INFO", "", text))
    return found


def _losses(scene: Scene) -> list[Json]:
    """What was counted while reading, and tracks that glTF cannot animate."""
    reasons = {"hidden object": "It is shown: core glTF has no hidden nodes."}
    found = [
        loss(what, count, reasons.get(what, "glTF has no counterpart.")) for what, count in sorted(scene.lost.items())
    ]
    eased = sum(track.eased for node in scene.nodes for track in node.tracks.values())
    if eased:
        found.append(
            loss("keyframe easing", eased, "Keys are joined by straight lines; tension and ease are left out.")
        )
    return found
