"""Remove features by their kind."""

from __future__ import annotations

from collections.abc import Callable

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.transforms._removals import geometry, looks, motion, scenes

CHANGES = frozenset(
    "animations channels keyframes skins joints joint_sets morph_targets cameras lights textures images image_pixels "
    "samplers color_sets materials extras variants tangents scenes nodes named_nodes meshes primitives points lines "
    "vertices uv_sets normals custom_attributes triangles instances names extensions".split()
)

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


def apply(document: Document, options: recipes_pb2.Remove) -> Document:
    """Remove every feature that is named, and whatever has no use without it.

    What something unknown may refer to by its number stays, unused, with an issue UNKNOWN_EXTENSION_KEPT.
    """
    for feature in options.features:
        _REMOVERS[feature](document)
    for name in list(document.all("extensionsUsed")):
        if name in edit.KNOWN or name.startswith("KHR_materials_"):
            edit.unuse(document, name)
    return document
