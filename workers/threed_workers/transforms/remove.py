"""Remove features by their kind."""

from __future__ import annotations

from collections.abc import Callable

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.document.indices import extension_objects
from threed_workers.textures.roles import SOURCES
from threed_workers.transforms._removals import geometry, looks, motion, scenes

_Remove = recipes_pb2.Remove
_REMOVERS: dict[int, Callable[[Document], None]] = {
    _Remove.ANIMATIONS: motion.animations,
    _Remove.SKINS: motion.skins,
    _Remove.MORPH_TARGETS: motion.morph_targets,
    _Remove.CAMERAS: scenes.cameras,
    _Remove.LIGHTS: scenes.lights,
    _Remove.TEXTURES: looks.textures,
    _Remove.VERTEX_COLORS: geometry.vertex_colors,
    _Remove.MATERIALS: looks.materials,
    _Remove.EXTRAS: scenes.extras,
    _Remove.VARIANTS: looks.variants,
    _Remove.TANGENTS: geometry.tangents,
    _Remove.OTHER_SCENES: scenes.other_scenes,
    _Remove.POINTS_AND_LINES: geometry.points_and_lines,
}

# What becomes fewer with each feature; what something else has of them goes along (inventory/consequences.py).
_LOOKS = "materials textures images samplers"
_MOTION = "animations channels keyframes extensions.KHR_animation_pointer"
_GEOMETRY = (
    "meshes primitives vertices points lines uv_sets color_sets joint_sets normals tangents custom_attributes "
    "morph_targets instances skins"
)
_CHANGES: dict[int, str] = {
    _Remove.ANIMATIONS: _MOTION,
    _Remove.SKINS: "skins joint_sets",
    _Remove.MORPH_TARGETS: f"morph_targets extras {_MOTION}",  # extras: names of targets
    _Remove.CAMERAS: f"cameras {_MOTION}",
    _Remove.LIGHTS: f"lights images extensions.EXT_lights_image_based {_MOTION}",
    _Remove.TEXTURES: f"textures images samplers {_MOTION} extensions.KHR_texture_transform "
    + " ".join(f"extensions.{name}" for name in SOURCES),
    _Remove.VERTEX_COLORS: "color_sets",
    _Remove.MATERIALS: f"variants extensions.MSFT_lod {_LOOKS} {_MOTION}",
    _Remove.EXTRAS: "extras units up",  # importers note the unit and the axis in extras
    _Remove.VARIANTS: f"variants {_LOOKS}",
    _Remove.TANGENTS: "tangents",
    _Remove.OTHER_SCENES: f"scenes nodes triangles cameras lights {_GEOMETRY} {_LOOKS} {_MOTION}",
    _Remove.POINTS_AND_LINES: f"{_GEOMETRY} {_LOOKS} {_MOTION}",
}


def changes(options: recipes_pb2.Remove) -> frozenset[str]:
    return frozenset(" ".join(_CHANGES[feature] for feature in options.features).split())


def apply(document: Document, options: recipes_pb2.Remove) -> Document:
    """Remove every feature that is named, and whatever has no use without it.

    What something unknown may refer to by its number stays, unused, with an issue UNKNOWN_EXTENSION_KEPT.
    """
    before = {name for name, _ in extension_objects(document)} | {edit.QUANTIZATION}
    for feature in options.features:
        _REMOVERS[feature](document)
    for name in [name for name in document.all("extensionsUsed") if name in before]:
        edit.unuse(document, name)
    return document
