"""Animation curves: keys, how values go from one to the next, and beyond the ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from threed_workers.fbx.node import Node
from threed_workers.fbx.units import TICKS

CONSTANT, CONSTANT_NEXT, LINEAR, CUBIC = range(4)
# FbxAnimCurveDef: bits of KeyAttrFlags.
_FLAG_CONSTANT, _FLAG_LINEAR, _FLAG_NEXT, _FLAG_AUTO = 0x2, 0x4, 0x100, 0x100
_FLAG_TCB, _FLAG_CLAMP, _FLAG_FREE, _FLAG_PROGRESSIVE = 0x200, 0x1000, 0x2000, 0x4000
_FLAG_RIGHT_WEIGHT, _FLAG_LEFT_WEIGHT = 0x01000000, 0x02000000
_THIRD = 1 / 3
_HALVINGS = 40


@dataclass
class Curve:
    """`times`: float64 (k,), seconds, rising; `values` (k,). Row i of the rest is about the span from key i to i + 1:
    its mode, slopes at both ends (per second), and the reach of both handles (parts of the span).

    `before` and `after`: FbxAnimCurveBase::EExtrapolationType as its letter, and how often (-1: without end).
    """

    times: np.ndarray
    values: np.ndarray
    modes: np.ndarray
    slopes: np.ndarray  # float64 (k, 2): right of key i, left of key i + 1
    reaches: np.ndarray  # float64 (k, 2)
    before: tuple[str, int] = ("C", 0)
    after: tuple[str, int] = ("C", 0)

    @property
    def is_constant(self) -> bool:
        return bool(np.ptp(self.values) == 0 and not self.slopes[:-1][self.modes[:-1] == CUBIC].any())

    def at(self, moments: np.ndarray) -> np.ndarray:
        """Values at `moments` (n,), seconds."""
        first, last = self.times[0], self.times[-1]
        inner, added = moments.copy(), np.zeros(len(moments))
        for outside, (kind, most) in ((moments < first, self.before), (moments > last, self.after)):
            if outside.any() and last > first and kind in "RMAK":
                self._extrapolate(kind, most, outside, moments, inner, added)
        return self._inside(np.clip(inner, first, last)) + added

    def _extrapolate(self, kind, most, outside, moments, inner, added) -> None:
        first, last = self.times[0], self.times[-1]
        ahead = moments[outside] > last
        if kind == "K":
            edge = np.where(ahead, last, first)
            step = (last - first) * 1e-6
            ends = self._inside(np.array([first, first + step, last - step, last]))
            slope = np.where(ahead, (ends[3] - ends[2]) / step, (ends[1] - ends[0]) / step)
            inner[outside], added[outside] = edge, slope * (moments[outside] - edge)
            return
        laps = np.floor((moments[outside] - first) / (last - first))
        if most >= 0:
            laps = np.clip(laps, -most, most)
        place = moments[outside] - laps * (last - first)
        if kind == "M":
            place = np.where(laps % 2 == 1, first + last - place, place)
        if kind == "A":
            added[outside] = laps * (self.values[-1] - self.values[0])
        inner[outside] = place

    def _inside(self, moments: np.ndarray) -> np.ndarray:
        if len(self.times) == 1:
            return np.full(len(moments), self.values[0])
        span = np.clip(np.searchsorted(self.times, moments, side="right") - 1, 0, len(self.times) - 2)
        length = self.times[span + 1] - self.times[span]
        part = (moments - self.times[span]) / length
        low, high = self.values[span], self.values[span + 1]
        out = low + (high - low) * part
        mode = self.modes[span]
        out[mode == CONSTANT] = low[mode == CONSTANT]
        out[mode == CONSTANT_NEXT] = np.where(part > 0, high, low)[mode == CONSTANT_NEXT]
        bent = mode == CUBIC
        if bent.any():
            reach, slope = self.reaches[span[bent]], self.slopes[span[bent]]
            out[bent] = _bezier(part[bent], low[bent], high[bent], slope * length[bent][:, None], reach)
        out[part >= 1] = high[part >= 1]
        return out


def _bezier(part: np.ndarray, low: np.ndarray, high: np.ndarray, rise: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Values of the spans' Bezier curves where their time is `part`: bisection, as time only rises."""
    near, far = reach[:, 0], 1 - reach[:, 1]
    lower, upper = np.zeros(len(part)), np.ones(len(part))
    if (np.abs(reach - _THIRD) < 1e-4).all():
        u = part
    else:
        for _ in range(_HALVINGS):
            u = (lower + upper) / 2
            early = _cubic(u, 0.0, near, far, 1.0) < part
            lower, upper = np.where(early, u, lower), np.where(early, upper, u)
        u = (lower + upper) / 2
    return _cubic(u, low, low + rise[:, 0] * reach[:, 0], high - rise[:, 1] * reach[:, 1], high)


