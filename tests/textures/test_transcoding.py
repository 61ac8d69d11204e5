"""KTX2 of Basis Universal as PNG, for engines that read no KTX2."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.document.build import Builder
from threed_workers.textures import ktx2
from threed_workers.textures.roles import Kind
from threed_workers.textures.transcoding import transcode

LEFT, RIGHT = (200, 120, 40), (0, 0, 255)
BROKEN = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100)


def textured(data: bytes) -> Document:
    """A document whose first texture names a picture as KTX2 belongs, with a PNG for who reads none; and one more."""
    builder = Builder("tests")
    picture, fallback = builder.picture(data, "image/ktx2"), builder.picture(png(RIGHT), "image/png")
    builder.add("textures", {"source": fallback, "extensions": {"KHR_texture_basisu": {"source": picture}}})
    builder.add("textures", {"source": fallback})
    return builder.finish()


def png(color: tuple[int, ...]) -> bytes:
    image = Image.new("RGB", (64, 32), color)
    image.paste(RIGHT, (32, 0, 64, 32))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.skipif(bool(ktx2.available()), reason=ktx2.available() or "installed")
def test_ktx2_becomes_the_png_of_its_textures(tmp_path):
    # Given a picture of Basis Universal, left half of one colour, right half of another
    (tmp_path / "p.png").write_bytes(png(LEFT))
    ktx2.encode(tmp_path / "p.png", tmp_path / "p.ktx2", uastc=True, quality=90, kind=Kind.COLOR)
    document = textured((tmp_path / "p.ktx2").read_bytes())
    # When it is transcoded
    transcode(document, Budget())
    # Then its texture names it as a PNG of the same colours, and the other texture is as it was
    first, second = document.all("textures")
    assert (first["source"], second["source"]) == (0, 1)
    assert "KHR_texture_basisu" not in first["extensions"]
    assert document.all("images")[0]["mimeType"] == "image/png"
    found = Image.open(io.BytesIO(document.picture(0)))
    assert (found.format, found.size) == ("PNG", (64, 32))
    assert found.getpixel((10, 10)) == pytest.approx(LEFT, abs=8)
    assert found.getpixel((50, 10)) == pytest.approx(RIGHT, abs=8)


def test_what_does_not_decode_stays():
    document = textured(BROKEN)
    transcode(document, Budget())
    assert document.all("textures")[0]["extensions"] == {"KHR_texture_basisu": {"source": 0}}
    assert document.picture(0) == BROKEN
    assert {issue["code"] for issue in document.issues} == {"TEXTURE_KEPT"}


def test_a_file_that_holds_ktx2_is_known_by_its_bytes(tmp_path):
    path = tmp_path / "model.glb"
    path.write_bytes(b"glTF" + bytes(1000) + b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100))
    assert ktx2.holds(path)
    path.write_bytes(b"glTF" + bytes(1000) + b"KTX 20" + bytes(100))
    assert not ktx2.holds(path)
