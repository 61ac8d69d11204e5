"""What CreateRenderJob refuses because of what is known of models and workers, by the path of its field."""

from __future__ import annotations

import pytest
from google.protobuf import json_format
from tests.services.door import Door, refused
from tests.services.test_render_films import asset
from tests.services.test_render_jobs import create, execute, make_scene

from threed.records import workers
from threed.services.render_clips import Looks
from threed.v1 import assets_pb2
from threed.v1.recipes_pb2 import Recipe

MOVING = {
    "animation_names": ["Walk", "", "Wave"],
    "animation_duration_s": 4.0,
    "animations": [
        {"name": "Walk", "duration_s": 2.0},
        {"name": "", "duration_s": 0.5},
        {"name": "Wave", "duration_s": 4.0},
    ],
    "variant_count": 2,
    "variant_names": ["red", ""],
}
NOT_THERE = {
    "a name that is not there": (
        {"animation": {"clip": "Run"}},
        "animation.clip",
        "Walk (2 s), #1 (0.5 s), Wave (4 s)",
    ),
    "a number that is not there": ({"animation": {"clip": "#3"}}, "animation.clip", "Walk (2 s)"),
    "a film of nothing": ({"animationFilm": {"clip": "walk"}}, "animation_film.clip", "Walk (2 s)"),
    "a moment after a clip's own end": (
        {"animation": {"clip": "Walk", "seconds": 2.5}},
        "animation.seconds",
        "'Walk' is 2 s long",
    ),
    "a moment after the end of an unnamed one": (
        {"animation": {"clip": "#1", "seconds": 0.6}},
        "animation.seconds",
        "0.5 s long",
    ),
    "a moment after the first one's end": ({"animation": {"seconds": 2.1}}, "animation.seconds", "2 s long"),
    "a film that goes on after the end": (
        {"animationFilm": {"clip": "Walk", "startS": 1, "endS": 3}},
        "animation_film.end_s",
        "Ask for 0 to 2.",
    ),
    "a film that begins after the end": (
        {"animationFilm": {"clip": "Walk", "startS": 3}},
        "animation_film.start_s",
        "'Walk' is 2 s long",
    ),
    "a film that ends before it begins": (
        {"animationFilm": {"clip": "Walk", "startS": 1, "endS": 0.5}},
        "animation_film.end_s",
        "later than start_s",
    ),
    "a variant that is not there": ({"materialVariant": "blue"}, "material_variant", "There are: red."),
}


@pytest.mark.parametrize("case", NOT_THERE)
async def test_what_no_model_can_show_is_refused_by_its_field(door: Door, case: str):
    job, field, words = NOT_THERE[case]
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": await asset(door, **MOVING), **job})
    assert list(refusal.violations) == [f"render_job.{field}"]
    assert words in refusal.message


async def test_a_film_is_as_long_as_the_clip_that_it_plays(door: Door):
    moving = await asset(door, **MOVING)
    for clip, end_s in (("", 2.0), ("Walk", 2.0), ("#1", 0.5), ("Wave", 4.0)):
        job = await create(door, {"assetId": moving, "animationFilm": {"clip": clip, "fps": 10}})
        assert (job.animation_film.end_s, job.frame_count) == (end_s, 10 * end_s)
    assert (await create(door, {"assetId": moving, "materialVariant": "red"})).material_variant == "red"


async def test_a_scene_plays_a_clip_as_long_as_in_the_model_where_it_is_longest(door: Door):
    # Given two models with a clip of one name, and one without
    long = await asset(door, animations=[{"name": "Walk", "duration_s": 3.0}])
    short = await asset(door, animations=[{"name": "Walk", "duration_s": 1.0}])
    still = await asset(door)
    nodes = [{"id": f"n{number}", "assetId": each} for number, each in enumerate((long, short, still))]
    scene = await make_scene(door, nodes)
    job = await create(door, {"sceneId": scene.scene_id, "animationFilm": {"clip": "Walk", "fps": 10}})
    assert (job.animation_film.end_s, job.frame_count) == (3.0, 30)


