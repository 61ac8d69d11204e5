"""`threed render` and what steers a job: each option becomes the field that the contract has for it."""

from __future__ import annotations

import json
import math

import pytest
from google.api import field_behavior_pb2
from tests.clients.python import standin

from threed import errors as served
from threed.v1 import render_jobs_pb2
from threed.v1.render_jobs_pb2 import CameraConfig, RenderFrame, RenderJob


@pytest.fixture
def asked(threed, server):
    """The RenderJob that a command line asks for."""

    def ask(*words: object) -> RenderJob:
        code, _, err = threed("render", "ast_0", *words)
        assert (code, err) == (0, "")
        return server.called("CreateRenderJob")[-1].render_job

    return ask


def test_nothing_is_asked_for_that_is_not_said(asked):
    assert asked() == RenderJob(asset_id="ast_0"), "presets and the server fill in the rest"


def test_words_and_numbers_go_to_their_fields(asked):
    job = asked(
        *("--preset", "product", "--derivative", "drv_0", "--variant", "Beach", "--engine", "path_traced"),
        *("--priority", -3, "--format", "png", "--bit-depth", 16, "--width", 640, "--height", 480),
        *("--region", 10, 20, 300, 200, "--aov", "depth", "--aov", "object_id", "--aov", "depth"),
        *("--samples", 32, "--max-seconds", 2.5, "--no-denoise", "--ground-shadow", "--tone-mapping", "aces"),
        *("--exposure", -1.5),
    )
    assert job == RenderJob(
        asset_id="ast_0",
        preset="product",
        derivative_id="drv_0",
        material_variant="Beach",
        engine="path_traced",
        priority=-3,
        output_format=RenderJob.PNG,
        bit_depth=16,
        resolution={"width": 640, "height": 480},
        region={"x": 10, "y": 20, "width": 300, "height": 200},
        aovs=[RenderJob.DEPTH, RenderJob.OBJECT_ID],
        samples=32,
        max_seconds=2.5,
        denoise=False,
        ground_shadow=True,
        tone_mapping=RenderJob.ACES,
        exposure=-1.5,
    )


def test_every_input_of_a_job_has_an_option():
    spoken = {
        *("asset_id", "scene_id", "preset", "derivative_id", "material_variant", "engine", "priority", "output_format"),
        *("video_codec", "bit_depth", "resolution", "region", "aovs", "samples", "max_seconds", "denoise"),
        *("background", "ground_shadow", "environment", "tone_mapping", "exposure", "camera_config", "cameras"),
        *("animation", "turntable", "animation_film", "camera_path"),
    }
    behaviors = {
        f.name: f.GetOptions().Extensions[field_behavior_pb2.field_behavior] for f in RenderJob.DESCRIPTOR.fields
    }
    inputs = {name for name, has in behaviors.items() if field_behavior_pb2.OPTIONAL in has}
    assert inputs == spoken, "a new one belongs in cli/render_options.py, and in a test here"


def test_the_ending_says_the_format(asked, tmp_path):
    for ending, name in ((".jpg", "JPEG"), (".exr", "EXR"), (".mp4", "MP4"), (".webm", "WEBM"), (".gif", "GIF")):
        assert RenderJob.OutputFormat.Name(asked("-o", tmp_path / f"a{ending}").output_format) == name
    assert asked("-o", tmp_path / "a.mp4", "--format", "zip", "--codec", "av1").output_format == RenderJob.ZIP


def test_one_side_alone_makes_a_square(asked):
    assert asked("--height", 300).resolution == render_jobs_pb2.Resolution(width=300, height=300)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("transparent", "transparent", True),
        ("environment", "environment", True),
        ("blurred", "blurred_environment", 0.5),
        ("blurred:0.8", "blurred_environment", 0.8),
        ("blurred:1", "blurred_environment", 1.0),
    ],
)
def test_a_background_is_named(asked, text, field, value):
    background = asked("--background", text).background
    assert (background.WhichOneof("kind"), getattr(background, field)) == (field, value)


