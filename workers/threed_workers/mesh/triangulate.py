"""Polygons to triangles."""

from __future__ import annotations

import numpy as np


def fan(sizes: np.ndarray) -> np.ndarray:
    """Corners of triangles, int64 (t, 3), for polygons of `sizes` corners (n,) that lie one after the other.

    Each polygon becomes a fan around its first corner, in order, which is right for convex ones. Linear in the number
    of corners; polygons of fewer than 3 give nothing.

    >>> fan(np.array([4, 2, 3])).tolist()
    [[0, 1, 2], [0, 2, 3], [6, 7, 8]]
    """
    sizes = sizes.astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    counts = np.maximum(sizes - 2, 0)
    first = np.repeat(starts, counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.column_stack([first, first + step + 1, first + step + 2])
