"""What a format gets, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from threed_workers.document.model import Json, loss
from threed_workers.films.frames import Frames


@dataclass(frozen=True)
class Plan:
    """`rate` in frames a second, `quality` 1 to 100, `codec` one of the format's."""

    frames: Frames
    rate: Fraction
    codec: str
    quality: int

    @property
    def seconds(self) -> Fraction:
        return len(self.frames) / self.rate


@dataclass(frozen=True)
class Made:
    """How long the written film plays, and what of the frames it has not."""

    seconds: Fraction
    losses: list[Json] = field(default_factory=list)


def without_alpha(plan: Plan) -> list[Json]:
    """The loss of a format without transparency, once the frames were read."""
    count = len(plan.frames.see_through)
    return [loss("transparency", count, "Video has no alpha: frames lie over white.", "film")] if count else []
