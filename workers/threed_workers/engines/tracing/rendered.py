"""One call of Mitsuba, whatever the scene."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# LLVM draws all samples of a call at once, and keeps the state of each: 32 bytes and more.
_AT_ONCE = 1 << 23
# Between the seeds of the calls that one is made of: more than there are passes.
_APART = 1 << 20


def rendered(mi: Any, place: Any, integrator: Any, count: int, seed: int) -> np.ndarray:
    """`count` samples a pixel as float32 (h, w, 4), none of them negative or without a number."""
    turns = _turns(mi, place, count)
    found = sum(_called(mi, place, integrator, count // turns, seed + turn * _APART) for turn in range(turns))
    return found / np.float32(turns)


def _called(mi: Any, place: Any, integrator: Any, count: int, seed: int) -> np.ndarray:
    values = np.array(mi.render(place, integrator=integrator, spp=count, seed=seed), dtype=np.float32)
    return np.maximum(np.nan_to_num(values, posinf=0.0, neginf=0.0), 0.0)


def _turns(mi: Any, place: Any, count: int) -> int:
    """In how many calls of equally many samples."""
    if not mi.variant().startswith("llvm"):
        return 1
    pixels = math.prod(place.sensors()[0].film().crop_size())
    most = max(1, _AT_ONCE // pixels)
    return next(turns for turns in range(1, count + 1) if count % turns == 0 and count // turns <= most)
