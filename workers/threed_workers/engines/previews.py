"""Small pictures of how far a frame is, for those who watch."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

from PIL import Image

from threed_workers.engines.drawing import Pass

EVERY_S = 0.5
LONG_EDGE_PX = 320


class Previews:
    """At most one in half a second: {"file", "width_px", "height_px"}, a WebP in the folder."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._last = -EVERY_S
        self._number = 0

    def due(self, seen: Pass) -> dict | None:
        """A preview of a picture, if it is time for one."""
        now = time.monotonic()
        if now - self._last < EVERY_S:
            return None
        self._last = now
        picture = Image.fromarray(seen.image)
        picture.thumbnail((LONG_EDGE_PX, LONG_EDGE_PX), Image.Resampling.BOX, reducing_gap=2.0)
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=75, method=0)
        # Two names in turn, each whole at any time: the worker may still be reading the last one.
        self._number += 1
        name = f"preview-{self._number % 2}.webp"
        (self._folder / f"{name}.part").write_bytes(out.getvalue())
        os.replace(self._folder / f"{name}.part", self._folder / name)
        return {"file": name, "width_px": picture.width, "height_px": picture.height}
