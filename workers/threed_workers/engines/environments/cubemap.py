"""Where the texels of a cube map and of a panorama point, in the world frame: right-handed, +Y up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# (directions (n, 3)) -> linear RGB radiance (n, 3).
Radiance = Callable[[np.ndarray], np.ndarray]
# (solid angle in steradians) -> the radiance averaged over about as much around each direction.
Averaged = Callable[[float], Radiance]

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


def panorama_directions(height: int, width: int = 0) -> np.ndarray:
    """Unit directions (height, width or 2 * height, 3) of an equirectangular panorama: row 0 is up, the middle is +Z.

    Columns to the right of the middle turn towards -X, as for one who stands inside and looks along +Z.
    """
    width = width or 2 * height
    polar = (np.arange(height) + 0.5) / height * np.pi
    around = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
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


def cube_averages(cube: np.ndarray) -> Averaged:
    """A cube map float32 (6, n, n, 3), n a power of two, halved until a texel is as large as asked for.

    Texels of a cube are nearly alike; those of a panorama get thin at its poles, which is where lamps hang.
    """
    halves = [cube]
    while halves[-1].shape[1] > 2:
        finer = halves[-1]
        rows = finer[:, ::2] + finer[:, 1::2]
        halves.append((rows[:, :, ::2] + rows[:, :, 1::2]) / 4)
    texel = 4 * np.pi / (6 * cube.shape[1] ** 2)

    def averaged(angle: float) -> Radiance:
        level = int(np.clip(np.ceil(np.log2(max(angle / texel, 1.0)) / 2), 0, len(halves) - 1))
        return _cube_radiance(halves[level])

    return averaged


def _cube_radiance(cube: np.ndarray) -> Radiance:
    """Bilinear look-up within the faces of a cube map."""
    size = cube.shape[1]

    def radiance(directions: np.ndarray) -> np.ndarray:
        axis = np.abs(directions).argmax(axis=1)
        rows = np.arange(len(directions))
        along = directions[rows, axis]
        face = 2 * axis + (along < 0)
        across = directions[rows, _ACROSS[face]] * _TURNS[face, 0] / np.abs(along)
        down = directions[rows, _DOWN[face]] * _TURNS[face, 1] / np.abs(along)
        x, y = (np.clip((part + 1) / 2 * size - 0.5, 0, size - 1) for part in (across, down))
        left, top = (np.minimum(part.astype(np.int64), size - 2) for part in (x, y))
        x, y = (x - left)[:, None], (y - top)[:, None]
        upper = cube[face, top, left] * (1 - x) + cube[face, top, left + 1] * x
        lower = cube[face, top + 1, left] * (1 - x) + cube[face, top + 1, left + 1] * x
        return upper * (1 - y) + lower * y

    return radiance


# Which axes run to the right and down on each face, and whether they run backwards: the inverse of `face_directions`.
_ACROSS, _DOWN = np.array([2, 2, 0, 0, 0, 0]), np.array([1, 1, 2, 2, 1, 1])
_TURNS = np.array([(-1, -1), (1, -1), (1, 1), (1, -1), (1, -1), (-1, -1)])
