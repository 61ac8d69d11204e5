"""What a glTF animation says at a time: glTF 2.0 sections 3.11 and appendix C, KHR_animation_pointer."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from threed.errors import SceneInvalid
from threed_workers.document import Document, read_floats
from threed_workers.document.model import Json, extension

POINTER = "KHR_animation_pointer"
_WIDTHS = {"translation": 3, "rotation": 4, "scale": 3}
_NODE_PROPERTY = re.compile(r"/nodes/(\d+)/(translation|rotation|scale|weights)")
# Times are float32 in files: what a caller computes from them may lie this much beyond the end, in seconds.
SLACK = 1e-4


@dataclass(frozen=True, eq=False)
class Channel:
    """One property that moves, by its JSON pointer such as `/nodes/0/rotation`.

    `times` float64 (k,), seconds; `values` float64 (k, width), or (k, 3, width) when cubic: in-tangent, value,
    out-tangent. Rotations are quaternions x, y, z, w.
    """

    pointer: str
    interpolation: str
    times: np.ndarray
    values: np.ndarray

    @property
    def is_rotation(self) -> bool:
        """Whether values are interpolated on the sphere."""
        return self.pointer.endswith("/rotation")

    @property
    def node(self) -> int | None:
        """Which node it moves; None when it is another property."""
        found = _NODE_PROPERTY.fullmatch(self.pointer)
        return int(found[1]) if found else None

    def at(self, seconds: float) -> np.ndarray:
        """The value (width,) at a time; before the first key and after the last, theirs."""
        after = int(np.searchsorted(self.times, seconds, side="right"))
        before = max(0, after - 1)
        if after == 0 or after == len(self.times) or self.interpolation == "STEP":
            key = self.values[before]
            return _unit(key[1] if self.interpolation == "CUBICSPLINE" else key, self.is_rotation)
        span = self.times[after] - self.times[before]
        part = (seconds - self.times[before]) / span
        first, second = self.values[before], self.values[after]
        if self.interpolation == "CUBICSPLINE":
            return _unit(_cubic(first, second, part, span), self.is_rotation)
        return _slerp(first, second, part) if self.is_rotation else first + (second - first) * part


@dataclass(frozen=True, eq=False)
class Animation:
    """An animation of a document: its number, its length in seconds, and what it moves. `unusable` counts channels
    whose keys are none: not finite, not in order, or of another size than the property."""

    number: int
    seconds: float
    channels: tuple[Channel, ...]
    unusable: int = 0

    def check(self, seconds: float) -> None:
        """Raises SceneInvalid when the time is before its begin or after its end."""
        if not 0 <= seconds <= self.seconds + SLACK:
            raise SceneInvalid(
                f"The animation has no moment at {seconds:g} s: it lasts {self.seconds:g} s. Ask for 0 to that.",
                seconds=f"{seconds:g}",
                length=f"{self.seconds:g}",
            )


def titles(document: Document) -> list[str]:
    """What each animation can be asked for by: its name, or its number as `#0` when it has none."""
    return [str(entry.get("name") or f"#{number}") for number, entry in enumerate(document.all("animations"))]


def number_of(document: Document, clip: str) -> int | None:
    """Which animation is called `clip`, or has that number as `#0`; empty: the first. None when there is none."""
    animations = document.all("animations")
    if not clip:
        return 0 if animations else None
    for number, entry in enumerate(animations):
        if entry.get("name") == clip:
            return number
    if re.fullmatch(r"#\d{1,9}", clip) and int(clip[1:]) < len(animations):
        return int(clip[1:])
    return None


def read_animation(document: Document, number: int) -> Animation:
    """Animation `number`, with every key in memory."""
    entry = document.all("animations")[number]
    channels, unusable = [], 0
    for channel in entry["channels"]:
        found = _channel(document, entry["samplers"][channel["sampler"]], channel["target"])
        channels += [found] if found else []
        unusable += found is None
    length = max((float(channel.times[-1]) for channel in channels), default=0.0)
    return Animation(number, length, tuple(channels), unusable)


def target_count(document: Document, node: Json) -> int:
    """How many morph targets a node's mesh has."""
    if "mesh" not in node:
        return 0
    primitives = document.all("meshes")[node["mesh"]]["primitives"]
    return max((len(primitive.get("targets") or []) for primitive in primitives), default=0)


def _channel(document: Document, sampler: Json, target: Json) -> Channel | None:
    pointer = _pointer(target)
    if pointer is None:
        return None
    times = read_floats(document, sampler["input"]).reshape(-1).astype(np.float64)
    interpolation = sampler.get("interpolation", "LINEAR")
    values = _keys(document, read_floats(document, sampler["output"]), len(times), pointer, interpolation)
    ordered = len(times) and np.isfinite(times).all() and (np.diff(times) > 0).all()
    if values is None or not ordered or not np.isfinite(values).all():
        return None
    if pointer.endswith("/rotation"):
        middle = values[:, 1] if interpolation == "CUBICSPLINE" else values
        if not middle.any(axis=1).all():
            return None
    return Channel(pointer, interpolation, times, values)


def _pointer(target: Json) -> str | None:
    if target.get("path") == "pointer":
        pointer = (extension(target, POINTER) or {}).get("pointer")
        return pointer if isinstance(pointer, str) else None
    known = target.get("path") in (*_WIDTHS, "weights") and "node" in target
    return f"/nodes/{target['node']}/{target['path']}" if known else None


def _keys(document: Document, values: np.ndarray, count: int, pointer: str, interpolation: str) -> np.ndarray | None:
    """The values by key, as `Channel` has them; None when they do not fit the property."""
    parts = 3 if interpolation == "CUBICSPLINE" else 1
    width = values.size // (count * parts) if count else 0
    moved = _NODE_PROPERTY.fullmatch(pointer)
    if moved:
        nodes = document.all("nodes")
        node = nodes[int(moved[1])] if int(moved[1]) < len(nodes) else {"matrix": []}
        wanted = target_count(document, node) if moved[2] == "weights" else _WIDTHS[moved[2]]
        # A node that is animated has no matrix (glTF 2.0 section 5.25).
        if width != wanted or (moved[2] != "weights" and "matrix" in node):
            return None
    if not width or values.size != count * parts * width:
        return None
    shape = (count, 3, width) if parts == 3 else (count, width)
    return values.astype(np.float64).reshape(shape)


def _cubic(first: np.ndarray, second: np.ndarray, t: float, span: float) -> np.ndarray:
    """Appendix C.5: the Hermite spline through both values, tangents in units a second."""
    return (
        (2 * t**3 - 3 * t**2 + 1) * first[1]
        + span * (t**3 - 2 * t**2 + t) * first[2]
        + (-2 * t**3 + 3 * t**2) * second[1]
        + span * (t**3 - t**2) * second[0]
    )


def _slerp(first: np.ndarray, second: np.ndarray, t: float) -> np.ndarray:
    """Appendix C.4: along the shorter arc; along the chord where both are nearly the same."""
    first, second = _unit(first, True), _unit(second, True)
    cosine = float(first @ second)
    second = -second if cosine < 0 else second
    angle = float(np.arccos(min(1.0, abs(cosine))))
    if angle < 1e-6:
        return _unit(first + (second - first) * t, True)
    return (np.sin(angle * (1 - t)) * first + np.sin(angle * t) * second) / np.sin(angle)


def _unit(value: np.ndarray, rotation: bool) -> np.ndarray:
    length = float(np.linalg.norm(value)) if rotation else 0.0
    return value / length if length else value
