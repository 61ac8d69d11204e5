"""Thumbnails of models of few, of many and of very many triangles."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from threed_workers.document import Builder
from threed_workers.engines.thumbnails import thumbnails
from threed_workers.samples import glb_bytes


def slanting(triangles: int) -> bytes:
    """A slanting square of two triangles, and as many without area as make it that many."""
    corners = np.array([[-1, -1, 0], [1, -0.8, 0], [0.8, 1, 0], [-0.8, 0.9, 0]], np.float32)
    order = np.array([0, 1, 2, 0, 2, 3], np.uint32)
    crowd = np.zeros(3 * (triangles - 2), np.uint32)
    builder = Builder("tests")
    attributes = {
        "POSITION": builder.positions(corners),
        "NORMAL": builder.attribute(np.tile(np.array([0, 0, 1], np.float32), (4, 1))),
        "TEXCOORD_0": builder.attribute(corners[:, :2].copy()),
    }
    indices = builder.indices(np.concatenate([order, crowd]), len(corners))
    material = builder.add("materials", {"doubleSided": True})
    mesh = builder.add("meshes", {"primitives": [{"attributes": attributes, "indices": indices, "material": material}]})
    builder.add("nodes", {"mesh": mesh})
    return glb_bytes(builder.finish())


@pytest.mark.parametrize(("triangles", "is_smooth"), [(2, True), (150_000, True), (1024 * 1024 + 1, False)])
def test_edges_are_smooth_unless_triangles_are_more_than_pixels(able, tmp_path, triangles, is_smooth):
    able("raster")
    # Given a model whose edges are slanting
    (tmp_path / "model.glb").write_bytes(slanting(triangles))
    # When its thumbnails are made
    made = thumbnails({"model": "model.glb", "engines": ["raster"]}, tmp_path, lambda event: None)
    # Then the largest picture is smooth, or has one sample a pixel; the smaller ones are smooth in any case
    partly = {}
    for each in made["thumbnails"]:
        if each["media_type"] == "image/png":
            with Image.open(tmp_path / each["file"]) as picture:
                assert picture.size == (each["long_edge_px"], each["long_edge_px"])
                alpha = np.asarray(picture)[..., 3]
            partly[each["long_edge_px"]] = bool(((alpha > 0) & (alpha < 255)).any())
    assert partly == {1024: is_smooth, 512: True, 256: True}
