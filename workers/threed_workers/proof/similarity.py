"""How much two pictures are alike."""

from __future__ import annotations

import math

import numpy as np

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_EQUAL_DB = 100.0


def over_grey(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 4), sRGB with straight alpha, over middle grey: float64 (h, w, 3), 0 to 1."""
    alpha = image[..., 3:] / 255.0
    return image[..., :3] / 255.0 * alpha + 0.5 * (1 - alpha)


def psnr(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels of the pixels in `mask`; 100 where they are equal."""
    if not mask.any():
        return _EQUAL_DB
    error = float(((a - b)[mask] ** 2).mean())
    return _EQUAL_DB if error == 0 else min(_EQUAL_DB, -10 * math.log10(error))


def ssim(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> float:
    """Mean structural similarity of the luma in `mask`, -1 to 1 (Wang, Bovik, Sheikh, Simoncelli 2004)."""
    if not mask.any():
        return 1.0
    x, y = a @ _LUMA, b @ _LUMA
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x, var_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    both = _blurred(x * y) - mean_x * mean_y
    scores = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    scores /= (mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)
    return float(scores[mask].mean())


def _blurred(image: np.ndarray) -> np.ndarray:
    """Through a Gaussian window, edges repeated."""
    reach = _WINDOW // 2
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if axis == side else (0, 0) for side in (0, 1)], mode="edge")
        size = image.shape[axis]
        image = sum(weight * padded.take(range(shift, shift + size), axis=axis) for shift, weight in enumerate(weights))
    return image
