"""Light from all sides, made ready for Filament: GGX lobes per mip level, and irradiance as spherical harmonics.

The conventions are those of Filament's cmgen and of its document "Physically Based Rendering in Filament",
sections 5.3.4.2 (split sums) and 5.3.4.3 (irradiance); Karis 2013 for the importance sampling.
"""

from __future__ import annotations

import numpy as np

from threed_workers.engines.environments.cubemap import Averaged, Radiance, face_directions, panorama_directions

SAMPLES = 1024
_BATCH = 1 << 21  # directions looked up at once: 50 MB


def prefiltered_levels(
    radiance: Radiance, size: int, levels: int, samples: int = SAMPLES, averaged: Averaged | None = None
) -> list[np.ndarray]:
    """Mip levels float32 (6, n, n, 3), n = size, size / 2 ...: level 0 is a mirror, the last has roughness 1.

    With `averaged`, each sample stands for all that is nearer to it than to others (Krivanek and Colbert 2008,
    "Real-time Shading with Filtered Importance Sampling"): what has small lamps needs no thousands of samples then.
    `samples` are those of level 1, and each level after it has four times as many for a quarter of the texels.
    """
    found = [mirror(radiance, size)]
    for level in range(1, levels):
        roughness = perceptual_roughness(level / (levels - 1))
        count = samples if averaged is None else samples << 2 * (level - 1)
        found.append(_blurred(radiance, size >> level, roughness * roughness, count, averaged))
    return found


def perceptual_roughness(lod: float) -> float:
    """Which roughness Filament looks for at `lod` (0 first level, 1 last): the inverse of lod = r (2 - r)."""
    return 1.0 - np.sqrt(1.0 - lod)


def mirror(radiance: Radiance, size: int, supersamples: int = 4) -> np.ndarray:
    """A cube map float32 (6, n, n, 3) of what is seen, each texel the mean of some places in it."""
    faces = []
    for face in range(6):
        directions = face_directions(face, size, supersamples)
        faces.append(radiance(directions.reshape(-1, 3)).reshape(size, size, -1, 3).mean(axis=2))
    return np.array(faces, np.float32)


def _blurred(radiance: Radiance, size: int, alpha: float, samples: int, averaged: Averaged | None = None) -> np.ndarray:
    """Radiance weighted by the GGX lobe around each texel's direction, seen from there (N = V = R)."""
    local, weights, angles = _lobe(alpha, samples)
    normals = np.concatenate([face_directions(face, size).reshape(-1, 3) for face in range(6)])
    if averaged is not None:
        return _summed(averaged, normals, local, weights, angles).reshape(6, size, size, 3)
    out = np.empty((len(normals), 3))
    batch = max(1, _BATCH // len(local))
    for start in range(0, len(normals), batch):
        normal = normals[start : start + batch]
        tangent, bitangent = around(normal)
        directions = (
            local[None, :, 0, None] * tangent[:, None]
            + local[None, :, 1, None] * bitangent[:, None]
            + local[None, :, 2, None] * normal[:, None]
        )
        seen = radiance(directions.reshape(-1, 3)).reshape(len(normal), len(local), 3)
        out[start : start + batch] = np.einsum("ns,nsc->nc", np.broadcast_to(weights, seen.shape[:2]), seen)
    return out.reshape(6, size, size, 3).astype(np.float32)


def _summed(
    averaged: Averaged, normals: np.ndarray, local: np.ndarray, weights: np.ndarray, angles: np.ndarray
) -> np.ndarray:
    """float32 (n, 3): one direction of the lobe after the other, each of a solid angle of its own."""
    tangent, bitangent = around(normals)
    out = np.zeros((len(normals), 3))
    for (x, y, z), weight, angle in zip(local, weights, angles, strict=True):
        out += weight * averaged(angle)(x * tangent + y * bitangent + z * normals)
    return out.astype(np.float32)


def _lobe(alpha: float, samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(directions (n, 3) around +Z, weights (n,) that sum to 1, steradians of each (n,)).

    Hammersley points through GGX, weighted by cos.
    """
    turn, inverse = hammersley(samples)
    angle = 2 * np.pi * turn
    cos_half = np.sqrt((1 - inverse) / (1 + (alpha * alpha - 1) * inverse))
    sin_half = np.sqrt(1 - cos_half * cos_half)
    half = np.stack([sin_half * np.cos(angle), sin_half * np.sin(angle), cos_half], axis=-1)
    lit = 2 * half[:, 2:] * half - np.array([0.0, 0.0, 1.0])
    kept = lit[:, 2] > 0
    density = alpha * alpha / (np.pi * (cos_half * cos_half * (alpha * alpha - 1) + 1) ** 2) / 4
    return lit[kept], lit[kept, 2] / lit[kept, 2].sum(), 1 / (samples * density[kept])


def hammersley(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spread points in the unit square: (n,) and (n,), neither of them 0 or 1."""
    number = np.arange(samples)
    inverse = np.array([int(f"{i:032b}"[::-1], 2) for i in number], np.float64) / 2**32 + 0.5 / samples
    return (number + 0.5) / samples, inverse


def around(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (n, 3) that make a frame with each normal."""
    other = np.where(np.abs(normal[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    tangent = np.cross(other, normal)
    tangent /= np.linalg.norm(tangent, axis=-1, keepdims=True)
    return tangent, np.cross(normal, tangent)


def irradiance_harmonics(radiance: Radiance, height: int = 256) -> np.ndarray:
    """float64 (9, 3): three bands of irradiance / pi, with the constants that Filament's shader leaves out.

    The shader sums them with 1, y, z, x, yx, yz, 3zz-1, zx, xx-yy. A room of radiance L answers (L, 0, 0 ...).
    """
    directions = panorama_directions(height).reshape(-1, 3)
    areas = np.repeat(np.sin((np.arange(height) + 0.5) / height * np.pi), 2 * height)
    areas *= 4 * np.pi / areas.sum()
    x, y, z = directions.T
    terms = np.stack([np.ones_like(x), y, z, x, y * x, y * z, 3 * z * z - 1, z * x, x * x - y * y])
    squared = np.array([1 / 4] + [3 / 4] * 3 + [15 / 4, 15 / 4, 5 / 16, 15 / 4, 15 / 16]) / np.pi
    cosine = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5)
    projected = (squared * cosine)[:, None] * (terms @ (radiance(directions) * areas[:, None]))
    return _windowed(projected, terms[:, :: max(1, terms.shape[1] // 8192)])


def _windowed(harmonics: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Fade the higher bands until no direction (columns of `terms`) is darker than a tenth of the mean.

    Three bands cannot follow one small lamp in a dark room: they swing below zero on its far side, which shows as
    a black patch. The window is that of Sloan 2008, "Stupid Spherical Harmonics Tricks", 1 / (1 + w l^2 (l + 1)^2).
    """
    band = np.array([0] + [1] * 3 + [2] * 5)
    for weight in (0.0, *np.geomspace(1e-3, 1, 64)):
        faded = harmonics / (1 + weight * (band * (band + 1)) ** 2)[:, None]
        if (terms.T @ faded).min() >= 0.1 * harmonics[0].min():
            break
    return faded
