"""JPEG pictures, baseline and progressive."""

from __future__ import annotations

from PIL.Image import Image

from threed_workers.budget import Budget
from threed_workers.formats.pillow import opened
from threed_workers.formats.source import Source
from threed_workers.picture import Picture, check, media_type_of, probe

name = "jpeg"
media_type = "image/jpeg"
extensions = (".jpg", ".jpeg")
asset_type = "TEXTURE"


def recognise(source: Source) -> bool:
    return media_type_of(source.data) == media_type


def read(source: Source, budget: Budget) -> Picture:
    """What the header says, within the budget."""
    picture = probe(source.data, "byte 0")
    check(picture, budget, "byte 0")
    return picture


def preview(source: Source, longest_px: int) -> Image:
    """The decoded picture, RGB or RGBA, its longest edge at most `longest_px`. Raises FileMalformed."""
    return opened(source, longest_px)
