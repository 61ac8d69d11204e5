"""Pictures: can they be shown, have they a good size, are all as sharp as each other?"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed_workers.quality import Subject
from threed_workers.quality.texture_density import densities
from threed_workers.samples import sample

from .models import SQUARE, SQUARE_TRIANGLES, SQUARE_UVS, Model, found, png, textured

UNDECODABLE = "TEXTURE_UNDECODABLE"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_that_decodes_is_left_in_peace(kind):
    assert found(textured(SQUARE_UVS, sample(kind)), UNDECODABLE) == []


NOISE = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)


def saved(kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(NOISE).save(out, kind)
    return out.getvalue()


def with_a_hole(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(12) + data[middle + 12 :]


DAMAGED = {
    "png with a hole": with_a_hole(saved("PNG")),
    "png that is cut": saved("PNG")[:-300],
    "jpeg that is cut": saved("JPEG")[:-300],
    "webp that is cut": saved("WEBP")[:-300],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_picture_is_found(data):
    (issue,) = found(textured(SQUARE_UVS, data), UNDECODABLE)
    assert (issue["severity"], issue["pointer"]) == ("ERROR", "/images/0")


def test_pictures_beyond_the_limit_are_not_decoded_and_said_so():
    document = textured(SQUARE_UVS, DAMAGED["png with a hole"])
    assert found(document, UNDECODABLE, decoded_pixels=64 * 64 - 1) == []
    assert len(found(document, "TEXTURE_NOT_CHECKED", decoded_pixels=64 * 64 - 1)) == 1


def test_a_picture_of_a_format_that_nobody_reads_is_left_to_other_checks():
    document = textured(SQUARE_UVS, b"GIF89a, or so it says")
    assert Subject(document).picture(0) is None
    assert found(document, UNDECODABLE) == []


@pytest.mark.parametrize(
    ("size", "hints", "warnings"),
    [((4, 8), 0, 0), ((4, 6), 1, 0), ((8192, 1), 0, 0), ((8193, 1), 1, 1), ((16384, 1), 0, 1)],
)
def test_sizes_are_judged_by_their_edges(size, hints, warnings):
    document = textured(SQUARE_UVS, png(*size))
    assert len(found(document, "TEXTURE_NOT_POWER_OF_TWO")) == hints
    assert len(found(document, "TEXTURE_TOO_LARGE")) == warnings


def squares(pixels: list[int], **node: object):
    """A square of one metre for each of these, side by side in UV with its own picture of that many pixels a side."""
    model = Model()
    for size in pixels:
        material = model.material(model.texture(png(size, size)))
        model.add(SQUARE, SQUARE_TRIANGLES, material, TEXCOORD_0=SQUARE_UVS)
    return model.finish(**node)


def test_texels_a_metre_are_pixels_over_length():
    assert densities(Subject(squares([16, 64]))) == pytest.approx({0: 16, 1: 64})
    assert densities(Subject(squares([16, 64], scale=[2, 2, 2]))) == pytest.approx({0: 8, 1: 32})


def test_a_transform_that_repeats_the_picture_makes_it_denser():
    document = textured(SQUARE_UVS, png(16, 16), transform={"scale": [3, 3], "rotation": 0.5})
    assert densities(Subject(document)) == pytest.approx({0: 48})


def test_a_material_unlike_the_others_is_found():
    (issue,) = found(squares([16, 16, 16, 128]), "TEXTURE_DENSITY")
    assert (issue["severity"], issue["pointer"]) == ("INFO", "/materials/3")
    assert "128 texels" in issue["message"] and "down" in issue["message"]


def test_materials_that_are_nearly_alike_or_few_are_not_compared():
    assert found(squares([16, 32, 64]), "TEXTURE_DENSITY") == []
    assert found(squares([4, 128]), "TEXTURE_DENSITY") == []


def test_a_surface_without_area_has_no_density():
    model = Model()
    material = model.material(model.texture(png(4, 4)))
    document = model.add(SQUARE * np.float32(0), SQUARE_TRIANGLES, material, TEXCOORD_0=SQUARE_UVS).finish()
    assert densities(Subject(document)) == {}
