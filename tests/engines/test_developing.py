"""Tones of what was drawn into 8 bits, beside the formula."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.engines import pictures
from threed_workers.engines.developing import add, averaged, developed, headroom
from threed_workers.engines.tonemapping import tone_mapped


def by_formula(colours: np.ndarray, room: float) -> np.ndarray:
    return pictures.encoded(tone_mapped(pictures.decoded(colours) * room, "pbr_neutral"))


@pytest.mark.parametrize("room", [4.0, 16.0])
def test_opaque_colours_follow_the_formula(room):
    image = np.random.default_rng(1).integers(0, 255, (50, 400, 4), dtype=np.uint8)
    image[..., 3] = 255
    off = developed(image, room)[..., :3].astype(int) - by_formula(image[..., :3], room)
    assert np.abs(off).max() <= 1
    assert (off == 0).mean() > 0.95


def test_the_colour_behind_alpha_is_what_is_mapped():
    # Given half of a bright orange
    straight = np.array([200, 120, 40], np.uint8)
    image = np.array([[[100, 60, 20, 128], [0, 0, 0, 0]]], np.uint8)
    # When it is developed
    half, nothing = developed(image, 4.0)[0]
    # Then it is half of what all of it would be
    assert half[3] == 128
    assert half[:3] == pytest.approx(by_formula(straight, 4.0) * (128 / 255), abs=2)
    assert nothing.tolist() == [0, 0, 0, 0]


def test_what_is_cut_in_every_channel_is_white():
    image = np.array([[[255, 255, 255, 255], [255, 255, 254, 255]]], np.uint8)
    white, nearly = developed(image, 4.0)[0]
    assert averaged(image[:, :1].repeat(2, axis=0).repeat(2, axis=1), 2, 4.0)[0, 0].tolist() == [255, 255, 255, 255]
    assert white.tolist() == [255, 255, 255, 255]
    assert 250 <= nearly[:3].min() <= nearly[:3].max() < 255


def test_there_is_room_for_what_shines():
    assert [headroom(radiance) for radiance in (0.0, 1.0, 3.6, 3.7, 10.0, 1e30)] == [4, 4, 4, 8, 16, 16]


def test_samples_are_averaged_as_light_and_then_mapped():
    # Given squares of four samples: of two colours, half covered, and of nothing
    image = np.zeros((2, 6, 4), np.uint8)
    image[:, 0], image[:, 1] = (250, 250, 250, 255), (20, 60, 100, 255)
    image[0, 2:4] = (180, 90, 30, 255)
    # When they are averaged
    mixed, half, nothing = averaged(image, 2, 4.0)[0]
    # Then it is the light that is, and after it the tones are mapped
    light = pictures.decoded(image[0, :2, :3]).mean(axis=0) * 4
    assert mixed.tolist() == [*pictures.encoded(tone_mapped(light, "pbr_neutral")), 255]
    assert half[3] == 128
    assert half[:3] == pytest.approx(by_formula(image[0, 2, :3], 4.0) * (128 / 255), abs=1)
    assert nothing.tolist() == [0, 0, 0, 0]


def test_averages_skip_no_level():
    # Given squares of 16 samples, of which one more is two steps brighter in each
    image = np.full((4, 17 * 4, 4), 60, np.uint8)
    brighter = (np.arange(16)[:, None] < np.arange(17)).reshape(4, 4, 17).transpose(0, 2, 1).reshape(4, 68)
    image[brighter] = 62
    image[..., 3] = 255
    # Then no level between is left out, which one sample does
    levels = averaged(image, 4, 4.0)[0, :, 0].astype(int)
    assert np.diff(levels).min() == 0 and np.diff(levels).max() == 1
    assert np.diff(developed(image[:1, [0, -1]], 4.0)[0, :, 0].astype(int)) == levels[-1] - levels[0] >= 3


def test_light_is_added_to_what_is_whole_half_and_black():
    # Given an opaque, a half, a black half and an empty pixel, and light for each but the last
    image = np.array([[[100, 50, 0, 255], [60, 30, 0, 128], [0, 0, 0, 128], [0, 0, 0, 0]]], np.uint8)
    more = np.array([[[40, 40, 40, 255], [40, 40, 40, 255], [40, 40, 40, 255], [0, 0, 0, 255]]], np.uint8)
    less = np.array([[[20, 20, 20, 255]] * 3 + [[0, 0, 0, 255]]], np.uint8)
    # When it is added, without what is in both
    out = image.copy()
    add(out, more, less)
    # Then alpha stays, and the light over black is the sum
    assert out[..., 3].tolist() == image[..., 3].tolist()
    share = image[..., 3:] / 255
    straight = pictures.decoded(pictures.straight(image)[..., :3])
    sums = straight * share + pictures.decoded(more[..., :3]) - pictures.decoded(less[..., :3])
    found = pictures.decoded(pictures.straight(out)[..., :3]) * share
    assert found == pytest.approx(sums, abs=0.004)
    assert out[0, 3].tolist() == [0, 0, 0, 0]