def _cubic(u, a, b, c, d):
    v = 1 - u
    return v * v * v * a + 3 * v * v * u * b + 3 * v * u * u * c + u * u * u * d


@dataclass
class _Keys:
    """Keys on the way to a curve; `flags` (k,) are those of 7.x."""

    times: list = field(default_factory=list)
    values: list = field(default_factory=list)
    flags: list = field(default_factory=list)
    slopes: list = field(default_factory=list)
    reaches: list = field(default_factory=list)


def read_curve(node: Node) -> Curve | None:
    """An AnimationCurve of 7.x; None when it has no usable key."""
    times, values = node.numbers("KeyTime", np.int64), node.numbers("KeyValueFloat")
    count = min(len(times), len(values))
    if not count:
        return None
    flags, details = node.numbers("KeyAttrFlags", np.int64), _details(node.child("KeyAttrDataFloat"))
    repeats = np.maximum(node.numbers("KeyAttrRefCount", np.int64), 0)
    size = min(len(flags), len(details), len(repeats))
    # Attributes are stored once for keys in a row that share them. Counts may lie, so they are cut to the keys.
    ends = np.cumsum(np.minimum(repeats[:size], count))
    row = np.minimum(np.searchsorted(ends, np.arange(count), side="right"), max(size - 1, 0))
    if size:
        flags, details = flags[row], details[row]
    else:
        flags, details = np.full(count, _FLAG_LINEAR), np.zeros((count, 4), np.float32)
    packed = np.ascontiguousarray(details[:, 2]).view(np.uint32)
    reaches = np.column_stack([packed & 0xFFFF, packed >> 16]) / 9999.0
    weighted = np.column_stack([flags & _FLAG_RIGHT_WEIGHT, flags & _FLAG_LEFT_WEIGHT]) > 0
    reaches = np.where(weighted, reaches, _THIRD)
    return _curve(node, times[:count] / TICKS, values[:count], flags, details[:, :2].astype(np.float64), reaches)


def _details(node: Node | None) -> np.ndarray:
    """float32 (n, 4). Some text files write the bits of the numbers as integers."""
    if node is None:
        return np.zeros((0, 4), np.float32)
    flat = node.array(np.float64)
    whole = node.array(np.int64)
    if len(flat) and np.array_equal(flat, whole) and np.abs(flat).max() > 1e6:
        flat = whole.astype(np.int32).view(np.float32)
    with np.errstate(all="ignore"):
        flat = flat.astype(np.float32)
    return flat[: len(flat) - len(flat) % 4].reshape(-1, 4)


def read_channel(node: Node) -> Curve | None:
    """A Channel of 6.x with its Key list: time, value, letters for the mode, and what these ask for."""
    found = node.child("Key")
    if found is None:
        return None
    words = [chr(word) if isinstance(word, int) and 65 <= word <= 122 else word for word in found.flat()]
    raw = found.flat()
    keys, place = _Keys(), 0
    while place + 1 < len(raw):
        time, value = raw[place], raw[place + 1]
        if not isinstance(time, (int, float)) or not isinstance(value, (int, float)):
            break
        keys.times.append(time / TICKS)
        keys.values.append(float(value))
        place = _read_mode(words, raw, place + 2, keys)
    if not keys.times:
        return None
    arrays = [np.array(part, np.float64) for part in (keys.times, keys.values)]
    flags = np.array(keys.flags, np.int64)
    return _curve(node, *arrays, flags, np.array(keys.slopes), np.array(keys.reaches))


