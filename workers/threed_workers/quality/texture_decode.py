"""Can the pictures be shown? The headers were checked already; here they are decoded, and thrown away."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from threed_workers.document.model import Json, issue
from threed_workers.picture import media_type_of
from threed_workers.quality.subject import Subject

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_SMALL = (64, 64)
_LARGEST = 256 << 20  # bytes of a file that are copied to be decoded


def check_texture_decode(subject: Subject) -> Iterator[Json]:
    """TEXTURE_UNDECODABLE: cut or damaged. PNG, JPEG and WebP only; says it when the pixels are too many."""
    left = subject.limits.decoded_pixels
    for number in range(len(subject.document.all("images"))):
        data, picture = subject.document.picture(number), subject.picture(number)
        format = _FORMATS.get(media_type_of(data) or "")
        if format is None:
            continue
        left -= picture.width_px * picture.height_px * picture.scans if picture else 0
        if left < 0 or len(data) > _LARGEST:
            text = f"Pictures are decoded up to {subject.limits.decoded_pixels} pixels in all; from here on, none was."
            yield issue("TEXTURE_NOT_CHECKED", "INFO", f"/images/{number}", text)
            return
        reason = _broken(data, format) if picture else "it is cut, or its header is damaged"
        if reason is not None:
            text = f"The picture does not decode: {reason}. Save it again."
            yield issue("TEXTURE_UNDECODABLE", "ERROR", f"/images/{number}", text)


def _broken(data: memoryview, format: str) -> str | None:
    """Why the picture cannot be decoded; None when it can."""
    try:
        with Image.open(io.BytesIO(data), formats=[format]) as image:
            image.verify()  # the checksums of a PNG, which decoding does not look at
        with Image.open(io.BytesIO(data), formats=[format]) as image:
            image.draft(None, _SMALL)  # a JPEG is read to its end all the same, at an eighth of the memory
            image.load()
    except UnidentifiedImageError:
        return "its header is damaged"
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, zlib.error) as error:
        return str(error)[:200] or type(error).__name__
    return None
