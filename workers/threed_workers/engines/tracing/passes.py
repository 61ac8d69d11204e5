"""How many samples a pass takes. A pass cannot be interrupted, so none is longer than half a second where possible."""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.engines.tracing.variant import LLVM, SCALAR

DEFAULT_SAMPLES = 64
# Samples of a whole picture in half a second on two cores, measured with the helmet of rendering benchmarks.
_AFFORDABLE = {SCALAR: 1 << 20, LLVM: 1 << 21}
_LARGEST = 16


def schedule(samples: int, pixels: int, variant: str) -> Iterator[int]:
    """1, 1, 1, 1, 4, 4, 4, 16 ... samples a pixel that sum to `samples`: first something, then little overhead.

    Powers of four, as stratified samplers want them. With LLVM, a number of samples is a program that is compiled for
    seconds; so all passes are alike. They depend on nothing but the arguments, so that the same job draws the same
    picture.
    """
    most = max(1, _AFFORDABLE[variant] // pixels)
    if variant != SCALAR:
        count = equal_part(samples, min(most, _LARGEST))
        yield from [count] * (samples // count)
        return
    done = 0
    while done < samples:
        room = min(max(done, 1), most, samples - done)
        count = 4 ** ((room.bit_length() - 1) // 2)
        yield count
        done += count


def equal_part(samples: int, most: int) -> int:
    """The largest number up to `most` that so many samples can be divided by."""
    return next(count for count in range(min(most, samples), 0, -1) if samples % count == 0)
