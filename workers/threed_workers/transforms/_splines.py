"""CUBICSPLINE samplers as Bezier curves, whose control points bound them (glTF 2.0 appendix C.5)."""

from __future__ import annotations

import numpy as np

from threed_workers.transforms._keyframes import Keys

_SHORTEST_S = 1e-12


def spline_misses(keys: Keys, segments: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(n,): how far the motion between rows `segments` and `segments` + 1 is, at most, from one curve over it.

    That curve goes from the row `before` to the row `after` with the tangents that those two have. The bound is the
    largest difference of control points (the convex hull holds the curve): of numbers as they are, of rotations as the
    angle in radians between the unit quaternions.
    """
    wanted = _curves(keys, segments, segments + 1)
    start, span = keys.times[before], _span(keys, before, after)
    low, high = (keys.times[segments] - start) / span, (keys.times[segments + 1] - start) / span
    apart = _part(_curves(keys, before, after), low, high) - wanted
    if not keys.rotates:
        return np.abs(apart).max(axis=(1, 2), initial=0.0)
    chord = np.linalg.norm(apart, axis=2).max(axis=1)
    return 2 * np.arcsin(np.clip(np.divide(chord, _shortest(wanted), out=np.ones_like(chord), where=chord > 0), 0, 1))


def _curves(keys: Keys, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """float64 (n, 4, k): the control points from row to row. Tangents are per second."""
    width = keys.values.shape[1] // 3
    arriving, values, leaving = (keys.values[:, n * width : (n + 1) * width].astype(np.float64) for n in range(3))
    third = _span(keys, before, after)[:, None] / 3
    first, last = values[before], values[after]
    return np.stack([first, first + third * leaving[before], last - third * arriving[after], last], axis=1)


def _span(keys: Keys, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.maximum(keys.times[after] - keys.times[before], _SHORTEST_S)


def _part(curves: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(n, 4, k): the control points of the part from `low` to `high` (n,), by blossoming (Ramshaw 1987)."""
    ends = (low, low, low), (low, low, high), (low, high, high), (high, high, high)
    return np.stack([_blossom(curves, arguments) for arguments in ends], axis=1)


def _blossom(points: np.ndarray, arguments: tuple[np.ndarray, ...]) -> np.ndarray:
    for argument in arguments:
        part = argument[:, None, None]
        points = points[:, :-1] * (1 - part) + points[:, 1:] * part
    return points[:, 0]


def _shortest(curves: np.ndarray) -> np.ndarray:
    """(n,): no point of these curves (n, 4, k) is nearer to 0; above 0 at least by a little."""
    middle = curves.sum(axis=1)
    middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-12)
    return np.maximum(np.einsum("npk,nk->np", curves, middle).min(axis=1), 1e-12)
