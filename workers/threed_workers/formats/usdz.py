"""USDZ: a stage and its pictures in a zip without compression, its first member being the stage (USDZ 1.3)."""

from __future__ import annotations

import posixpath
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

from threed.errors import FileMalformed
from threed_workers.budget import Budget
from threed_workers.document import Companions, Document
from threed_workers.formats import archive, usd
from threed_workers.formats.source import Source

name = "usdz"
media_type = "model/vnd.usdz+zip"
extensions = (".usdz",)
asset_type = "MODEL"

_LAYERS = (".usd", ".usda", ".usdc")
_STORED = 0


def recognise(source: Source) -> bool:
    """A zip whose first member is a layer, stored. One that is compressed is a bundle like any other."""
    if source.head[:4] != b"PK\x03\x04" or len(source.head) < 30:
        return False
    (method,), (length,) = struct.unpack_from("<H", source.head, 8), struct.unpack_from("<H", source.head, 26)
    first = source.head[30 : 30 + length].decode("utf-8", "replace")
    return method == _STORED and posixpath.splitext(first)[1].lower() in _LAYERS


def read(source: Source, budget: Budget) -> Document:
    """The stage of the first layer, with the package's files as its companions."""
    with TemporaryDirectory() as folder:
        files = archive.unpack(source, Path(folder) / "unpacked", budget)
        first = next(iter(files))
        stage = Source(files[first], first, Companions(files, posixpath.dirname(first)))
        if not usd.recognise(stage):
            raise FileMalformed("The package's first file is no layer of USD. Export it again.", where=first[:200])
        return usd.read(stage, budget)
