"""Which uploads of this user's files are unfinished, so that the next process can go on with them.

One small file each, named by what makes an upload the same: server, file, size, time of change, and its labels. It
holds the upload_id.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows has none: there, two processes that upload one file at once take turns.
    fcntl = None


class Note:
    """An open file with one upload_id, or with nothing. Without a file it remembers nothing."""

    def __init__(self, file: BinaryIO | None):
        self._file = file

    def read(self) -> str:
        """The id that an earlier process left, or an empty string."""
        if self._file is None:
            return ""
        self._file.seek(0)
        return self._file.read(64).decode("ascii", "ignore").strip()

    def write(self, upload_id: str) -> None:
        """Leave an id for the next process. A full disk only costs the resumption."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.seek(0)
                self._file.truncate()
                self._file.write(upload_id.encode())
                self._file.flush()

    def forget(self) -> None:
        """The upload is over."""
        self.write("")


@contextlib.contextmanager
def note_of(folder: Path, *identity: object) -> Iterator[Note]:
    """The note of one upload, held by this process alone.

    While another process holds it, or where none can be kept, a note that remembers nothing: two uploads of one file
    are better than two writers of one upload.
    """
    path = folder / hashlib.sha256(json.dumps([str(part) for part in identity]).encode()).hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600), "r+b")
    except OSError:
        yield Note(None)
        return
    with file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield Note(None)
            return
        note = Note(file)
        try:
            yield note
        finally:
            if not note.read():
                with contextlib.suppress(OSError):
                    path.unlink()


def default_folder() -> Path:
    """Where notes lie: below XDG_STATE_HOME, which is ~/.local/state when unset."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "threed" / "uploads"
