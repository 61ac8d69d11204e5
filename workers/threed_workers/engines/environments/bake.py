"""Bake the built-in environments: `python -m threed_workers.engines.environments.bake`.

Writes one `<name>.ktx.xz` beside this file for each room of `studio.py`, the same bytes every time. To be run after a
change of a formula; the result is committed and shipped, because this takes half a minute, and Filament's own way takes
six seconds of every picture.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping

import numpy as np

from threed_workers.engines.environments import FOLDER, ktx1, studio, suns
from threed_workers.engines.environments.cubemap import Averaged, Radiance, cube_averages, panorama_radiance
from threed_workers.engines.environments.prefilter import (
    SAMPLES,
    irradiance_harmonics,
    mirror,
    prefiltered_levels,
)

SIZE, LEVELS = 128, 5
SUNS = "threed.suns"
# Of an uploaded panorama: samples (see prefiltered_levels), and the edge of the cube map that they are taken from.
_SAMPLES, _DETAIL = 32, 256


def bake(name: str, size: int = SIZE) -> bytes:
    """The KTX 1 of one built-in environment."""
    return baked(studio.radiance(name), size)


def baked(
    light: Radiance,
    size: int = SIZE,
    samples: int = SAMPLES,
    averaged: Averaged | None = None,
    notes: Mapping[str, str] | None = None,
) -> bytes:
    """The KTX 1 that Filament lights by, of any radiance; see prefiltered_levels for `averaged`."""
    levels = prefiltered_levels(light, size, LEVELS, samples, averaged)
    return ktx1.pack(levels, irradiance_harmonics(light), notes)


def of_panorama(panorama: np.ndarray) -> bytes:
    """The same of linear RGB (h, w, 3), row 0 up, in two processor seconds; filly 0.2.1 takes 17 on Mesa's driver.

    Its suns are not in it, but told in the key SUNS.
    """
    rest, found = suns.parted(panorama)
    radiance = panorama_radiance(rest)
    notes = {SUNS: suns.written(found)} if found else None
    averaged = cube_averages(mirror(radiance, _DETAIL, supersamples=2))
    return baked(radiance, samples=_SAMPLES, averaged=averaged, notes=notes)


def main() -> None:
    """Bake all of them."""
    for name in studio.ROOMS:
        packed = lzma.compress(bake(name), preset=9 | lzma.PRESET_EXTREME)
        (FOLDER / f"{name}.ktx.xz").write_bytes(packed)
        print(f"{name}: {len(packed)} bytes")


if __name__ == "__main__":
    main()
