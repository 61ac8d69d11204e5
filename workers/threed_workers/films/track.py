"""A video track between an encoder and a container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Color:
    """Code points of ITU-T H.273: how the numbers of the track mean light."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool


@dataclass(frozen=True)
class Track:
    """Coded frames in the order in which they are shown and decoded, each shown 1 / `rate` seconds.

    `configuration` is the record that a decoder starts with (the payload of the box av1C or avcC). `keyframes` are the
    indices of the samples that need none before them; the first one always.
    """

    codec: str
    width: int
    height: int
    rate: Fraction
    configuration: bytes
    color: Color
    samples: Sequence[bytes]
    keyframes: Sequence[int]

    @property
    def seconds(self) -> Fraction:
        return len(self.samples) / self.rate
