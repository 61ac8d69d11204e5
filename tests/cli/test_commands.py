"""What each command prints, without a terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.clients.python import standin
from tests.clients.python.samples import glb

from threed import errors as served
from threed import ids
from threed.v1 import render_jobs_pb2, scenes_pb2

CONTROLS = {chr(code) for code in range(32)} - {"\n"}


@pytest.fixture
def chair(tmp_path):
    path = tmp_path / "chair.glb"
    path.write_bytes(glb())
    return path


def test_an_upload_shows_what_was_found(threed, server, chair):
    code, out, err = threed("upload", chair, "--tag", "chair")
    (asset,) = server.assets.values()
    assert (code, err) == (0, "")
    assert out == (
        f"chair.glb  {asset.asset_id}  VALIDATED  4,212 triangles, 2,399 vertices, 1 material  1 warning\n"
        "  warning UNUSED_OBJECT  /nodes/1  This object may be unused.\n"
    )
    assert list(asset.tags) == ["chair"]


def test_a_model_that_fails_its_checks_says_why(threed, server, chair):
    server.outcome = served.FileMalformed("The accessors are wrong.")
    code, out, _ = threed("upload", chair)
    (asset,) = server.assets
    assert code == 1
    assert out == (
        f"chair.glb  {asset}  FAILED  1 error\n"
        "  The accessors are wrong. (FILE_MALFORMED)\n"
        "  error   MALFORMED  /accessors/0  The accessor ends behind its buffer.\n"
    )


def test_a_reason_that_is_the_only_issue_is_said_once(threed, server, chair):
    server.outcome = served.FileMalformed("The accessor ends behind its buffer.")
    assert threed("upload", chair)[1].count("ends behind its buffer") == 1


def test_an_upload_as_json_is_a_line_for_each_file(threed, server, chair, tmp_path):
    (tmp_path / "empty.glb").touch()
    code, out, err = threed("upload", "--json", tmp_path / "empty.glb", chair, tmp_path / "gone.glb")
    empty, good, gone = (json.loads(line) for line in out.splitlines())
    assert code == 1
    assert empty == {
        "filename": "empty.glb",
        "error": {"reason": "FILE_EMPTY", "message": "empty.glb has no bytes."},
    }
    assert (good["status"], good["model"]["triangleCount"]) == ("VALIDATED", "4212")
    assert gone["error"]["message"].endswith("gone.glb'")
    assert f"{tmp_path / 'empty.glb'}: empty.glb has no bytes. (FILE_EMPTY)" in err


def test_an_upload_need_not_wait(threed, server, chair):
    code, out, _ = threed("upload", "--no-wait", chair)
    assert (code, out.split()[2]) == (0, "UPLOADED")
    assert server.called("WatchAsset") == []


def test_assets_are_a_table(threed, server):
    for name, data in (("chair.glb", b"x" * 1536), ("a longer name.glb", b"x")):
        server.check(server.add_asset(name, data))
    code, out, _ = threed("assets")
    first, second = server.assets
    assert code == 0
    assert out == (
        "ID                              NAME               FORMAT  STATUS       SIZE  TRIANGLES  UPLOADED\n"
        f"{second}  a longer name.glb  glb     VALIDATED     1 B      4,212  2026-11-21 10:00:00\n"
        f"{first}  chair.glb          glb     VALIDATED  1.5 kB      4,212  2026-11-21 10:00:00\n"
    )


def test_assets_are_filtered_ordered_and_limited(threed, server):
    for number in range(5):
        server.add_asset(f"{number}.glb", b"x")
    _, out, _ = threed("assets", "--json", "--limit", 2, "--filter", "tags:chair", "--order-by", "size_bytes desc")
    assert [json.loads(line)["filename"] for line in out.splitlines()] == ["4.glb", "3.glb"]
    (request,) = server.called("ListAssets")
    assert (request.filter, request.order_by, request.page_size) == ("tags:chair", "size_bytes desc", 2)


def test_all_assets_are_listed_when_there_is_no_limit(threed, server):
    for number in range(120):
        server.add_asset(f"{number}.glb", b"x")
    _, out, _ = threed("assets", "--json", "--limit", 0)
    assert len(out.splitlines()) == 120


def test_no_assets_is_said(threed, server):
    assert threed("assets")[:2] == (0, "No assets.\n")


def test_one_asset_is_shown_with_its_issues(threed, server):
    asset = server.add_asset("chair.glb", b"x", tags=["chair", "oak"])
    server.check(asset)
    code, out, _ = threed("assets", asset.asset_id)
    shown = dict(line.split("  ", 1) for line in out.splitlines() if not line.startswith(" "))
    assert code == 0
    assert shown["name"].strip() == "chair.glb"
    assert shown["tags"].strip() == "chair, oak"
    assert shown["found"].strip() == "1 warning"
    assert out.endswith("  warning UNUSED_OBJECT  /nodes/1  This object may be unused.\n")


def test_a_name_cannot_move_the_cursor(threed, server):
    server.add_asset("evil\x1b[2J\u202e\r\n.glb", b"x")
    for words in (["assets"], ["assets", next(iter(server.assets))], ["watch", next(iter(server.assets))]):
        _, out, _ = threed(*words)
        assert not CONTROLS & set(out) and "\u202e" not in out


def test_a_picture_is_rendered_and_written(threed, server, tmp_path):
    asset_id = ids.write("asset", ids.uuid7())
    words = ["--width", 800, "--height", 600, "--samples", 8, "--transparent", "--yaw", 90, "--tone-mapping", "agx"]
    code, out, err = threed("render", asset_id, "-o", tmp_path / "duck.webp", *words, "--environment", "studio")
    job = server.called("CreateRenderJob")[0].render_job
    assert (code, err) == (0, "")
    assert out.startswith(f"{tmp_path / 'duck.webp'}  rnd_")
    assert (tmp_path / "duck.webp").read_bytes() == standin.PICTURE
    assert (job.asset_id, job.resolution.width, job.resolution.height, job.samples) == (asset_id, 800, 600, 8)
    assert job.output_format == render_jobs_pb2.RenderJob.WEBP
    assert job.tone_mapping == render_jobs_pb2.RenderJob.AGX
    assert job.background.transparent and job.environment.builtin == "studio"
    assert job.camera_config.auto_frame.yaw == pytest.approx(1.5707963)
    assert not job.camera_config.auto_frame.HasField("pitch")


def test_a_render_waits_for_an_asset_that_is_being_checked(threed, server, tmp_path):
    asset = server.add_asset("chair.glb", b"x")
    server.faults["CreateRenderJob"] = [served.AssetNotReady("It is PROCESSING.")]
    assert threed("render", asset.asset_id, "-o", tmp_path / "a.png")[0] == 0
    assert len(server.called("WatchAsset")) == 1


def test_a_failed_render_says_why_and_writes_nothing(threed, server, tmp_path):
    server.outcome = served.JobOutOfMemory("The job needs more than 4 GiB.")
    code, out, err = threed("render", "ast_0", "-o", tmp_path / "a.png")
    assert (code, out) == (1, "")
    assert "FAILED" in err and "The job needs more than 4 GiB. (JOB_OUT_OF_MEMORY)" in err
    assert not (tmp_path / "a.png").exists()


def test_a_render_as_json_is_the_job(threed, server, tmp_path):
    _, out, _ = threed("render", "ast_0", "-o", tmp_path / "a.png", "--json")
    assert json.loads(out)["status"] == "COMPLETED"


def test_a_watch_prints_a_line_for_each_change(threed, server):
    asset = server.add_asset("chair.glb", b"x")
    code, out, _ = threed("watch", asset.asset_id)
    assert code == 0
    assert out.splitlines()[:3] == [
        "UPLOADED     0%  queued",
        "PROCESSING  40%  reading",
        "VALIDATED  100%  done",
    ]


def test_a_watch_as_json_is_a_line_for_each_change(threed, server):
    asset = server.add_asset("chair.glb", b"x")
    _, out, _ = threed("watch", asset.asset_id, "--json")
    assert [json.loads(line)["phase"] for line in out.splitlines()] == ["queued", "reading", "done"]


def test_a_scene_is_shown_as_a_tree(threed, server):
    scene = scenes_pb2.Scene(scene_id="scn_0", display_name="Room", revision=3)
    scene.nodes.add(id="leg", parent_id="chair", asset_id="ast_1")
    scene.nodes.add(id="chair", name="A chair", asset_id="ast_0")
    scene.nodes.add(id="eye").camera.perspective.yfov = 0.6
    server.scenes["scn_0"] = scene
    _, out, _ = threed("scenes", "scn_0")
    assert out.splitlines()[-3:] == ["  chair  A chair  ast_0", "    leg  ast_1", "  eye  camera"]
    _, listed, _ = threed("scenes")
    assert listed.splitlines()[1].split() == ["scn_0", "Room", "3", "-"]


def test_a_file_is_downloaded_under_its_own_name_in_this_folder(threed, server, tmp_path):
    asset = server.add_asset("../../outside.glb", b"abc")
    code, out, _ = threed("download", asset.asset_id)
    assert (code, out) == (0, "outside.glb  3 B\n")
    assert (tmp_path / "outside.glb").read_bytes() == b"abc"


def test_a_job_is_cancelled(threed, server, tmp_path):
    threed("render", "ast_0", "-o", tmp_path / "a.png")
    (job_id,) = server.jobs
    code, out, _ = threed("cancel", job_id)
    assert (code, out.split()[:2]) == (0, [job_id, "CANCELLED"])


def test_capabilities_say_what_is_missing_and_why(threed, server):
    code, out, _ = threed("capabilities", "--probe")
    assert code == 0
    assert "pathtracer  -        no: libatomic.so.1 is missing: apt-get install libatomic1\n" in out
    assert "glb     model  model/gltf-binary  .glb\n" in out
    assert "on worker-1." in out


def test_an_error_is_one_sentence_with_its_reason(threed, server):
    code, out, err = threed("assets", "ast_0")
    assert (code, out) == (1, "")
    assert err == "threed assets: There is no ast_0 in this project. (NOT_FOUND)\n"


def test_a_wrong_command_line_is_2(threed):
    assert threed("render")[0] == 2
    assert threed("frobnicate")[0] == 2


def test_a_server_that_does_not_answer_is_said(threed, monkeypatch, chair):
    monkeypatch.setenv("THREED_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("THREED_TOKEN", "x")
    monkeypatch.setattr("threed.cli.connection.PATIENCE_S", 0.1)
    code, _, err = threed("assets")
    assert code == 1
    assert err.startswith("threed assets: http://127.0.0.1:1 does not answer")


def test_help_loads_nothing_heavy():
    script = """
import sys
from threed.cli import main
try:
    main(["--help"])
except SystemExit:
    print(*sys.modules, sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()}
    assert loaded.isdisjoint({"grpc", "betterproto2", "threed_client", "sqlalchemy", "jwt", "numpy", "asyncio"})
