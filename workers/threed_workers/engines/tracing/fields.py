"""Quantities over a surface: one value, or a picture that is looked up by texture coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from threed_workers.document import Document
from threed_workers.document.model import Json
from threed_workers.engines.pictures import decoded
from threed_workers.engines.sampling import Sampling, sampling_of
from threed_workers.engines.texels import Texels


@dataclass(frozen=True, eq=False)
class Field:
    """`values` float32 (channels,), the same everywhere; or float16 or float32 (h, w, channels), row 0 at v = 0."""

    values: np.ndarray
    sampling: Sampling | None = None

    @property
    def place(self) -> Sampling | None:
        """Where it is looked up, whatever the filter."""
        return None if self.sampling is None else replace(self.sampling, nearest=False)

    @property
    def mean(self) -> np.ndarray:
        """float64 (channels,)."""
        return self.values.reshape(-1, self.values.shape[-1]).mean(axis=0, dtype=np.float64)

    @property
    def texels(self) -> float:
        """How many a unit square of texture coordinates has; infinite where all are the same."""
        if self.sampling is None:
            return math.inf
        a, b, _, c, d, _ = self.sampling.matrix
        return abs(a * d - b * c) * self.values.shape[0] * self.values.shape[1]

    def mapped(self, function) -> Field:
        """The field of function(values)."""
        return replace(self, values=function(self.values))

    def channels(self, which: slice) -> Field:
        """Some of the channels."""
        return replace(self, values=self.values[..., which])


def constant(*values: float) -> Field:
    """One value everywhere."""
    return Field(np.array(values, np.float32))


def together(*fields: Field) -> tuple[list[np.ndarray], Sampling | None, bool]:
    """(values that broadcast, their sampling, whether any was replaced by its mean to that end).

    Pictures that are looked up alike are brought to the size of the largest, and filtered as that. Of others, the
    first counts.
    """
    pictures = [field for field in fields if field.sampling is not None]
    if not pictures:
        return [field.values for field in fields], None, False
    alike = [field for field in pictures if field.place == pictures[0].place]
    sampling = max(alike, key=lambda field: field.values.size // field.values.shape[-1]).sampling
    height = max(field.values.shape[0] for field in alike)
    width = max(field.values.shape[1] for field in alike)
    values = []
    for field in fields:
        if field.sampling is None:
            values.append(field.values)
        elif field.place == pictures[0].place:
            values.append(_sized(field.values, height, width))
        else:
            values.append(field.mean.astype(np.float32))
    return values, sampling, len(alike) < len(pictures)


def _sized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    if values.shape[:2] == (height, width):
        return values.astype(np.float32)
    planes = np.moveaxis(values.astype(np.float32), -1, 0)
    sized = [Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR) for plane in planes]
    return np.stack([np.asarray(plane) for plane in sized], axis=-1)


class Fields:
    """The textures of a document as fields. `missing` counts those that could not be read."""

    def __init__(self, document: Document):
        self._document = document
        self._texels = Texels(document)

    @property
    def missing(self) -> int:
        """How many pictures could not be read."""
        return self._texels.unread

    def colour(self, info: Json | None, factor: list[float] | tuple[float, ...]) -> Field:
        """Linear RGB: an sRGB texture times a factor."""
        found = self._looked_up(info)
        if found is None:
            return constant(*factor[:3])
        pixels, sampling = found
        factors = np.array(factor[:3], np.float32)
        return Field((decoded(pixels[..., :3]) * factors).astype(np.float16), sampling)

    def channel(self, info: Json | None, which: int, factor: float) -> Field:
        """One channel of a texture of data, times a factor."""
        found = self._looked_up(info)
        if found is None:
            return constant(factor)
        pixels, sampling = found
        return Field((pixels[..., which : which + 1] * np.float32(factor / 255)).astype(np.float16), sampling)

    def normal(self, info: Json | None, scale: float) -> Field | None:
        """Unit normals in tangent space, as colours from 0 to 1."""
        found = self._looked_up(info)
        if found is None:
            return None
        pixels, sampling = found
        vectors = pixels[..., :3].astype(np.float32) / 127.5 - 1
        vectors[..., :2] *= scale
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        return Field((vectors / np.maximum(lengths, 1e-6) * 0.5 + 0.5).astype(np.float16), sampling)

    def _looked_up(self, info: Json | None) -> tuple[np.ndarray, Sampling] | None:
        if not info:
            return None
        pixels = self._texels.of(info["index"])
        return None if pixels is None else (pixels, sampling_of(self._document, info))
