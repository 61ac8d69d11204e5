"""The formats that a document can be written in, one file each. To add one: write `<name>.py`, and add it to `EXPORTS`.

What each keeps and loses: docs/exports.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from threed_workers.document import Document
from threed_workers.exports import glb, gltf, obj, ply, points, stl, threemf, usdz
from threed_workers.exports.export import Export


class Exporter(Protocol):
    """A module with a name, a media type and the extension of the one file that it writes."""

    name: str
    media_type: str
    extension: str

    def write(self, document: Document, folder: Path, stem: str) -> Export:
        """Write `<stem>.<extension>` into `folder`, which is private. `stem` is a plain word (export.plain).

        The document is checked already, and stays as it is. Raises FileTooComplex beyond the budget, FileValuesInvalid
        for transforms that are not finite.
        """


EXPORTS: dict[str, Exporter] = {
    "glb": glb,
    "gltf": gltf,
    "obj": obj,
    "stl": stl,
    "ply": ply,
    "points": points,
    "3mf": threemf,
    "usdz": usdz,
}

__all__ = ["EXPORTS", "Export", "Exporter"]
