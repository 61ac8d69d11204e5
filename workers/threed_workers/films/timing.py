"""When a frame is shown: rates as fractions, and durations that do not drift."""

from __future__ import annotations

from fractions import Fraction


def rate_of(fps: float) -> Fraction:
    """Frames a second. 29.97 and its like become what they stand for, 30000/1001."""
    return Fraction(fps).limit_denominator(1001)


def durations(count: int, rate: Fraction, ticks: int, shortest: int = 1) -> list[int]:
    """How long each of `count` frames is shown, in ticks of which a second has `ticks`; none less than `shortest`.

    Where a frame takes no whole number of ticks, some take one more than others, so that the film keeps its length.
    """
    ends = [_rounded((index + 1) * ticks / rate) for index in range(count)]
    return [max(shortest, end - begin) for begin, end in zip([0, *ends], ends, strict=False)]


def _rounded(value: Fraction) -> int:
    """Half up, so that equal steps stay equal."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
