"""A real browser, on a page of another origin: uploads in chunks, watches, renders, and shows the picture."""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.job import showpiece
from tests.servers.absent import absent
from tests.stack import RunningStack

PAGE = Path(__file__).with_name("browser.html")
_WITHIN_S = 180
# No sandbox: it does not start as root. The rest keeps it from calling its maker.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=800,600",
]


class _Site(http.server.BaseHTTPRequestHandler):
    """The page, what it needs to know, and where it says how it ended."""

    answers: dict[str, tuple[str, bytes]]
    ended: queue.Queue[dict]

    def do_GET(self) -> None:
        kind, body = self.answers.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in self.answers else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()
        self.ended.put(json.loads(said))

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def site(stack: RunningStack) -> Iterator[tuple[str, queue.Queue[dict]]]:
    """The address of the page, and how it ends."""
    where = json.dumps({"url": stack.url, "token": stack.token()}).encode()
    answers = {
        "/": ("text/html", PAGE.read_bytes()),
        "/where": ("application/json", where),
        "/model.glb": ("model/gltf-binary", showpiece()),
    }
    handler = type("Site", (_Site,), {"answers": answers, "ended": queue.Queue()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", handler.ended
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        absent("No Chromium is installed: `apt-get install chromium`.")
    return found


def test_a_page_of_another_origin_does_the_main_job(chromium: str, stack: RunningStack, tmp_path: Path):
    with site(stack) as (address, ended):
        # Given a browser with nothing of its own
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", address]
        with (tmp_path / "chromium.log").open("wb") as log:
            browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            # When it opens the page
            said = ended.get(timeout=_WITHIN_S)
        finally:
            browser.terminate()
            browser.wait(30)
    # Then the page uploaded in chunks, saw the job end, and has the picture with its pixels
    assert "error" not in said, said
    assert said["sent"] > 1
    assert (said["status"], said["width"], said["height"]) == ("COMPLETED", 320, 240)
    assert said["colors"] > 500
    # And it could read why a call was refused
    assert said["refused"].startswith("400 asset_id must be an id like ast_")
