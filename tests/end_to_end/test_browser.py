"""A real browser, on a page of another origin: uploads in chunks, watches, renders, and shows the picture."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.job import showpiece
from tests.servers.browser import ended_in_chromium
from tests.stack import RunningStack

PAGE = Path(__file__).with_name("browser.html")


def test_a_page_of_another_origin_does_the_main_job(stack: RunningStack, tmp_path: Path):
    # Given a page that knows where the server is, and a model
    where = json.dumps({"url": stack.url, "token": stack.token()}).encode()
    answers = {
        "/": ("text/html", PAGE.read_bytes()),
        "/where": ("application/json", where),
        "/model.glb": ("model/gltf-binary", showpiece()),
    }
    # When a browser with nothing of its own opens it
    said = ended_in_chromium(answers, tmp_path)
    # Then the page uploaded in chunks, saw the job end, and has the picture with its pixels
    assert "error" not in said, said
    assert said["sent"] > 1
    assert (said["status"], said["width"], said["height"]) == ("COMPLETED", 320, 240)
    assert said["colors"] > 500
    # And it could read why a call was refused
    assert said["refused"].startswith("400 asset_id must be an id like ast_")
