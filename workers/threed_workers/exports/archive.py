"""Zip files that are the same for the same content: no times, no machine's attributes."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
# Deflate 43 MiB of OBJ: level 6, 3.7 s and 5.6 MiB; 4, 1.4 s and 5.9 MiB; 1, 1.0 s and 8.3 MiB.
_LEVEL = 4


class Archive:
    """A zip under construction; use it as a context manager."""

    def __init__(self, target: Path):
        self._zip = zipfile.ZipFile(target, "w", allowZip64=True)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def add(self, name: str, *pieces: bytes | memoryview, packed: bool = True) -> None:
        """A file from memory. `packed`: deflate it; pictures are packed already."""
        with self._zip.open(_entry(name, packed), "w", force_zip64=sum(map(len, pieces)) >= 1 << 31) as out:
            for piece in pieces:
                out.write(piece)

    def add_file(self, name: str, source: Path) -> None:
        """A file from disk, deflated."""
        with source.open("rb") as file, self._zip.open(_entry(name, True), "w", force_zip64=True) as out:
            shutil.copyfileobj(file, out, 1 << 20)


def _entry(name: str, packed: bool) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    entry._compresslevel = _LEVEL  # the only way to say it for a stream before Python 3.13, which still takes it
    entry.external_attr = 0o644 << 16
    return entry
