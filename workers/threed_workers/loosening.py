"""Make a recipe that changed too much change less."""

from __future__ import annotations

import math

from threed.v1.recipes_pb2 import Recipe, Step

MOST_TIMES = 3
_LARGEST_PX = 16384
_MOST_BITS = 16


def loosened(recipe: Recipe) -> Recipe | None:
    """The same steps with settings that change less; None when no step has any that could.

    Half of what a simplification takes away comes back, and half its error; pictures get twice the edge, and half of
    what is missing to full quality; numbers get two bits more.
    """
    looser = Recipe()
    looser.CopyFrom(recipe)
    for step in looser.steps:
        _loosen(step)
    return None if looser == recipe else looser


def _loosen(step: Step) -> None:
    name = step.WhichOneof("step")
    settings = getattr(step, name)
    if name == "simplify":
        settings.ratio = math.sqrt(settings.ratio) if settings.ratio < 0.99 else 1.0
        settings.error = (settings.error or 0.01) / 2
    elif name == "texture_resize":
        settings.max_px = min(_LARGEST_PX, 2 * settings.max_px)
    elif name == "texture_encode":
        settings.quality = min(100, ((settings.quality or 80) + 101) // 2)
    elif name == "quantize":
        for field, default in (("position_bits", 14), ("texcoord_bits", 12)):
            setattr(settings, field, min(_MOST_BITS, (getattr(settings, field) or default) + 2))
        settings.normal_bits = settings.color_bits = _MOST_BITS
