"""Pictures are decoded with all their channels and bits, within the budget."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from threed.errors import FileFeatureUnsupported, FileMalformed, FileRefused, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.textures import png16
from threed_workers.textures.encodings import encode, encode_alike
from threed_workers.textures.pixels import AVIF_TYPE, decode, media_type
from threed_workers.textures.roles import COLOR, DATA

BUDGET = Budget()


def picture(channels: int, size: tuple[int, int] = (24, 40)) -> np.ndarray:
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    planes = [x * 6, y * 10, (x + y) * 3, 255 - x * 5]
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def saved(values: np.ndarray, kind: str, **options) -> memoryview:
    out = io.BytesIO()
    Image.fromarray(values[..., 0] if values.shape[2] == 1 else values).save(out, kind, **options)
    return memoryview(out.getvalue())


def deep_png(values: np.ndarray, kinds) -> memoryview:
    """A 16 bit PNG whose row r has filter kinds[r % len(kinds)], made byte by byte (W3C PNG, section 9)."""
    height, width, channels = values.shape
    pixel = 2 * channels
    rows = values.astype(">u2").view(np.uint8).reshape(height, width * pixel).astype(int)
    body, above = b"", np.zeros(width * pixel, int)
    for number, row in enumerate(rows):
        kind = kinds[number % len(kinds)]
        a = np.concatenate([np.zeros(pixel, int), row[:-pixel]])
        c = np.concatenate([np.zeros(pixel, int), above[:-pixel]])
        guess = a + above - c
        near = np.stack([abs(guess - a), abs(guess - above), abs(guess - c)]).argmin(axis=0)
        guesses = (0 * a, a, above, (a + above) // 2, np.choose(near, (a, above, c)))
        body += bytes([kind]) + bytes(((row - guesses[kind]) % 256).astype(np.uint8))
        above = row
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b""))
    made = b"".join(struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts)
    return memoryview(b"\x89PNG\r\n\x1a\n" + made)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_keeps_its_channels(channels):
    values = picture(channels)
    assert (decode(saved(values, "PNG"), BUDGET, "").values == values).all()


@pytest.mark.parametrize("rows", [3, 24, 1100])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_a_deep_png_of_every_filter_is_read_bit_for_bit(channels, rows):
    values = np.random.default_rng(channels).integers(0, 65536, (rows, 13, channels)).astype(np.uint16)
    assert (decode(deep_png(values, (4, 3, 2, 1, 0)), BUDGET, "").values == values).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_come_back_as_they_were_written(channels):
    values = np.random.default_rng(2).integers(0, 65536, (9, 7, channels)).astype(np.uint16)
    again = decode(memoryview(encode(values, "image/png", 80, DATA)), BUDGET, "")
    assert again.values.dtype == np.uint16
    assert (again.values == values).all()


def test_a_deep_png_that_is_cut_is_refused():
    whole = bytes(deep_png(np.zeros((8, 8, 3), np.uint16), (0,)))
    short = struct.pack(">II", 8, 9) + whole[24:29]
    header = b"IHDR" + short
    damaged = whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]
    with pytest.raises(FileRefused):
        decode(memoryview(damaged), BUDGET, "/images/0")


def test_a_deep_png_with_an_unknown_filter_is_refused():
    data = bytearray(deep_png(np.zeros((2, 2, 3), np.uint16), (0,)))
    assert png16.is_deep(memoryview(data))
    raw = b"\x09" + bytes(12) + b"\x00" + bytes(12)
    body = zlib.compress(raw)
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    with pytest.raises(FileMalformed):
        decode(memoryview(bytes(data[:33]) + chunk + bytes(data[-12:])), BUDGET, "/images/0")


def test_a_picture_beyond_the_budget_is_refused_before_it_is_decoded():
    for kind in ("PNG", "JPEG", "WEBP", "AVIF"):
        with pytest.raises(FileTooComplex) as caught:
            decode(saved(picture(3), kind), replace(BUDGET, picture_pixels=24 * 40 - 1), "/images/7")
        assert caught.value.metadata["where"] == "/images/7"


def test_what_is_not_decoded_here_is_said():
    with pytest.raises(FileFeatureUnsupported):
        decode(memoryview(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(80)), BUDGET, "")


def test_a_cut_jpeg_is_refused():
    data = saved(picture(3, (200, 200)), "JPEG")
    with pytest.raises(FileRefused):
        decode(data[: len(data) // 2], BUDGET, "/images/0")


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/webp", AVIF_TYPE])
def test_every_encoding_is_written_and_read(kind):
    for role in (COLOR, DATA):
        data = memoryview(encode(picture(3), kind, 90, role))
        assert media_type(data) == kind
        again = decode(data, BUDGET, "").values.astype(int)
        assert np.abs(again - picture(3)).mean() < 6


def test_lossless_stays_lossless_when_a_picture_is_written_alike():
    values = picture(4)
    for options in ({"kind": "PNG"}, {"kind": "WEBP", "lossless": True, "exact": True}):
        source = decode(saved(values, **options), BUDGET, "")
        assert source.lossless
        assert (decode(memoryview(encode_alike(source, values, COLOR)), BUDGET, "").values == values).all()


def test_a_jpeg_is_written_with_the_tables_that_it_had():
    source = decode(saved(picture(3), "JPEG", quality=37, subsampling="4:4:4"), BUDGET, "")
    with Image.open(io.BytesIO(encode_alike(source, source.values, COLOR))) as again:
        assert again.quantization == source.tables["qtables"]


def test_a_gamma_that_is_not_srgb_is_told():
    plain = PngImagePlugin.PngInfo()
    assert decode(saved(picture(3), "PNG", pnginfo=plain), BUDGET, "").profile == ""
    plain.add(b"gAMA", struct.pack(">I", 100000))
    assert "gamma" in decode(saved(picture(3), "PNG", pnginfo=plain), BUDGET, "").profile


@pytest.mark.parametrize("opaque", [True, False])
def test_alpha_counts_only_where_it_is_used(opaque):
    values = picture(4)
    values[..., 3] = 255
    values[3, 3, 3] = 255 if opaque else 254
    assert decode(saved(values, "PNG"), BUDGET, "").is_opaque is opaque
