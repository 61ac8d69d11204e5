"""Pictures of more than 8 bits a channel: PNG of 16, OpenEXR, and the layers of a picture. Top row first."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from threed.errors import FieldInvalid
from threed_workers import png
from threed_workers.engines.drawing import Pass
from threed_workers.engines.pictures import encode, srgb

EXR_MEDIA_TYPE = "image/x-exr"

_LARGEST_HALF = 65504.0


def _png(image: np.ndarray) -> bytes:
    return png.encode(image, marked_srgb=True)


def encoded16(linear: np.ndarray) -> np.ndarray:
    """Linear light to uint16 sRGB; what is beyond 0 to 1 is cut."""
    return np.rint(srgb(linear) * 65535).astype(np.uint16)


def deep_png(shown: np.ndarray) -> bytes:
    """A PNG of 16 bits of float (h, w, 4): sRGB, 0 to 1, with straight alpha; opaque: without."""
    image = np.rint(np.clip(shown, 0, 1) * 65535).astype(np.uint16)
    return _png(np.ascontiguousarray(image[..., :3]) if (image[..., 3] == 65535).all() else image)


def exr(planes: np.ndarray) -> bytes:
    """An OpenEXR file of half floats, ZIP compressed: float (h, w, 4) as RGBA, premultiplied; (h, w, 3) as RGB.

    One plane (h, w, 1) is Z, in 32 bits, because depth in metres needs them. NaN becomes 0; of halves, what is beyond
    65504 that.
    """
    import OpenEXR

    names = {1: ("Z",), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}[planes.shape[-1]]
    if len(names) == 1:
        values = np.nan_to_num(planes.astype(np.float32), nan=0.0, posinf=np.inf, neginf=-np.inf)
    else:
        values = np.nan_to_num(planes, nan=0.0).clip(-_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
    channels = {name: np.ascontiguousarray(values[..., place]) for place, name in enumerate(names)}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.exr"
        with OpenEXR.File(header, channels) as written:
            written.write(str(file))
        return file.read_bytes()


def radiance_exr(picture: Pass) -> bytes:
    """The OpenEXR of a picture. Raises FieldInvalid when its engine does not know radiance."""
    if picture.radiance is None:
        raise FieldInvalid(
            "This engine knows colours of 8 bits, and OpenEXR holds radiance. Ask for path_traced, or for PNG.",
            violations=(("render_job.output_format", "the engine makes no OpenEXR"),),
        )
    return exr(picture.radiance)


def layer(name: str, values: np.ndarray) -> tuple[bytes, str]:
    """(bytes, suffix) of a layer of LAYERS, float32 (h, w, c): depth as EXR, the others as PNG.

    Normals are n / 2 + 1/2 in 16 bits; albedo is sRGB; alpha grey; object ids have the colours of `object_color`, black
    where nothing is.
    """
    if name == "depth":
        return exr(values), "exr"
    if name == "normal":
        seen = np.abs(values).max(axis=-1, keepdims=True) > 0
        return _png(np.rint(np.clip(np.where(seen, values / 2 + 0.5, 0), 0, 1) * 65535).astype(np.uint16)), "png"
    if name == "albedo":
        return _png(encoded16(values)), "png"
    if name == "alpha":
        return _png(np.rint(np.clip(values, 0, 1) * 65535).astype(np.uint16)), "png"
    ids = np.rint(values[..., 0]).astype(np.int64)
    colours = np.array([object_color(number) for number in range(int(ids.max(initial=0)) + 1)], np.uint8)
    opaque = np.full((*ids.shape, 1), 255, np.uint8)
    return encode(np.concatenate([colours[ids], opaque], axis=-1), "png"), "png"


def object_color(number: int) -> tuple[int, int, int]:
    """The colour of instance `number` from 1 in an object_id picture: far from its neighbours', and no two the same.

    Multiplication by an odd number is one to one in 24 bits (Knuth, "The Art of Computer Programming", section 6.4);
    0 is black.
    """
    value = number * 0x9E3779 & 0xFFFFFF
    return value >> 16, value >> 8 & 0xFF, value & 0xFF
