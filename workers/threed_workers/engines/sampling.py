"""How the textures of a document are looked up: UV set, KHR_texture_transform, wrapping and filter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from threed_workers.document import Document
from threed_workers.document.model import Json, extension

_TRANSFORM = "KHR_texture_transform"
_WRAPS = {33071: "clamp", 33648: "mirror"}
_NEAREST = (9728, 9984, 9986)


@dataclass(frozen=True)
class Sampling:
    """How a picture is looked up: UV set, `matrix` (2 rows of 3) from that set to the picture, wrapping, filter."""

    texcoord: int = 0
    matrix: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    wrap: str = "repeat"
    nearest: bool = False

    def placed(self, texcoords: np.ndarray) -> np.ndarray:
        """Texture coordinates (n, 2) of the set, in the picture."""
        rows = np.array(self.matrix).reshape(2, 3)
        return texcoords @ rows[:, :2].T + rows[:, 2]


def sampling_of(document: Document, info: Json) -> Sampling:
    """Of a textureInfo."""
    sampler = {}
    number = document.all("textures")[info["index"]].get("sampler")
    if number is not None:
        sampler = document.all("samplers")[number]
    transform = extension(info, _TRANSFORM) or {}
    return Sampling(
        texcoord=transform.get("texCoord", info.get("texCoord", 0)),
        matrix=_matrix(transform),
        wrap=_WRAPS.get(sampler.get("wrapS"), "repeat"),
        nearest=sampler.get("magFilter") in _NEAREST,
    )


def _matrix(transform: Json) -> tuple[float, ...]:
    """Scale, then rotation, then offset (KHR_texture_transform)."""
    x, y = transform.get("offset") or (0.0, 0.0)
    width, height = transform.get("scale") or (1.0, 1.0)
    angle = transform.get("rotation", 0.0)
    cos, sin = math.cos(angle), math.sin(angle)
    return (width * cos, height * sin, float(x), -width * sin, height * cos, float(y))
