"""The features that are counted: how each is called, and how bad it is when it becomes fewer. One table."""

from __future__ import annotations

from typing import NamedTuple

INFO, WARNING, ERROR = "INFO", "WARNING", "ERROR"


class Feature(NamedTuple):
    """`some` and `all` are the severities when a part of it, or the whole, is gone and no step says so.

    ERROR is what can be seen, or what the document can no longer do; WARNING is what only its authors miss; INFO is a
    way of storing the same values.
    """

    meaning: str
    some: str
    all: str


FEATURES: dict[str, Feature] = {
    "scenes": Feature("scenes", WARNING, ERROR),
    "nodes": Feature("nodes", WARNING, ERROR),
    "named_nodes": Feature("nodes with a name", WARNING, WARNING),
    "names": Feature("names of anything but accessors, buffer views and buffers", WARNING, WARNING),
    "extras": Feature("extras of anything but buffers", WARNING, WARNING),
    "meshes": Feature("meshes", WARNING, ERROR),
    "primitives": Feature("primitives of all meshes", WARNING, ERROR),
    "vertices": Feature("vertices of all primitives, each primitive for itself", WARNING, ERROR),
    "triangles": Feature("triangles of all primitives", ERROR, ERROR),
    "lines": Feature("line segments of all primitives", ERROR, ERROR),
    "points": Feature("points of all primitives", ERROR, ERROR),
    "uv_sets": Feature("TEXCOORD_n of all primitives", WARNING, ERROR),
    "uv_sets_max": Feature("TEXCOORD_n of the primitive with most of them", ERROR, ERROR),
    "color_sets": Feature("COLOR_n of all primitives", ERROR, ERROR),
    "normals": Feature("primitives with NORMAL", WARNING, ERROR),
    "tangents": Feature("primitives with TANGENT", WARNING, WARNING),
    "joint_sets": Feature("JOINTS_n of all primitives", ERROR, ERROR),
    "custom_attributes": Feature("attributes whose name begins with _, of all primitives", WARNING, WARNING),
    "morph_targets": Feature("morph targets of all meshes", ERROR, ERROR),
    "materials": Feature("materials", ERROR, ERROR),
    "textures": Feature("textures", WARNING, ERROR),
    "images": Feature("pictures", ERROR, ERROR),
    "image_pixels": Feature("pixels of all pictures", WARNING, ERROR),
    "samplers": Feature("texture samplers", WARNING, WARNING),
    "animations": Feature("animations", ERROR, ERROR),
    "channels": Feature("channels of all animations", ERROR, ERROR),
    "keyframes": Feature("keys of all animation samplers", WARNING, ERROR),
    "skins": Feature("skins", ERROR, ERROR),
    "joints": Feature("nodes that are a joint", ERROR, ERROR),
    "cameras": Feature("cameras", WARNING, WARNING),
    "lights": Feature("lights of KHR_lights_punctual", ERROR, ERROR),
    "variants": Feature("variants of KHR_materials_variants", WARNING, WARNING),
    "instances": Feature("instances of EXT_mesh_gpu_instancing", ERROR, ERROR),
    "accessors": Feature("accessors", INFO, INFO),
    "sparse_accessors": Feature("accessors that store only what differs", INFO, INFO),
    "extensions": Feature("uses of an extension", WARNING, WARNING),
    "units": Feature("the unit of the source", WARNING, WARNING),
    "up": Feature("the upward axis of the source", WARNING, WARNING),
}

# Extensions that only store the same values otherwise, and those without which the picture is another. The rest is
# judged as "extensions" above.
_STORAGE = ("EXT_meshopt_compression", "KHR_draco_mesh_compression", "KHR_mesh_quantization", "KHR_meshopt_compression")
_SEEN = ("KHR_materials_", "KHR_texture_transform", "KHR_lights_", "EXT_lights_", "EXT_mesh_gpu_instancing")
_SEEN += ("KHR_node_visibility", "KHR_animation_pointer", "VRM", "MToon")
PREFIX = "extensions."


def feature(name: str) -> Feature:
    """The entry of a name that an inventory has; "extensions.KHR_x" are told apart by what the extension does."""
    if not name.startswith(PREFIX):
        return FEATURES[name]
    extension = name.removeprefix(PREFIX)
    severity = INFO if extension in _STORAGE else ERROR if extension.startswith(_SEEN) else WARNING
    if extension == "KHR_materials_variants":
        severity = WARNING
    return Feature(f"uses of the extension {extension}", severity, severity)
