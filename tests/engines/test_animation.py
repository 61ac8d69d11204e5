"""Animations at a time, against the formulas of glTF 2.0 appendix C."""

from __future__ import annotations

import math

import numpy as np
import pytest

from threed.errors import SceneInvalid
from threed_workers.engines.animation import number_of, read_animation, titles
from threed_workers.engines.pose import moved, posed

from .moving import NO_TURN, QUARTER_TURN, Stage, turning_cube


def channel(path: str, times: list, values: list, *how: str):
    """The only channel of an animation of one empty node."""
    stage = Stage()
    stage.builder.add("nodes", {"name": "it"})
    stage.animation((0, path, times, values, *how))
    (found,) = read_animation(stage.done(), 0).channels
    return found


def test_linear_keys_are_joined_by_lines_and_held_outside():
    found = channel("translation", [1, 2, 4], [[0, 0, 0], [2, 0, 0], [2, 8, 0]])
    for seconds, value in ((0, [0, 0, 0]), (1.25, [0.5, 0, 0]), (2, [2, 0, 0]), (3.5, [2, 6, 0]), (9, [2, 8, 0])):
        assert found.at(seconds).tolist() == value, seconds


def test_steps_hold_until_the_next_key():
    found = channel("scale", [0, 1], [[1, 1, 1], [2, 2, 2]], "STEP")
    assert found.at(0.999).tolist() == [1, 1, 1]
    assert found.at(1.0).tolist() == [2, 2, 2]


def test_rotations_turn_evenly_along_the_shorter_arc():
    # Given a quarter turn, once as a quaternion and once as its negative, which is the same rotation
    for end in (QUARTER_TURN, [-part for part in QUARTER_TURN]):
        found = channel("rotation", [0, 1], [NO_TURN, end])
        for part in (0.1, 0.5, 0.9):
            angle = part * math.pi / 4
            assert found.at(part) == pytest.approx([0, 0, math.sin(angle), math.cos(angle)], abs=1e-6)


def test_cubic_splines_follow_the_formula_of_the_specification():
    # Given two keys 2 s apart, each as in-tangent, value, out-tangent
    first, second = ([9, 9, 9], [1, 0, 0], [3, 1, 0]), ([0, 5, 0], [4, 2, 0], [9, 9, 9])
    found = channel("translation", [1, 3], [*first, *second], "CUBICSPLINE")
    for seconds in (1.0, 1.5, 2.2, 3.0):
        t, span = (seconds - 1) / 2, 2
        by_hand = (
            (2 * t**3 - 3 * t**2 + 1) * np.array(first[1])
            + span * (t**3 - 2 * t**2 + t) * np.array(first[2])
            + (-2 * t**3 + 3 * t**2) * np.array(second[1])
            + span * (t**3 - t**2) * np.array(second[0])
        )
        assert found.at(seconds) == pytest.approx(by_hand, abs=1e-6), seconds


def test_a_cubic_rotation_comes_out_of_length_one():
    flat = [0, 0, 0, 0]
    found = channel("rotation", [0, 1], [flat, NO_TURN, flat, flat, QUARTER_TURN, flat], "CUBICSPLINE")
    assert np.linalg.norm(found.at(0.5)) == pytest.approx(1)
    assert found.at(0.5) == pytest.approx([0, 0, math.sin(math.pi / 8), math.cos(math.pi / 8)], abs=1e-6)


def test_keys_that_cannot_be_followed_are_named_as_a_loss():
    stage = Stage()
    stage.builder.add("nodes", {"name": "it"})
    stage.animation(
        (0, "translation", [0, 1], [[0, 0, 0], [math.nan, 0, 0]]),
        (0, "rotation", [1, 0], [NO_TURN, NO_TURN]),
        (0, "scale", [0, 1], [[1, 1, 1]]),
        (0, "rotation", [0, 1], [[0, 0, 0, 0], NO_TURN]),
        (7, "scale", [0], [[1, 1, 1]]),
        ("/materials/0/alphaCutoff", "pointer", [0], [0.5]),
        (0, "scale", [0, 2], [[1, 1, 1], [3, 1, 1]]),
    )
    document = stage.done()
    animation = read_animation(document, 0)
    assert (animation.unusable, animation.seconds) == (5, 2.0)
    shown = moved(document, animation, 1.0)
    assert shown.json["nodes"][0] == {"name": "it", "scale": [2, 1, 1]}
    assert [(lost["feature"], lost["count"]) for lost in shown.losses] == [("animation channels", 6)]


def test_a_pointer_moves_any_property_that_is_there():
    stage = Stage()
    stage.builder.add("nodes", {"name": "it"})
    stage.builder.add("materials", {"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}, "alphaCutoff": 0.5})
    stage.animation(
        ("/materials/0/pbrMetallicRoughness/baseColorFactor", "pointer", [0, 1], [[1, 0, 0, 1], [0, 0, 1, 1]]),
        ("/materials/0/alphaCutoff", "pointer", [0, 1], [0.0, 1.0]),
        ("/nodes/0/rotation", "pointer", [0, 1], [NO_TURN, QUARTER_TURN]),
    )
    document = stage.done()
    shown = moved(document, read_animation(document, 0), 0.25).json
    assert shown["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [0.75, 0, 0.25, 1]
    assert shown["materials"][0]["alphaCutoff"] == 0.25
    assert shown["nodes"][0]["rotation"] == pytest.approx([0, 0, math.sin(math.pi / 16), math.cos(math.pi / 16)])
    assert document.json["materials"][0]["alphaCutoff"] == 0.5, "what was read stays as it was"


def test_animations_are_found_by_name_and_by_number():
    document = turning_cube()
    assert titles(document) == ["turn", "#1"]
    assert [number_of(document, clip) for clip in ("", "turn", "#0", "#1", "#2", "gone")] == [0, 0, 0, 1, None, None]


def test_an_unknown_clip_and_a_time_out_of_range_are_refused_with_what_there_is():
    with pytest.raises(SceneInvalid, match=r'no animation "walk"\. There are: turn, #1'):
        posed(turning_cube(), "walk", 0.0)
    for seconds in (-0.1, 1.1):
        with pytest.raises(SceneInvalid, match="lasts 1 s"):
            posed(turning_cube(), "turn", seconds)


def test_a_turned_cube_is_where_the_closed_form_says():
    # Given a cube at x = 2 that goes a quarter around the origin in a second
    document = turning_cube()
    for seconds in (0.0, 0.5, 1.0):
        node = moved(document, read_animation(document, 0), seconds).json["nodes"][0]
        angle = seconds * math.pi / 2
        assert node["rotation"] == pytest.approx([0, 0, math.sin(angle / 2), math.cos(angle / 2)], abs=1e-6)
    assert document.json["nodes"][0] == {"children": [1]}, "what was read stays as it was"
