"""One call of Mitsuba, whatever the scene."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from threed_workers.engines.tracing.passes import equal_part
from threed_workers.engines.tracing.variant import LLVM

# LLVM draws all samples of a call at once, and keeps the state of each: 32 bytes and more.
_AT_ONCE = 1 << 23
# Between the seeds of the calls that one is made of: more than there are passes.
_APART = 1 << 20


def rendered(mi: Any, place: Any, integrator: Any, count: int, seed: int) -> np.ndarray:
    """`count` samples a pixel as float32 (h, w, 4), none of them negative or without a number."""
    part = _part(mi, place, count)
    turns = count // part
    found = sum(_called(mi, place, integrator, part, seed + turn * _APART) for turn in range(turns))
    return found / np.float32(turns)


def _called(mi: Any, place: Any, integrator: Any, count: int, seed: int) -> np.ndarray:
    values = np.array(mi.render(place, integrator=integrator, spp=count, seed=seed), dtype=np.float32)
    return np.maximum(np.nan_to_num(values, posinf=0.0, neginf=0.0), 0.0)


def _part(mi: Any, place: Any, count: int) -> int:
    """How many samples of each pixel one call may draw; all calls draw as many."""
    if mi.variant() != LLVM:
        return count
    pixels = math.prod(place.sensors()[0].film().crop_size())
    return equal_part(count, max(1, _AT_ONCE // pixels))
