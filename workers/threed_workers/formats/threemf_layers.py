"""Layers of pictures as one, for the multiproperties of a 3MF (Materials and Properties Extension 1.2, chapter 5).

glTF has one base colour picture. Layers whose coordinates are the same can be blended ahead.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from threed_workers.formats.threemf_groups import Texture
from threed_workers.textures.light import from_light, to_light

# Blending takes some 60 bytes a pixel.
_MOST_PIXELS = 1 << 22
# In one file: some seconds.
MOST_BLENDED = 1 << 25


@dataclass(frozen=True)
class Blend:
    """Pictures over one colour, linear, 16 bit; each is mixed in by its alpha, or multiplied where `multiplies`."""

    color: tuple[int, ...]
    textures: tuple[Texture, ...]
    multiplies: tuple[bool, ...]


def blended(pictures: list[bytes], blend: Blend, left: int) -> tuple[bytes, int] | None:
    """A PNG, opaque, as large as the largest picture, and its number of pixels; None when these are more than `left`.

    Raises OSError, ValueError and SyntaxError, as Pillow does, for pictures that do not decode.
    """
    opened = [Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) for data in pictures]
    width, height = (max(image.size[axis] for image in opened) for axis in (0, 1))
    if width * height > min(_MOST_PIXELS, left):
        return None
    below = np.broadcast_to(np.array(blend.color[:3], np.float32) / 65535, (height, width, 3))
    for image, multiplies in zip(opened, blend.multiplies, strict=True):
        with image:
            pixels = np.asarray(image.convert("RGBA").resize((width, height), Image.Resampling.BILINEAR))
        light, alpha = to_light(8)[pixels[:, :, :3]], pixels[:, :, 3:] / np.float32(255)
        below = below * light if multiplies else light * alpha + below * (1 - alpha)
    shown = np.rint(from_light(below) * 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(shown).save(out, "PNG")
    return out.getvalue(), width * height
