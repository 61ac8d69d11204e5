"""Smaller pictures: light, vectors and coverage are averaged as what they are."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.textures import resample as module
from threed_workers.textures.resample import resample
from threed_workers.textures.roles import COLOR, DATA, NORMAL, Kind, Role


def checkers(size: int, low, high, dtype=np.uint8) -> np.ndarray:
    odd = np.indices((size, size)).sum(axis=0) % 2 == 1
    return np.where(odd[..., None], np.array(high), np.array(low)).astype(dtype)


@pytest.mark.parametrize(("role", "grey"), [(COLOR, 188), (DATA, 128)])
def test_black_and_white_average_to_half_the_light_of_a_colour_and_half_the_number_of_data(role, grey):
    # Given a checkerboard with an alpha, so that the average of the area is taken
    small = resample(checkers(64, [0, 0, 0, 255], [255, 255, 255, 255]), 8, 8, role)
    # Then half the light is sRGB 188 (IEC 61966-2-1), and half of 255 is 128
    assert np.unique(small[..., :3]).tolist() == [grey]


def test_lanczos_keeps_the_light_of_opaque_colours():
    small = resample(checkers(64, [0, 0, 0], [255, 255, 255]), 8, 8, COLOR)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 188).max() <= 1


@pytest.mark.parametrize("size", [(31, 17), (5, 64), (1, 1), (64, 64)])
def test_a_plain_picture_stays_plain(size):
    plain = np.full((64, 64, 3), (200, 30, 90), np.uint8)
    for role in (COLOR, DATA):
        assert (resample(plain, *size, role) == (200, 30, 90)).all()


def test_normals_are_of_unit_length_again():
    # Given normals that lean left and right in turns
    lean = np.array([0.6, 0.0, 0.8])
    pair = np.rint((np.stack([lean, lean * [-1, 1, 1]]) + 1) / 2 * 255)
    small = resample(checkers(32, pair[0], pair[1]), 4, 4, NORMAL)
    # Then their mean points straight up, at full length
    assert np.abs(small.astype(int) - (128, 128, 255)).max() <= 1


def test_colours_that_nothing_covers_do_not_bleed():
    # Given red, and green of which nothing shows
    seen = checkers(32, [255, 0, 0, 255], [0, 255, 0, 0])
    small = resample(seen, 4, 4, Role(Kind.COLOR, coverage=True))
    # Then it stays red, at half the alpha
    assert np.unique(small.reshape(-1, 4), axis=0).tolist() == [[255, 0, 0, 128]]


def test_where_alpha_is_a_number_of_its_own_it_weighs_nothing():
    small = resample(checkers(32, [255, 0, 0, 255], [255, 0, 0, 0]), 4, 4, DATA)
    assert np.unique(small.reshape(-1, 4), axis=0).tolist() == [[255, 0, 0, 128]]


def test_colours_below_nothing_stay_what_they_were():
    invisible = np.full((16, 16, 4), (10, 20, 30, 0), np.uint8)
    assert (resample(invisible, 4, 4, Role(Kind.COLOR, coverage=True)) == (10, 20, 30, 0)).all()


def test_sixteen_bits_stay_sixteen():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64, 1).astype(np.uint16)
    small = resample(ramp, 32, 32, DATA)
    assert small.dtype == np.uint16
    assert len(np.unique(small)) == 32 * 32


@pytest.mark.parametrize("role", [COLOR, DATA])
def test_blocks_of_rows_leave_no_seam(role, monkeypatch):
    noise = np.random.default_rng(1).integers(0, 256, (97, 53, 3), dtype=np.uint8)
    whole = resample(noise, 20, 31, role)
    monkeypatch.setattr(module, "_BLOCK_NUMBERS", 1)
    assert (resample(noise, 20, 31, role) == whole).all()
