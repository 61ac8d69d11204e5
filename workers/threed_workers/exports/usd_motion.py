"""glTF's first animation as USD time samples: USD has one timeline, which interpolates linearly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np

from threed_workers.document import Document, read_floats
from threed_workers.document.model import Json

RATE = 60.0  # time codes per second
_WIDTHS = {"translation": 3, "rotation": 4, "scale": 3}
_MOST_TIMES = 20_000  # of one skeleton
_SPLINE_STEPS_S = 1 / 30
_MOST_STEPS = 60  # of one span of a spline
_HELD = 1e-3  # of a span: how long a step takes to jump

Track = tuple[np.ndarray, np.ndarray]  # times float64 (k,), seconds; values float64 (k, width)


class Motion:
    """What the first animation does to nodes. `end` is its last moment, in seconds."""

    def __init__(self, document: Document, lost: Counter[tuple[str, str]]):
        animations = document.all("animations")
        self._tracks: dict[tuple[int, str], Track] = {}
        if len(animations) > 1:
            lost["animations", "USD has one timeline: the first is written."] += len(animations) - 1
        for channel in animations[0]["channels"] if animations else ():
            target = channel["target"]
            track = None
            if "node" in target and (target.get("path") in _WIDTHS or target.get("path") == "weights"):
                track = _track(document, animations[0]["samplers"][channel["sampler"]], target["path"])
            if track is None:
                lost["animation channels", "Transforms and weights of nodes are written."] += 1
            else:
                self._tracks[target["node"], target["path"]] = track
        self.end = max((float(times[-1]) for times, _ in self._tracks.values()), default=0.0)

    def of_node(self, node: int) -> dict[str, Iterator[tuple[float, list[float]]]]:
        """The samples of a node by path: (seconds, value) in order."""
        found = {path: self._tracks[node, path] for path in _WIDTHS if (node, path) in self._tracks}
        return {path: zip(times.tolist(), values.tolist(), strict=True) for path, (times, values) in found.items()}

    def times_of(self, nodes: set[int], paths: Collection[str] = _WIDTHS) -> np.ndarray:
        """Every moment, in seconds, at which one of the nodes has a sample; evenly spread where they are too many."""
        found = [times for (node, path), (times, _) in self._tracks.items() if node in nodes and path in paths]
        times = np.unique(np.concatenate(found)) if found else np.zeros(0)
        return times if len(times) <= _MOST_TIMES else np.linspace(times[0], times[-1], _MOST_TIMES)

    def at(self, node: int, path: str, times: np.ndarray, rest: list[float]) -> np.ndarray:
        """Values (k, width) of a node at these moments; `rest` where nothing moves it."""
        if (node, path) not in self._tracks:
            return np.tile(np.asarray(rest, np.float64), (len(times), 1))
        keys, values = self._tracks[node, path]
        if path == "rotation":
            return _slerp(keys, values, times)
        return np.column_stack([np.interp(times, keys, column) for column in values.T])


def _track(document: Document, sampler: Json, path: str) -> Track | None:
    """Samples that mean the same when they are joined by lines; None for what is broken."""
    times = read_floats(document, sampler["input"]).reshape(-1).astype(np.float64)
    values = read_floats(document, sampler["output"]).astype(np.float64)
    mode = sampler.get("interpolation", "LINEAR")
    rows = len(times) * (3 if mode == "CUBICSPLINE" else 1)
    width = _WIDTHS.get(path) or (values.size // rows if rows else 0)  # weights: as many as there are targets
    if not rows or values.size != rows * width or not width:
        return None
    values = values.reshape(rows, width)
    if not (np.isfinite(times).all() and np.isfinite(values).all() and (np.diff(times) > 0).all()):
        return None
    if mode == "CUBICSPLINE":
        times, values = _spline(times, values.reshape(len(times), 3, -1))
    elif mode == "STEP" and len(times) > 1:
        before = times[1:] - _HELD * np.diff(times)
        order = np.argsort(np.concatenate([times, before]), kind="stable")
        times = np.concatenate([times, before])[order]
        values = np.concatenate([values, values[:-1]])[order]
    if path == "rotation":
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        if not lengths.all():
            return None
        values = values / lengths
    return times, values


def _spline(times: np.ndarray, keys: np.ndarray) -> Track:
    """Cubic Hermite splines (glTF 2.0 appendix C.5), sampled. keys (k, 3, width): in-tangent, value, out-tangent."""
    spans = np.diff(times)
    steps = np.clip(np.ceil(spans / _SPLINE_STEPS_S), 1, _MOST_STEPS).astype(np.int64)
    span = np.repeat(np.arange(len(spans)), steps)
    place = (np.arange(len(span)) - np.repeat(np.cumsum(steps) - steps, steps)) / steps[span]
    t, length = place[:, None], spans[span][:, None]
    start, leaving = keys[span, 1], keys[span, 2] * length
    end, arriving = keys[span + 1, 1], keys[span + 1, 0] * length
    values = (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * leaving
    values += (-2 * t**3 + 3 * t**2) * end + (t**3 - t**2) * arriving
    moments = times[span] + place * spans[span]
    return np.append(moments, times[-1]), np.vstack([values, keys[-1:, 1]])


def _slerp(keys: np.ndarray, values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Unit quaternions (k, 4) between keys, on the shorter arc (glTF 2.0 appendix C.4)."""
    place = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, max(0, len(keys) - 2))
    after = np.minimum(place + 1, len(keys) - 1)
    span = np.where(after > place, keys[after] - keys[place], 1.0)
    t = np.clip((times - keys[place]) / span, 0.0, 1.0)[:, None]
    a, b = values[place], values[after]
    dot = np.einsum("ij,ij->i", a, b)[:, None]
    b, dot = np.where(dot < 0, -b, b), np.clip(np.abs(dot), 0.0, 1.0)
    angle = np.arccos(dot)
    sin = np.sin(angle)
    near = sin < 1e-6
    safe = np.where(near, 1.0, sin)
    first = np.where(near, 1 - t, np.sin((1 - t) * angle) / safe)
    second = np.where(near, t, np.sin(t * angle) / safe)
    blended = first * a + second * b
    return blended / np.linalg.norm(blended, axis=1, keepdims=True)
