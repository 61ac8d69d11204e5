"""The commands against the real stack: they find it, bring their own token, and a picture comes out."""

from __future__ import annotations

import json

from tests.clients.python.samples import glb
from tests.stack import RunningStack


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
