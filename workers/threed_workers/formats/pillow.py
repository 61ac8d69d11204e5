"""Decode 8 and 16 bit pictures with Pillow, smaller where that is possible while decoding."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from threed.errors import FileMalformed, FileTruncated
from threed_workers.formats.source import Source

_FORMATS = ("PNG", "JPEG", "WEBP")
# Sizes are checked against our own budget before (picture.py); Pillow's warning would come too late and too early.
Image.MAX_IMAGE_PIXELS = None


def opened(source: Source, longest_px: int) -> Image.Image:
    """RGB or RGBA, its longest edge at most `longest_px`, shape kept; animations show their first frame."""
    try:
        with Image.open(io.BytesIO(source.data), formats=_FORMATS) as image:
            image.draft(None, (longest_px, longest_px))  # JPEG decodes at 1/2, 1/4, 1/8
            return fitted(_eight_bit(image), longest_px)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
        if "truncated" in str(error).lower():
            raise FileTruncated(f"The picture is cut: {error}.", where="byte 0") from None
        raise FileMalformed(f"The picture does not decode: {error}.", where="byte 0") from None


def fitted(image: Image.Image, longest_px: int) -> Image.Image:
    """The picture scaled down to fit a square of `longest_px`; smaller ones stay as they are."""
    scale = longest_px / max(image.size)
    if scale >= 1:
        return image
    size = tuple(max(1, round(edge * scale)) for edge in image.size)
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    with_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return image.convert("RGBA" if with_alpha else "RGB")
