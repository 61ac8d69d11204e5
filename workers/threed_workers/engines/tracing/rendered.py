"""One call of Mitsuba, whatever the scene."""

from __future__ import annotations

from typing import Any

import numpy as np


def rendered(mi: Any, place: Any, integrator: Any, count: int, seed: int) -> np.ndarray:
    """`count` samples a pixel as float32 (h, w, 4), none of them negative or without a number."""
    values = np.array(mi.render(place, integrator=integrator, spp=count, seed=seed), dtype=np.float32)
    return np.maximum(np.nan_to_num(values, posinf=0.0, neginf=0.0), 0.0)
