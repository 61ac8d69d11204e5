"""The formats that can be read, one file each. To add one: write `<name>.py`, and add it to `ALL`.

A format is a module with what `Format` asks for. Content alone decides which one a file is; the order of `ALL` is the
order of asking, from formats with a signature to those that are recognised by their looks.
"""

from __future__ import annotations

from typing import Protocol

from threed.errors import FileEmpty
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.formats import exr, glb, gltf, hdr, jpeg, obj, ply, png, stl, webp
from threed_workers.formats.pillow import fitted
from threed_workers.formats.source import Source
from threed_workers.formats.unread import refuse
from threed_workers.picture import Picture


class Format(Protocol):
    """`asset_type` is MODEL, TEXTURE or ENVIRONMENT. `read` gives a Document for models, a Picture for the others."""

    name: str
    media_type: str
    extensions: tuple[str, ...]
    asset_type: str

    def recognise(self, source: Source) -> bool:
        """Is this content of the format? By looking at the bytes; the name of the file is not asked."""

    def read(self, source: Source, budget: Budget) -> Document | Picture:
        """Raises a FileRefused with `where` for everything that is wrong."""


ALL: tuple[Format, ...] = (glb, png, jpeg, webp, exr, hdr, ply, gltf, stl, obj)


def recognise(source: Source) -> Format:
    """The format of the content. Raises FileEmpty, or FileFormatUnknown with what it looks like."""
    if source.size == 0:
        raise FileEmpty("The file has no bytes. Upload it again.", where="byte 0")
    for format in ALL:
        if format.recognise(source):
            return format
    refuse(source)


__all__ = ["ALL", "Format", "Source", "fitted", "recognise"]
