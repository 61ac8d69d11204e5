"""The steps of a recipe: `Recipe(steps=[recipes.step(Weld()), recipes.step(Simplify(ratio=0.5))])`."""

from __future__ import annotations

import re

import betterproto2

from threed_client._gen.threed.v1 import (
    Atlas,
    CleanAttributes,
    Dedup,
    Draco,
    Flatten,
    Instance,
    Join,
    Lod,
    LodOutput,
    Meshopt,
    MeshoptFilter,
    Normals,
    Palette,
    Prune,
    Quantize,
    Recenter,
    RecenterPivot,
    Remove,
    RemoveFeature,
    Reorder,
    ReorderTarget,
    Resample,
    Scale,
    Simplify,
    Step,
    Tangents,
    TextureEncode,
    TextureEncodeEncoding,
    TextureResize,
    Trim,
    Unlit,
    Unweld,
    Weld,
)

__all__ = [
    "Atlas",
    "CleanAttributes",
    "Dedup",
    "Draco",
    "Flatten",
    "Instance",
    "Join",
    "Lod",
    "LodOutput",
    "Meshopt",
    "MeshoptFilter",
    "Normals",
    "Palette",
    "Prune",
    "Quantize",
    "Recenter",
    "RecenterPivot",
    "Remove",
    "RemoveFeature",
    "Reorder",
    "ReorderTarget",
    "Resample",
    "Scale",
    "Simplify",
    "Tangents",
    "TextureEncode",
    "TextureEncodeEncoding",
    "TextureResize",
    "Trim",
    "Unlit",
    "Unweld",
    "Weld",
    "step",
]


def step(what: betterproto2.Message) -> Step:
    """A step of a recipe from its settings. Raises TypeError for a message that is no step."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(what).__name__).lower()
    return Step(**{name: what})
