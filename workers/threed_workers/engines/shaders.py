"""Compiled shaders of Mesa's software driver, kept from one child to the next: half a processor second of each picture.

A child may write only into its own folder, and a cache that every child could write would let one file spoil the
pictures of another. So a worker warms a folder once, with scenes of our own (warming.py), and lets its children read
it, by the name in THREED_SHADERS; each child works on a copy. Mesa itself refuses what another version wrote.

Measured: 119 files, 2.3 MB; thumbnails of a small model 1.65 s without and 1.08 s with it, of a skinned one 2.05 and
1.47, of one with 15 textures 3.40 and 2.85 (processor time).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "THREED_SHADERS"
MESA = "MESA_SHADER_CACHE_DIR"


def reuse() -> None:
    """Give Mesa a copy of the warm shaders, before it starts. Without any, nothing happens.

    The copy lies where a child has its temporary files: it must stay as long as the process does.
    """
    warm = os.environ.get(VARIABLE, "")
    own = Path(tempfile.gettempdir()) / "shaders"
    if warm and Path(warm).is_dir() and not own.exists():
        shutil.copytree(warm, own, copy_function=shutil.copyfile)
        os.environ[MESA] = str(own)
