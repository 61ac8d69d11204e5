"""Remove keyframes that change nothing."""

from __future__ import annotations

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, read
from threed_workers.transforms._keyframes import Keys, Writer, between, distance, keys_of
from threed_workers.transforms._splines import spline_misses

_DEFAULT_TOLERANCE = 1e-4


def changes(options: recipes_pb2.Resample) -> frozenset[str]:
    return frozenset(("keyframes",))


def apply(document: Document, options: recipes_pb2.Resample) -> Document:
    """Keep the keyframes without which some removed one, or of CUBICSPLINE the curve, would be off by the tolerance.

    Rotations are measured in radians. First and last keyframes stay, and with them the duration; those that stay keep
    their values and tangents bit for bit: no new curve is fitted.
    """
    tolerance = options.tolerance or _DEFAULT_TOLERANCE
    writer = Writer(document)
    for animation in document.all("animations"):
        for number, sampler in enumerate(animation["samplers"]):
            keys = keys_of(document, animation, number)
            if len(keys.times) < 3:
                continue
            kept = _held(keys, tolerance) if keys.interpolation == "STEP" else _bends(keys, tolerance)
            if len(kept) < len(keys.times):
                stored = read(document, sampler["output"]).reshape(len(keys.times), -1)
                sampler["output"] = writer.rows(stored[kept], sampler["output"])
                sampler["input"] = writer.times(keys.times[kept])
    return document


def _held(keys: Keys, tolerance: float) -> np.ndarray:
    """STEP: rows that differ from the last kept one, the first, and the last."""
    last = len(keys.times) - 1
    kept, place = [0], 0
    changes = np.flatnonzero(distance(keys.values[1:], keys.values[:-1], keys.rotates) > 0) + 1
    for row in changes:
        if distance(keys.values[row : row + 1], keys.values[place : place + 1], keys.rotates)[0] > tolerance:
            kept.append(int(row))
            place = int(row)
    return np.unique([*kept, last])


def _bends(keys: Keys, tolerance: float) -> np.ndarray:
    """LINEAR and CUBICSPLINE: from each kept row the farthest one between which and it all is within tolerance."""
    last = len(keys.times) - 1
    inner = np.arange(1, last)
    # A row that its neighbours do not give is kept; so long runs of real motion cost nothing more.
    sure = np.zeros(last + 1, bool)
    sure[inner] = _misses(keys, inner, inner - 1, inner + 1) > tolerance
    sure[last] = True
    stops = np.flatnonzero(sure)
    kept = [0]
    for stop in stops:
        while kept[-1] < stop:
            kept.append(_farthest(keys, kept[-1], int(stop), tolerance))
    return np.array(kept)


def _farthest(keys: Keys, start: int, stop: int, tolerance: float) -> int:
    """The last row up to `stop` that can follow `start`, found by doubling steps and then halving them."""
    good, step = start + 1, 2
    while good < stop:
        place = min(start + step, stop)
        if not _fits(keys, start, place, tolerance):
            break
        good, step = place, step * 2
    bad = min(start + step, stop + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _fits(keys, start, middle, tolerance) else (good, middle)
    return good


def _fits(keys: Keys, start: int, end: int, tolerance: float) -> bool:
    rows = np.arange(start + 1, end)
    misses = _misses(keys, rows, np.full(len(rows), start), np.full(len(rows), end))
    return bool((misses <= tolerance).all())


def _misses(keys: Keys, rows: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(n,): how far rows are from what `before` and `after` would give; of splines the curve on both sides of a row."""
    if keys.interpolation == "CUBICSPLINE":
        return np.maximum(spline_misses(keys, rows - 1, before, after), spline_misses(keys, rows, before, after))
    span = keys.times[after] - keys.times[before]
    part = np.divide(keys.times[rows] - keys.times[before], span, out=np.zeros(len(rows)), where=span > 0)
    found = between(keys.values[before], keys.values[after], part, keys.rotates)
    return distance(found, keys.values[rows].astype(np.float64), keys.rotates)
