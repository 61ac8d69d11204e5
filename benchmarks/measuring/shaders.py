"""Compiled shaders of the raster engine, as a worker has them that was started before on the machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from threed_workers.engines.shaders import VARIABLE


@contextlib.contextmanager
def compiled(kept: Path | None = None) -> Iterator[Path]:
    """A folder of them: half a minute of processor time, or none if an earlier run left them in `kept`."""
    with contextlib.ExitStack() as stack:
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "warm"
        if not folder.exists():
            subprocess.run([sys.executable, "-m", "threed_workers.engines.warming", folder], check=True)
        yield folder


@contextlib.contextmanager
def given(kept: Path | None = None) -> Iterator[None]:
    """Every process that is started in this block finds them, this one included."""
    with compiled(kept) as folder:
        os.environ[VARIABLE] = str(folder)
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def place(folder: Path, data: Path) -> None:
    """Into the data of a stack that has not been started."""
    shutil.copytree(folder, data / "cache" / "shaders" / "warm")