async def test_models_that_were_checked_before_clips_had_lengths_still_work(door: Door):
    old = await asset(door, animation_names=["Walk", ""], animation_duration_s=2.0, variant_count=1)
    job = await create(door, {"assetId": old, "animationFilm": {"clip": "#0", "fps": 10}, "materialVariant": "any"})
    assert (job.frame_count, job.animation_film.end_s) == (20, 2.0)
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": old, "animation": {"seconds": 2.5}})
    assert list(refusal.violations) == ["render_job.animation.seconds"]
    with refused("FIELD_INVALID"):
        await create(door, {"assetId": await asset(door), "animationFilm": {}})


def test_a_derivative_shows_what_its_recipe_left():
    looks = Looks.of(MOVING)
    trimmed = looks.after(_recipe({"trim": {"animations": ["Walk", "Wave"], "start": 0.5, "end": 3}}))
    assert trimmed.clips == (("Walk", 1.5), ("Wave", 2.5))
    assert trimmed.variants == looks.variants
    bare = looks.after(_recipe({"remove": {"features": ["ANIMATIONS", "VARIANTS"]}}))
    assert (bare.clips, bare.variants) == ((), ())
    assert looks.after(_recipe({"weld": {}})) == looks


def _recipe(*steps: dict) -> Recipe:
    return json_format.ParseDict({"steps": list(steps)}, Recipe())


def test_the_contract_says_all_that_is_kept_of_clips():
    model = json_format.ParseDict(MOVING, assets_pb2.Model())
    assert [(clip.name, clip.duration_s) for clip in model.animations] == [("Walk", 2.0), ("", 0.5), ("Wave", 4.0)]
    assert list(model.variant_names) == ["red", ""]


SIZES = {
    "of one point": {"min": [1.0, 1.0, 1.0], "max": [1.0, 1.0, 1.0]},
    "of 10^12 m": {"min": [0.0, 0.0, 0.0], "max": [1e12, 1.0, 1.0]},
    "far away": {"min": [3e11, 0.0, 0.0], "max": [3e11 + 1e6, 1.0, 1.0]},
    "of nothing": None,
}


@pytest.mark.parametrize("case", SIZES)
async def test_a_model_that_no_camera_can_have_in_view_is_refused(door: Door, case: str):
    with refused("SCENE_INVALID") as refusal:
        await create(door, {"assetId": await asset(door, bounding_box=SIZES[case])})
    assert list(refusal.violations) == ["render_job.asset_id"]
    # And one that is flat, or grows, is not
    await create(door, {"assetId": await asset(door, bounding_box={"min": [0, 0, 0], "max": [0, 1, 0]})})
    if SIZES[case]:
        await create(door, {"assetId": await asset(door, bounding_box=SIZES[case], animation_count=1)})


FILMS = {
    "too many pixels in all": ({"turntable": {"frames": 3000, "seconds": 60}}, "resolution"),
    "too many pixels in a frame": (
        {"turntable": {"frames": 2}, "resolution": {"width": 8192, "height": 2048}},
        "resolution",
    ),
    "too large for a GIF": ({"turntable": {"frames": 600, "seconds": 60}, "outputFormat": "GIF"}, "resolution"),
    "an odd region": ({"turntable": {}, "region": {"width": 33, "height": 32}}, "region"),
    "too fast": ({"turntable": {"frames": 1000, "seconds": 1}}, "turntable.seconds"),
    "too slow": ({"turntable": {"frames": 2, "seconds": 3600}}, "turntable.seconds"),
    "frames without end": ({"cameraPath": "LONG"}, "camera_path"),
}
LOOK = {"eye": [0, 0, 2], "target": [0, 0, 0]}
LONG = {"keyframes": [{"seconds": 0, "lookAt": LOOK}, {"seconds": 1.7e308, "lookAt": LOOK}], "fps": 120}


@pytest.mark.parametrize("case", FILMS)
async def test_a_film_that_nobody_could_write_is_refused_before_it_is_drawn(door: Door, case: str):
    job, field = FILMS[case]
    job = job | ({"cameraPath": LONG} if "cameraPath" in job else {})
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": await asset(door), **job})
    assert list(refusal.violations) == [f"render_job.{field}"]


CAMERAS = {
    "an up that is where it looks": ({"lookAt": {"eye": [0, 2, 0], "target": [0, 0, 0]}}, "look_at.up"),
    "an up of nothing": ({"lookAt": {**LOOK, "up": [0, 0, 0]}}, "look_at.up"),
    "an eye beyond everything": ({"orthographic": {"eye": [0, 0, 1e200], "target": [0, 0, 0]}}, "orthographic.eye"),
    "an angle of nothing": ({"autoFrame": {"yfov": 1e-300}}, "auto_frame.yfov"),
    "a height of nothing": ({"orthographic": {**LOOK, "ymag": 1e-300}}, "orthographic.ymag"),
}


