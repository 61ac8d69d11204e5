"""The one in-memory glTF document that everything reads and writes: parsed JSON and bytes, nothing else.

No library stands between a glTF file and its copy, because every one that was tried loses something (trimesh: skins,
animations, extensions; pygltflib: node weights, sparse offsets). Keys, extensions and extras that nobody here knows
survive, since nobody touches them.
"""

from __future__ import annotations

from threed_workers.document.accessors import blocks, layout, read, read_floats
from threed_workers.document.bounds import Bounds, bounds
from threed_workers.document.build import Builder
from threed_workers.document.companions import Companions
from threed_workers.document.glb import read_glb, write_glb
from threed_workers.document.gltf import read_gltf
from threed_workers.document.model import Document, issue, loss
from threed_workers.document.packing import Packed, pack

__all__ = [
    "Bounds",
    "Builder",
    "Companions",
    "Document",
    "Packed",
    "blocks",
    "bounds",
    "issue",
    "layout",
    "loss",
    "pack",
    "read",
    "read_floats",
    "read_glb",
    "read_gltf",
    "write_glb",
]
