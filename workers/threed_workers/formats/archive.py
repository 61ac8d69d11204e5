"""Unpack a zip into the private folder: counted, bounded, and under names that we choose.

No name from the archive ever becomes a path. Members are written as `0`, `1`, `2`, ..., and a table keeps which name
each one had; companions are looked up there (document/companions.py).
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from threed.errors import (
    FileEmpty,
    FileFeatureUnsupported,
    FileMalformed,
    FileRefused,
    FileTooComplex,
    FileUriForbidden,
)
from threed_workers.budget import Budget
from threed_workers.formats.source import Source

_CHUNK = 1 << 20
_END = b"PK\x05\x06"
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What systems add by themselves.
_LITTER = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


def is_zip(source: Source) -> bool:
    """A zip begins with a member, or is an empty one. What merely ends like a zip is what it begins with."""
    return source.head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def unpack(source: Source, folder: Path, budget: Budget) -> dict[str, Path]:
    """Names within the archive to files in `folder`. Raises for every member that is not plain, before writing any."""
    with opened(source, budget) as package:
        folder.mkdir()
        files = {}
        for number, name in enumerate(package.names):
            target = folder / str(number)
            with target.open("xb") as file:
                for chunk in package.chunks(name):
                    file.write(chunk)
            files[name] = target
        return files


@contextmanager
def opened(source: Source, budget: Budget) -> Iterator[Package]:
    """The members of a zip, to be read where they lie: for formats that are zips of their own (3MF, USDZ).

    Everything that `unpack` raises is raised here too, or while the members are read.
    """
    _check_directory_size(source, budget)
    with _sound():
        archive = zipfile.ZipFile(source.path)
    with archive:
        with _sound():
            members = _checked(archive, source, budget)
        yield Package(archive, members, budget)


def names(source: Source) -> list[str]:
    """The names in a zip as they stand, in its own order, for recognising it; none when it has no sound directory."""
    try:
        _check_directory_size(source, Budget())
        with _sound(), zipfile.ZipFile(source.path) as archive:
            return archive.namelist()
    except FileRefused:
        return []


@contextmanager
def _sound() -> Iterator[None]:
    """What zipfile throws at a broken archive, as a refusal."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError) as error:
        raise FileMalformed(f"The zip does not unpack: {error}. Zip it again.", where="archive") from None


class Package:
    """A zip that is open. Bytes are counted as they come, over all reads, since headers lie."""

    def __init__(self, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], budget: Budget):
        self._archive, self._budget, self._left = archive, budget, budget.archive_bytes
        self._members = {member.filename: member for member in members}

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def read(self, name: str) -> bytes:
        """The bytes of one member."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of one member, in pieces."""
        member = self._members[name]
        ceiling = max(self._budget.archive_ratio_from, member.compress_size * self._budget.archive_ratio)
        with _sound(), self._archive.open(member) as stream:
            while chunk := stream.read(_CHUNK):
                ceiling -= len(chunk)
                self._left -= len(chunk)
                if ceiling < 0 or self._left < 0:
                    raise FileTooComplex(
                        f"A file in the zip unpacks from {member.compress_size} bytes to more than the limit.",
                        where=_shown(member),
                    )
                yield chunk


def _check_directory_size(source: Source, budget: Budget) -> None:
    """Look at the end record before anything reads the directory into memory."""
    tail = bytes(source.data[-65557:])
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < 22:
        raise FileMalformed("The zip has no directory: it is cut. Upload it again.", where=f"byte {source.size}")
    (entries,) = struct.unpack_from("<H", tail, place + 10)
    (size,) = struct.unpack_from("<I", tail, place + 12)
    if entries == 0:
        raise FileEmpty("The zip holds no files.", where="archive")
    if entries > budget.archive_entries or size > budget.archive_entries * 1024:
        raise FileTooComplex(
            f"The zip lists {entries} files in {size} bytes; the limit is {budget.archive_entries} files.",
            where="archive",
        )


def _checked(archive: zipfile.ZipFile, source: Source, budget: Budget) -> list[zipfile.ZipInfo]:
    """The members to unpack. Everything in the archive is checked, wanted or not."""
    members = archive.infolist()
    if len(members) > budget.archive_entries:
        raise FileTooComplex(
            f"The zip lists {len(members)} files; {budget.archive_entries} are the limit.", where="archive"
        )
    names: set[str] = set()
    declared = 0
    for member in members:
        _check_member(member)
        if member.filename in names:
            raise FileMalformed("The zip holds two files of one name.", where=_shown(member))
        names.add(member.filename)
        declared += member.file_size
    if declared > budget.archive_bytes:
        raise FileTooComplex(
            f"The zip unpacks to {declared} bytes; the limit is {budget.archive_bytes}.", where="archive"
        )
    _check_overlap(members, source.size)
    wanted = [member for member in members if not member.is_dir() and not _LITTER.search(member.filename)]
    if not wanted:
        raise FileEmpty("The zip holds no files.", where="archive")
    return wanted


def _check_member(member: zipfile.ZipInfo) -> None:
    # zipfile cuts names at NUL; orig_filename is what the archive says.
    name = member.orig_filename
    if "\0" in name or any(ord(sign) < 32 for sign in name):
        raise FileMalformed("A name in the zip holds control characters.", where=_shown(member))
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        raise FileUriForbidden("A name in the zip leads out of it. Zip the folder again.", where=_shown(member))
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FileUriForbidden("The zip holds a link or a device. Put the file itself in.", where=_shown(member))
    if member.flag_bits & 0x1:
        raise FileFeatureUnsupported("The zip is encrypted. Upload it without a password.", where=_shown(member))
    if member.compress_type not in _PACKED:
        raise FileFeatureUnsupported(
            f"The zip uses compression method {member.compress_type}. Use deflate.", where=_shown(member)
        )


def _check_overlap(members: list[zipfile.ZipInfo], size: int) -> None:
    """Members that share bytes make a small zip a huge one (Fifield 2019, "A better zip bomb")."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    ends = [member.header_offset for member in ordered[1:]] + [size]
    for member, end in zip(ordered, ends, strict=True):
        if member.header_offset + 30 + member.compress_size > end:
            raise FileMalformed("Members of the zip overlap, or pass its end.", where=_shown(member))


def _shown(member: zipfile.ZipInfo) -> str:
    return repr(member.orig_filename[:100])
