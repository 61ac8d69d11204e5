"""The commands against the real stack: they find it, bring their own token, and a picture comes out."""

from __future__ import annotations

import json

from tests.clients.python.samples import glb
from tests.stack import RunningStack

from threed_workers.samples.files import sample


def test_a_model_goes_in_and_its_details_come_out(threed, stack: RunningStack, tmp_path):
    # Given a stack that runs from a folder, and nothing else that names it
    path = tmp_path / "empty room.glb"
    path.write_bytes(glb(1000))
    # When a file is uploaded
    code, out, err = threed("upload", path, "--json", "--tag", "room", "--data", stack.data)
    asset = json.loads(out)
    # Then it was checked, and can be listed, shown and fetched again
    assert (code, err, asset["status"]) == (0, "", "VALIDATED")
    _, listed, _ = threed("assets", "--filter", f'sha256="{asset["sha256"]}"', "--data", stack.data)
    assert asset["assetId"] in listed and "empty room.glb" in listed
    assert threed("watch", asset["assetId"], "--data", stack.data)[0] == 0
    code, out, _ = threed("download", asset["assetId"], "-o", tmp_path / "again.glb", "--data", stack.data)
    assert code == 0
    assert (tmp_path / "again.glb").read_bytes() == path.read_bytes()


def test_a_refused_file_says_why(threed, stack: RunningStack, tmp_path):
    (tmp_path / "words.glb").write_text("These are words.")
    code, out, err = threed("upload", tmp_path / "words.glb", "--data", stack.data)
    assert code == 1
    assert (out + err).count("(FILE_FORMAT_UNKNOWN)") == 1, "refused at once, or by the checks"


def test_a_recipe_is_kept_and_carried_out_in_the_revision_that_is_named(threed, stack: RunningStack, tmp_path):
    # Given a model, and a recipe in two revisions
    (tmp_path / "room.glb").write_bytes(glb(2000))
    (tmp_path / "room.json").write_text('{"steps": [{"dedup": {}}]}')
    server = ["--data", stack.data]
    asset_id = json.loads(threed("upload", tmp_path / "room.glb", "--json", *server)[1])["assetId"]
    recipe_id = json.loads(threed("recipes", "save", tmp_path / "room.json", "--json", *server)[1])["recipeId"]
    (tmp_path / "room.json").write_text('{"steps": [{"prune": {}}], "exportFormats": ["EXPORT_GLTF"]}')
    assert "revision 2  prune" in threed("recipes", "save", tmp_path / "room.json", "--id", recipe_id, *server)[1]
    # When each is carried out
    for words, revision, name in (([], 2, "room-derived.gltf.zip"), (["--revision", 1], 1, "room-derived.glb")):
        code, out, err = threed("derive", asset_id, "--recipe", recipe_id, *words, "-o", tmp_path / "out", *server)
        # Then it is what that revision says
        assert (code, err) == (0, "")
        assert f"{recipe_id} revision {revision}" in out
        assert (tmp_path / "out" / name).stat().st_size > 0


def test_a_printed_token_is_accepted(threed, stack: RunningStack):
    _, token, _ = threed("token", "--role", "viewer", "--data", stack.data)
    code, out, _ = threed("capabilities", "--url", stack.url, "--token", token.strip())
    assert code == 0
    assert "glb" in out


def test_a_viewer_cannot_upload(threed, stack: RunningStack, tmp_path):
    (tmp_path / "a.glb").write_bytes(glb())
    _, token, _ = threed("token", "--role", "viewer", "--data", stack.data)
    code, _, err = threed("upload", tmp_path / "a.glb", "--url", stack.url, "--token", token.strip())
    assert code == 1
    assert "(ROLE_TOO_LOW)" in err


def test_jobs_flow(threed, stack: RunningStack):
    code, out, _ = threed("capabilities", "--probe", "--data", stack.data)
    assert code == 0
    assert "An empty job waited" in out


def test_views_are_planned_drawn_listed_and_drawn_once(threed, stack: RunningStack, tmp_path):
    # Given a model, and two views of it
    (tmp_path / "triangle.glb").write_bytes(sample("glb"))
    server = ["--data", stack.data]
    asset_id = json.loads(threed("upload", tmp_path / "triangle.glb", "--json", *server)[1])["assetId"]
    views = ["--width", 64, "--view", 0, 0, "--view", -30, 10]
    # When they are planned, nothing is drawn
    code, out, err = threed("render", asset_id, *views, "--plan", *server)
    assert (code, err) == (0, "") and out.startswith("2 frames of 64 x 64 as PNG, by ")
    # Then they are drawn, each under its name, with a frame each
    code, out, err = threed("render", asset_id, *views, "-o", tmp_path / "a.png", "--preview-file", "now.webp", *server)
    assert (code, err) == (0, "")
    pictures = [(tmp_path / f"a-camera{number}.png").read_bytes() for number in (0, 1)]
    assert pictures[0] != pictures[1] and all(picture.startswith(b"\x89PNG") for picture in pictures)
    frames = [json.loads(line) for line in threed("frames", out.split()[0], "--json", *server)[1].splitlines()]
    assert [frame["status"] for frame in frames] == ["COMPLETED", "COMPLETED"]
    # And not once more
    assert "drawn before" in threed("render", asset_id, *views, "-o", tmp_path / "b.png", *server)[1]
    assert (tmp_path / "b-camera1.png").read_bytes() == pictures[1]
