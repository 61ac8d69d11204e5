"""Keep a part of the animations."""

from __future__ import annotations

import numpy as np

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.document import Document, bounds, edit
from threed_workers.document.model import Json
from threed_workers.transforms._channels import POINTER
from threed_workers.transforms._keyframes import Keys, Writer, between, keys_of


def changes(options: recipes_pb2.Trim) -> frozenset[str]:
    animations = {"animations", f"extensions.{POINTER}"} if options.animations else set()
    keyframes = {"keyframes"} if options.start or options.end else set()
    return frozenset(animations | keyframes)


def apply(document: Document, options: recipes_pb2.Trim) -> Document:
    """Keep the animations of these names, and of them the time from `start` to `end`; `start` becomes 0.

    Where the cut falls between keyframes, one is put with exactly the value that was there; a CUBICSPLINE is split
    with its tangents. What rests throughout the part keeps its one value. Raises RecipeInvalid for names that no
    animation has, and for a part that is empty.
    """
    if options.animations:
        _keep_named(document, list(options.animations))
    if not options.start and not options.end:
        return document
    if options.end and options.end <= options.start:
        raise RecipeInvalid(f"Nothing lies between {options.start:g} s and {options.end:g} s.", step="trim")
    durations = [_duration(document, animation) for animation in document.all("animations")]
    if durations and options.start >= max(durations):
        raise RecipeInvalid(
            f"The animations end at {max(durations):g} s, and the part begins at {options.start:g} s.", step="trim"
        )
    writer = Writer(document)
    for animation in document.all("animations"):
        for number, sampler in enumerate(animation["samplers"]):
            keys = keys_of(document, animation, number)
            times, values = _part(keys, options.start, options.end or np.inf)
            sampler["input"] = writer.times(times)
            sampler["output"] = writer.rows(values.astype(np.float32), sampler["output"])
    return document


def _keep_named(document: Document, names: list[str]) -> None:
    have = [animation.get("name") for animation in document.all("animations")]
    missing = [name for name in names if name not in have]
    if missing:
        shown = ", ".join(repr(str(name)[:40]) for name in have[:10]) or "none"
        raise RecipeInvalid(f"No animation is called {missing[0][:80]!r}. There are: {shown}.", step="trim")
    gone = [number for number, name in enumerate(have) if name not in names]
    if gone and not edit.remove(document, "animations", gone):
        raise RecipeInvalid(
            "Animations cannot be removed one by one: an unknown extension may refer to them. Keep all.", step="trim"
        )
    edit.unuse(document, POINTER)


def _duration(document: Document, animation: Json) -> float:
    return max((float(bounds(document, sampler["input"]).high[0]) for sampler in animation["samplers"]), default=0.0)


def _part(keys: Keys, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """(times, rows) of the keyframes from `start` to `end`, with new ones at the cuts, and 0 at `start`."""
    first, last = keys.times[0], keys.times[-1]
    low, high = max(start, first), min(end, last)
    if low >= high:
        return _resting(keys, start, end)
    inside = (keys.times > low) & (keys.times < high)
    times = np.concatenate([[low], keys.times[inside], [high]])
    values = _cut_spline(keys, times) if keys.interpolation == "CUBICSPLINE" else _at(keys, times)
    times = (times - start).astype(np.float32)
    rising = np.concatenate([[True], np.diff(times) > 0])
    if keys.interpolation == "CUBICSPLINE" and rising.sum() < 2:
        return _resting(keys, start, end)
    return times[rising], values[rising]


def _resting(keys: Keys, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """What does not move between `start` and `end`: the value that it has. Splines need two keyframes."""
    time = np.clip(start if keys.times[-1] <= start else end, keys.times[0], keys.times[-1])
    if keys.interpolation != "CUBICSPLINE":
        return np.zeros(1), _at(keys, np.array([time]))
    row = _cut_spline(keys, np.array([time]))
    width = row.shape[1] // 3
    row[:, :width] = row[:, 2 * width :] = 0
    length = max(1e-3, (end if np.isfinite(end) else start + 1.0) - start)
    return np.array([0.0, length]), np.vstack([row, row])


def _segments(keys: Keys, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row before, how far to the next in [0, 1]) of each time within the keyframes."""
    before = np.clip(np.searchsorted(keys.times, times, side="right") - 1, 0, max(0, len(keys.times) - 2))
    after = np.minimum(before + 1, len(keys.times) - 1)
    span = keys.times[after] - keys.times[before]
    part = np.divide(times - keys.times[before], span, out=np.zeros(len(times)), where=span > 0)
    return before, np.clip(part, 0, 1)


def _at(keys: Keys, times: np.ndarray) -> np.ndarray:
    """The rows at these times, (n, k); at a keyframe its own row, bit for bit."""
    before, part = _segments(keys, times)
    after = np.minimum(before + 1, len(keys.times) - 1)
    exact = np.where(part >= 1, after, before)
    if keys.interpolation == "STEP":
        return keys.values[exact]
    rows = between(keys.values[before], keys.values[after], part, keys.rotates)
    return np.where(((part <= 0) | (part >= 1))[:, None], keys.values[exact], rows)


def _cut_spline(keys: Keys, times: np.ndarray) -> np.ndarray:
    """CUBICSPLINE rows (n, 3 k) at these times: the same cubic, described from the new keyframes.

    Value and derivative of the Hermite polynomial (glTF 2.0 appendix C.5). A rotation is brought to unit length, and
    its tangents with it.
    """
    width = keys.values.shape[1] // 3
    arriving, values, leaving = (keys.values[:, n * width : (n + 1) * width].astype(np.float64) for n in range(3))
    before, part = _segments(keys, times)
    after = np.minimum(before + 1, len(keys.times) - 1)
    span = np.maximum(keys.times[after] - keys.times[before], 1e-12)[:, None]
    t = part[:, None]
    p, q = values[before], values[after]
    m, n = leaving[before] * span, arriving[after] * span
    value = (2 * t**3 - 3 * t**2 + 1) * p + (t**3 - 2 * t**2 + t) * m + (3 * t**2 - 2 * t**3) * q + (t**3 - t**2) * n
    slope = (6 * t**2 - 6 * t) * (p - q) + (3 * t**2 - 4 * t + 1) * m + (3 * t**2 - 2 * t) * n
    slope /= span
    if keys.rotates:
        length = np.maximum(np.linalg.norm(value, axis=1, keepdims=True), 1e-12)
        value, slope = value / length, slope / length
    rows = np.hstack([slope, value, slope])
    # Keyframes that were there keep their own two tangents, which need not agree.
    row = np.where(part >= 1, after, before)
    known = (part <= 0) | (part >= 1)
    rows[known] = keys.values[row[known]]
    return rows
