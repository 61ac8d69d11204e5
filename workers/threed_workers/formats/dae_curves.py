"""Animation samplers of COLLADA as functions of time (COLLADA 1.4.1, chapter 4, "Curve Interpolation")."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.formats.dae_sources import Sources
from threed_workers.formats.dae_xml import Dae, where_of

_SMOOTH = ("BEZIER", "HERMITE")
_HALVINGS = 24
_LEAST_STEP_S = 1e-3  # a jump takes no longer


@dataclass
class Curve:
    """times: float64 (k,), rising, in seconds; values: float64 (k, w). `kinds` has LINEAR, STEP or BEZIER per key.

    `leave` and `arrive` are the control points behind and before each key, (k, w, 2) of time and value; None where
    every segment is straight.
    """

    times: np.ndarray
    values: np.ndarray
    kinds: np.ndarray
    leave: np.ndarray | None = None
    arrive: np.ndarray | None = None

    @property
    def is_smooth(self) -> bool:
        return self.leave is not None and bool((self.kinds[:-1] == "BEZIER").any())

    @property
    def jumps(self) -> bool:
        return bool((self.kinds[:-1] == "STEP").any())

    def moments(self) -> np.ndarray:
        """The times of the keys, and those just before a jump."""
        before = self.times[1:][self.kinds[:-1] == "STEP"]
        lengths = np.diff(self.times)[self.kinds[:-1] == "STEP"]
        return np.unique(np.concatenate([self.times, before - np.minimum(_LEAST_STEP_S, lengths / 2)]))

    def at(self, times: np.ndarray) -> np.ndarray:
        """float64 (n, w); the first and last value hold outside the keys."""
        if len(self.times) == 1:
            return np.repeat(self.values, len(times), axis=0)
        segment = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 2)
        begin, end = self.times[segment], self.times[segment + 1]
        part = np.clip((times - begin) / (end - begin), 0.0, 1.0)[:, None]
        kinds = self.kinds[segment]
        part = np.where((kinds == "STEP")[:, None], np.where(part < 1, 0.0, 1.0), part)
        out = self.values[segment] * (1 - part) + self.values[segment + 1] * part
        smooth = np.flatnonzero(kinds == "BEZIER")
        if self.leave is not None and len(smooth):
            out[smooth] = self._bezier(segment[smooth], np.clip(times[smooth], begin[smooth], end[smooth]))
        return out

    def _bezier(self, segment: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The value where the curve's time is `times`, by halving: control points keep time from running back."""
        points = [
            np.stack(np.broadcast_arrays(self.times[segment][:, None], self.values[segment]), axis=2),
            self.leave[segment],
            self.arrive[segment + 1],
            np.stack(np.broadcast_arrays(self.times[segment + 1][:, None], self.values[segment + 1]), axis=2),
        ]
        clamped = [np.clip(point[:, :, 0], points[0][:, :, 0], points[3][:, :, 0]) for point in points]
        low, high = np.zeros_like(clamped[0]), np.ones_like(clamped[0])
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            early = _cubic(clamped, middle) < times[:, None]
            low, high = np.where(early, middle, low), np.where(early, high, middle)
        return _cubic([point[:, :, 1] for point in points], (low + high) / 2)


def _cubic(points: list[np.ndarray], s: np.ndarray) -> np.ndarray:
    a, b, c, d = points
    r = 1 - s
    return r * r * r * a + 3 * r * r * s * b + 3 * r * s * s * c + s * s * s * d


class Curves:
    """Reads each <sampler> once."""

    def __init__(self, dae: Dae, sources: Sources):
        self._dae = dae
        self._sources = sources
        self._made: dict[Element, Curve | None] = {}

    def curve(self, sampler: Element) -> Curve | None:
        """None for a sampler without keys. Raises FileMalformed when values are missing."""
        if sampler not in self._made:
            self._made[sampler] = self._curve(sampler)
        return self._made[sampler]

    def _curve(self, sampler: Element) -> Curve | None:
        where = where_of(sampler)
        sources = {entry.semantic: entry.source for entry in self._sources.inputs(sampler)}
        if "INPUT" not in sources or "OUTPUT" not in sources:
            raise FileMalformed("The sampler has no times or no values. Export the model again.", where=where)
        times = self._sources.table(sources["INPUT"])[:, 0]
        values = self._sources.table(sources["OUTPUT"])
        if not len(times):
            return None
        if len(values) != len(times):
            # morph weights come flat: several values per key
            if len(values) % len(times):
                raise FileMalformed(f"The sampler has {len(times)} times and {len(values)} values.", where=where)
            values = values.reshape(len(times), -1)
        if not (np.isfinite(times).all() and np.isfinite(values).all()):
            raise FileValuesInvalid("An animation has NaN or infinite keys.", where=where)
        times, first = np.unique(times, return_index=True)
        words = self._sources.names(sources["INTERPOLATION"]) if "INTERPOLATION" in sources else []
        kinds = self._kinds(words, first)
        curve = Curve(times, values[first], kinds)
        if np.isin(kinds, _SMOOTH).any() and "IN_TANGENT" in sources and "OUT_TANGENT" in sources:
            arrive = self._controls(sources["IN_TANGENT"], curve, first, -1)
            leave = self._controls(sources["OUT_TANGENT"], curve, first, 1)
            if arrive is not None and leave is not None:
                curve.leave, curve.arrive = leave, arrive
        curve.kinds = np.where(np.isin(kinds, _SMOOTH), "BEZIER" if curve.leave is not None else "LINEAR", kinds)
        return curve

    def _kinds(self, words: list[str], first: np.ndarray) -> np.ndarray:
        words = words + [words[-1] if words else "LINEAR"] * (int(first.max()) + 1 - len(words))
        kinds = np.array(words)[first]
        other = ~np.isin(kinds, ("LINEAR", "STEP", *_SMOOTH))
        if other.any():
            self._dae.findings.lose(
                "cardinal and other splines", "Keys are joined by straight lines.", int(other.sum())
            )
            kinds = np.where(other, "LINEAR", kinds)
        return kinds

    def _controls(self, source: Element, curve: Curve, first: np.ndarray, side: int) -> np.ndarray | None:
        """Control points (k, w, 2) of one side, in whichever of the ways that exporters write them.

        A pair of time and value per component; one time for all of them; or values alone, a third of the way.
        """
        table = self._sources.table(source)
        width = curve.values.shape[1]
        if len(table) <= first.max() or not np.isfinite(table).all():
            return None
        rows = table[first]
        if rows.shape[1] == 2 * width:
            return rows.reshape(len(rows), width, 2)
        if rows.shape[1] == width + 1:
            return np.stack([np.repeat(rows[:, :1], width, axis=1), rows[:, 1:]], axis=2)
        if rows.shape[1] != width:
            return None
        lengths = np.diff(curve.times) if len(curve.times) > 1 else np.zeros(0)
        third = np.append(lengths, 0.0) / 3 if side > 0 else -np.append(0.0, lengths) / 3
        return np.stack([np.repeat((curve.times + third)[:, None], width, axis=1), rows], axis=2)
