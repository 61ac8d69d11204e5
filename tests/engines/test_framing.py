"""Cameras against closed forms."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threed.errors import SceneInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, read_glb
from threed_workers.engines import framing
from threed_workers.engines.models import Model
from threed_workers.samples import glb_bytes

CUBE = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
UP = (0, 1, 0)


def projected(points: np.ndarray, view, aspect: float) -> np.ndarray:
    """(n, 2) in -1 to 1 of the picture."""
    local = (points - view.pose[:3, 3]) @ view.pose[:3, :3]
    slope = math.tan(view.yfov / 2)
    return np.column_stack([local[:, 0] / (slope * aspect), local[:, 1] / slope]) / -local[:, 2:]


@given(
    yaw=st.floats(-7, 7),
    pitch=st.floats(-math.pi / 2, math.pi / 2),
    yfov=st.floats(0.05, 2.5),
    margin=st.floats(0, 0.45),
    aspect=st.floats(0.25, 4),
    size=st.tuples(*[st.floats(1e-3, 1e3)] * 3),
    middle=st.tuples(*[st.floats(-100, 100)] * 3),
)
def test_what_is_framed_touches_its_margin_and_never_crosses_it(yaw, pitch, yfov, margin, aspect, size, middle):
    points = CUBE * size + middle
    view = framing.framed(points, yaw, pitch, yfov, margin, aspect)
    seen = np.abs(projected(points, view, aspect))
    room = np.array([1 - 2 * margin * min(1, aspect) / aspect, 1 - 2 * margin * min(1, aspect)])
    assert (seen <= room + 1e-6).all()
    depths = (view.pose[:3, 3] - points) @ view.pose[:3, 2]
    assert 0 < view.near <= depths.min() and depths.max() <= view.far
    assert np.allclose(view.pose[:3, :3] @ view.pose[:3, :3].T, np.eye(3))
    closest = view.pose[:3, 3] @ view.pose[:3, 2] - (points @ view.pose[:3, 2]).max()
    as_near_as_may_be = 0.021 * np.linalg.norm(np.ptp(points @ view.pose[:3, :3], axis=0))
    assert (seen / room).max() > 1 - 1e-6 or closest <= as_near_as_may_be


def test_yaw_and_pitch_are_where_the_contract_says():
    for yaw, pitch, place in ((0, 0, (0, 0, 1)), (math.pi / 2, 0, (1, 0, 0)), (0, math.pi / 2, (0, 1, 0))):
        view = framing.framed(CUBE, yaw, pitch, 0.6, 0.05, 1.0)
        assert view.pose[:3, 3] / np.linalg.norm(view.pose[:3, 3]) == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-6, 1e6, 1e12])
def test_any_size_can_be_framed(size):
    view = framing.framed(CUBE * size + 5, 0.6, 0.35, 0.61, 0.05, 1.0)
    assert np.isfinite(view.pose).all() and 0 < view.near < view.far


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_what_cannot_be_framed_is_refused(bad):
    with pytest.raises(SceneInvalid):
        framing.framed(CUBE * bad, 0.6, 0.35, 0.61, 0.05, 1.0)


def test_a_look_at_without_a_direction_is_refused():
    with pytest.raises(SceneInvalid, match="same point"):
        framing.looking((1, 2, 3), (1, 2, 3), UP)
    with pytest.raises(SceneInvalid, match="up"):
        framing.looking((0, 5, 0), (0, 0, 0), UP)
    with pytest.raises(SceneInvalid, match="up"):
        framing.looking((0, 0, 5), (0, 0, 0), (0, 0, 0))


def test_planes_that_are_given_are_kept_and_checked():
    pose = framing.looking((0, 0, 5), (0, 0, 0), UP)
    assert framing.depth_range(CUBE, pose, near=0.5, far=7.0) == (0.5, 7.0)
    with pytest.raises(SceneInvalid, match="zfar"):
        framing.depth_range(CUBE, pose, near=8.0, far=7.0)


def test_a_camera_that_looks_away_has_planes_too():
    near, far = framing.depth_range(CUBE, framing.looking((0, 0, 5), (0, 0, 9), UP))
    assert 0 < near < far


def test_a_round_thing_fills_the_picture_as_a_box_does():
    # Given a disk of 2 m, whose box has corners that it has not
    angles = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    rim = np.stack([np.cos(angles), np.zeros(500), np.sin(angles)], axis=-1).astype(np.float32)
    placed = rim + np.array([0, 3, 0], np.float32)
    builder = Builder("tests")
    mesh = {"primitives": [{"attributes": {"POSITION": builder.positions(rim)}, "mode": 0}]}
    node = builder.add("nodes", {"mesh": builder.add("meshes", mesh), "translation": [0, 3, 0]})
    builder.add("scenes", {"nodes": [node]})
    builder.json["scene"] = 0
    document = read_glb(memoryview(glb_bytes(builder.finish())), Budget())
    outline = Model(Path("disk.glb"), document).outline()
    # Then what a camera has to have in view are vertices of it, few of them
    assert set(map(tuple, outline)) <= set(map(tuple, placed))
    assert 20 < len(outline) < 154
    # And seen from any side, all of it is as near to the edge as the margin says, give or take a hundredth
    for yaw in (0.0, 0.4, 1.1):
        view = framing.framed(outline, yaw, 0.35, 0.6, 0.05, 1.0)
        assert np.abs(projected(placed, view, 1.0)).max() == pytest.approx(0.9, abs=0.01)
