"""Keyframes as arrays: read with what they mean, evaluated between, and written again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from threed_workers.document import Document, edit, read, read_floats
from threed_workers.document.model import Json
from threed_workers.transforms._channels import pointer_of


@dataclass
class Keys:
    """The keyframes of one sampler.

    `times` float64 (n,), seconds, rising; `values` float32 (n, k): with CUBICSPLINE (n, 3 k), in-tangents, values and
    out-tangents. `rotates`: rows are quaternions xyzw, between which LINEAR goes along the sphere.
    """

    times: np.ndarray
    values: np.ndarray
    interpolation: str
    rotates: bool


def keys_of(document: Document, animation: Json, number: int) -> Keys:
    """The keyframes of sampler `number` of an animation."""
    sampler = animation["samplers"][number]
    times = read_floats(document, sampler["input"]).reshape(-1).astype(np.float64)
    rows = read_floats(document, sampler["output"]).reshape(len(times), -1)
    ends = [pointer_of(channel) for channel in animation["channels"] if channel["sampler"] == number]
    rotates = any(end.endswith("/rotation") for end in ends) and rows.shape[1] in (4, 12)
    return Keys(times, rows, sampler.get("interpolation", "LINEAR"), rotates)


def between(before: np.ndarray, after: np.ndarray, part: np.ndarray, rotates: bool) -> np.ndarray:
    """LINEAR interpolation of rows (n, k) at `part` (n,) in [0, 1] (glTF 2.0 appendix C.3 and C.4: slerp)."""
    before, after, part = before.astype(np.float64), after.astype(np.float64), part[:, None]
    if not rotates:
        return before + (after - before) * part
    cosine = np.einsum("ij,ij->i", before, after)[:, None]
    after = np.where(cosine < 0, -after, after)
    angle = np.arccos(np.clip(np.abs(cosine), 0, 1))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1, sine)
    one = np.where(near, 1 - part, np.sin((1 - part) * angle) / safe)
    other = np.where(near, part, np.sin(part * angle) / safe)
    return before * one + after * other


def distance(found: np.ndarray, wanted: np.ndarray, rotates: bool) -> np.ndarray:
    """(n,): how far rows are apart: the largest difference, or for rotations the angle in radians."""
    if not rotates:
        return np.abs(found - wanted).max(axis=1, initial=0.0)
    chord = np.minimum(np.linalg.norm(found - wanted, axis=1), np.linalg.norm(found + wanted, axis=1))
    return 4 * np.arcsin(np.clip(chord / 2, 0, 1))


@dataclass
class Writer:
    """New accessors of keyframes; equal ones are written once, so that samplers go on sharing their times."""

    document: Document
    made: dict[bytes, int] = field(default_factory=dict)

    def times(self, times: np.ndarray) -> int:
        """float64 seconds, rising, as float32 with min and max (glTF 2.0 section 5.5.1)."""
        return self._once(times.astype(np.float32).reshape(-1, 1), bounds=True)

    def rows(self, values: np.ndarray, source: int) -> int:
        """Rows (n, m), written with as many elements as `source` has of its type."""
        accessor = self.document.all("accessors")[source]
        width = read(self.document, source).shape[1]
        values = np.ascontiguousarray(values).reshape(-1, width)
        return self._once(values, normalized=bool(accessor.get("normalized")) and values.dtype.kind != "f")

    def _once(self, values: np.ndarray, **more: bool) -> int:
        key = str((values.dtype, values.shape, sorted(more.items()))).encode() + values.tobytes()
        if key not in self.made:
            self.made[key] = edit.add_accessor(self.document, values, **more)
        return self.made[key]