def test_a_background_colour_is_made_linear(asked):
    color = asked("--background", "#ff8000").background.color
    assert (color.r, color.b) == (1.0, 0.0)
    assert color.g == pytest.approx(0.2158605, abs=1e-6), "sRGB 128"


def test_an_environment_is_turned_and_dimmed(asked):
    environment = asked("--environment", "ast_1", "--rotation", 90, "--intensity", 0).environment
    assert (environment.asset_id, environment.intensity) == ("ast_1", 0.0)
    assert environment.rotation == pytest.approx(math.pi / 2)
    assert asked("--environment", "soft").environment.builtin == "soft"


def test_a_camera_stands_where_it_is_told(asked):
    camera = asked("--eye", -1, 2, 3.5, "--target", 0, -0.5, 0, "--up", 0, 0, 1, "--fov", 90).camera_config.look_at
    assert (list(camera.eye), list(camera.target), list(camera.up)) == ([-1, 2, 3.5], [0, -0.5, 0], [0, 0, 1])
    assert camera.yfov == pytest.approx(math.pi / 2)


def test_an_orthographic_camera_has_half_a_height(asked):
    camera = asked("--eye", 0, 0, 5, "--ortho", 1.5).camera_config.orthographic
    assert (list(camera.eye), list(camera.target), camera.ymag) == ([0, 0, 5], [0, 0, 0], 1.5)


def test_several_cameras_are_several_pictures(asked):
    # Given a camera node, two views with angles below zero, and a place
    job = asked("--camera", "door", "--view", -30, 20, "--view", 90, -10.5, "--margin", 0.2, "--eye", 1, 1, 1)
    # Then they are the cameras of the job, in that order
    assert [camera.WhichOneof("view") for camera in job.cameras] == [
        *("scene_camera", "auto_frame", "auto_frame", "look_at")
    ]
    assert not job.HasField("camera_config")
    assert job.cameras[1].auto_frame.yaw == pytest.approx(math.radians(-30))
    assert job.cameras[2].auto_frame.pitch == pytest.approx(math.radians(-10.5))
    assert job.cameras[1].auto_frame.margin == 0.2


def test_one_view_is_the_camera(asked):
    job = asked("--view", 90, 0)
    assert (len(job.cameras), job.camera_config.auto_frame.yaw) == (0, pytest.approx(math.pi / 2))
    assert asked("--fov", 90).camera_config.auto_frame == CameraConfig.AutoFrame(yfov=math.pi / 2)


def test_a_moment_of_an_animation_is_shown(asked):
    moment = asked("--clip", "Walk", "--time", 1.25).animation
    assert (moment.clip, moment.seconds) == ("Walk", 1.25)
    assert asked("--time", 2).animation.seconds == 2


def test_a_turntable_turns(asked):
    assert asked("--turntable").turntable == render_jobs_pb2.Turntable()
    turntable = asked("--turntable", 24, "--seconds", 2, "--turns", -1, "--axis", 0, 0, 1).turntable
    assert turntable == render_jobs_pb2.Turntable(frames=24, seconds=2, turns=-1, axis=[0, 0, 1])


def test_an_animation_plays(asked):
    assert asked("--animation").animation_film == render_jobs_pb2.AnimationFilm()
    film = asked("--animation", "#1", "--fps", 12, "--start", 0.5, "--end", 1.5).animation_film
    assert film == render_jobs_pb2.AnimationFilm(clip="#1", fps=12, start_s=0.5, end_s=1.5)


