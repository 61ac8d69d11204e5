"""The light of what glows, in a scene of its own that is dark otherwise: see shot.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.engines.tracing.rendered import rendered

# Bounces: what glows lights little beyond its neighbours.
_DEPTH = 5
# Where nothing but light is seen, more samples than these show no more: its surfaces have no noise, and their edges are
# as smooth as 16 samples make them. More took a tenth of the time of a picture of 64, without LLVM.
_ENOUGH = 16
# Of the samples of a pixel, at least so many follow light beyond the surface that sends it out.
_FEWEST = 1 / 32
# Samples for a share of the light: all, where surfaces send out more than a quarter of what the environment sends them.
_SAMPLES_A_SHARE = 4
# Seeds of theirs, which no pass has.
_APART = 1 << 16


class Glow:
    """`integrator` is what Mitsuba's is made of; `share` is how much more or less it is than other light.

    Dim light is seen where it comes from by every sample, and followed by some, as far as its share of the picture
    goes. Those are drawn one a pixel: then a sample has the same place in the pixel whatever comes after it, and what
    is seen directly can be taken away from what is seen in all.
    """

    def __init__(self, mi: Any, place: Any, integrator: dict, share: float):
        self._mi = mi
        self._place = place
        self._followed = max(_SAMPLES_A_SHARE * share, _FEWEST)
        self._whole = mi.load_dict(integrator | {"max_depth": _DEPTH})
        self._direct = mi.load_dict(integrator | {"max_depth": 1}) if self._followed < 1 else None
        self._count = 0
        self._seen: np.ndarray | float = 0.0
        self._seen_count = 0
        self._thrown: np.ndarray | float = 0.0
        self._thrown_count = 0

    def sample(self, count: int, seed: int) -> None:
        """Add `count` samples to each pixel."""
        self._count += count
        shown = self._whole if self._direct is None else self._direct
        if self._direct is None or self._seen_count < _ENOUGH:
            self._seen = self._seen + self._rendered(shown, count, seed) * count
            self._seen_count += count
        while self._direct is not None and self._thrown_count < self._count * self._followed:
            turn = _APART + self._thrown_count
            whole, direct = (self._rendered(integrator, 1, turn) for integrator in (self._whole, self._direct))
            self._thrown = self._thrown + np.maximum(whole - direct, 0.0)
            self._thrown_count += 1

    def radiance(self) -> np.ndarray:
        """float32 (h, w, 3)."""
        return self._seen / max(self._seen_count, 1) + self._thrown / max(self._thrown_count, 1)

    def _rendered(self, integrator: Any, count: int, seed: int) -> np.ndarray:
        return rendered(self._mi, self._place, integrator, count, seed)[..., :3]
