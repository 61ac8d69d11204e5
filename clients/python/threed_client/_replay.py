"""The bytes of an upload: read forwards once, hashed, and kept until the server has them."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from typing import BinaryIO

from threed_client.errors import DataLoss

CHUNK_BYTES = 1 << 20


class Replay:
    """A file that can be sent again from any offset the server may go on at.

    Bytes that no answer covers are kept, so nothing is ever read twice and a pipe can be resumed like a file. Memory
    is bounded by who sends: it must not run ahead of `committed` without limit.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self._kept: deque[tuple[int, bytes]] = deque()
        self._lock = threading.Lock()
        self._hash = hashlib.sha256()
        self.position = 0
        self.committed = 0

    @property
    def sha256(self) -> str:
        """SHA-256 of everything up to `position`, in hex."""
        return self._hash.hexdigest()

    def commit(self, size: int) -> None:
        """The server has `size` bytes: forget what they cover, and read over what another process has sent.

        Raises DataLoss when the server has fewer than it said before, or more than the file.
        """
        with self._lock:
            if size < self.committed:
                raise DataLoss(f"The server had {self.committed} bytes of the upload and now has {size}. Start again.")
            self.committed = size
            while self.position < size and self._read():
                self._forget()
            self._forget()
            if self.position < size:
                raise DataLoss(
                    f"The server has {size} bytes, but the file only {self.position}: it is not the file that the "
                    "upload began with. Start a new upload."
                )

    def at(self, offset: int) -> bytes:
        """Up to CHUNK_BYTES from `offset`, which is within what is kept or at its end. Empty at the end of the file."""
        with self._lock:
            for start, chunk in self._kept:
                if start <= offset < start + len(chunk):
                    return chunk[offset - start :]
            return self._read()

    def _read(self) -> bytes:
        chunk = self._file.read(CHUNK_BYTES)
        if chunk:
            self._hash.update(chunk)
            self._kept.append((self.position, chunk))
            self.position += len(chunk)
        return chunk

    def _forget(self) -> None:
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= self.committed:
            self._kept.popleft()
