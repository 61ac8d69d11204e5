"""Blobs on a local disk.

    ROOT/sha256/ab/cd/abcd...      blobs, named by their content; read-only
    ROOT/staging/KEY.part          an upload; read-only from the moment it is sealed

Needs a file system with hard links, flock and fsync (not NFS before version 4). One root may serve any number of
processes of one machine. A blob is a second link to its staging file, so that a kill before the caller's row is
committed leaves the upload sealed and resumable; `discard` removes the first link.

Equal content is one file. A collector must therefore not remove a blob that a new upload has just met: `seal` renews
its time and `delete(older_than=)` compares that time, both under a lock on the blob's folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from threed.blobs import Blob, BlobStat
from threed.blobs.disk_staging import DiskStaging, flush_folder
from threed.blobs.signing import UrlSigner
from threed.blobs.verify import READ_BYTES, check_stored, check_upload_key, missing

_KEY = re.compile(r"sha256/([0-9a-f]{2})/([0-9a-f]{2})/(?=\1\2)[0-9a-f]{64}")
# The Linux request FICLONE: share the extents of another file. Python names it from 3.12 on.
_FICLONE = 0x40049409


class DiskStore:
    """`signer` makes and checks download URLs; every process that serves this root needs the same secret."""

    def __init__(self, root: Path, signer: UrlSigner):
        self._root = Path(root).absolute()
        self._blobs = self._root / "sha256"
        self._staging = self._root / "staging"
        self._signer = signer
        for folder in (self._root, self._blobs, self._staging):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flush_folder(self._root)

    def stage(self, upload_key: str, committed_size: int = 0) -> DiskStaging:
        path = self._staging / f"{check_upload_key(upload_key)}.part"
        return DiskStaging(upload_key, path, committed_size, self._publish)

    def put_file(self, path: Path) -> Blob:
        # A copy, never a link: whoever wrote the file may still hold it open.
        staging = self.stage(f"put-{uuid.uuid4().hex}")
        try:
            with Path(path).open("rb") as file:
                while data := file.read(READ_BYTES):
                    staging.append(staging.size, data)
            return staging.seal()
        finally:
            staging.discard()

    def fetch(self, key: str, path: Path, sha256: str) -> None:
        with self.open(key) as source, Path(path).open("x+b") as target:
            try:
                _copy(source.fileno(), target.fileno())
                check_stored(key, hashlib.file_digest(target, "sha256").hexdigest(), sha256)
            except BaseException:
                Path(path).unlink()
                raise

    def open(self, key: str):
        """The blob as a binary file, unbuffered."""
        path = self._path(key)
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0)
        except FileNotFoundError:
            raise missing(key) from None

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        with self.open(key) as file:
            end = os.fstat(file.fileno()).st_size
            end = end if length is None else min(end, offset + length)
            while offset < end:
                piece = os.pread(file.fileno(), min(READ_BYTES, end - offset), offset)
                if not piece:
                    raise missing(key)
                offset += len(piece)
                yield piece

    def stat(self, key: str) -> BlobStat:
        try:
            found = self._path(key).stat()
        except FileNotFoundError:
            raise missing(key) from None
        return BlobStat(key, found.st_size, found.st_mtime)

    def delete(self, key: str, older_than: float | None = None) -> bool:
        path = self._path(key)
        if not path.parent.exists():
            return False
        with _locked(path.parents[1]):
            try:
                if older_than is not None and path.stat().st_mtime >= older_than:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
            return True

    def keys(self, prefix: str = "", older_than: float | None = None) -> Iterator[BlobStat]:
        for path in self._blobs.glob("??/??/*"):
            key = path.relative_to(self._root).as_posix()
            if not key.startswith(prefix) or not _KEY.fullmatch(key):
                continue
            with suppress(FileNotFoundError):
                found = path.stat()
                if older_than is None or found.st_mtime < older_than:
                    yield BlobStat(key, found.st_size, found.st_mtime)

    def sweep(self, older_than: float, keep: Callable[[str], bool]) -> int:
        swept = 0
        for path in self._staging.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < older_than and not keep(path.stem):
                    path.unlink()
                    swept += 1
        return swept

    def download_url(self, key: str, filename: str, content_type: str, expires: float) -> str:
        self._path(key)
        return self._signer.sign(key, filename, content_type, expires)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise missing(key)
        return self._root / key

    def _publish(self, part: Path, size: int, sha256: str) -> Blob:
        """Give the sealed file its final name, or keep the equal one that has it already."""
        key = f"sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"
        path = self._root / key
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parents[1]):
            if path.exists() and path.stat().st_size == size:
                os.utime(path)
            else:
                # A blob of another size was damaged behind our back; the replacement heals it.
                spare = part.with_suffix(".link")
                spare.unlink(missing_ok=True)
                os.link(part, spare)
                os.replace(spare, path)
                spare.unlink(missing_ok=True)
            # Also for a blob that was there: whoever linked it may not have come to this line.
            for folder in path.parents[:3]:
                flush_folder(folder)
        return Blob(key, size, sha256)


def _copy(source: int, target: int) -> None:
    """Share the blocks where the file system can, else copy inside the kernel, else through memory."""
    size = os.fstat(source).st_size
    with suppress(OSError):
        fcntl.ioctl(target, _FICLONE, source)
        return
    copied = 0
    with suppress(OSError, AttributeError):
        while copied < size and (count := os.copy_file_range(source, target, size - copied, copied, copied)):
            copied += count
    while piece := os.pread(source, READ_BYTES, copied):
        copied += os.pwrite(target, piece, copied)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
