"""Time samples to one glTF animation: of transforms, joints and morph weights.

USD turns by angles, glTF by quaternions. Where an angle moves far between two samples, samples are put between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.formats.placement import decompose
from threed_workers.formats.usd_conversion import Conversion
from threed_workers.formats.usd_transforms import local_matrix

_FINEST_DEG = 30.0
_MOST_BETWEEN = 64
_STILL = 1e-6  # of the value: what float32 makes of the same number by another way
_TURNS = ("rotateX", "rotateY", "rotateZ", "rotateXYZ", "rotateXZY", "rotateYXZ", "rotateYZX", "rotateZXY", "rotateZYX")


@dataclass(eq=False)
class Motion:
    """Channels as they are found; `finish` writes them. Times are time codes until then."""

    conversion: Conversion
    channels: list[tuple[int, str, np.ndarray, np.ndarray]] = field(default_factory=list)
    samples: int = 0

    def add(self, node: int, path: str, times: np.ndarray, values: np.ndarray) -> None:
        """Move `path` of a node. A value that stays is no motion; the node has it already."""
        with np.errstate(all="ignore"):
            moves = np.abs(values - values[:1]) > _STILL * np.maximum(1, np.abs(values[:1]))
        if len(times) > 1 and moves.any():
            self.channels.append((node, path, times, values))

    def spend(self, samples: int, prim: Any) -> None:
        """Account for samples before they are read."""
        self.samples += samples
        if self.samples * 12 > self.conversion.budget.accessor_bytes // 16:
            raise FileTooComplex("The animation has too many samples. Bake it with fewer.", where=str(prim.GetPath()))

    def transform(self, node: int, xformable: Any) -> None:
        """The time samples of a prim's transform, if it has some."""
        times = self._times(xformable)
        if len(times) < 2:
            return
        self.spend(len(times), xformable.GetPrim())
        parts = [decompose(local_matrix(xformable, self.conversion, time)) for time in times]
        whole = [(time, part) for time, part in zip(times, parts, strict=True) if part is not None]
        if len(whole) < len(times):
            reason = "Moments where a transform has shear or no volume are left out of its animation."
            self.conversion.lose("animated shear", reason, len(times) - len(whole))
        if len(whole) > 1:
            at = np.array([time for time, _ in whole])
            moved, turned, scaled = (np.array([part[n] for _, part in whole]) for n in range(3))
            self.add(node, "translation", at, moved)
            self.add(node, "rotation", at, continuous(turned))
            self.add(node, "scale", at, scaled)

    def _times(self, xformable: Any) -> list[float]:
        times = xformable.GetTimeSamples()
        found = list(times[:1])
        turns = [op for op in xformable.GetOrderedXformOps() if op.GetOpName().split(":")[1] in _TURNS]
        held = self._is_held()
        for start, end in pairwise(times):
            moved = [
                np.abs(np.asarray(op.Get(end), np.float64) - np.asarray(op.Get(start), np.float64)).max()
                for op in turns
                if op.MightBeTimeVarying() and op.Get(start) is not None
            ]
            furthest = max(moved, default=0.0)
            pieces = int(min(_MOST_BETWEEN, max(1, np.ceil(furthest / _FINEST_DEG)))) if np.isfinite(furthest) else 1
            pieces = 1 if held else pieces
            found += [start + (end - start) * step / pieces for step in range(1, pieces)] + [end]
        return found

    def _is_held(self) -> bool:
        from pxr import Usd

        return self.conversion.stage.GetInterpolationType() == Usd.InterpolationTypeHeld

    def finish(self) -> None:
        """Write the animation, in seconds from the start of the stage or the first sample before it."""
        if not self.channels:
            return
        stage, builder = self.conversion.stage, self.conversion.builder
        first = min(float(times[0]) for _, _, times, _ in self.channels)
        start = min(first, stage.GetStartTimeCode()) if stage.HasAuthoredTimeCodeRange() else first
        rate = stage.GetTimeCodesPerSecond()
        rate = rate if np.isfinite(rate) and rate > 0 else 24.0
        clocks: dict[bytes, int] = {}
        samplers, channels = [], []
        for node, path, times, values in self.channels:
            seconds = ((times - start) / rate).astype(np.float32)
            keep = np.concatenate([[True], np.diff(np.maximum.accumulate(seconds)) > 0])
            seconds, values = seconds[keep], values[keep].astype(np.float32)
            if len(seconds) < 2 or not np.isfinite(seconds).all() or not np.isfinite(values).all():
                continue
            clock = clocks.get(seconds.tobytes())
            if clock is None:
                clock = clocks[seconds.tobytes()] = builder.accessor(seconds, bounds=True)
            output = builder.accessor(values.reshape(-1) if path == "weights" else values)
            mode = "STEP" if self._is_held() else "LINEAR"
            samplers.append({"input": clock, "output": output, "interpolation": mode})
            channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": path}})
        if channels:
            builder.add("animations", {"name": "stage", "samplers": samplers, "channels": channels})


def continuous(turned: np.ndarray) -> np.ndarray:
    """Unit quaternions (n, 4), each on the side of the one before it, so that between them the way is short."""
    lengths = np.linalg.norm(turned, axis=-1, keepdims=True)
    unit = np.where(lengths > 0, turned / np.where(lengths > 0, lengths, 1), (0.0, 0.0, 0.0, 1.0))
    flips = np.where(np.einsum("ij,ij->i", unit[1:], unit[:-1]) < 0, -1.0, 1.0)
    return unit * np.concatenate([[1.0], np.cumprod(flips)])[:, None]
