"""Where the texels of a cube map and of a panorama point, in the world frame: right-handed, +Y up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# (directions (n, 3)) -> linear RGB radiance (n, 3).
Radiance = Callable[[np.ndarray], np.ndarray]

FACES = ("+X", "-X", "+Y", "-Y", "+Z", "-Z")


def face_directions(face: int, size: int, supersamples: int = 1) -> np.ndarray:
    """Unit directions float64 (size, size, supersamples^2, 3) of one face, row 0 first (OpenGL 4.6, table 8.19)."""
    fine = size * supersamples
    steps = (np.arange(fine) + 0.5) / fine * 2 - 1
    u, v = np.meshgrid(steps, steps)
    one = np.ones_like(u)
    across = ((one, -v, -u), (-one, -v, u), (u, one, v), (u, -one, -v), (u, -v, one), (-u, -v, -one))[face]
    directions = np.stack(across, axis=-1)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    blocks = directions.reshape(size, supersamples, size, supersamples, 3).transpose(0, 2, 1, 3, 4)
    return blocks.reshape(size, size, supersamples * supersamples, 3)


def panorama_directions(height: int) -> np.ndarray:
    """Unit directions (height, 2 * height, 3) of an equirectangular panorama: row 0 is up, the middle column is +Z.

    Columns to the right of the middle turn towards -X, as for one who stands inside and looks along +Z.
    """
    polar = (np.arange(height) + 0.5) / height * np.pi
    around = ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5) * 2 * np.pi
    polar, around = np.meshgrid(polar, around, indexing="ij")
    return np.stack([-np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], axis=-1)


def panorama_radiance(panorama: np.ndarray) -> Radiance:
    """Radiance by bilinear look-up in a panorama float32 (h, w, 3), oriented as `panorama_directions`."""
    height, width = panorama.shape[:2]

    def radiance(directions: np.ndarray) -> np.ndarray:
        x = (np.arctan2(-directions[:, 0], directions[:, 2]) / (2 * np.pi) + 0.5) * width - 0.5
        y = np.clip(np.arccos(np.clip(directions[:, 1], -1, 1)) / np.pi * height - 0.5, 0, height - 1)
        left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        across, down = (x - left)[:, None], (y - top)[:, None]
        right, bottom = (left + 1) % width, np.minimum(top + 1, height - 1)
        left %= width
        upper = panorama[top, left] * (1 - across) + panorama[top, right] * across
        lower = panorama[bottom, left] * (1 - across) + panorama[bottom, right] * across
        return upper * (1 - down) + lower * down

    return radiance