def _read_mode(words: list, raw: list, place: int, keys: _Keys) -> int:
    """The mode of one key from `place` on; where the next key begins."""

    def number(at: int) -> float:
        return float(raw[at]) if at < len(raw) and isinstance(raw[at], (int, float)) else 0.0

    mode = words[place] if place < len(words) else "L"
    flag, slopes, reaches = _FLAG_LINEAR, [0.0, 0.0], [_THIRD, _THIRD]
    if mode == "C":
        following = words[place + 1] if place + 1 < len(words) else ""
        flag = _FLAG_CONSTANT | (_FLAG_NEXT if following == "n" else 0)
        place += 2 if following in ("n", "s") else 1
    elif mode == "L":
        place += 1
    elif mode == "U":
        flag, place = 0x8, place + 1
        kind = words[place] if place < len(words) else ""
        place += 1
        if kind in ("s", "b"):
            slopes, place = [number(place), number(place + 1)], place + 2
        elif kind == "a":
            flag |= _FLAG_AUTO | _FLAG_FREE
        elif kind == "t":
            flag, place = flag | _FLAG_TCB | _FLAG_AUTO, place + 3
        for _ in range(0 if kind == "t" else 1):
            ending = words[place] if place < len(words) else ""
            place += 1
            if ending == "a":
                reaches, place = [number(place), number(place + 1)], place + 2
            elif ending == "r":
                reaches[0], place = number(place), place + 1
            elif ending == "l":
                reaches[1], place = number(place), place + 1
    keys.flags.append(flag)
    keys.slopes.append(slopes)
    keys.reaches.append(reaches)
    return place


def _curve(node: Node, times, values, flags, slopes, reaches) -> Curve | None:
    """The curve of keys in whatever order, without those that are not finite or come twice."""
    usable = np.isfinite(times) & np.isfinite(values) & (np.abs(times) < 1e9) & (np.abs(values) < 1e30)
    order = np.flatnonzero(usable)
    order = order[np.argsort(times[order], kind="stable")]
    order = order[np.diff(times[order], append=np.inf) > 1e-9]
    if not len(order):
        return None
    times, values, flags, slopes, reaches = (part[order] for part in (times, values, flags, slopes, reaches))
    constant, linear = flags & _FLAG_CONSTANT > 0, flags & _FLAG_LINEAR > 0
    modes = np.where(linear, LINEAR, CUBIC)
    modes[constant] = np.where(flags[constant] & _FLAG_NEXT > 0, CONSTANT_NEXT, CONSTANT)
    slopes = np.nan_to_num(np.clip(slopes, -1e30, 1e30))
    reaches = np.clip(np.nan_to_num(reaches, nan=_THIRD), 0.0, 1.0)
    _set_auto_slopes(times, values, flags, modes, slopes, reaches)
    return Curve(times, values, modes, slopes, reaches, _beyond(node, "Pre"), _beyond(node, "Post"))


def _set_auto_slopes(times, values, flags, modes, slopes, reaches) -> None:
    """Slopes of keys that leave them to the program: along the line between the neighbours, never overshooting."""
    auto = np.flatnonzero((modes == CUBIC) & (flags & (_FLAG_AUTO | _FLAG_TCB) > 0))
    if not len(auto) or len(times) < 2:
        return
    inner = auto[(auto > 0) & (auto < len(times) - 1)]
    found = np.zeros(len(times))
    lead, lag = times[inner + 1] - times[inner], times[inner] - times[inner - 1]
    rise, climb = values[inner + 1] - values[inner], values[inner] - values[inner - 1]
    slope = (rise + climb) / (lead + lag)
    sign = np.where(slope >= 0, 1.0, -1.0)
    with np.errstate(all="ignore"):
        left = np.nan_to_num(sign * climb / (lag * reaches[inner - 1, 1]), nan=0.0)
        right = np.nan_to_num(sign * rise / (lead * reaches[inner, 0]), nan=0.0)
    calm = np.minimum(np.abs(slope), np.maximum(np.minimum(left, right), 0.0)) * sign
    flat = (flags[inner] & _FLAG_CLAMP > 0) & ((np.abs(rise) < 1e-6) | (np.abs(climb) < 1e-6))
    found[inner] = np.where(flat, 0.0, np.where(flags[inner] & _FLAG_PROGRESSIVE > 0, calm, slope))
    ends = flags & (_FLAG_PROGRESSIVE | _FLAG_FREE) > 0
    found[0] = 0.0 if ends[0] else (values[1] - values[0]) / (times[1] - times[0])
    found[-1] = 0.0 if ends[-1] else (values[-1] - values[-2]) / (times[-1] - times[-2])
    slopes[auto, 0] = found[auto]
    behind = auto[auto > 0]
    slopes[behind - 1, 1] = found[behind]


def _beyond(node: Node, side: str) -> tuple[str, int]:
    found = node.child(f"{side}-Extrapolation")
    if found is None:
        return "C", 0
    kind = found.child("Type")
    value = kind.flat(1)[0] if kind is not None and kind.flat(1) else "C"
    letter = chr(value) if isinstance(value, int) and 65 <= value <= 90 else str(value)[:1]
    return letter, int(np.clip(found.child_number("Repetition", -1), -1, 1e6))
