"""Encoded pictures to pixels, with all their channels and bits."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, JpegImagePlugin

from threed.errors import FileFeatureUnsupported, FileMalformed, FileRefused, FileTruncated
from threed_workers.budget import Budget
from threed_workers.picture import Picture, check, media_type_of, probe
from threed_workers.textures import png16

AVIF_TYPE, KTX2_TYPE = "image/avif", "image/ktx2"
_PILLOW = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", AVIF_TYPE: "AVIF"}
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
# Sizes are checked against the budget first; Pillow's own warning would come too late and too early.
Image.MAX_IMAGE_PIXELS = None


@dataclass(eq=False)
class Pixels:
    """uint8 or uint16 (height, width, channels): grey, grey and alpha, RGB, or RGBA.

    `profile` names a colour space that the file asked for and that is not sRGB; glTF 2.0 section 3.8.3 wants it
    ignored. `tables` are what a JPEG was quantized with, so that it can be written as good as it was.
    """

    values: np.ndarray
    media_type: str
    profile: str = ""
    lossless: bool = True
    tables: dict = field(default_factory=dict)

    @property
    def is_opaque(self) -> bool:
        """Whether no pixel has an alpha below 1."""
        return self.values.shape[2] in (1, 3) or bool((self.values[..., -1] == np.iinfo(self.values.dtype).max).all())


def media_type(data: memoryview) -> str | None:
    """The media type by the first bytes, AVIF included; None when they say nothing known."""
    if data[4:8] == b"ftyp" and bytes(data[8:12]) in (b"avif", b"avis"):
        return AVIF_TYPE
    return media_type_of(data)


def size_of(data: memoryview, budget: Budget, where: str) -> Picture:
    """What the header declares, within the budget. Raises FileTooComplex and whatever `picture.probe` raises."""
    if media_type(data) == AVIF_TYPE:
        with _opened(data, AVIF_TYPE, where) as image:
            picture = Picture("avif", AVIF_TYPE, *image.size, len(image.getbands()), 8)
    else:
        picture = probe(data, where)
    check(picture, budget, where)
    return picture


def decode(data: memoryview, budget: Budget, where: str) -> Pixels:
    """The pixels of a PNG, JPEG, WebP or AVIF; of an animation, the first. Raises a FileRefused naming `where`."""
    kind = media_type(data)
    if kind not in _PILLOW:
        raise FileFeatureUnsupported(f"A picture of type {kind} is not decoded here.", where=where)
    size_of(data, budget, where)
    if png16.is_deep(data):
        return Pixels(png16.decode(data, where), kind, _png_profile(data))
    with _opened(data, kind, where) as image:
        try:
            values = _values(image)
        except _BROKEN as error:
            raise _refusal(error, where) from None
        profile = _png_profile(data) if kind == "image/png" else _icc_name(image.info.get("icc_profile"))
        tables = {}
        if kind == "image/jpeg":
            tables = {"qtables": image.quantization, "subsampling": JpegImagePlugin.get_sampling(image)}
        lossless = kind == "image/png" or (kind == "image/webp" and b"VP8L" in bytes(data[12:64]))
        return Pixels(values, kind, profile, lossless, tables)


def _opened(data: memoryview, kind: str, where: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=[_PILLOW[kind]])
    except _BROKEN as error:
        raise _refusal(error, where) from None


def _refusal(error: Exception, where: str) -> FileRefused:
    cause = FileTruncated if "truncated" in str(error).lower() else FileMalformed
    return cause(f"The picture does not decode: {error}.", where=where)


def _values(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16)[..., None]
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    grey = image.mode in ("1", "L", "LA", "La")
    wanted = ("LA" if has_alpha else "L") if grey else ("RGBA" if has_alpha else "RGB")
    values = np.asarray(image if image.mode == wanted else image.convert(wanted))
    return values if values.ndim == 3 else values[..., None]


def _png_profile(data: memoryview) -> str:
    """What a PNG says of its colours, when that is not sRGB: an iCCP chunk, or a gAMA other than 1 / 2.2."""
    head = bytes(data[: 1 << 16]).partition(b"IDAT")[0]
    if b"sRGB" in head:
        return ""
    place = head.find(b"iCCP")
    if place >= 0:
        name = head[place + 4 : place + 84].partition(b"\0")[0].decode("latin-1")
        return "" if "srgb" in name.lower() else f"ICC profile {name!r}"
    place = head.find(b"gAMA")
    gamma = int.from_bytes(head[place + 4 : place + 8], "big") if place >= 0 else 45455
    return "" if abs(gamma - 45455) < 100 else f"gamma 1/{100000 / max(1, gamma):.2f}"


def _icc_name(profile: bytes | None) -> str:
    """ "" for none and for sRGB, by the text that profiles of it carry, in either of their codings."""
    if not profile or b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile:
        return ""
    return "ICC profile"
