"""Encoding and shrinking."""

from __future__ import annotations

import numpy as np
import pytest

from threed.errors import FieldInvalid
from threed_workers.engines import pictures

from .pieces import decoded


def gradient(alpha: int = 255) -> np.ndarray:
    image = np.zeros((48, 64, 4), np.uint8)
    image[..., 0], image[..., 1], image[..., 3] = np.arange(64) * 4, np.arange(48)[:, None] * 5, alpha
    return image


@pytest.mark.parametrize("suffix", sorted(pictures.MEDIA_TYPES))
def test_a_picture_survives_its_encoding(suffix):
    image = gradient()
    back = decoded(pictures.encode(image, suffix))
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).mean() < (0.01 if suffix == "png" else 4)


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_alpha_survives(suffix):
    assert (decoded(pictures.encode(gradient(100), suffix))[..., 3] == 100).all()


def test_jpeg_refuses_alpha():
    with pytest.raises(FieldInvalid, match="PNG or WEBP"):
        pictures.encode(gradient(100), "jpg")


def test_shrinking_averages_light_and_not_codes():
    # Given stripes of black and white
    image = np.full((32, 32, 4), 255, np.uint8)
    image[:, ::2, :3] = 0
    # Then their grey is half of the light, not half of the code
    assert pictures.shrunk(image, 8, 8)[4, 4, 0] == pytest.approx(188, abs=3)


def test_shrinking_keeps_the_colour_of_edges():
    image = np.zeros((32, 32, 4), np.uint8)
    image[:, 15:] = (255, 0, 0, 255)
    small = pictures.shrunk(image, 8, 8)
    assert (small[small[..., 3] > 8][:, 0] >= 250).all(), "no black comes in from where nothing is"


def test_straight_and_premultiplied_are_inverse():
    premultiplied = np.array([[[64, 0, 128, 128], [0, 0, 0, 0], [10, 20, 30, 255]]], np.uint8)
    assert pictures.straight(premultiplied).tolist() == [[[128, 0, 255, 128], [0, 0, 0, 0], [10, 20, 30, 255]]]
    assert pictures.laid_over(premultiplied, (1.0, 1.0, 1.0))[0, 1].tolist() == [255, 255, 255, 255]
    assert pictures.laid_over(premultiplied, (1.0, 1.0, 1.0))[0, 0].tolist() == [191, 127, 255, 255]
