"""What every engine must do. A module that imports these tests provides the fixture `engine`: its name, able to run."""

from __future__ import annotations

import math

import numpy as np
import pytest

from threed.errors import SceneInvalid
from threed_workers.samples.shapes import box

from .pieces import BALL, BLUE, GREEN, RED, RED_AND_BLUE, centre_of, look, model, rendered, spec, textured, unlit, wall

CLEAR = {"transparent": True}


def places(**nodes) -> list[dict]:
    """Nodes that hold the asset of their own name's first part: `ball_2` holds `ball`."""
    return [{"id": name, "assetId": name.split("_")[0], **more} for name, more in nodes.items()]


def colours(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks of what is mostly red, green and blue."""
    seen = picture[..., 3] > 127
    value = picture[..., :3].astype(int)
    strongest = value.argmax(axis=-1)
    clear = seen & (value.max(axis=-1) - np.sort(value, axis=-1)[..., 1] > 60)
    return tuple(clear & (strongest == channel) for channel in range(3))


def test_a_ball_has_the_outline_of_a_ball(engine, tmp_path):
    # Given a ball of radius 1, seen from 5 m away
    job = spec(places(ball={}), cameraConfig=look((0, 0, 5)), background=CLEAR, engine=engine, samples=8)
    _, picture = rendered(tmp_path, job, {"ball": BALL})
    # Then its outline is the circle of the tangent cone
    alpha = picture[..., 3] / 255
    radius = math.tan(math.asin(1 / 5)) / math.tan(0.35) * 32
    assert alpha.sum() == pytest.approx(math.pi * radius**2, rel=0.01)
    assert centre_of(alpha > 0.5) == pytest.approx((0, 0), abs=0.02)


def test_the_axes_point_where_gltf_says(engine, tmp_path):
    nodes = places(red={"translation": [2, 0, 0]}, green={"translation": [0, 2, 0]}, blue={"translation": [0, 0, 2]})
    models = {"red": RED, "green": GREEN, "blue": BLUE}
    # From +Z, +X is right and +Y is up
    job = spec(nodes, cameraConfig=look((0, 0, 12)), background=CLEAR, engine=engine)
    red, green, _ = colours(rendered(tmp_path, job, models)[1])
    assert centre_of(red)[0] > 0.3 and abs(centre_of(red)[1]) < 0.1
    assert centre_of(green)[1] > 0.3 and abs(centre_of(green)[0]) < 0.1
    # From +X, +Z is left
    job = spec(nodes, cameraConfig=look((12, 0, 0)), background=CLEAR, engine=engine)
    _, green, blue = colours(rendered(tmp_path, job, models)[1])
    assert centre_of(blue)[0] < -0.3
    assert centre_of(green)[1] > 0.3
    # With +Z as up, +Z is up
    job = spec(nodes, cameraConfig=look((12, 0, 0), up=[0, 0, 1]), background=CLEAR, engine=engine)
    _, _, blue = colours(rendered(tmp_path, job, models)[1])
    assert centre_of(blue)[1] > 0.3


def test_an_orthographic_camera_shows_twice_its_ymag(engine, tmp_path):
    # Given a cube of 1 m and a camera node that shows 4 m
    camera = {"id": "camera", "translation": [0, 0, 9], "camera": {"orthographic": {"ymag": 2}}}
    job = spec([*places(red={}), camera], background=CLEAR, engine=engine)
    # When the scene is drawn without saying from where
    _, picture = rendered(tmp_path, job, {"red": RED})
    # Then the first camera node is used, and the cube takes a quarter of the height
    assert (picture[..., 3] > 127).sum() == pytest.approx(16 * 16, abs=34)


@pytest.mark.parametrize(("width", "height"), [(32, 128), (64, 64), (128, 32), (100, 60)])
def test_automatic_framing_keeps_everything_in_view_and_little_else(engine, tmp_path, width, height):
    nodes = places(red={"scale": [4, 1, 1]}, green={"translation": [0, 3, -2]})
    job = spec(nodes, resolution={"width": width, "height": height}, background=CLEAR, engine=engine)
    _, picture = rendered(tmp_path, job, {"red": RED, "green": GREEN})
    rows, columns = np.nonzero(picture[..., 3])
    margins = [columns.min(), rows.min(), width - 1 - columns.max(), height - 1 - rows.max()]
    wanted = 0.05 * min(width, height)
    assert min(margins) >= wanted - 1.5, "nothing touches the margin"
    assert min(margins) <= wanted + 1.5, "no more room than asked for"


def test_several_assets_are_placed_by_their_nodes(engine, tmp_path):
    # Given one asset twice, at the left and, through two parents, at the upper right; another twice as large below
    nodes = [
        {"id": "lifted", "translation": [0, 2, 0]},
        {"id": "turned", "parentId": "lifted", "rotation": [0, 0, math.sin(math.pi / 4), math.cos(math.pi / 4)]},
        {"id": "b", "parentId": "turned", "assetId": "red", "translation": [0, -2, 0]},
        {"id": "a", "assetId": "red", "translation": [-3, 0, 0]},
        {"id": "c", "assetId": "blue", "matrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, -3, 0, 1]},
        {"id": "d", "assetId": "green", "hidden": True},
    ]
    camera = {"id": "camera", "translation": [0, 0, 20], "camera": {"orthographic": {"ymag": 5}}}
    job = spec([*nodes, camera], resolution={"width": 100, "height": 100}, background=CLEAR, engine=engine)
    _, picture = rendered(tmp_path, job, {"red": RED, "blue": BLUE, "green": GREEN})
    red, green, blue = colours(picture)
    # Then each is where its matrices say
    left, right = red.copy(), red.copy()
    left[:, 50:], right[:, :50] = False, False
    assert centre_of(left) == pytest.approx((-0.6, 0), abs=0.02)
    assert centre_of(right) == pytest.approx((0.4, 0.4), abs=0.02)
    assert centre_of(blue) == pytest.approx((0, -0.6), abs=0.02)
    assert blue.sum() == pytest.approx(4 * left.sum(), rel=0.05)
    assert not green.any(), "hidden"


def test_a_mirrored_model_still_shows_its_outside(engine, tmp_path):
    # Given a box, mirrored, and another in it
    nodes = places(red={"scale": [-1, 1, 1]}, blue={"scale": [0.5] * 3})
    job = spec(nodes, cameraConfig=look((0, 0, 4)), background=CLEAR, engine=engine)
    red, _, blue = colours(rendered(tmp_path, job, {"red": RED, "blue": BLUE})[1])
    assert red.sum() > 100 and not blue.any()


@pytest.mark.parametrize("scale", [[1, 1, 0], [0, 1, 1], [0, 0, 0]])
def test_what_is_squeezed_to_nothing_does_no_harm(engine, tmp_path, scale):
    job = spec(places(red={"scale": scale}, blue={"translation": [1.5, 0, 0]}), engine=engine, background=CLEAR)
    red, _, blue = colours(rendered(tmp_path, job, {"red": RED, "blue": BLUE})[1])
    assert blue.sum() > 100 and red.any() == any(scale)


def test_a_box_that_is_inside_out_shows_its_inside(engine, tmp_path):
    # Given a box that is seen from one side only, its fronts inside, and a ball in it
    *rest, triangles = box(1.0)
    inverted = model((*rest, triangles[:, ::-1]), unlit(1, 0, 0))
    job = spec(places(box={}, ball={"scale": [0.4] * 3}), cameraConfig=look((0, 0, 6), yfov=0.5), engine=engine)
    _, picture = rendered(tmp_path, job, {"box": inverted, "ball": BALL})
    assert picture[32, 32, :3].min() > 200


def test_a_background_colour_comes_out_as_asked(engine, tmp_path):
    colour = {"r": 0.2, "g": 0.5, "b": 0.8}
    for tone_mapping in ("PBR_NEUTRAL", "AGX", "ACES", "LINEAR"):
        job = spec(places(red={}), background={"color": colour}, toneMapping=tone_mapping, exposure=1.5, engine=engine)
        _, picture = rendered(tmp_path, job, {"red": RED})
        assert picture[0, 0].tolist() == [124, 188, 231, 255], tone_mapping


def test_the_default_background_is_a_neutral_light_grey(engine, tmp_path):
    _, picture = rendered(tmp_path, spec(places(red={}), engine=engine), {"red": RED})
    assert picture[0, 0].tolist() == [235, 235, 235, 255]


def test_a_transparent_picture_has_straight_alpha(engine, tmp_path):
    job = spec(places(ball={}), cameraConfig=look((0, 0, 5)), background=CLEAR, toneMapping="LINEAR", engine=engine)
    tilted = model(box(1), unlit(1, 1, 1), node={"rotation": [0, 0, 0.3826834, 0.9238795]})
    _, picture = rendered(tmp_path, job, {"ball": tilted})
    edge = (picture[..., 3] > 40) & (picture[..., 3] < 215)
    assert picture[0, 0, 3] == 0 and picture[32, 32, 3] == 255
    assert edge.any()
    assert picture[edge][:, :3].min() > 240, "edges of a white thing are white, not grey"


def test_the_same_job_draws_the_same_picture(engine, tmp_path):
    job = spec(places(ball={}), engine=engine)
    assert np.array_equal(rendered(tmp_path, job, {"ball": BALL})[1], rendered(tmp_path, job, {"ball": BALL})[1])


def test_points_and_lines_are_seen(engine, tmp_path):
    for mode in (0, 1, 3):
        job = spec(places(ball={}), background=CLEAR, engine=engine, resolution={"width": 512, "height": 512})
        _, picture = rendered(tmp_path, job, {"ball": model(box(1), unlit(1, 0, 0), mode=mode)})
        assert (picture[..., 3] > 0).sum() >= 8, f"mode {mode}"


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e3, 1e6])
def test_the_size_of_a_thing_makes_no_difference(engine, tmp_path, size):
    def drawn(size: float) -> np.ndarray:
        nodes = places(ball={"scale": [size] * 3, "translation": [3 * size, 0, 0]})
        return rendered(tmp_path, spec(nodes, engine=engine), {"ball": RED})[1].astype(int)

    assert np.abs(drawn(1.0) - drawn(size)).mean() < 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_a_picture_of_any_kind_is_drawn(engine, tmp_path, kind):
    # Given a square whose picture is red on the left and blue on the right, and what renderers load of it
    job = spec(places(wall={}), cameraConfig=look((0, 0, 5), yfov=0.5), background=CLEAR, engine=engine)
    _, picture = rendered(tmp_path, job, {"wall": textured(RED_AND_BLUE, kind)})
    # Then that is how it is drawn
    red, _, blue = colours(picture)
    assert red[:, :30].all() and blue[:, 34:].all()


FACING = {"cameraConfig": look((0, 0, 5), yfov=0.5), "background": CLEAR}


def test_a_colour_in_whole_numbers_is_not_a_part_of_255(engine, tmp_path):
    white = {"baseColorFactor": [1, 1, 1, 1], "metallicFactor": 0, "roughnessFactor": 1}
    paper = {"pbrMetallicRoughness": white, "alphaMode": "BLEND"}
    job = spec(places(wall={}), engine=engine, **FACING)
    _, picture = rendered(tmp_path, job, {"wall": model(wall(), paper)})
    assert picture[20:44, 20:44].min() > 120


def test_an_opaque_surface_has_no_alpha(engine, tmp_path):
    # Given alpha in the factor and in the picture
    faded = np.dstack([RED_AND_BLUE, np.full((64, 64), 60, np.uint8)])
    surface = {"baseColorFactor": [1, 1, 1, 0.3]}
    wall = textured(faded, "PNG", pbrMetallicRoughness=surface)
    _, picture = rendered(tmp_path, spec(places(wall={}), engine=engine, **FACING), {"wall": wall})
    red, _, blue = colours(picture)
    assert red[:, :30].all() and blue[:, 34:].all() and (picture[..., 3] == 255).all()


def test_a_cutoff_cuts_the_picture(engine, tmp_path):
    cut = np.dstack([RED_AND_BLUE, np.repeat([[200, 100]], 32, axis=1).repeat(64, axis=0).astype(np.uint8)])
    wall = textured(cut, "PNG", alphaMode="MASK", alphaCutoff=0.6)
    _, picture = rendered(tmp_path, spec(places(wall={}), engine=engine, **FACING), {"wall": wall})
    assert (picture[:, :29, 3] == 255).all() and (picture[:, 35:, 3] == 0).all()


def test_a_texture_is_transformed(engine, tmp_path):
    # Given a picture that is moved by half of its width
    moved = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0]}}}
    wall = textured(RED_AND_BLUE, "PNG", base=moved)
    _, picture = rendered(tmp_path, spec(places(wall={}), engine=engine, **FACING), {"wall": wall})
    red, _, blue = colours(picture)
    assert blue[:, 4:28].all() and red[:, 36:60].all()


def test_a_picture_shines(engine, tmp_path):
    black = {"baseColorFactor": [0.0, 0.0, 0.0, 1.0], "metallicFactor": 0.0, "roughnessFactor": 1.0}
    glow = {"emissiveFactor": [1, 1, 1], "emissiveTexture": {"index": 0}, "extensions": {}}
    wall = textured(RED_AND_BLUE, "PNG", pbrMetallicRoughness=black, **glow)
    _, picture = rendered(tmp_path, spec(places(wall={}), engine=engine, **FACING), {"wall": wall})
    red, _, blue = colours(picture)
    assert red[:, :30].all() and blue[:, 34:].all()


def test_vertex_colours_are_seen(engine, tmp_path):
    paper = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0}}

    def seen(color: float) -> float:
        job = spec(places(wall={}), engine=engine, **FACING)
        return rendered(tmp_path, job, {"wall": model(wall(), paper, color=color)})[1][20:44, 20:44, :3].mean()

    assert seen(0.04) < seen(0.2) - 30 < seen(1.0) - 90


def test_a_scene_with_nothing_to_see_is_refused(engine, tmp_path):
    with pytest.raises(SceneInvalid, match="nothing to see"):
        rendered(tmp_path, spec(places(ball={"hidden": True}), engine=engine), {"ball": BALL})
