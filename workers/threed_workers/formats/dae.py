"""COLLADA 1.4.1 and 1.5 (Khronos 2008): scenes, meshes, skins, morphs, materials, cameras, lights and animations.

The file's unit and up axis become a root node in metres, +Y up. Shader profiles other than profile_COMMON, physics,
kinematics and splines are left out. Nothing outside the upload is read: references to other files are counted as lost.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from threed_workers.budget import Budget
from threed_workers.document import Builder, Document
from threed_workers.document.checks import check
from threed_workers.document.model import Json
from threed_workers.formats.dae_animations import Animations
from threed_workers.formats.dae_geometry import Geometries
from threed_workers.formats.dae_nodes import Scenes
from threed_workers.formats.dae_skins import Controllers
from threed_workers.formats.dae_sources import Sources
from threed_workers.formats.dae_xml import Dae, parse, text_of, where_of
from threed_workers.formats.source import Source
from threed_workers.formats.xml import first_element

name = "dae"
media_type = "model/vnd.collada+xml"
extensions = (".dae", ".zae")
asset_type = "MODEL"

# Takes the axis that points up to +Y.
_TO_Y = {
    "X": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "Y": np.eye(3),
    "Z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}
_CREDITS = ("author", "authoring_tool", "comments", "copyright", "source_data")
_UNREAD = ("library_physics_scenes", "library_kinematics_scenes", "library_force_fields", "library_formulas")


def recognise(source: Source) -> bool:
    """The first element is <COLLADA>, in UTF-8 or UTF-16."""
    return first_element(source.data) == "COLLADA"


def read(source: Source, budget: Budget) -> Document:
    """A glTF scene per visual scene, the one that the file shows as the default."""
    dae = parse(source, budget)
    builder = Builder()
    _credit(builder, dae)
    sources = Sources(dae)
    geometries = Geometries(dae, builder, sources)
    metres, axis = _unit(dae), _axis(dae)
    builder.note_source(metres, axis)
    upright = np.eye(4)
    upright[:3, :3] = metres * _TO_Y[axis]
    scenes = Scenes(dae, builder, geometries, Controllers(dae, sources, geometries), upright)
    for visual_scene in _visual_scenes(dae):
        scenes.add(visual_scene)
    scenes.add_skins()
    Animations(dae, builder, sources, scenes.made).add()
    return _finished(dae, builder, budget)


def _finished(dae: Dae, builder: Builder, budget: Budget) -> Document:
    if "scenes" in builder.json:
        builder.json["scene"] = 0
    document = builder.finish()
    if not builder.json.get("meshes"):
        dae.findings.warning("MODEL_EMPTY", "", "The file shows no geometry.")
    for tag in _UNREAD:
        count = sum(len(library) for library in dae.root.iter(tag))
        if count:
            dae.findings.lose(tag.removeprefix("library_").replace("_", " "), "glTF has no counterpart.", count)
    dae.findings.report(document)
    check(document, budget)
    return document


def _visual_scenes(dae: Dae) -> list[Element]:
    """All of them, the one that is shown first. A file without any shows each geometry once."""
    found = list(dae.root.iter("visual_scene"))
    instance = dae.root.find("scene/instance_visual_scene")
    shown = dae.find(instance.get("url"), where_of(instance)) if instance is not None else None
    if found:
        return sorted(found, key=lambda scene: scene is not shown)
    made = Element("visual_scene")
    for geometry in dae.root.iter("geometry"):
        if geometry.get("id"):
            node = Element("node")
            node.append(Element("instance_geometry", {"url": f"#{geometry.get('id')}"}))
            made.append(node)
    if not len(made):
        return []
    text = "The file has no scene; each of its geometries is shown once."
    dae.findings.warning("SCENE_ASSUMED", "<COLLADA>", text)
    return [made]


def _axis(dae: Dae) -> str:
    """The axis that points up: X, Y or Z. +Y where the file does not say."""
    axis = text_of(dae.root.find("asset/up_axis")).upper().removesuffix("_UP")
    return axis if axis in _TO_Y else "Y"


def _unit(dae: Dae) -> float:
    """The length of the file's unit, metres."""
    unit = dae.root.find("asset/unit")
    try:
        metres = float((unit.get("meter") if unit is not None else None) or 1.0)
    except ValueError:
        metres = 0.0
    if not 1e-12 < metres < 1e12:
        dae.findings.warning("UNITS_ASSUMED", "<unit>", "The unit is no number of metres; metres are assumed.")
        return 1.0
    return metres


def _credit(builder: Builder, dae: Dae) -> None:
    """Who made the file, and with what."""
    asset: Json = builder.json["asset"]
    texts = {tag: text_of(dae.root.find(f"asset/contributor/{tag}"))[:1000] for tag in _CREDITS}
    texts |= {tag: text_of(dae.root.find(f"asset/{tag}"))[:1000] for tag in ("created", "modified", "title", "subject")}
    if texts["copyright"]:
        asset["copyright"] = texts["copyright"]
    kept = {tag: text for tag, text in texts.items() if text}
    if kept:
        asset["extras"] = {"collada": kept}
