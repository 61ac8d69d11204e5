"""Pictures of every kind, turned into those that every program opens."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from threed_workers.document import Builder
from threed_workers.exports.pictures import PictureFile, Pictures
from threed_workers.textures import ktx2
from threed_workers.textures.roles import Kind

from .pieces import picture

COLOR = (200, 100, 50, 128)


def turned(data: bytes, extension: str = "", name: str = "tile.x") -> PictureFile | None:
    builder = Builder("tests")
    image = builder.picture(data, "image/png", name)
    builder.add("textures", {"extensions": {extension: {"source": image}}} if extension else {"source": image})
    return Pictures(builder.finish()).of(0)


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg")])
def test_png_and_jpeg_stay_as_they_are(kind, suffix):
    data = picture(kind, COLOR[:3])
    file = turned(data)
    assert bytes(file.data) == data
    assert file.name.endswith(f".{suffix}")


@pytest.mark.parametrize(("kind", "extension"), [("WEBP", "EXT_texture_webp"), ("AVIF", "EXT_texture_avif")])
def test_webp_and_avif_become_png_with_their_alpha(kind, extension):
    file = turned(picture(kind, COLOR, size=16), extension, "tile.webp")
    image = Image.open(io.BytesIO(file.data))
    assert (file.name, image.format, image.size) == ("tile.png", "PNG", (16, 16))
    assert image.getpixel((8, 8)) == pytest.approx(COLOR, abs=6)


@pytest.mark.skipif(bool(ktx2.available()), reason=ktx2.available() or "installed")
@pytest.mark.parametrize("uastc", [False, True], ids=["ETC1S", "UASTC"])
@pytest.mark.parametrize("color", [COLOR, COLOR[:3]], ids=["with alpha", "opaque"])
def test_ktx2_becomes_png(uastc, color, tmp_path):
    # Given a picture of Basis Universal, left half of one colour, right half of another
    image = Image.new("RGBA" if len(color) == 4 else "RGB", (64, 32), color)
    image.paste((0, 0, 255, *color[3:]), (32, 0, 64, 32))
    image.save(tmp_path / "p.png")
    ktx2.encode(tmp_path / "p.png", tmp_path / "p.ktx2", uastc=uastc, quality=90, kind=Kind.COLOR)
    # When it is turned
    file = turned((tmp_path / "p.ktx2").read_bytes(), "KHR_texture_basisu")
    # Then it has its size, its channels and its colours
    found = Image.open(io.BytesIO(file.data))
    assert (found.format, found.size, found.mode) == ("PNG", (64, 32), image.mode)
    assert found.getpixel((10, 10)) == pytest.approx(color, abs=8)
    assert found.getpixel((50, 10)) == pytest.approx((0, 0, 255, *color[3:]), abs=8)


@pytest.mark.parametrize(
    ("color", "expected"),
    [((10, 20, 30), (10, 20, 30, None)), ((10, 20, 30, 40), (10, 20, 30, 40))],
    ids=["RGB", "RGBA"],
)
def test_channels_become_grey_pictures(color, expected):
    builder = Builder("tests")
    builder.add("textures", {"source": builder.picture(picture("PNG", color), "image/png", "p")})
    pictures = Pictures(builder.finish())
    found = [pictures.channel(0, name) for name in "RGBA"]
    assert [file and Image.open(io.BytesIO(file.data)).getpixel((1, 1)) for file in found] == [*expected]
    assert [file.name for file in pictures.all()] == ["p_R.png", "p_G.png", "p_B.png", "p_A.png"][: len(color)]


def test_a_broken_picture_has_no_channels():
    # Given a PNG whose header is right, and whose rows are not
    data = picture()
    broken = data[:41] + bytes(len(data) - 57) + data[-16:]
    builder = Builder("tests")
    builder.add("textures", {"source": builder.picture(broken, "image/png")})
    assert Pictures(builder.finish()).channel(0, "G") is None


def test_a_fallback_is_taken_before_what_must_be_turned():
    builder = Builder("tests")
    plain, modern = (
        builder.picture(picture(), "image/png", "plain"),
        builder.picture(picture("WEBP"), "image/webp", "new"),
    )
    builder.add("textures", {"source": plain, "extensions": {"EXT_texture_webp": {"source": modern}}})
    assert Pictures(builder.finish()).of(0).name == "plain.png"


@pytest.mark.parametrize("data", [b"nothing", picture("WEBP")[:40], b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100)])
def test_what_does_not_decode_is_left_out(data):
    assert turned(data) is None
