"""The baked environments against what they are baked from."""

from __future__ import annotations

import numpy as np
import pytest

from threed.errors import SceneInvalid
from threed_workers.engines import environments
from threed_workers.engines.environments import bake, cubemap, prefilter, studio
from threed_workers.engines.environments.panorama import read_panorama
from threed_workers.samples import sample


def test_every_room_is_shipped_and_every_name_has_a_room(tmp_path):
    assert set(studio.ROOMS) == set(environments.NAMES)
    for name in environments.NAMES:
        assert environments.unpack(name, tmp_path).read_bytes()[:7] == b"\xabKTX 11"
    with pytest.raises(SceneInvalid, match="studio, soft"):
        environments.unpack("../studio", tmp_path)


def test_baking_is_current(tmp_path):
    # Given the mirror level of the shipped file, When it is baked again, Then it is the same
    shipped = environments.unpack("soft", tmp_path).read_bytes()
    again = cubemap_of(bake.SIZE)
    assert again in shipped, "a formula changed: run python -m threed_workers.engines.environments.bake"


def cubemap_of(size: int) -> bytes:
    level = prefilter.prefiltered_levels(studio.radiance("soft"), size, 1)[0]
    return level.astype("<f2").tobytes()


def test_a_room_of_one_brightness_stays_one():
    def constant(directions: np.ndarray) -> np.ndarray:
        return np.full((len(directions), 3), 0.7)

    for level in prefilter.prefiltered_levels(constant, 8, 3, samples=64):
        assert level == pytest.approx(0.7)
    harmonics = prefilter.irradiance_harmonics(constant, 64)
    assert harmonics[0] == pytest.approx(0.7) and np.abs(harmonics[1:]).max() < 1e-3


def test_irradiance_of_a_sky_brighter_above_follows_the_cosine():
    # Given radiance 1 + y, whose irradiance over pi is 1 + 2/3 y
    harmonics = prefilter.irradiance_harmonics(lambda directions: 1 + directions[:, 1:2] * np.ones(3), 128)
    assert harmonics[0] == pytest.approx(1, abs=1e-3)
    assert harmonics[1] == pytest.approx(2 / 3, abs=1e-3)


def test_irradiance_is_never_negative():
    def lamp(directions: np.ndarray) -> np.ndarray:
        return np.where(directions[:, :1] > 0.99, 100.0, 0.001) * np.ones(3)

    harmonics = prefilter.irradiance_harmonics(lamp, 128)
    x, y, z = cubemap.panorama_directions(32).reshape(-1, 3).T
    terms = np.stack([np.ones_like(x), y, z, x, y * x, y * z, 3 * z * z - 1, z * x, x * x - y * y])
    assert (terms.T @ harmonics).min() > 0


def test_a_sun_in_a_panorama_is_blurred_and_not_seen_as_dots():
    # Given a grey panorama with a sun of 4 x 4 of its 512 x 256 pixels, 5,000 times as bright
    panorama = np.full((256, 512, 3), 0.2, np.float32)
    panorama[75:79, 150:154] = 1000.0
    # When its levels are made as those of an upload are
    cube = prefilter.mirror(cubemap.panorama_radiance(panorama), 256, 2)
    averaged = cubemap.cube_averages(cube)
    made = prefilter.prefiltered_levels(cubemap.panorama_radiance(panorama), 32, 5, 32, averaged)
    for level, values in list(enumerate(made))[2:]:
        roughness = prefilter.perceptual_roughness(level / (len(made) - 1))
        normals = np.concatenate([cubemap.face_directions(face, 32 >> level).reshape(-1, 3) for face in range(6)])
        right = np.array([lobe_over(panorama[..., 0], normal, roughness**2) for normal in normals])
        # Then each texel is what the lobe sums up of the whole panorama, within a tenth of the brightest
        assert np.abs(values[..., 0].reshape(-1) - right).max() < 0.1 * right.max(), f"level {level}"


def lobe_over(panorama: np.ndarray, normal: np.ndarray, alpha: float) -> float:
    """The radiance (h, w) weighted by GGX (Walter 2007) and the cosine, seen along the normal: over every pixel."""
    height, width = panorama.shape
    directions = cubemap.panorama_directions(height).reshape(-1, 3)
    area = np.repeat(np.sin((np.arange(height) + 0.5) / height * np.pi), width)
    half = directions + normal
    cos_half = (half @ normal) / np.maximum(np.linalg.norm(half, axis=1), 1e-9)
    lobe = alpha**2 / (cos_half**2 * (alpha**2 - 1) + 1) ** 2
    weights = lobe * np.maximum(directions @ normal, 0) * area
    return float(weights @ panorama.reshape(-1) / weights.sum())


def test_a_panorama_is_read_back_where_it_was_painted():
    panorama = np.random.default_rng(1).random((16, 32, 3))
    directions = cubemap.panorama_directions(16)
    assert cubemap.panorama_radiance(panorama)(directions.reshape(-1, 3)) == pytest.approx(panorama.reshape(-1, 3))
    assert directions[8, 15] + directions[8, 16] == pytest.approx([0, directions[8, 15, 1] * 2, 2], abs=0.05), "+Z"


@pytest.mark.parametrize("name", ["hdr", "exr", "png"])
def test_panoramas_of_every_kind_are_read(tmp_path, name):
    file = tmp_path / "panorama"
    file.write_bytes(sample(name))
    pixels = read_panorama(file)
    assert pixels.dtype == np.float32 and pixels.ndim == 3 and pixels.shape[2] == 3
    assert np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() > 0
