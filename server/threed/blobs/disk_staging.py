"""An upload on a local disk: one file that grows, then becomes read-only, then gets a second name.

Writers exclude each other by flock for the moment of each call only, so that a hung one blocks nobody. Whether another
one was here in between shows in the file's size and time; then this one gives up (UploadBusy).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

from threed.blobs import Blob
from threed.blobs.verify import READ_BYTES, check_digest, check_offset, check_size
from threed.errors import BlobCorrupt, StoreFull, Unavailable, UploadBusy, UploadClosed

_WRITABLE = 0o600
_SEALED = 0o400
# Flushing begins early: without it the last flush of 500 MB is half of the upload (600 against 850 MB/s).
_FLUSH_BYTES = 16 << 20
# They wait for the disk only; more would not make it faster.
_FLUSHERS = ThreadPoolExecutor(4, thread_name_prefix="blobs-flush")


class DiskStaging:
    def __init__(self, key: str, path: Path, committed_size: int, publish: Callable[[Path, int, str], Blob]):
        self.key = key
        self._path = path
        self._publish = publish
        self._named = False
        self._broken = False
        self._flushing: Future[int] | None = None
        with translated():
            self._fd = _open(path)
        try:
            self._resume(committed_size)
        except BaseException:
            self.close()
            raise
        # hashlib cannot save its state: a file that another process began is read again by `seal`.
        self._digest = hashlib.sha256() if self._size == 0 else None

    @property
    def size(self) -> int:
        return self._size

    @property
    def sealed(self) -> bool:
        return self._sealed

    def append(self, offset: int, data: bytes) -> None:
        check_offset(self._size, offset)
        with self._alone():
            if self._sealed:
                raise _closed(self.key)
            try:
                with translated():
                    _write(self._fd, data, offset)
            except BaseException:
                # Cutting needs no room, so a full disk leaves no torn tail.
                os.ftruncate(self._fd, self._size)
                self._remember()
                raise
            self._size += len(data)
            self._remember()
            if self._size - self._flushed_to >= _FLUSH_BYTES:
                self._begin_flush()
        if self._digest is not None:
            self._digest.update(data)

    def checkpoint(self) -> int:
        """Begin to flush, and report how far the flush before this one came: appending goes on meanwhile."""
        with self._alone():
            self._begin_flush()
        return self._durable

    def commit(self) -> int:
        with self._alone():
            self._settle()
            if self._durable < self._size or not self._named:
                self._durable = self._flushed_to = self._flush(self._size)
        return self._size

    def seal(self, size: int | None = None, sha256: str | None = None) -> Blob:
        check_size(self._size, size)
        with self._alone():
            have = self._digest.hexdigest() if self._digest is not None else self._read_digest()
            check_digest(have, sha256)
            if not self._sealed:
                self._settle()
                self._flush(self._size)
                # From here on no writer, not even one that hangs with the file open, changes these bytes.
                os.fchmod(self._fd, _SEALED)
                self._sealed = True
                self._remember()
            with translated():
                return self._publish(self._path, self._size, have)

    def discard(self) -> None:
        with suppress(FileNotFoundError):
            if self._fd >= 0 and self._is_ours(self._path.stat()):
                self._path.unlink()
        self.close()

    def close(self) -> None:
        if self._flushing is not None:
            wait([self._flushing])
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _resume(self, committed_size: int) -> None:
        with _flocked(self._fd):
            found = os.fstat(self._fd)
            self._sealed = not found.st_mode & stat.S_IWUSR
            self._size = found.st_size
            if found.st_size < committed_size:
                raise BlobCorrupt(
                    f"The upload {self.key} has only {found.st_size} of the {committed_size} bytes that were "
                    "acknowledged. Start the upload again.",
                    upload=self.key,
                    size=found.st_size,
                    committed_size=committed_size,
                )
            if not self._sealed and found.st_size > committed_size:
                os.ftruncate(self._fd, committed_size)
                self._size = committed_size
            self._durable = self._flushed_to = min(committed_size, self._size)
            self._remember()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._fd < 0 or self._broken:
            raise _closed(self.key)
        with _flocked(self._fd):
            found = os.fstat(self._fd)
            if found.st_nlink == 0 or (not self._sealed and not found.st_mode & stat.S_IWUSR):
                raise _closed(self.key)
            if not self._is_ours(found):
                raise UploadBusy(
                    f"Another writer took the upload {self.key} over. Ask for its committed size and go on from there.",
                    retry_after_s=1,
                    upload=self.key,
                )
            yield

    def _is_ours(self, found: os.stat_result) -> bool:
        """Whether a file is this one, with nobody's bytes but ours since we opened it."""
        if not os.path.samestat(found, os.fstat(self._fd)):
            return False
        return self._sealed or (found.st_size, found.st_mtime_ns) == self._seen

    def _remember(self) -> None:
        found = os.fstat(self._fd)
        self._seen = (found.st_size, found.st_mtime_ns)

    def _begin_flush(self) -> None:
        """Flush in another thread, unless one is still at it."""
        if self._flushing is None or self._flushing.done():
            self._settle()
            if self._flushed_to < self._size:
                self._flushed_to = self._size
                self._flushing = _FLUSHERS.submit(self._flush, self._size)

    def _settle(self) -> None:
        """Wait for the flush under way, and learn what it has made durable."""
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            self._durable = flushing.result()

    def _flush(self, size: int) -> int:
        """Make at least `size` bytes durable, and return that size."""
        try:
            with translated():
                flush(self._fd)
                if not self._named:
                    flush_folder(self._path.parent)
                    self._named = True
        except BaseException:
            # After a failed fsync the kernel forgets which pages are not on the disk: only a new `stage`, which cuts
            # back to what was acknowledged before, is safe.
            self._broken = True
            raise
        return size

    def _read_digest(self) -> str:
        digest, offset = hashlib.sha256(), 0
        while piece := os.pread(self._fd, READ_BYTES, offset):
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()


def flush(fd: int) -> None:
    """Bring a file's bytes and size onto the disk."""
    if hasattr(fcntl, "F_FULLFSYNC"):
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # on macOS fsync stops at the drive's cache
    else:
        os.fdatasync(fd)


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def translated() -> Iterator[None]:
    """Say what a system error means to a caller."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(
                "The object store has no room left. Free or add disk space, then go on; nothing stored was lost.",
                retry_after_s=30,
            ) from error
        if error.errno in (errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE):
            raise Unavailable("The object store cannot be reached. Call again.", retry_after_s=1) from error
        raise


def _open(path: Path) -> int:
    flags = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, os.O_RDWR | flags, _WRITABLE)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)  # sealed, and we are not root


def _write(fd: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        count = os.pwrite(fd, rest, offset)
        rest, offset = rest[count:], offset + count


@contextmanager
def _flocked(fd: int) -> Iterator[None]:
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)


def _closed(key: str) -> UploadClosed:
    return UploadClosed(f"The upload {key} takes no more bytes. Ask for its state, or start a new one.", upload=key)
