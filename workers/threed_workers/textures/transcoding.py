"""KTX2 pictures of a document as PNG, for engines that read no other pictures."""

from __future__ import annotations

from threed_workers.budget import Budget
from threed_workers.document.model import Document, extension
from threed_workers.document.sources import EXTENSIONS
from threed_workers.textures import pixels, store
from threed_workers.textures.encodings import passing_png

_BASIS = EXTENSIONS[pixels.KTX2_TYPE]


def transcode(document: Document, budget: Budget) -> None:
    """Make each KTX2 picture a PNG that textures name as their `source`; what cannot be decoded stays.

    Whoever calls must be allowed the program of `textures.ktx2`.
    """
    turned = {number for number in range(len(document.all("images"))) if _turn(document, number, budget)}
    for texture in document.all("textures"):
        place = (extension(texture, _BASIS) or {}).get("source")
        if place in turned:
            texture["source"] = place
            del texture["extensions"][_BASIS]


def _turn(document: Document, number: int, budget: Budget) -> bool:
    if pixels.media_type(document.picture(number)) != pixels.KTX2_TYPE:
        return False
    found = store.transcoded(document, number, budget)
    if found is not None:
        store.put(document, number, passing_png(found.values), "image/png")
    return found is not None
