"""How large a thing must and may be for a camera to have it in view. Servers and workers both ask here."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Two thirds of the way to the Sun. Engines draw larger things, but nobody means them: it is a wrong unit.
MOST_M = 1e11


def wrong(low: Sequence[float], high: Sequence[float]) -> str:
    """What is wrong with a box from corner to corner, in metres; empty when a camera can have it in view."""
    reach = max(map(abs, (*low, *high)))
    if not math.isfinite(reach):
        return "is not finite. Check its transforms."
    edge = max(end - begin for begin, end in zip(low, high, strict=True))
    if edge == 0:
        return "has no size: all of its points are one. Check its scale."
    if reach > MOST_M:
        return f"reaches {reach:.3g} m far; at most {MOST_M:g} m are drawn. Check its unit, or scale it down."
    return ""
