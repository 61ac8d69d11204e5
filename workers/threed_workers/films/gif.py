"""GIF (GIF89a): 255 colours for the whole film, dithered, and one more for what is transparent. It plays for ever."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from threed_workers.document.model import Json, loss
from threed_workers.films.frames import Frames
from threed_workers.films.plan import Made, Plan
from threed_workers.films.timing import durations

_TICKS = 100  # a second
_SHORTEST = 2  # browsers show what is shorter for a tenth of a second
_COLORS = 255
_CLEAR = 255  # the index of what is transparent
_OPAQUE_FROM = 128  # of 255
_SAMPLES, _SAMPLE_PX = 16, 160
_RESTORE = 2  # to the background, before the next frame
_KEEP = 1


def write(plan: Plan, target: Path) -> Made:
    """Frames that are equal to the one before become one that is shown longer."""
    shown = durations(len(plan.frames), plan.rate, _TICKS, _SHORTEST)
    frames = _Indexed(plan.frames)
    pictures = iter(frames)
    clear = {"transparency": _CLEAR} if plan.frames.has_alpha else {}
    next(pictures).save(
        target,
        "GIF",
        save_all=True,
        append_images=pictures,
        duration=[10 * ticks for ticks in shown],
        loop=0,
        disposal=_RESTORE if clear else _KEEP,
        optimize=False,
        **clear,
    )
    seconds = Fraction(sum(shown), _TICKS)
    return Made(seconds, [*frames.losses(), *_slower(plan, seconds)])


class _Indexed:
    """The frames with one palette. One for each frame would be nearer to it, and flicker where nothing moves."""

    def __init__(self, frames: Frames):
        self._frames = frames
        self._palette = _palette(frames)
        self._veiled = self._changed = 0

    def __iter__(self) -> Iterator[Image.Image]:
        for index in range(len(self._frames)):
            yield self._indexed(self._frames.read(index))

    def losses(self) -> list[Json]:
        lost = []
        if self._changed:
            reason = f"GIF has {_COLORS} colours for the whole film; others are dithered."
            lost.append(loss("colors", self._changed, reason, "film"))
        if self._veiled:
            reason = "GIF has no half transparency: a pixel is drawn from half opacity on."
            lost.append(loss("alpha", self._veiled, reason, "film"))
        return lost

    def _indexed(self, image: Image.Image) -> Image.Image:
        colors, clear = image.convert("RGB"), None
        if image.mode == "RGBA":
            alpha = image.getchannel("A")
            self._veiled += any(alpha.histogram()[1:255])
            clear = alpha.point(lambda value: 255 if value < _OPAQUE_FROM else 0)
            # What is behind nothing must not shine into its neighbours by dithering.
            colors.paste(tuple(self._palette.getpalette()[:3]), mask=clear)
        drawn = colors.quantize(palette=self._palette, dither=Image.Dither.FLOYDSTEINBERG).point([*range(_COLORS), 0])
        self._changed += ImageChops.difference(drawn.convert("RGB"), colors).getbbox() is not None
        if clear is not None:
            drawn.paste(_CLEAR, mask=clear)
        return drawn


def _palette(frames: Frames) -> Image.Image:
    """The colours by median cut over frames from the whole film, of what is not transparent in them."""
    taken = sorted({index * (len(frames) - 1) // (_SAMPLES - 1) for index in range(_SAMPLES)})
    rows = []
    for index in taken:
        image = frames.peek(index)
        image.thumbnail((_SAMPLE_PX, _SAMPLE_PX), Image.Resampling.NEAREST)  # no colours that were not there
        rows.append(image.convert("RGBA"))
    sheet = np.concatenate([np.asarray(row).reshape(-1, 4) for row in rows])
    solid = sheet[sheet[:, 3] >= _OPAQUE_FROM, :3]
    pixels = solid if len(solid) else np.zeros((1, 3), np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels[None])).quantize(_COLORS, Image.Quantize.MEDIANCUT)


def _slower(plan: Plan, seconds: Fraction) -> list[Json]:
    """What is lost when frames must be shown longer than was asked for; less than a hundredth in all is nothing."""
    if abs(seconds - plan.seconds) < Fraction(1, _TICKS):
        return []
    reason = (
        f"GIF shows a frame for {_SHORTEST}/{_TICKS} s at least: "
        f"the film takes {float(seconds):g} s, not {float(plan.seconds):g} s."
    )
    return [loss("frame_rate", len(plan.frames), reason, "film")]
