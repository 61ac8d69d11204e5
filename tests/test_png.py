"""PNG files as we write them, read by Pillow and by our own reader."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from threed_workers import png
from threed_workers.textures import png16

RANDOM = np.random.default_rng(1)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_RLE])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_8_bits_come_back_as_they_were(channels, strategy):
    # Given noise, in more rows than are packed at once
    pixels = RANDOM.integers(0, 256, (300, 21, channels), np.uint8)
    read = opened(png.encode(pixels, strategy=strategy))
    assert read.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    assert np.array_equal(np.asarray(read).reshape(pixels.shape), pixels)


def test_16_bits_of_grey_keep_every_value():
    pixels = np.arange(65536, dtype=np.uint16).reshape(512, 128, 1)
    read = opened(png.encode(pixels))
    assert read.mode in ("I;16", "I") and np.array_equal(np.asarray(read, np.uint16), pixels[..., 0])


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bits_of_several_channels_come_back_as_they_were(channels):
    pixels = RANDOM.integers(0, 65536, (300, 20, channels), np.uint16)
    data = png.encode(pixels, level=9)
    assert np.array_equal(png16.decode(memoryview(data), "here"), pixels)
    # As 8 bits, which is what Pillow reads
    seen = np.asarray(opened(data).convert({2: "LA", 3: "RGB", 4: "RGBA"}[channels])).astype(int)
    assert np.abs(seen - (pixels >> 8)).max() <= 1


def test_a_picture_of_one_pixel_is_written():
    assert opened(png.encode(np.full((1, 1, 3), 7, np.uint8))).getpixel((0, 0)) == (7, 7, 7)


def test_srgb_is_said_where_it_is_asked_for():
    pixels = np.zeros((2, 2, 3), np.uint8)
    assert opened(png.encode(pixels, marked_srgb=True)).info["srgb"] == 0
    assert "srgb" not in opened(png.encode(pixels)).info


def test_smooth_pictures_get_small():
    ramp = np.linspace(0, 255, 512).astype(np.uint8)
    pixels = np.repeat(np.broadcast_to(ramp, (512, 512))[..., None], 3, axis=2)
    assert len(png.encode(pixels)) < pixels.nbytes / 50
