"""Keyframes: fewer of them give the same motion, and a part of them is the motion of that part."""

from __future__ import annotations

import numpy as np
import pytest

from threed.errors import RecipeInvalid
from threed_workers.document import Builder, Document, read, read_floats
from threed_workers.samples.rich import rich_model
from threed_workers.transforms._keyframes import Keys
from threed_workers.transforms.trim import _at, _cut_spline

from .carried_out import carried_out

TIMES = np.linspace(0, 4, 41)


def turns(angle: np.ndarray) -> np.ndarray:
    return np.column_stack([0 * angle, np.sin(angle / 2), 0 * angle, np.cos(angle / 2)])


def moving(times, values, path="translation", interpolation="LINEAR", more=()) -> Document:
    """A node whose `path` is animated; `more` are further (times, values, path, interpolation)."""
    builder = Builder()
    builder.add("nodes", {})
    samplers, channels = [], []
    for moments, rows, what, way in ((times, values, path, interpolation), *more):
        clock = builder.accessor(np.asarray(moments, np.float32), bounds=True)
        output = builder.accessor(np.asarray(rows, np.float32))
        channels.append({"sampler": len(samplers), "target": {"node": 0, "path": what}})
        samplers.append({"input": clock, "output": output, "interpolation": way})
    builder.add("animations", {"name": "move", "samplers": samplers, "channels": channels})
    return builder.finish()


def keys(document: Document, sampler: int = 0, animation: int = 0) -> Keys:
    entry = document.json["animations"][animation]["samplers"][sampler]
    times = read(document, entry["input"]).reshape(-1).astype(np.float64)
    values = read_floats(document, entry["output"]).reshape(len(times), -1)
    paths = [channel["target"]["path"] for channel in document.json["animations"][animation]["channels"]]
    return Keys(times, values, entry.get("interpolation", "LINEAR"), paths[sampler] == "rotation")


def sampled(found: Keys, times: np.ndarray) -> np.ndarray:
    """What a player shows: clamped outside of the keyframes (glTF 2.0 appendix C)."""
    times = np.clip(times, found.times[0], found.times[-1])
    if found.interpolation != "CUBICSPLINE":
        return _at(found, times)
    width = found.values.shape[1] // 3
    return _cut_spline(found, times)[:, width : 2 * width]


# ---------------------------------------------------------------- resample


def test_a_straight_way_needs_two_keyframes():
    made = carried_out("resample", moving(TIMES, np.outer(TIMES, [1, 2, 3])))
    assert keys(made).times.tolist() == [0, 4]
    assert np.allclose(keys(made).values, [[0, 0, 0], [4, 8, 12]])


def test_a_steady_turn_needs_as_many_as_slerp_can_tell_apart():
    # Given three turns of 170 degrees each, which slerp goes the short way
    angle = np.radians(170) * 3 * TIMES / 4
    made = carried_out("resample", moving(TIMES, turns(angle), "rotation"))
    found = keys(made)
    assert len(found.times) <= 5
    wanted = turns(np.radians(170) * 3 * np.linspace(0, 4, 401) / 4)
    assert np.abs(np.einsum("ij,ij->i", sampled(found, np.linspace(0, 4, 401)), wanted)).min() > 1 - 1e-6


@pytest.mark.parametrize("tolerance", [0.001, 0.05])
def test_no_removed_keyframe_is_off_by_more_than_the_tolerance(tolerance):
    # Given a slow curve, on which errors could add up
    times = np.linspace(0, 4, 401)
    values = np.column_stack([np.sin(times), np.cos(times), times**2 / 9])
    made = keys(carried_out("resample", moving(times, values), tolerance=tolerance))
    assert 2 < len(made.times) < 80
    assert np.abs(sampled(made, times) - values).max() <= tolerance * 1.01


def test_steps_keep_their_changes_and_their_end():
    values = np.repeat([[0.0, 0, 0], [1, 0, 0], [0, 0, 0]], [10, 10, 21], axis=0)
    made = keys(carried_out("resample", moving(TIMES, values, interpolation="STEP")))
    assert np.allclose(made.times, [0, 1, 2, 4])


def test_what_rests_keeps_its_duration():
    assert keys(carried_out("resample", moving(TIMES, np.zeros((41, 3))))).times.tolist() == [0, 4]


