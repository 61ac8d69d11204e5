"""Values where nothing is known, from what is known beside it."""

from __future__ import annotations

import numpy as np


def continued(values: np.ndarray, known: np.ndarray, pixels: int) -> np.ndarray:
    """float32 (h, w, c): the values (h, w, c) where `known` (h, w), and so many pixels around the mean of neighbours.

    What lies further away is 0.
    """
    weight = known.astype(np.float32)[..., None]
    found = np.where(weight > 0, values, 0).astype(np.float32)
    if known.all():
        return np.ascontiguousarray(found)
    for _ in range(pixels):
        total, count = (_neighbours(plane) for plane in (found * weight, weight))
        new = (weight == 0) & (count > 0)
        found = np.where(new, total / np.maximum(count, 1), found)
        weight = np.where(new, 1, weight).astype(np.float32)
    return np.ascontiguousarray(found)


def _neighbours(plane: np.ndarray) -> np.ndarray:
    """The sum over 3 x 3 pixels."""
    padded = np.pad(plane, ((1, 1), (1, 1), (0, 0)))
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
