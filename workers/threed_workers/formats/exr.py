"""OpenEXR pictures: read by the OpenEXR library (BSD-3-Clause), scanlines and tiles, all compressions."""

from __future__ import annotations

import numpy as np
import OpenEXR
from PIL.Image import Image

from threed.errors import FileFeatureUnsupported, FileMalformed
from threed_workers.budget import Budget
from threed_workers.formats.source import Source
from threed_workers.formats.tone import tone_mapped
from threed_workers.picture import Picture, check, media_type_of, probe

name = "exr"
media_type = "image/x-exr"
extensions = (".exr",)
asset_type = "ENVIRONMENT"


def recognise(source: Source) -> bool:
    return media_type_of(source.data) == media_type


def read(source: Source, budget: Budget) -> Picture:
    """What the header says, within the budget."""
    picture = probe(source.data, "byte 0")
    check(picture, budget, "byte 0")
    return picture


def preview(source: Source, longest_px: int) -> Image:
    """The first part's colour, tone mapped, at most `longest_px` long."""
    try:
        file = OpenEXR.File(str(source.path), separate_channels=True)
        planes = {key: channel.pixels for key, channel in file.channels().items()}
    except (RuntimeError, ValueError, TypeError) as error:
        raise FileMalformed(f"The picture does not decode: {error}.", where="byte 8") from None
    chosen = _colour(list(planes))
    if not chosen:
        raise FileFeatureUnsupported(f"The picture has no colour, only {sorted(planes)[:8]}.", where="channels")
    shape = planes[chosen[0]].shape
    if any(planes[key].shape != shape for key in chosen):
        raise FileFeatureUnsupported("The picture's channels have different sizes.", where="channels")
    step = max(1, max(shape) // (2 * longest_px))
    return tone_mapped(
        np.stack([planes[key][::step, ::step].astype(np.float32) for key in chosen], axis=-1), longest_px
    )


def _colour(names: list[str]) -> list[str]:
    """The channels to show: R, G, B and maybe A of the first layer that has them; else one channel as grey."""
    for layer in sorted({key.rpartition(".")[0] for key in names}):
        prefix = f"{layer}." if layer else ""
        if all(prefix + part in names for part in "RGB"):
            return [prefix + part for part in "RGB"] + ([prefix + "A"] if prefix + "A" in names else [])
    grey = next((key for key in names if key.rpartition(".")[2] in ("Y", "Z", "V", "R")), None)
    return [grey] * 3 if grey else []
