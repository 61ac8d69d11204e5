"""Textures in the path tracer: looked up smoothly where a texel is larger than a pixel, and by single texels else."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from threed_workers.engines.drawing import View
from threed_workers.engines.tracing import geometry
from threed_workers.engines.tracing.geometry import Piece, texels_wanted

from .pieces import look, rendered, showing, spec
from .suite import places

FAR = 5.0
PAPER = {"metallicFactor": 0.0, "roughnessFactor": 1.0}


def wall(depth: float, edge: float = 2.0, repeated: float = 1.0) -> Piece:
    """A square across the view, `depth` before a camera in the origin, with a picture so many times along each edge."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * edge / 2
    positions = np.column_stack([square, np.full(4, -depth)]).astype(np.float32)
    texcoords = (repeated * (square / edge + 0.5)).astype(np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    return Piece(positions, np.tile(np.float32([0, 0, 1]), (4, 1)), {0: texcoords}, None, faces, 1)


def flat(height: float) -> View:
    """An orthographic camera that sees so many metres."""
    return View(np.eye(4), 0.1, 100.0, ymag=height / 2)


def deep() -> View:
    """A perspective camera that sees two metres of what is one metre away."""
    return View(np.eye(4), 0.1, 100.0, yfov=math.pi / 2)


def test_a_texel_is_a_pixel_when_there_are_as_many():
    # Given 2 m of wall, of which 4 m are seen on 100 pixels: then 50 x 50 texels of it are 50 x 50 pixels
    assert texels_wanted(wall(FAR), 0, flat(4.0), 100) == pytest.approx(50**2)
    assert texels_wanted(wall(FAR), 0, flat(4.0), 200) == pytest.approx(100**2)
    assert texels_wanted(wall(FAR, repeated=5.0), 0, flat(4.0), 100) == pytest.approx(10**2)


def test_what_is_nearer_wants_more():
    # Given a wall that a perspective camera sees from 1000 times its size, and from twice that
    near, far = (texels_wanted(wall(depth), 0, deep(), 1000) for depth in (2000.0, 4000.0))
    assert near == pytest.approx(0.5**2, rel=0.01)  # 2 m on one pixel of 4 m
    assert near == pytest.approx(4 * far, rel=0.01)
    # Then it never wants too few, and no number is enough where the camera may touch it
    assert texels_wanted(wall(5.0), 0, deep(), 1000) >= 200**2
    assert texels_wanted(wall(0.5), 0, deep(), 1000) == math.inf


def test_the_coarsest_triangle_counts_wherever_it_stands(monkeypatch):
    # Given a wall whose second triangle shows a quarter of the texels, and triangles that are measured one by one
    uneven = wall(FAR)
    corners, texcoords = uneven.faces.ravel(), uneven.texcoords[0][uneven.faces.ravel()]
    texcoords[3:] *= 0.5
    flat_faces = np.arange(6, dtype=np.uint32).reshape(2, 3)
    piece = Piece(uneven.positions[corners], uneven.normals[corners], {0: texcoords}, None, flat_faces, 1)
    monkeypatch.setattr(geometry, "_AT_ONCE", 1)
    assert texels_wanted(piece, 0, flat(4.0), 100) == pytest.approx(100**2)


def test_what_is_behind_the_camera_and_what_shows_one_texel_wants_none():
    assert texels_wanted(wall(-5.0), 0, deep(), 1000) == 0
    assert texels_wanted(wall(5.0, repeated=0.0), 0, deep(), 1000) == 0


@pytest.fixture
def drawn(able, tmp_path):
    """A function that draws a wall of paper with a grey picture on 64 x 64 pixels, and answers its red channel."""

    def draw(pixels: np.ndarray) -> np.ndarray:
        stored = io.BytesIO()
        Image.fromarray(np.repeat(pixels[..., None], 3, axis=-1)).save(stored, "PNG")
        paper = showing(stored.getvalue(), pbrMetallicRoughness=dict(PAPER), extensions={})
        camera = look((0, 0, 5), yfov=2 * math.atan(0.4))  # the wall, and nothing else
        request = spec(places(wall={}), engine=able("path_traced"), cameraConfig=camera, samples=64, denoise=False)
        return rendered(tmp_path, request, {"wall": paper})[1][..., 0].astype(float)

    return draw


def test_a_texel_that_is_larger_than_a_pixel_fades_into_its_neighbour(drawn):
    # Given two texels, dark and bright, 32 pixels wide each
    across = drawn(np.array([[60, 220], [60, 220]], np.uint8)).mean(axis=0)
    # Then the picture gets brighter step by step from the middle of one to the middle of the other
    ramp = across[16:48]
    assert (np.diff(ramp.reshape(8, 4).mean(axis=1)) > 3).all()


def test_texels_that_are_smaller_than_pixels_are_mixed(drawn):
    # Given a checkerboard of 512 x 512, of which 8 x 8 texels are a pixel, beside the grey of as much light
    board = np.where(np.indices((512, 512)).sum(axis=0) % 2, 220, 60).astype(np.uint8)
    light = (((np.array([60, 220]) / 255 + 0.055) / 1.055) ** 2.4).mean()
    grey = round((1.055 * light ** (1 / 2.4) - 0.055) * 255)
    seen, even = drawn(board), drawn(np.full((512, 512), grey, np.uint8))
    # Then both are alike, but for noise
    assert seen.mean() == pytest.approx(even.mean(), rel=0.01)
    assert seen.std() < 2 * even.std() + 2
