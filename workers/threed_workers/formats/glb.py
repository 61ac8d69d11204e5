"""glTF 2.0 in one binary file."""

from __future__ import annotations

from threed_workers.budget import Budget
from threed_workers.document import Document, read_glb
from threed_workers.document.checks import check
from threed_workers.document.sources import settle_pictures
from threed_workers.formats.source import Source

name = "glb"
media_type = "model/gltf-binary"
extensions = (".glb", ".vrm")
asset_type = "MODEL"


def recognise(source: Source) -> bool:
    return source.head.startswith(b"glTF")


def read(source: Source, budget: Budget) -> Document:
    """The document over the mapped file, checked."""
    document = read_glb(source.data, budget, source.companions)
    check(document, budget)
    settle_pictures(document)
    return document
