"""A private temporary folder whose path is short enough for unix sockets; pytest's own ones are not."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="threed-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
