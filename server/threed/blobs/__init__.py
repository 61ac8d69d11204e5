"""Object storage: what the rest of the system may ask of it, whatever holds the bytes.

A store blocks, and every method may be called from any thread. Workers call it as it is; the server goes through
`threed.blobs.aio`, one front for every store that keeps the event loop free. So no store is written twice.

The path of an upload: `stage` -> `append` ... -> `seal` -> the caller commits its row -> `discard`. A kill between any
two of these steps leaves a staging that `stage` opens again, or a leftover that `sweep` removes. A key that `seal`
returned holds the whole blob, verified and durable, or does not exist: there are no half blobs.

Errors are those of `threed.errors`: `StoreFull` without room, `Unavailable` when the store is away for a moment,
`BlobCorrupt` when bytes that were there are missing or changed, and the `Upload...` classes for a wrong offset, size,
digest or writer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

__all__ = ["Blob", "BlobStat", "Staging", "Store"]


@dataclasses.dataclass(frozen=True)
class Blob:
    """A whole, durable, immutable file. Keep `key`: the store may choose it as it likes."""

    key: str
    size: int
    sha256: str  # lower-case hex


@dataclasses.dataclass(frozen=True)
class BlobStat:
    """What a store knows without reading the bytes. `modified` is in Unix seconds."""

    key: str
    size: int
    modified: float


class Staging(Protocol):
    """An upload that is not yet a blob. One thread at a time; any process may open it again."""

    key: str

    @property
    def size(self) -> int:
        """Bytes accepted so far: where the next `append` must start. After `stage`, all of them are durable."""

    @property
    def sealed(self) -> bool:
        """Whether a `seal` got so far that no bytes can be added: only `seal` again, or `discard`, is left."""

    def append(self, offset: int, data: bytes) -> None:
        """Add bytes at the end.

        Raises UploadOffsetMismatch when `offset` is not `size`, UploadBusy when another writer was here since,
        UploadClosed when it is sealed or discarded, StoreFull, Unavailable. After the first, nothing has changed; after
        any other go on with a new `stage`, which keeps what was committed.
        """

    def checkpoint(self) -> int:
        """Return how many bytes are durable, and make more so while appending goes on. For acknowledging in a stream.

        It lags behind `size`, on S3 by up to four parts (32 MiB): when a sender waits for it, use `commit`.
        """

    def commit(self) -> int:
        """Make every byte durable and return how many there are. For the end of a call, a stream or a pause."""

    def seal(self, size: int | None = None, sha256: str | None = None) -> Blob:
        """Verify the whole and turn it into a blob, durably. Calling it again gives the same content again.

        Raises UploadSizeMismatch or UploadDigestMismatch when the bytes are not the declared ones; then there is no
        blob, and only `discard` is left.
        """

    def discard(self) -> None:
        """Remove the staging; a blob it was sealed into stays. Call it when the row is committed or given up.

        It does nothing when another writer took the upload over.
        """

    def close(self) -> None:
        """Let go of files and memory. What was not committed is lost; what was can be staged again."""


class Store(Protocol):
    """Immutable blobs by key."""

    def stage(self, upload_key: str, committed_size: int = 0) -> Staging:
        """Begin an upload, or go on with it, also in another process.

        `committed_size` is the last durable size that the caller recorded; a torn tail beyond it is cut. The `size` of
        the answer is never smaller, but can be larger (a crash fell between storing and recording): go on from it.
        Raises BlobCorrupt when recorded bytes are gone.
        """

    def put_file(self, path: Path) -> Blob:
        """Store a copy of a local file."""

    def fetch(self, key: str, path: Path, sha256: str) -> None:
        """Copy a blob to a new local file. Raises BlobCorrupt, and leaves no file, when it lacks that SHA-256."""

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `offset`, at most `length`, in pieces of at most 1 MiB. Raises BlobCorrupt when missing."""

    def stat(self, key: str) -> BlobStat:
        """Raises BlobCorrupt when there is no such blob."""

    def delete(self, key: str, older_than: float | None = None) -> bool:
        """Remove a blob; with `older_than` (Unix seconds) only if it was not stored, or stored again, since."""

    def keys(self, prefix: str = "", older_than: float | None = None) -> Iterator[BlobStat]:
        """Every blob, in no order; with `older_than` (Unix seconds) only those not stored since. For collection."""

    def sweep(self, older_than: float, keep: Callable[[str], bool]) -> int:
        """Discard stagings untouched since `older_than` (Unix seconds) for which `keep(upload_key)` is false."""

    def download_url(self, key: str, filename: str, content_type: str, expires: float) -> str:
        """An address that anybody may GET until `expires` (Unix seconds): absolute, or a path on the public host."""
