"""Animated WebP (RFC 9649): lossy, with alpha, for ever. libwebp (BSD-3-Clause) in Pillow."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from PIL import Image

from threed_workers.document.model import loss
from threed_workers.films.plan import Made, Plan
from threed_workers.films.reel import Reel
from threed_workers.films.timing import durations

_TICKS = 1000  # a second


def write(plan: Plan, target: Path) -> Made:
    """Frames that are equal to the one before become one that is shown longer, and all of them a still picture."""
    shown = durations(len(plan.frames), plan.rate, _TICKS)
    reel = Reel(plan.frames.read, 0, len(plan.frames))
    # Method 2 as for pictures. Opacity has its own quality, and is kept whole.
    reel.save(target, "WEBP", save_all=True, duration=shown, loop=0, quality=plan.quality, alpha_quality=100, method=2)
    with Image.open(target) as written:
        if written.n_frames == 1:
            reason = "Nothing moves: libwebp writes one picture, which has no length."
            return Made(Fraction(0), [loss("frames", len(plan.frames) - 1, reason, "film")])
    return Made(Fraction(sum(shown), _TICKS))
