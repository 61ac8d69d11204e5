"""An environment out of focus, as a background behind what it lights."""

from __future__ import annotations

import numpy as np

from threed_workers.engines.environments.cubemap import Radiance, face_directions, panorama_directions
from threed_workers.engines.environments.prefilter import around, hammersley

# Texels within the width of the lobe, and directions that are looked up for each.
_TEXELS, _SMALLEST, _LARGEST = 4, 16, 256
_SAMPLES, _LOOK_UPS = 512, 1 << 23


def blurred(radiance: Radiance, blur: float) -> np.ndarray:
    """A cube map float32 (6, n, n, 3) of the radiance, each direction averaged over cos^(1 / blur^2) around it.

    `blur` in (0, 1]: 1 is the cosine of Lambert's law, as soft as light on a matt surface; below, the lobe is about
    `blur` radians wide, and n is as large as it needs to be.
    """
    size = _size(blur)
    lobe = _lobe(1 / blur**2, min(_SAMPLES, _LOOK_UPS // (6 * size * size)))
    return np.stack([_face(radiance, lobe, face_directions(face, size).reshape(-1, 3)) for face in range(6)]).reshape(
        6, size, size, 3
    )


def blurred_panorama(radiance: Radiance, blur: float) -> np.ndarray:
    """The same as a panorama float32 (2n, 4n, 3), oriented as `panorama_directions`."""
    size = _size(blur)
    directions = panorama_directions(2 * size).reshape(-1, 3)
    lobe = _lobe(1 / blur**2, min(_SAMPLES, _LOOK_UPS // (8 * size * size)))
    return _face(radiance, lobe, directions).reshape(2 * size, 4 * size, 3)


def _size(blur: float) -> int:
    return int(np.clip(2 ** np.ceil(np.log2(_TEXELS / blur)), _SMALLEST, _LARGEST))


def _face(radiance: Radiance, lobe: np.ndarray, normals: np.ndarray) -> np.ndarray:
    tangents, bitangents = around(normals)
    total = np.zeros((len(normals), 3))
    for x, y, z in lobe:
        total += radiance(x * tangents + y * bitangents + z * normals)
    return (total / len(lobe)).astype(np.float32)


def _lobe(exponent: float, samples: int) -> np.ndarray:
    """Directions (n, 3) around +Z, as dense as cos^exponent."""
    turn, height = hammersley(samples)
    cosine = height ** (1 / (exponent + 1))
    sine = np.sqrt(1 - cosine * cosine)
    return np.stack([sine * np.cos(2 * np.pi * turn), sine * np.sin(2 * np.pi * turn), cosine], axis=-1)
