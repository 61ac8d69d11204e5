"""Smaller pictures."""

from __future__ import annotations

from threed.v1 import recipes_pb2
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.textures import store
from threed_workers.textures.encodings import encode_alike
from threed_workers.textures.resample import resample
from threed_workers.textures.roles import image_roles


def changes(options: recipes_pb2.TextureResize) -> frozenset[str]:
    return frozenset(("image_pixels",))


def apply(document: Document, options: recipes_pb2.TextureResize) -> Document:
    """Fit every picture into a square of `max_px`; with `power_of_two`, each edge to the power of two at or below.

    Pictures keep their encoding, channels and bits, and their shape but for rounding. None becomes larger. What is not
    decoded here (KTX2) stays, with an issue TEXTURE_KEPT, and so does what is read by more than materials.
    """
    budget = Budget()
    for image, role in enumerate(image_roles(document)):
        picture = store.header(document, image, budget) if role is not None else None
        if picture is None or role is None:
            continue
        size = wanted_size(picture.width_px, picture.height_px, options.max_px, options.power_of_two)
        if size == (picture.width_px, picture.height_px):
            continue
        pixels = store.get(document, image, budget)
        if pixels is not None:
            smaller = resample(pixels.values, *size, role)
            store.put(document, image, encode_alike(pixels, smaller, role), pixels.media_type)
    return document


def wanted_size(width: int, height: int, longest: int, power_of_two: bool) -> tuple[int, int]:
    """(width, height) that fit, in pixels, at least 1.

    >>> wanted_size(3000, 1000, 1024, False), wanted_size(3000, 1000, 1024, True), wanted_size(20, 10, 64, False)
    ((1024, 341), (1024, 256), (20, 10))
    """
    scale = min(1.0, longest / max(width, height))
    fitted = [max(1, min(longest, round(edge * scale))) for edge in (width, height)]
    if power_of_two:
        fitted = [1 << edge.bit_length() - 1 for edge in fitted]
    return fitted[0], fitted[1]
