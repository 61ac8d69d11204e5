"""The decoded pixels of a document's textures, for engines that know no glTF."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.picture import check, probe

# Why a picture is not in the picture.
UNREAD = "it does not decode; KTX2 is read where its program is installed"


class Texels:
    """The textures of one document, each decoded once. `unread` counts those of formats that Pillow does not read."""

    def __init__(self, document: Document, budget: Budget | None = None):
        self._document = document
        self._budget = budget or Budget()
        self._pictures: dict[int, np.ndarray | None] = {}
        self.unread = 0

    def of(self, texture: int) -> np.ndarray | None:
        """uint8 (h, w, 4) as stored, row 0 at v = 0; None for what cannot be read. Shared: not to be written to."""
        source = self._source(texture)
        if source not in self._pictures:
            self._pictures[source] = self._decoded(source)
        return self._pictures[source]

    def _source(self, texture: int) -> int:
        entry = self._document.all("textures")[texture]
        source = entry.get("source", -1)
        for extended in (entry.get("extensions") or {}).values():
            source = extended.get("source", source) if isinstance(extended, dict) else source
        return source

    def _decoded(self, source: int) -> np.ndarray | None:
        try:
            data = self._document.picture(source)
            check(probe(data, f"/images/{source}"), self._budget, f"/images/{source}")
            return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
        except (OSError, TypeError, LookupError, ValueError, FileRefused):
            self.unread += 1
            return None
