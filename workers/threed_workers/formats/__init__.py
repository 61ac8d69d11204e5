"""The formats that can be read, one file each. To add one: write `<name>.py`, and add it to `ALL`.

A format is a module with what `Format` asks for. Content alone decides which one a file is; the order of `ALL` is the
order of asking, from formats with a signature to those that are recognised by their looks.
"""

from __future__ import annotations

from typing import Protocol

from threed.errors import FileEmpty
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.formats import (
    amf,
    dae,
    e57,
    exr,
    fbx,
    glb,
    gltf,
    hdr,
    jpeg,
    las,
    obj,
    off,
    ply,
    png,
    step,
    stl,
    threeds,
    threemf,
    usd,
    usdz,
    vrml,
    webp,
    x3d,
)
from threed_workers.formats.pillow import fitted
from threed_workers.formats.source import Source
from threed_workers.formats.unread import refuse
from threed_workers.picture import Picture


class Format(Protocol):
    """`asset_type` is MODEL, TEXTURE or ENVIRONMENT. `read` gives a Document for models, a Picture for the others.

    One whose models are made of several files of its own may have `roots(files, names, budget)` too: those of `names`
    that no other refers to.
    """

    name: str
    media_type: str
    extensions: tuple[str, ...]
    asset_type: str

    def recognise(self, source: Source) -> bool:
        """Is this content of the format? By looking at the bytes; the name of the file is not asked."""

    def read(self, source: Source, budget: Budget) -> Document | Picture:
        """Raises a FileRefused with `where` for everything that is wrong."""


ALL: tuple[Format, ...] = (
    *(glb, threemf, usdz, usd, fbx, png, jpeg, webp, exr, hdr, ply, threeds, vrml, off, amf, dae, x3d, step, las, e57),
    *(gltf, stl, obj),
)

# Those that are zips of their own. They are asked before a zip is taken for a bundle of a model and its companions.
PACKAGES: tuple[Format, ...] = (threemf, usdz)


def package(source: Source) -> Format | None:
    """The format that this zip is by itself, or None."""
    return next((format for format in PACKAGES if format.recognise(source)), None)


def recognise(source: Source) -> Format:
    """The format of the content. Raises FileEmpty, or FileFormatUnknown with what it looks like."""
    if source.size == 0:
        raise FileEmpty("The file has no bytes. Upload it again.", where="byte 0")
    for format in ALL:
        if format.recognise(source):
            return format
    refuse(source)


__all__ = ["ALL", "PACKAGES", "Format", "Source", "fitted", "package", "recognise"]
