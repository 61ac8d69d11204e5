"""Frames of jobs: how many, and where the camera and the models are in each."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict

from threed.errors import SceneInvalid
from threed.v1 import jobs_pb2
from threed_workers.document import write_glb
from threed_workers.engines.composition import composed, settings_of
from threed_workers.engines.drawing import Drawing
from threed_workers.engines.moments import film_moments
from threed_workers.engines.motion import Frames, frames_of

from .moving import bending_arm, growing_box, turning_cube
from .pieces import RED, look, spec
from .test_framing import projected

MODELS = {"cube": turning_cube(), "arm": bending_arm(), "box": growing_box()}
BOX = {"id": "red", "assetId": "red"}
CAMERA = {"cameraConfig": look((0, 0, 5))}


@pytest.fixture
def shooting(tmp_path):
    """A function (nodes or names of models, job) -> (drawing, frames)."""
    (tmp_path / "red.glb").write_bytes(RED)
    for name, document in MODELS.items():
        write_glb(document, tmp_path / f"{name}.glb")

    def run(nodes: list, **job) -> tuple[Drawing, Frames]:
        nodes = [{"id": node, "assetId": node} if isinstance(node, str) else node for node in nodes]
        message = ParseDict(spec(nodes, **job), jobs_pb2.RenderSpec())
        files = {node["assetId"]: tmp_path / f"{node['assetId']}.glb" for node in nodes if "assetId" in node}
        drawing = composed(message, files)
        return drawing, frames_of(message, drawing, settings_of(message.render_job).aspect)

    return run


def eye(frames: Frames, number: int) -> list[float]:
    return frames[number].view.pose[:3, 3].tolist()


def test_a_still_picture_is_one_frame_and_several_cameras_are_several(shooting):
    _, frames = shooting(["red"], **CAMERA)
    assert (len(frames), frames.fps, frames[0].moment) == (1, 0, None)
    ways = [look((0, 0, 5)), {"autoFrame": {}}, {"orthographic": {"eye": [9, 0, 0], "target": [0, 0, 0]}}]
    _, frames = shooting(["red"], cameras=ways)
    assert [frames[number].camera for number in range(len(frames))] == [0, 1, 2]
    assert eye(frames, 0) == [0, 0, 5] and eye(frames, 2) == [9, 0, 0]
    with pytest.raises(IndexError, match="there are 3"):
        frames[3]


def test_an_orthographic_camera_shows_all_of_the_scene_unless_told_how_much(shooting):
    way = {"orthographic": {"eye": [0, 0, 9], "target": [0, 0, 0]}}
    tall = {**BOX, "scale": [1, 6, 1], "translation": [0, 1, 0]}
    for size in ((64, 64), (16, 64), (64, 16)):
        resolution = {"width": size[0], "height": size[1]}
        drawing, frames = shooting([tall], cameraConfig=way, resolution=resolution)
        view, aspect = frames[0].view, size[0] / size[1]
        local = (drawing.points - view.pose[:3, 3]) @ view.pose[:3, :2] / [view.ymag * aspect, view.ymag]
        room = 1 - 2 * 0.05 * np.minimum(1, [1 / aspect, 1 / 1]) if aspect > 1 else 1 - 0.1 * np.array([1, aspect])
        assert (np.abs(local) <= room + 1e-9).all() and (np.abs(local).max(axis=0) / room).max() > 1 - 1e-9, size
    way["orthographic"]["ymag"] = 0.3
    assert shooting([tall], cameraConfig=way)[1][0].view.ymag == 0.3


def test_a_turntable_turns_counter_clockwise_once_and_does_not_repeat_its_first_frame(shooting):
    _, frames = shooting(["red"], turntable={"frames": 4, "seconds": 2}, **CAMERA)
    assert (len(frames), frames.fps) == (4, 2)
    places = [eye(frames, number) for number in range(4)]
    assert places == [pytest.approx(place) for place in ([0, 0, 5], [5, 0, 0], [0, 0, -5], [-5, 0, 0])]
    assert [frames[number].seconds for number in range(4)] == [0, 0.5, 1, 1.5]
    assert len(shooting(["red"], turntable={}, **CAMERA)[1]) == 48


def test_a_turntable_turns_as_often_and_around_what_is_asked(shooting):
    table = {"frames": 4, "turns": -0.5, "axis": [0, 0, 2]}
    _, frames = shooting([{**BOX, "translation": [1, 0, 0]}], turntable=table, cameraConfig=look((1, 3, 4), (1, 0, 0)))
    assert eye(frames, 2) == pytest.approx([4, 0, 4]), "a quarter turn clockwise around the middle, seen from +Z"


def test_all_of_it_stays_in_view_on_every_side_and_no_more_room_is_left_than_needed(shooting):
    long_thing = {**BOX, "scale": [8, 1, 1], "translation": [3, 1, -2]}
    for axis, aspect in itertools.product(([0, 1, 0], [1, 1, 0]), ((64, 64), (128, 48))):
        drawing, frames = shooting(
            [long_thing],
            turntable={"frames": 40, "axis": axis},
            resolution={"width": aspect[0], "height": aspect[1]},
        )
        ratio = aspect[0] / aspect[1]
        seen = np.array([projected(drawing.points, frames[n].view, ratio) for n in range(40)])
        room = np.array([1 - 0.1 * min(1, ratio) / ratio, 1 - 0.1 * min(1, ratio)])
        assert (np.abs(seen) <= room + 1e-6).all()
        assert (np.abs(seen) / room).max() > 1 - 1e-6
        distances = [np.linalg.norm(frames[n].view.pose[:3, 3] - drawing.points.mean(axis=0)) for n in range(40)]
        assert np.ptp(distances) < 1e-6, "it goes around at one distance"
        for number in range(0, 40, 7):
            view = frames[number].view
            depths = (view.pose[:3, 3] - drawing.points) @ view.pose[:3, 2]
            assert view.near <= depths.min() and depths.max() <= view.far


def test_an_animation_film_has_frames_from_its_start_to_before_its_end(shooting):
    drawing, frames = shooting(["cube"], animationFilm={"clip": "turn", "fps": 10}, **CAMERA)
    assert len(frames) == 10 and frames.fps == 10
    assert [frames[n].moment for n in (0, 5, 9)] == pytest.approx([0, 0.5, 0.9])
    assert frames[0].view is frames[9].view
    part = {"clip": "#1", "startS": 0.5, "endS": 1.5}
    drawing, frames = shooting(["cube"], animationFilm=part, **CAMERA)
    assert len(frames) == 24 and frames[0].moment == 0.5 and frames[0].seconds == 0
    assert drawing.instances[0].model.document.json["nodes"][0]["translation"] == [0, 1, 0]


def test_the_framing_of_a_film_holds_every_moment_of_it(shooting):
    drawing, _ = shooting(["cube"], animationFilm={"clip": "#1"})
    assert [side.tolist() for side in drawing.box] == [[1.5, -0.5, -0.5], pytest.approx([2.5, 4.5 - 4 / 48, 0.5])]
    drawing, _ = shooting(["box"], animationFilm={"fps": 100})
    assert drawing.box[1][1] == pytest.approx(2.5, abs=0.03), "morph targets are measured"
    drawing, _ = shooting(["arm"], animationFilm={"fps": 100})
    assert drawing.box[1][1] == pytest.approx(math.hypot(1, 0.25), abs=0.01), "and skins"


def test_a_camera_path_goes_through_its_keyframes_and_smoothly_between(shooting):
    places = [(0, (0, 0, 5)), (1, (5, 0, 0)), (3, (0, 5, 0.1)), (4, (0, 0, 9))]
    keys = [
        {"seconds": when, "lookAt": {"eye": list(where), "target": [0, 0, 0], "yfov": 0.5}} for when, where in places
    ]
    _, frames = shooting(["red"], cameraPath={"keyframes": keys, "fps": 10})
    assert len(frames) == 40
    for when, where in places[:-1]:
        assert eye(frames, when * 10) == pytest.approx(where)
        assert frames[when * 10].view.yfov == 0.5
    track = np.array([eye(frames, n) for n in range(40)])
    assert np.abs(np.diff(track, n=2, axis=0)).max() < 0.35, "no kink: speeds change little from frame to frame"
    # Half way between keys 1 and 2, by the formula: tangents are the chords of both neighbours
    before, after = np.array([0, 5, 0.1 - 5]) / 3, np.array([-5, 0, 9]) / 3
    by_hand = np.array([5, 5, 0.1]) / 2 + 2 * (before - after) / 8
    assert eye(frames, 20) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("nodes", "job", "what"),
    [
        (["cube"], {"animation": {"clip": "walk"}}, r'no animation "walk"\. There are: turn, #1'),
        (["cube"], {"animation": {"clip": "turn", "seconds": 1.5}}, "lasts 1 s"),
        (["red"], {"animation": {"seconds": 1}}, "There are: none"),
        (["red"], {"animationFilm": {}}, "There are: none"),
        (["cube"], {"animationFilm": {"endS": 1.2}}, "lasts 1 s"),
        (["cube"], {"animationFilm": {"startS": 0.8, "endS": 0.5}}, "end after its start"),
        (["cube"], {"animationFilm": {"startS": 1}}, "end after its start"),
        (["red"], {"materialVariant": "blue"}, r'variant "blue"\. There are: none'),
        (["red"], {"turntable": {"axis": [0, 0, 0]}}, "axis"),
        (["red"], {"cameraPath": {"keyframes": []}}, "at least two"),
        (["red"], {"region": {"x": 1, "y": 0, "width": 64, "height": 1}}, "not all in the picture"),
    ],
)
def test_it_is_refused_with_what_there_is(shooting, nodes, job, what):
    with pytest.raises(SceneInvalid, match=what):
        shooting(nodes, **job)


def test_a_path_with_keyframes_out_of_order_or_too_many_frames_is_refused(shooting):
    keys = [{"seconds": when, **look((0, 0, 5))} for when in (0, 2, 1)]
    with pytest.raises(SceneInvalid, match="later than the one before"):
        shooting(["red"], cameraPath={"keyframes": keys})
    keys[1]["seconds"], keys[2]["seconds"] = 1, 1e9
    with pytest.raises(SceneInvalid, match="at most 10000"):
        shooting(["red"], cameraPath={"keyframes": keys})


def test_a_model_without_the_animation_stays_as_it_is_and_a_shorter_one_waits_at_its_end(shooting):
    # `#1` of the cube lasts 2 s; the box has one animation of 1 s
    drawing, _ = shooting(["cube", "box", "red"], animation={"clip": "#1", "seconds": 1.5})
    cube, box, red = (instance.model for instance in drawing.instances)
    assert cube.document.json["nodes"][0]["translation"] == [0, 3, 0]
    assert box.document.json["nodes"][0]["weights"] == [0, 0.5]
    assert red.animation is None
    drawing, _ = shooting(["arm", "box"], animation={"seconds": 1.0})
    assert drawing.instances[1].model.document.json["nodes"][0]["weights"] == [1, 0.5]
    job = ParseDict({"animationFilm": {"clip": "#1"}}, jobs_pb2.RenderSpec().render_job)
    assert len(film_moments(job, [cube, box])) == 48


def test_the_lowest_point_is_that_of_the_vertices_and_not_of_boxes(shooting):
    turned = {**BOX, "rotation": [0, 0, math.sin(math.pi / 8), math.cos(math.pi / 8)]}
    drawing, _ = shooting([turned], groundShadow=True)
    assert drawing.ground == pytest.approx(-0.5 * math.sqrt(2))
    nested = [{"id": "tilt", "rotation": turned["rotation"]}, {**turned, "parentId": "tilt"}]
    drawing, _ = shooting(nested, groundShadow=True)
    assert drawing.ground == pytest.approx(-0.5), "an eighth turn twice is a quarter turn"
    assert shooting(["red"])[0].ground is None
