"""The lowest and highest value of an accessor, found by looking, because min and max are only claims."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from threed_workers.document.accessors import blocks
from threed_workers.document.model import Document


class Bounds(NamedTuple):
    """float64 (width,) each, of the numbers as they are stored. `finite`: no NaN, no infinity among them."""

    low: np.ndarray
    high: np.ndarray
    finite: bool


def bounds(document: Document, index: int) -> Bounds:
    """The bounds of accessor `index`, scanned once in blocks of 2^20 rows and kept in the document."""
    if index not in document.bounds:
        document.bounds[index] = _scan(document, index)
    return document.bounds[index]


def _scan(document: Document, index: int) -> Bounds:
    lows, highs = [], []
    for block in blocks(document, index):
        # min and max of a block hand NaN on, so one look at the results tells of every value.
        lows.append(block.min(axis=0))
        highs.append(block.max(axis=0))
    low, high = np.min(lows, axis=0).astype(np.float64), np.max(highs, axis=0).astype(np.float64)
    return Bounds(low, high, bool(np.isfinite(low).all() and np.isfinite(high).all()))
