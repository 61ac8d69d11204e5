"""Encode pictures, and make them smaller. Arrays are uint8 (h, w, 4), sRGB with straight alpha, top row first, unless
a function says otherwise.
"""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from threed.errors import FieldInvalid
from threed_workers import png

MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}

_QUALITY = {"jpg": 92, "webp": 90}


def encode(image: np.ndarray, suffix: str) -> bytes:
    """The picture as png, jpg or webp, without alpha when it is opaque. Raises FieldInvalid for jpg with alpha.

    Pictures of more than 8 bits a channel are encoded by deep_pictures.py.
    """
    opaque = bool((image[..., 3] == 255).all())
    shown = np.ascontiguousarray(image[..., :3] if opaque else image)
    if suffix == "png":
        # Runs alone, without weighing filters: a seventh of the time of Pillow's defaults, and a fifth more bytes.
        return png.encode(shown, strategy=zlib.Z_RLE)
    picture, out = Image.fromarray(shown), io.BytesIO()
    if suffix == "webp":
        # Method 2 takes half the time of the default 4 and 7 % more bytes.
        picture.save(out, "WEBP", quality=_QUALITY["webp"], method=2)
    elif opaque:
        picture.save(out, "JPEG", quality=_QUALITY["jpg"], subsampling=0, optimize=True)
    else:
        raise FieldInvalid(
            "JPEG has no alpha channel. Ask for PNG or WEBP, or for an opaque background.",
            violations=(("render_job.output_format", "JPEG cannot be transparent"),),
        )
    return out.getvalue()


def shrunk(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture at a smaller size: Lanczos on linear light, weighted by alpha, so that edges keep their colour."""
    alpha = image[..., 3:].astype(np.float32) / 255
    planes = np.concatenate([decoded(image[..., :3]) * alpha, alpha], axis=-1)
    small = np.stack(
        [
            np.asarray(Image.fromarray(planes[..., channel]).resize((width, height), Image.Resampling.LANCZOS))
            for channel in range(4)
        ],
        axis=-1,
    ).clip(0, 1)
    colour = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
    return np.concatenate([encoded(colour), np.rint(small[..., 3:] * 255).astype(np.uint8)], axis=-1)


def resampled(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """A premultiplied picture at another size: bicubic on what is encoded, in a third less time than Lanczos."""
    if image.shape[:2] == (height, width):
        return image
    size = image.shape[1], image.shape[0]
    picture = Image.frombuffer("RGBa", size, np.ascontiguousarray(image), "raw", "RGBa", 0, 1)
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))


def straight(image: np.ndarray) -> np.ndarray:
    """The picture with straight alpha, from one whose encoded colours are premultiplied."""
    out = image.copy()
    for rows in bands(image):
        # Only edges and what is translucent: 0.5 ms instead of 9 at 512 x 512, which counts in films.
        edge = translucent(image[rows])
        mixed = image[rows][edge].astype(np.uint16)
        alpha = mixed[:, 3:]
        mixed[:, :3] = np.minimum((mixed[:, :3] * np.uint16(255) + alpha // 2) // np.maximum(alpha, 1), 255)
        out[rows][edge] = mixed
    return out


def translucent(image: np.ndarray) -> np.ndarray:
    """Where alpha makes a difference to the colour, bool (h, w): neither opaque nor empty, and not black."""
    black = image.view(np.uint32)[..., 0] & np.frombuffer(b"\xff\xff\xff\0", np.uint32)[0] == 0
    return (image[..., 3] - np.uint8(1) < 254) & ~black  # 0 becomes 255


def laid_over(image: np.ndarray, linear: tuple[float, float, float]) -> np.ndarray:
    """The opaque picture of a premultiplied one over a colour, mixed as encoded, as browsers do."""
    out = np.empty_like(image)
    behind = _shining_through(encoded(np.array(linear)))
    for rows in bands(image):
        np.add(image[rows], np.minimum(_looked_up(behind, image[rows]), ~image[rows]), out=out[rows])
    return out


def set_into(
    image: np.ndarray,
    rows: slice,
    columns: slice,
    size: tuple[int, int],
    linear: tuple[float, float, float] | None,
) -> np.ndarray:
    """The picture as these rows and columns of a larger one of `size` (width, height): clear, or of one colour."""
    around = np.zeros(4, np.uint8) if linear is None else np.append(encoded(np.array(linear)), np.uint8(255))
    out = np.empty((size[1], size[0], 4), np.uint8)
    out.view(np.uint32)[...] = around.view(np.uint32)
    out[rows, columns] = image
    return out


def lifted_off(opaque: np.ndarray, alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """`opaque` without the colour uint8 (3,) that lies behind it: premultiplied, by the alpha of another picture."""
    out = np.empty_like(alpha)
    table = _shining_through(behind)
    for rows in bands(alpha):
        np.subtract(opaque[rows], np.minimum(_looked_up(table, alpha[rows]), opaque[rows]), out=out[rows])
    out[..., 3] = alpha[..., 3]
    return out


def _shining_through(colour: np.ndarray) -> np.ndarray:
    """What is seen of an opaque colour, uint8 (3,), behind each alpha: RGBA in the bytes of uint32 (256,).

    A table of whole pixels, because films are laid over a colour frame by frame: 1 ms at 512 x 512, where the sum for
    each pixel and channel takes 11, and a table of bytes 8.
    """
    opaque = np.append(colour, 255).astype(np.int32)
    return (((255 - np.arange(256)[:, None]) * opaque + 127) // 255).astype(np.uint8).view(np.uint32)[:, 0]


def _looked_up(table: np.ndarray, image: np.ndarray) -> np.ndarray:
    return table.take(image[..., 3]).view(np.uint8).reshape(image.shape)


def bands(image: np.ndarray) -> list[slice]:
    """Rows to work on at a time, so that a picture of 8192 x 8192 needs no gigabytes of numbers."""
    return [slice(start, start + 256) for start in range(0, len(image), 256)]


def reduced(values: np.ndarray, times: int) -> np.ndarray:
    """Means of squares of so many pixels (h, w, ...). What fills none at the right and below is left out."""
    height, width = (max(size // times, 1) for size in values.shape[:2])
    whole = values[: height * times, : width * times]
    steps = range(min(times, len(whole))), range(min(times, whole.shape[1]))
    squares = [whole[row::times, column::times] for row in steps[0] for column in steps[1]]
    return sum(squares[1:], squares[0]) / np.asarray(len(squares), values.dtype)


def decoded(values: np.ndarray) -> np.ndarray:
    """uint8 sRGB to linear float32 (IEC 61966-2-1)."""
    return _LINEAR.take(values)  # a third of the time of indexing


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light to uint8 sRGB; what is beyond 0 to 1 is cut."""
    return np.rint(srgb(linear) * 255).astype(np.uint8)


# Of linear RGB with the primaries of sRGB (ITU-R BT.709).
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light to sRGB, 0 to 1 (IEC 61966-2-1); what is beyond is cut."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


_STEPS = np.arange(256) / 255
_LINEAR = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(np.float32)