def test_a_camera_goes_along_the_path_of_a_file(asked, tmp_path):
    places = [{"seconds": time, "lookAt": {"eye": [time, 1, 5], "target": [0, 0, 0]}} for time in (0, 2)]
    (tmp_path / "path.json").write_text(json.dumps({"keyframes": places}))
    path = asked("--path", tmp_path / "path.json", "--fps", 30).camera_path
    assert [keyframe.seconds for keyframe in path.keyframes] == [0, 2]
    assert list(path.keyframes[1].look_at.eye) == [2, 1, 5]
    assert path.fps == 30


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnd_0"], "Give the id of an asset"),
        (["ast_0", "-o", "a.bmp"], "a.bmp ends in no format that can be made"),
        (["ast_0", "--eye", "0", "0", "1", "--yaw", "3"], "--yaw and --pitch are one view"),
        (["ast_0", "--target", "0", "0", "1"], "--target needs --eye"),
        (["ast_0", "--ortho", "1"], "--ortho needs --eye"),
        (["ast_0", "--eye", "0", "0", "1", "--ortho", "1", "--fov", "9"], "--ortho has no field of view"),
        (["ast_0", "--seconds", "3"], "--seconds needs --turntable"),
        (["ast_0", "--turntable", "--fps", "3"], "--fps needs --animation or --path"),
        (["ast_0", "--path", "gone.json"], "gone.json: No such file"),
        (["ast_0", "--path", "empty.json"], "empty.json is no camera path: it needs at least 2 keyframes"),
        (["ast_0", "--path", "words.json"], "words.json is no camera path"),
        (["ast_0", "--background", "blurred:2"], "'blurred:2' is no background"),
        (["ast_0", "--preview"], "This terminal shows no pictures"),
    ],
)
def test_a_contradictory_render_is_refused_before_anything_is_sent(threed, server, tmp_path, words, sentence):
    (tmp_path / "empty.json").write_text("{}")
    (tmp_path / "words.json").write_text("These are words.")
    code, out, err = threed("render", *words)
    assert (code, out) == (1, "") and sentence in err
    assert server.calls == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--animation", "ast_0"], "Write the id before --animation"),
        (["ast_0", "--turntable", "--animation"], "not allowed with argument --turntable"),
        (["ast_0", "--transparent", "--background", "#ffffff"], "not allowed with argument --transparent"),
    ],
)
def test_words_that_do_not_go_together_are_a_wrong_command_line(threed, server, words, sentence):
    code, _, err = threed("render", *words)
    assert code == 2 and sentence in err


def test_several_outputs_are_written_beside_the_file(threed, server, tmp_path):
    server.outputs = ["camera0.png", "camera0.depth.exr", "../camera1.png"]
    code, out, _ = threed("render", "ast_0", "-o", tmp_path / "chair.png")
    assert code == 0
    assert "3 pictures, 640 x 480 image/png, 69 kB" in out
    names = ["chair-camera0.png", "chair-camera0.depth.exr", "chair-camera1.png"]
    assert out.splitlines()[1:] == [str(tmp_path / name) for name in names]
    assert all((tmp_path / name).stat().st_size for name in names)


def test_layers_of_a_picture_stand_beside_it(threed, server, tmp_path):
    server.outputs = ["picture.png", "picture.depth.exr"]
    _, out, _ = threed("render", "ast_0", "-o", tmp_path / "chair.png", "--aov", "depth")
    assert out.splitlines()[1:] == [str(tmp_path / "chair.png"), str(tmp_path / "chair.depth.exr")]


def test_an_output_is_named_after_its_source_and_its_kind(threed, server, tmp_path):
    server.outputs = ["film.mp4"]
    assert threed("render", "ast_0", "--turntable")[1].startswith("ast_0.mp4  rnd_")
    assert (tmp_path / "ast_0.mp4").read_bytes() == standin.PICTURE


def test_outputs_of_a_job_are_fetched_later(threed, server, tmp_path):
    # Given a finished job with two outputs
    server.outputs = ["camera0.png", "camera1.png"]
    threed("render", "ast_0", "-o", tmp_path / "a.png")
    (job_id,) = server.jobs
    # When all of it, or one of it, is fetched
    code, out, _ = threed("download", job_id)
    assert (code, out.split()[::3]) == (0, [f"{job_id}-camera0.png", f"{job_id}-camera1.png"])
    code, out, _ = threed("download", job_id, "--name", "camera1.png", "-o", "b.png")
    assert (code, out.split()[0]) == (0, "b-camera1.png")
    # Then a name that it has not is refused with those that it has
    code, _, err = threed("download", job_id, "--name", "film.mp4")
    assert code == 1 and "no output 'film.mp4'. It has: camera0.png, camera1.png." in err


