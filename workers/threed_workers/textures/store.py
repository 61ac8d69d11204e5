"""Pictures of a document, put in and out."""

from __future__ import annotations

import numpy as np

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document.model import Document, issue
from threed_workers.picture import Picture
from threed_workers.textures import ktx2
from threed_workers.textures.ktx2.decoding import decoded
from threed_workers.textures.pixels import KTX2_TYPE, Pixels, decode, media_type, size_of


def header(document: Document, image: int, budget: Budget) -> Picture | None:
    """What a picture declares. None, with an issue, when it is none that is decoded here: it stays as it is."""
    where = f"/images/{image}"
    try:
        picture = size_of(document.picture(image), budget, where)
    except FileRefused as refusal:
        _keep(document, where, refusal.message)
        return None
    if picture.file_format in ("png", "jpeg", "webp", "avif"):
        return picture
    _keep(document, where, f"{picture.file_format} is not decoded here.")
    return None


def get(document: Document, image: int, budget: Budget) -> Pixels | None:
    """The pixels of a picture, and an issue about a colour space that is dropped with it. None as `header`."""
    where = f"/images/{image}"
    try:
        pixels = decode(document.picture(image), budget, where)
    except FileRefused as refusal:
        _keep(document, where, refusal.message)
        return None
    if pixels.profile:
        text = f"The picture asks for {pixels.profile}; glTF takes its numbers as sRGB or linear, so that is dropped."
        document.issues.append(issue("TEXTURE_PROFILE_DROPPED", "INFO", where, text))
    return pixels


def transcoded(document: Document, image: int, budget: Budget) -> Pixels | None:
    """As `get`, KTX2 of Basis Universal included, where the program for it is installed and may be run."""
    data, where = document.picture(image), f"/images/{image}"
    if media_type(data) != KTX2_TYPE:
        return get(document, image, budget)
    try:
        size_of(data, budget, where)
    except FileRefused as refusal:
        _keep(document, where, refusal.message)
        return None
    found = decoded(data)
    if found is None:
        _keep(document, where, ktx2.available() or "it is no KTX2 of Basis Universal, or is broken.")
        return None
    return Pixels(np.asarray(found), KTX2_TYPE, lossless=False)


def put(document: Document, image: int, data: bytes, kind: str) -> None:
    """Give an image other bytes of a media type. Where they were in the buffer they stay until `edit.collect`."""
    entry = document.all("images")[image]
    for key in ("uri", "bufferView"):
        entry.pop(key, None)
    entry["mimeType"] = kind
    document.pictures[image] = memoryview(data)


def _keep(document: Document, where: str, why: str) -> None:
    text = f"The picture stays as it is: {why}"
    document.issues.append(issue("TEXTURE_KEPT", "WARNING", where, text))
