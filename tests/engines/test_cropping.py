"""Which part of a picture is drawn, and that nobody sees it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from threed_workers.engines import raster
from threed_workers.engines.cropping import cropped, is_cut, place
from threed_workers.engines.drawing import Settings, View
from threed_workers.engines.framing import looking
from threed_workers.samples.shapes import box, sphere

from .pieces import look, matte, model, rendered, spec, unlit
from .suite import places

FRONT = View(looking((0, 0, 10), (0, 0, 0), (0, 1, 0)), 1, 100, yfov=2 * math.atan(0.1))  # 2 m high at the origin


def corners(x: float, y: float, half: float) -> np.ndarray:
    return np.array([[x + dx, y + dy, 0.0] for dx in (-half, half) for dy in (-half, half)])


def test_the_part_holds_what_is_seen_and_little_more():
    whole = Settings(800, 400)
    part = cropped(whole, FRONT, corners(-1, 0.25, 0.25))
    # 200 pixels are a metre; the middle is at (400, 200)
    x, y, width, height = part.region
    assert x < 150 and x + width > 250
    assert y < 100 and y + height > 200
    assert width < 150 and height < 150
    assert place(part, whole) == (slice(y, y + height), slice(x, x + width))


def test_the_part_of_a_part_is_where_it_is_in_the_whole():
    asked = Settings(800, 400, region=(300, 100, 400, 300))
    part = cropped(asked, FRONT, corners(0, 0, 0.1))
    x, y, width, height = part.region
    assert x < 380 and x + width > 420 and y < 180 and y + height > 220
    rows, columns = place(part, asked)
    assert (rows.start, columns.start) == (y - 100, x - 300)
    assert width < 80 and height < 80


def test_what_is_beside_the_camera_or_everywhere_is_drawn_whole():
    whole = Settings(800, 400)
    assert cropped(whole, FRONT, np.array([[0, 0, 0], [5.0, 0, 12.0]])) is whole
    assert cropped(whole, FRONT, corners(0, 0, 50)) is whole
    assert cropped(whole, FRONT, np.zeros((0, 3))) is whole


def test_what_is_out_of_view_takes_the_smallest_part():
    part = cropped(Settings(800, 400), FRONT, corners(50, 0, 0.05))
    assert part.size[0] == 13 and part.size[1] < 60


def test_a_part_is_cut_when_something_is_at_an_inner_edge():
    whole = Settings(8, 8)
    part = Settings(8, 8, region=(0, 2, 8, 4))
    image = np.zeros((4, 8, 4), np.uint8)
    image[:, 0] = 1  # the left edge is one of the whole
    image[0, 0] = image[-1, 0] = 0
    assert not is_cut(image, part, whole)
    image[0, 3] = 1
    assert is_cut(image, part, whole)


JOBS = {
    "colour": {"background": {"color": {"r": 0.2, "g": 0.4, "b": 0.6}}},
    "clear": {"background": {"transparent": True}},
    "shadow": {"groundShadow": True},
    "orthographic": {"cameraConfig": {"sceneCamera": "camera"}},
    "region": {"region": {"x": 10, "y": 20, "width": 60, "height": 40}},
}


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_picture_is_the_same_as_if_it_had_been_drawn_whole(able, tmp_path, monkeypatch, name):
    job = {"cameraConfig": look((2, 4, 24)), "samples": 1, **JOBS[name]}
    camera = {"id": "camera", "translation": [0, 0, 20], "camera": {"orthographic": {"ymag": 4}}}
    things = places(ball={}, box={"translation": [0.6, 0.2, 0]})
    job = spec([*things, camera], engine=able("raster"), **job)
    job["renderJob"]["resolution"] = {"width": 128, "height": 96}
    data = {"ball": model(sphere(32, 16), matte(0.5)), "box": model(box(0.4), unlit(1, 0.2, 0.1))}
    drawn = []
    monkeypatch.setattr(raster, "cropped", lambda *a: drawn.append(cropped(*a)) or drawn[-1])
    _, picture = rendered(tmp_path, job, data)
    assert drawn[0].region != (job["renderJob"].get("region") and (10, 20, 60, 40))
    monkeypatch.setattr(raster, "cropped", lambda settings, view, points: settings)
    _, whole = rendered(tmp_path, job, data)
    difference = np.abs(picture.astype(int) - whole).max(axis=-1)
    assert picture.shape == whole.shape
    assert (difference > 2).mean() < 0.001 and np.ptp(whole[..., 0]) > 50


def test_what_reaches_farther_than_was_known_is_not_cut_off(able, tmp_path, monkeypatch):
    job = spec(places(ball={}), cameraConfig=look((0, 0, 5)), engine=able("raster"), samples=1)
    data = {"ball": model(sphere(32, 16), matte(0.5))}
    _, whole = rendered(tmp_path, job, data)
    small = cropped(Settings(64, 64), FRONT, corners(0, 0, 0.01))
    monkeypatch.setattr(raster, "cropped", lambda settings, view, points: small)
    _, picture = rendered(tmp_path, job, data)
    assert np.abs(picture.astype(int) - whole).max() <= 2
