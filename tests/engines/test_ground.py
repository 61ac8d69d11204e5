"""The light that a ground loses, against closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict

from threed.v1.jobs_pb2 import RenderSpec
from threed_workers.engines.cameras import view_of
from threed_workers.engines.drawing import Drawing, Sky
from threed_workers.engines.environments.blurred import blurred
from threed_workers.engines.environments.cubemap import face_directions
from threed_workers.engines.ground import SIZE, Ground, darkness, hidden_sky
from threed_workers.engines.skylight import radiance_of_paper

PIXEL = 8 / SIZE
STEPS = (np.arange(SIZE) + 0.5) * PIXEL - 4
AWAY = np.hypot(STEPS[:, None], STEPS[None, :])
MIDDLE = SIZE // 2


@pytest.mark.parametrize("height", [0.3, 1.0])
def test_a_disc_hides_what_its_form_factor_says(height):
    # Given a disc of radius 1, parallel to the ground
    hidden = hidden_sky([(height, (AWAY < 1).astype(float))], PIXEL)
    # Then the point below its middle loses R^2 / (R^2 + h^2) of its light
    assert hidden[MIDDLE, MIDDLE] == pytest.approx(1 / (1 + height**2), rel=0.01)
    assert hidden[MIDDLE, -1] < 0.02


def test_what_lies_on_the_ground_hides_all_of_the_sky_below_it_and_nothing_beside():
    hidden = hidden_sky([(1e-4, (AWAY < 1).astype(float))], PIXEL)
    assert (hidden[AWAY < 0.98] > 0.99).all() and (hidden[AWAY > 1.05] < 0.01).all()


def test_a_ball_on_the_ground_darkens_it_as_the_form_factor_of_a_sphere_says():
    # Given a ball of radius 1 that touches the ground, seen in silhouettes from below
    def silhouette(pose: np.ndarray, half: float, near: float, far: float) -> np.ndarray:
        steps = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1) * half
        away = np.hypot(steps[:, None], steps[None, :])
        underside = 1 - np.sqrt(np.maximum(0, 1 - away**2))
        return ((away < 1) & (underside < far + pose[1, 3])).astype(float)

    corners = np.array([[x, y, z] for x in (-1, 1) for y in (0, 2) for z in (-1, 1)], float)
    drawing = Drawing((), corners, ground=0.0)
    ground = Ground.under(drawing)
    dark = darkness(drawing, ground, 1.0, silhouette)
    # Then at distance r it is R^3 / (r^2 + R^2)^(3/2): the cosine-weighted part of the sky that the ball fills
    middle = SIZE // 2
    for r in (0.0, 0.5, 1.0, 1.5):
        place = middle + round(r / ground.pixel)
        assert dark[middle, place] == pytest.approx((r * r + 1) ** -1.5, abs=0.06), r
    assert dark[0].max() < 1e-3, "nothing at the edges"


def test_an_even_sky_lights_paper_as_brightly_as_it_is():
    assert radiance_of_paper(Sky("studio", intensity=2)) == pytest.approx(2 * radiance_of_paper(Sky("studio")))
    assert 0.1 < radiance_of_paper(Sky("studio")) < 2


def test_a_wholly_blurred_environment_is_the_light_on_a_matt_surface():
    # Given a sky whose radiance grows with height: 1 + y, whose mean over a cosine lobe is 1 + 2/3 y
    cube = blurred(lambda directions: (1 + directions[:, 1:2]).repeat(3, axis=1), 1.0)
    wanted = np.stack([1 + 2 / 3 * face_directions(face, cube.shape[1])[..., 0, 1] for face in range(6)])
    assert cube[..., 0] == pytest.approx(wanted, abs=0.01)


def test_a_little_blur_keeps_what_is_large_and_softens_edges():
    cube = blurred(lambda directions: (directions[:, 1:2] > 0).astype(float).repeat(3, axis=1), 0.1)
    up = np.stack([face_directions(face, cube.shape[1])[..., 0, 1] for face in range(6)])
    assert (cube[up > 0.4] > 0.97).all() and (cube[up < -0.4] < 0.03).all()
    assert cube[np.abs(up) < 0.03].mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("camera", [{"autoFrame": {}}, {"lookAt": {"eye": [0, 1, 6], "target": [0, 0, 0]}}])
def test_the_ground_is_seen_up_to_the_camera(camera):
    # Given a camera whose near plane is just before what it looks at
    points = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    without = view_of(ParseDict({"renderJob": {"cameraConfig": camera}}, RenderSpec()), points, 1.0)
    job = {"cameraConfig": camera, "groundShadow": True}
    view = view_of(ParseDict({"renderJob": job}, RenderSpec()), points, 1.0)
    # Then the ground before it is not cut off, and nothing else is another
    assert without.near > 0.1 * without.far
    assert view.near == view.far / 1000
    assert (view.far, view.yfov) == (without.far, without.yfov)
    assert np.array_equal(view.pose, without.pose)
