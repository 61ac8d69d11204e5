"""glTF 2.0 as JSON text, with its data embedded or in files beside it (in a zip)."""

from __future__ import annotations

from threed_workers.budget import Budget
from threed_workers.document import Document, read_gltf
from threed_workers.document.checks import check
from threed_workers.document.sources import settle_pictures
from threed_workers.formats.source import Source

name = "gltf"
media_type = "model/gltf+json"
extensions = (".gltf",)
asset_type = "MODEL"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def recognise(source: Source) -> bool:
    """A JSON object. That it is glTF, the reader finds out, and says what is missing."""
    return source.head.removeprefix(_BYTE_ORDER_MARK).lstrip(b" \t\r\n").startswith(b"{")


def read(source: Source, budget: Budget) -> Document:
    """The document, checked. Companions are looked up in the upload only."""
    document = read_gltf(source.data, budget, source.companions)
    check(document, budget)
    settle_pictures(document)
    return document