@pytest.mark.parametrize("case", CAMERAS)
async def test_a_camera_that_sees_nothing_is_refused(door: Door, case: str):
    config, field = CAMERAS[case]
    model = await asset(door)
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": model, "cameraConfig": config})
    assert list(refusal.violations) == [f"render_job.camera_config.{field}"]
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": model, "cameras": [{}, config]})
    assert list(refusal.violations) == [f"render_job.cameras[1].{field}"]


def _row(format: str, codec: str = "", why: str = "") -> dict:
    return {"format": format, "codec": codec, "available": not why, "unavailable_reason": why}


async def test_an_output_that_no_worker_can_write_is_refused_with_the_reason(door: Door):
    # Given two workers without an encoder of H.264
    outputs = [_row("PNG"), _row("MP4", "AV1"), _row("MP4", "H264", "Its encoder is not installed.")]
    for name in ("one", "two"):
        await execute(door, workers.seen(name, {"outputs": outputs, "environments": ["studio"]}))
    model = await asset(door)
    film = {"assetId": model, "turntable": {"frames": 4}}
    # Then a film of it is refused, and others are not
    with refused("ENGINE_UNAVAILABLE") as refusal:
        await create(door, {**film, "videoCodec": "H264"})
    assert list(refusal.violations) == ["render_job.video_codec"]
    assert "not installed" in refusal.message
    with refused("ENGINE_UNAVAILABLE") as refusal:
        await create(door, {"assetId": model, "outputFormat": "WEBP"})
    assert list(refusal.violations) == ["render_job.output_format"]
    with refused("FIELD_INVALID") as refusal:
        await create(door, {"assetId": model, "environment": {"builtin": "moon"}})
    assert list(refusal.violations) == ["render_job.environment.builtin"]
    assert (await create(door, film)).frame_count == 4
    # When a worker comes that has not told yet, or that has the encoder
    await execute(door, workers.seen("three", {}))
    assert (await create(door, {**film, "videoCodec": "H264"})).job_id
    await execute(door, workers.seen("three", {"outputs": [_row("MP4", "H264")]}))
    assert (await create(door, {**film, "videoCodec": "H264"})).job_id


async def test_assets_that_are_not_there_or_not_ready_are_named_by_their_field(door: Door):
    model, picture = await asset(door), await door.ready_asset("TEXTURE")
    waiting = await door.upload(b"ply\n" + b" " * 100, filename="a.ply")
    nobody = "ast_" + "0" * 26
    for job, reason, field in (
        ({"assetId": nobody}, "NOT_FOUND", "asset_id"),
        ({"sceneId": "scn_" + "0" * 26}, "NOT_FOUND", "scene_id"),
        ({"assetId": waiting.asset_id}, "ASSET_NOT_READY", "asset_id"),
        ({"assetId": picture.asset_id}, "ASSET_NOT_READY", "asset_id"),
        ({"assetId": model, "environment": {"assetId": nobody}}, "NOT_FOUND", "environment.asset_id"),
        (
            {"assetId": model, "environment": {"assetId": picture.asset_id}},
            "ASSET_NOT_READY",
            "environment.asset_id",
        ),
        ({"assetId": model, "environment": {"assetId": model}}, "ASSET_NOT_READY", "environment.asset_id"),
    ):
        with refused(reason) as refusal:
            await create(door, job)
        assert list(refusal.violations) == [f"render_job.{field}"], job


async def test_a_traced_picture_that_no_worker_has_memory_for_is_refused(door: Door):
    wanted = {"assetId": await asset(door), "engine": "path_traced", "resolution": {"width": 8192, "height": 4096}}
    with refused("MEMORY_BUDGET_EXCEEDED") as refusal:
        await create(door, wanted)
    assert list(refusal.violations) == ["render_job.resolution"] and "regions" in refusal.message
    # And a part of it is not, nor is the whole by an engine that needs less
    await create(door, wanted | {"region": {"x": 4096, "y": 0, "width": 4096, "height": 2048}})
    await create(door, wanted | {"engine": "raster"})
