"""Pixels to encoded pictures."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from threed_workers import png
from threed_workers.textures.pixels import AVIF_TYPE, Pixels
from threed_workers.textures.roles import Kind, Role

_AVIF_SPEED = 8


def encode(values: np.ndarray, media_type: str, quality: int, role: Role) -> bytes:
    """uint8 or uint16 (h, w, 1 to 4) as PNG, JPEG, WebP or AVIF; `quality` 1 to 100 of the lossy ones.

    PNG keeps 16 bits; the others have 8. JPEG has no alpha: drop it before. Colours of lossy pictures have half the
    resolution (4:2:0); normals and data, whose channels have nothing in common, keep the whole where the format can
    (JPEG, AVIF) and are filtered with more care where it cannot (WebP).
    """
    if media_type == "image/png":
        if values.dtype == np.uint16:
            return png.encode(values, level=9)
        return _saved(_image(values), "PNG", optimize=True)
    image = _image(_eight_bits(values))
    if media_type == "image/webp":
        options = {
            "quality": quality,
            "method": 4,
            "exact": not role.coverage,
            "use_sharp_yuv": role.kind != Kind.COLOR,
        }
        return _saved(image, "WEBP", **options)
    whole = "4:2:0" if role.kind is Kind.COLOR else "4:4:4"
    if media_type == AVIF_TYPE:
        return _saved(image, "AVIF", quality=quality, speed=_AVIF_SPEED, subsampling=whole)
    return _saved(image, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=whole)


def encode_alike(source: Pixels, values: np.ndarray, role: Role) -> bytes:
    """`values` in the encoding of `source`, and about as good: lossless stays lossless, a JPEG keeps its tables."""
    if source.media_type == "image/webp" and source.lossless:
        return _saved(_image(values), "WEBP", lossless=True, exact=True)
    if source.tables and values.shape[2] in (1, 3):
        return _saved(_image(values), "JPEG", optimize=True, **source.tables)
    return encode(values, source.media_type, 90, role)


def passing_png(values: np.ndarray) -> bytes:
    """uint8 or uint16 (h, w, 1 to 4) as a PNG that is written quickly, for what only engines read."""
    return png.encode(values, strategy=zlib.Z_RLE)


def _eight_bits(values: np.ndarray) -> np.ndarray:
    return values if values.dtype == np.uint8 else np.rint(values / 257).astype(np.uint8)


def _image(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else np.ascontiguousarray(values))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
