"""The files that came with the main one, by the relative name a URI would use.

A URI is looked up in this table and nowhere else: no path of the file system is ever made from one.
"""

from __future__ import annotations

import mmap
import posixpath
import weakref
from dataclasses import dataclass, field
from pathlib import Path

from threed.errors import FileCompanionMissing, FileRefused
from threed_workers.document.uris import relative


@dataclass(frozen=True)
class Companions:
    """`files` maps names within the upload ("textures/wood.png") to private files; `base` is the main file's folder."""

    files: dict[str, Path] = field(default_factory=dict)
    base: str = ""

    def read(self, uri: str, where: str) -> memoryview:
        """The bytes that `uri` refers to. Raises FileUriForbidden or FileCompanionMissing."""
        path = self.find(relative(uri, where))
        if path is None:
            raise FileCompanionMissing(
                f"The file needs {uri!r}, which was not uploaded with it. Upload a zip that holds both.",
                where=where,
                uri=uri,
            )
        return mapped(path)

    def find(self, name: str) -> Path | None:
        """The file of that relative name; upper and lower case may differ when nothing fits exactly."""
        wanted = posixpath.normpath(posixpath.join(self.base, name))
        if wanted in self.files:
            return self.files[wanted]
        alike = [path for other, path in self.files.items() if other.lower() == wanted.lower()]
        return alike[0] if len(alike) == 1 else None

    def nearby(self, path: str) -> memoryview | None:
        """The bytes of the companion that `path`, of whatever machine, most likely means; None when there is none.

        First the name itself, then its last part, in any folder if that is unique.
        """
        try:
            found = self.find(relative(path, ""))
        except FileRefused:
            found = None
        last = path.replace("\\", "/").rsplit("/", 1)[-1].strip()
        if found is None and last:
            found = self.find(last)
        if found is None and last:
            alike = [file for name, file in self.files.items() if posixpath.basename(name).lower() == last.lower()]
            found = alike[0] if len(alike) == 1 else None
        return mapped(found) if found is not None else None


# A map keeps its file open (until Python 3.13), and a child may have 256 files open; small files are not worth one.
_MOST_MAPS, _WORTH_A_MAP = 128, 1 << 20
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def mapped(path: Path) -> memoryview:
    """The bytes of a file; large ones are mapped, so that a gigabyte costs no memory before it is read."""
    with path.open("rb") as file:
        if path.stat().st_size < _WORTH_A_MAP or len(_maps) >= _MOST_MAPS:
            return memoryview(file.read())
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _maps.add(view)
        return memoryview(view)
