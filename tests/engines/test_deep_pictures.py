"""PNG of 16 bits, OpenEXR, and layers: read back by libraries that did not write them."""

from __future__ import annotations

import io
import itertools

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from threed.errors import FieldInvalid
from threed_workers.engines import deep_pictures
from threed_workers.engines.drawing import LAYERS, Pass

from .pieces import decoded, srgb


def opened(data: bytes, folder) -> dict[str, np.ndarray]:
    """The channels of an EXR."""
    file = folder / "read.exr"
    file.write_bytes(data)
    with OpenEXR.File(str(file), separate_channels=True) as read:
        return {name: channel.pixels for name, channel in read.channels().items()}


@pytest.mark.parametrize(
    "data",
    [
        deep_pictures.deep_png(np.ones((4, 6, 4))),
        deep_pictures.layer("normal", np.ones((4, 6, 3)))[0],
        deep_pictures.layer("albedo", np.ones((4, 6, 3)))[0],
        deep_pictures.layer("alpha", np.ones((4, 6, 1)))[0],
    ],
    ids=["picture", "normal", "albedo", "alpha"],
)
def test_pictures_of_16_bits_say_that_they_are_srgb(data):
    read = Image.open(io.BytesIO(data))
    assert read.size == (6, 4) and read.info["srgb"] == 0


def test_sixteen_bits_tell_apart_what_eight_do_not():
    ramp = np.linspace(0.5, 0.501, 64)
    assert len(np.unique(deep_pictures.encoded16(ramp))) > 40
    assert deep_pictures.encoded16(np.array([0.0, 0.5, 1.0, 7.0])).tolist() == [
        0,
        pytest.approx(srgb(0.5) * 257, abs=128),
        65535,
        65535,
    ]
    opaque = np.ones((4, 4, 4))
    assert Image.open(io.BytesIO(deep_pictures.deep_png(opaque))).mode == "RGB"
    opaque[0, 0, 3] = 0.5
    assert decoded(deep_pictures.deep_png(opaque))[0, 0, 3] in (127, 128)


def test_an_exr_holds_radiance_beyond_white(tmp_path):
    radiance = np.zeros((6, 5, 4), np.float32)
    radiance[2, 3] = 12.5, 0.001, 1e9, 0.25
    radiance[0, 0, 0] = np.nan
    read = opened(deep_pictures.radiance_exr(Pass(np.zeros((6, 5, 4), np.uint8), radiance=radiance)), tmp_path)
    assert {name: plane.dtype for name, plane in read.items()} == dict.fromkeys("RGBA", np.dtype(np.float16))
    assert [float(read[name][2, 3]) for name in "RGBA"] == [12.5, pytest.approx(0.001, rel=1e-3), 65504, 0.25]
    assert read["R"][0, 0] == 0


def test_an_engine_without_radiance_makes_no_exr():
    with pytest.raises(FieldInvalid, match="path_traced"):
        deep_pictures.radiance_exr(Pass(np.zeros((4, 4, 4), np.uint8)))


def test_layers_are_stored_as_the_contract_says(tmp_path):
    depth = np.array([[[1.2345678], [np.inf]]], np.float32)
    data, suffix = deep_pictures.layer("depth", depth)
    assert suffix == "exr" and np.array_equal(opened(data, tmp_path)["Z"], depth[..., 0])
    data, suffix = deep_pictures.layer("normal", np.array([[[0, 0, 1], [0, 0, 0]]], np.float32))
    assert suffix == "png" and decoded(data)[0, :, :3].tolist() == [[128, 128, 255], [0, 0, 0]]
    data, _ = deep_pictures.layer("albedo", np.full((1, 1, 3), 0.5, np.float32))
    assert decoded(data)[0, 0, :3].tolist() == [srgb(0.5)] * 3
    data, _ = deep_pictures.layer("alpha", np.array([[[0.0], [1.0]]], np.float32))
    assert np.asarray(Image.open(io.BytesIO(data))).tolist() == [[0, 65535]]
    data, _ = deep_pictures.layer("object_id", np.array([[[0.0], [1.0], [2.0]]], np.float32))
    seen = [tuple(pixel) for pixel in decoded(data)[0, :, :3].tolist()]
    assert seen == [(0, 0, 0), deep_pictures.object_color(1), deep_pictures.object_color(2)]
    assert set(LAYERS) == {"depth", "normal", "albedo", "alpha", "object_id"}


def test_object_colours_are_all_different_and_neighbours_far_apart():
    colours = [deep_pictures.object_color(number) for number in range(20_000)]
    assert len(set(colours)) == 20_000 and colours[0] == (0, 0, 0)
    for first, second in itertools.pairwise(colours[:500]):
        assert np.abs(np.subtract(first, second)).sum() > 60
