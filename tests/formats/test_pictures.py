"""Pictures: what their headers say, and what a screen shows of them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.formats import hdr
from threed_workers.formats.source import Source
from threed_workers.formats.tone import tone_mapped
from threed_workers.picture import check, probe
from threed_workers.samples import sample


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_has_a_preview(tmp_path, mode):
    from threed_workers.formats import png

    Image.new(mode, (40, 20)).save(tmp_path / "a.png")
    image = png.preview(Source(tmp_path / "a.png", "a.png"), 10)
    assert image.size == (10, 5)
    assert image.mode in ("RGB", "RGBA")


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {"progressive": True}), ("AVIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})]
)
def test_headers_tell_the_size(kind, options):
    out = io.BytesIO()
    Image.new("RGB", (321, 123)).save(out, kind, **options)
    picture = probe(memoryview(out.getvalue()), "here")
    assert (picture.width_px, picture.height_px, picture.channels, picture.bit_depth) == (321, 123, 3, 8)


def test_a_picture_beyond_the_budget_is_refused_by_its_header():
    picture = probe(memoryview(sample("png")), "here")
    with pytest.raises(FileTooComplex) as caught:
        check(picture, Budget(picture_pixels=100), "here")
    assert caught.value.metadata["where"] == "here"


def test_flat_and_packed_hdr_rows_are_the_same_light(tmp_path):
    # Given a flat Radiance picture, and the same with every row run-length encoded
    flat = sample("hdr")
    head, pixels = flat[: flat.index(b"+X 32\n") + 6], np.frombuffer(flat[flat.index(b"+X 32\n") + 6 :], np.uint8)
    packed = head
    for row in pixels.reshape(16, 32, 4):
        packed += b"\2\2\0\x20" + b"".join(bytes([32]) + row[:, plane].tobytes() for plane in range(4))
    (tmp_path / "flat").write_bytes(flat)
    (tmp_path / "packed").write_bytes(packed)
    rows = []
    for name in ("flat", "packed"):
        source = Source(tmp_path / name, name)
        rows.append(np.stack(list(hdr.rows(source.data, probe(source.data, "here")))))
    assert (rows[0] == rows[1]).all()


def test_premultiplied_light_comes_out_straight():
    # Given a surface that covers a half of every second pixel
    light = np.full((2, 2, 4), 0.5, np.float32)
    light[:, 1] /= 2
    light[:, 0, 3] = 1
    light[:, 1, 3] = 0.5
    # Then both pixels have its colour, and one of them half its alpha
    pixels = np.asarray(tone_mapped(light, 2))
    assert (pixels[:, 0, :3] == pixels[:, 1, :3]).all()
    assert pixels[0, :, 3].tolist() == [255, 128]


def test_tone_mapping_keeps_the_order_of_brightness_and_survives_nonsense():
    light = np.repeat(np.geomspace(1e-3, 1e4, 64, dtype=np.float32)[None, :, None], 3, axis=2)
    shown = np.asarray(tone_mapped(light, 64))[0, :, 0].astype(int)
    assert (np.diff(shown) >= 0).all()
    assert shown[-1] == 255
    light[0, 0] = np.nan
    light[0, 1] = np.inf
    assert tone_mapped(light, 64).size == (64, 1)