def spline(values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Rows of CUBICSPLINE: the same tangent on both sides of a keyframe."""
    return np.stack([slopes, values, slopes], axis=1).reshape(-1, values.shape[1])


def test_a_cubic_in_many_pieces_is_one_piece():
    # Given t^3 - 3 t^2, cut at 41 keyframes
    values = np.column_stack([TIMES**3 - 3 * TIMES**2, TIMES, 0 * TIMES])
    slopes = np.column_stack([3 * TIMES**2 - 6 * TIMES, 1 + 0 * TIMES, 0 * TIMES])
    document = moving(TIMES, spline(values, slopes), interpolation="CUBICSPLINE")
    # When it is resampled
    made = carried_out("resample", document)
    # Then two keyframes with their tangents give the same curve
    moments = np.linspace(0, 4, 301)
    assert keys(made).times.tolist() == [0, 4]
    assert np.allclose(sampled(keys(made), moments), sampled(keys(document), moments), atol=1e-4)


@pytest.mark.parametrize("path", ["translation", "rotation", "scale"])
@pytest.mark.parametrize("tolerance", [1e-4, 1e-2])
def test_a_curve_is_nowhere_off_by_more_than_the_tolerance(path, tolerance):
    # Given a smooth motion with more keyframes than it needs
    times = np.linspace(0, 4, 201)
    angle = np.sin(times) + times
    if path == "rotation":
        rate = (np.cos(times) + 1) / 2
        values = turns(angle)
        slopes = np.column_stack([0 * angle, np.cos(angle / 2) * rate, 0 * angle, -np.sin(angle / 2) * rate])
    else:
        values = np.column_stack([np.sin(times), np.cos(times), times**2 / 9])
        slopes = np.column_stack([np.cos(times), -np.sin(times), 2 * times / 9])
    document = moving(times, spline(values, slopes), path, "CUBICSPLINE")
    # When it is resampled
    made = carried_out("resample", document, tolerance=tolerance)
    # Then far fewer are left, and the motion is the same between them, too
    before, after = keys(document), keys(made)
    assert len(after.times) < 40
    moments = np.linspace(0, 4, 3001)
    found, wanted = sampled(after, moments), sampled(before, moments)
    off = np.abs(found - wanted).max(axis=1)
    if path == "rotation":
        off = 2 * np.arccos(np.clip(np.einsum("ij,ij->i", found, wanted), -1, 1))
    assert off.max() <= tolerance + 1e-6


def test_a_curve_that_swings_between_equal_values_stays():
    # Given keyframes that are all 0, with tangents that lead away from it
    values = np.zeros((5, 3))
    slopes = np.outer([1, -1, 1, -1, 1], [1, 0, 0])
    document = moving(np.arange(5), spline(values, slopes), interpolation="CUBICSPLINE")
    assert len(keys(carried_out("resample", document)).times) == 5


def test_a_curve_that_rests_keeps_its_duration():
    rest = spline(np.ones((41, 3)), np.zeros((41, 3)))
    document = moving(TIMES, rest, "scale", "CUBICSPLINE")
    assert keys(carried_out("resample", document)).times.tolist() == [0, 4]


def test_wild_splines_and_noise_stay_as_they_are():
    noise = np.random.default_rng(0).normal(size=(41, 3))
    spline = np.random.default_rng(1).normal(size=(123, 3))
    document = moving(TIMES, noise, more=((TIMES, spline, "scale", "CUBICSPLINE"),))
    made = carried_out("resample", document)
    assert len(keys(made).times) == 41
    assert np.array_equal(keys(made, 1).values, keys(document, 1).values)


def test_samplers_that_shared_their_times_share_them_still():
    straight = np.outer(TIMES, [1, 2, 3])
    made = carried_out("resample", moving(TIMES, straight, more=((TIMES, 1 + straight, "scale", "LINEAR"),)))
    first, second = made.json["animations"][0]["samplers"]
    assert first["input"] == second["input"]


def test_weights_of_several_targets_stay_together():
    made = carried_out("resample", rich_model())
    found = keys(made, 1)
    assert found.times.tolist() == [0, 2]
    assert np.allclose(found.values, [[0, 1], [1, 0]])


# ---------------------------------------------------------------- trim


@pytest.mark.parametrize("path", ["translation", "rotation"])
@pytest.mark.parametrize("interpolation", ["LINEAR", "STEP"])
def test_a_part_is_the_motion_of_that_part(path, interpolation):
    values = turns(TIMES) if path == "rotation" else np.column_stack([np.sin(TIMES), TIMES, 0 * TIMES])
    document = moving(TIMES, values, path, interpolation)
    before = keys(document)
    found = keys(carried_out("trim", document, start=0.73, end=2.51))
    moments = np.linspace(0.001, 1.779, 200)
    assert np.isclose(found.times[0], 0) and np.isclose(found.times[-1], 1.78)
    assert np.allclose(sampled(found, moments), sampled(before, moments + 0.73), atol=2e-3)


def test_a_cut_spline_is_the_same_spline():
    rng = np.random.default_rng(4)
    times = np.array([0, 1.0, 1.5, 4])
    document = moving(times, rng.normal(size=(12, 3)), interpolation="CUBICSPLINE")
    before = keys(document)
    found = keys(carried_out("trim", document, start=0.4, end=3.1))
    moments = np.linspace(0, 2.7, 200)
    assert np.allclose(sampled(found, moments), sampled(before, moments + 0.4), atol=1e-4)


def test_what_begins_later_or_has_ended_rests():
    early, late = (np.outer(times, [1, 1, 1]) for times in ([0, 1], [3, 4]))
    spline = np.random.default_rng(1).normal(size=(6, 4))
    spline[1::3] /= np.linalg.norm(spline[1::3], axis=1, keepdims=True)
    more = (([3, 4], late, "scale", "STEP"), ([0, 1], spline, "rotation", "CUBICSPLINE"))
    made = carried_out("trim", moving([0, 1], early, more=more), start=1.5, end=2.5)
    assert (keys(made).times.tolist(), keys(made).values.tolist()) == ([0], [[1, 1, 1]])
    assert (keys(made, 1).times.tolist(), keys(made, 1).values.tolist()) == ([0], [[3, 3, 3]])
    assert keys(made, 2).times.tolist() == [0, 1]
    assert np.allclose(sampled(keys(made, 2), np.linspace(0, 1, 5)), spline[4], atol=1e-6)


def test_only_the_named_animations_stay():
    made = carried_out("trim", rich_model(), animations=["wake up"]).json
    assert [animation["name"] for animation in made["animations"]] == ["wake up"]
    assert "KHR_animation_pointer" not in made["extensionsUsed"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"animations": ["fly"]}, "'wake up'"), ({"start": 2, "end": 1}, "between"), ({"start": 9}, "end at 2 s")],
)
def test_an_empty_part_is_refused(settings, said):
    with pytest.raises(RecipeInvalid, match=said):
        carried_out("trim", rich_model(), **settings)
