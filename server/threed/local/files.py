"""Small private files, written whole: a crash leaves the old content, the new one, or no file; never half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Replace a file's content. Only its owner may read it."""
    with _draft(path, content) as draft:
        draft.replace(path)


def write_once(path: Path, content: Callable[[], bytes]) -> bytes:
    """Make a file unless it is already there, and return what it holds. Of several who try at once, one wins."""
    if not path.exists():
        with _draft(path, content()) as draft, contextlib.suppress(FileExistsError):
            os.link(draft, path)
    return path.read_bytes()


@contextlib.contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