def test_a_plan_is_printed_and_nothing_is_drawn(threed, server):
    code, out, err = threed("render", "ast_0", "--turntable", 96, "--plan")
    assert (code, err) == (0, "")
    assert out == (
        "96 frames of 1024 x 768 as MP4, by raster\nabout 3 min 20 s of one worker, at most 273 MB of memory\n"
    )
    assert server.called("CreateRenderJob")[0].validate_only
    assert (server.jobs, server.called("WatchRenderJob")) == ({}, [])
    assert json.loads(threed("render", "ast_0", "--plan", "--json")[1])["plan"]["frameCount"] == 96


def test_the_cache_can_be_left_out(threed, server):
    threed("render", "ast_0", "--no-cache")
    threed("render", "ast_0")
    assert [request.no_cache for request in server.called("CreateRenderJob")] == [True, False]


def test_the_newest_preview_is_kept_in_a_file(threed, server, tmp_path):
    assert threed("render", "ast_0", "--preview-file", "now.webp")[0] == 0
    assert (tmp_path / "now.webp").read_bytes() == standin.PREVIEW
    assert list(tmp_path.glob("*.part")) == []


def test_a_watch_says_how_far_each_frame_is(threed, server):
    server.add_job("rnd_0")
    server.frame_count = 3
    _, out, _ = threed("watch", "rnd_0")
    assert out.splitlines()[1] == "PROCESSING  50%  rendering, 1 of 3 frames, 2 of 3 samples, 4.2 s left"


def test_a_job_is_paused_resumed_and_retried(threed, server):
    server.add_job("rnd_0")
    for command, status in (("pause", "PAUSED"), ("resume", "PROCESSING"), ("retry", "PENDING")):
        code, out, _ = threed(command, "rnd_0")
        assert (code, out.split()) == (0, ["rnd_0", status])
        assert json.loads(threed(command, "rnd_0", "--json")[1])["jobId"] == "rnd_0"
        assert "Give the id of a render job (rnd_...)" in threed(command, "ast_0")[2]


def test_frames_are_a_table_with_reasons(threed, server):
    server.frames = [
        RenderFrame(frame=0, status=3, attempts=1, engine_used="raster", samples=4, render_s=0.512),
        RenderFrame(frame=1, status=4, seconds=0.0416667, attempts=3),
    ]
    server.frames[1].error.CopyFrom(standin.status_of(served.JobOutOfMemory("It needs more than 4 GiB.")))
    code, out, _ = threed("frames", "rnd_0")
    assert code == 0
    assert out == (
        "FRAME  CAMERA    TIME  STATUS     ATTEMPTS  ENGINE  SAMPLES    TOOK  REASON\n"
        "    0       0  0.00 s  COMPLETED         1  raster        4  0.51 s\n"
        "    1       0  0.04 s  FAILED            3  -             -       -"
        "  It needs more than 4 GiB. (JOB_OUT_OF_MEMORY)\n"
    )


def test_frames_are_filtered_and_limited(threed, server):
    server.frames = [RenderFrame(frame=number) for number in range(9)]
    _, out, _ = threed("frames", "rnd_0", "--json", "--limit", 2, "--filter", "status=FAILED")
    assert [json.loads(line).get("frame", 0) for line in out.splitlines()] == [0, 1]
    (request,) = server.called("ListRenderFrames")
    assert (request.filter, request.page_size) == ("status=FAILED", 2)
    server.frames = []
    assert threed("frames", "rnd_0")[1] == "No frames.\n"
