"""A real browser, without a window, that opens one page of ours and says how it ended."""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers.absent import absent

_WITHIN_S = 180
# No sandbox: it does not start as root. The rest keeps it from calling its maker.
_FLAGS = [
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


def ended_in_chromium(answers: Mapping[str, tuple[str, bytes]], folder: Path) -> Any:
    """What the page "/" of `answers`, path to (media type, body), posts as JSON; the browser's own lies in `folder`."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        absent("No Chromium is installed: `apt-get install chromium`.")
    with _site(answers) as (address, ended), (folder / "chromium.log").open("wb") as log:
        # Nothing of its own, and a debugging port that it chooses: else a second browser would open its pages.
        command = [program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "--remote-debugging-port=0", address]
        browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            return ended.get(timeout=_WITHIN_S)
        finally:
            browser.terminate()
            browser.wait(30)


class _Site(http.server.BaseHTTPRequestHandler):
    """The page, what it needs to know, and where it says how it ended."""

    answers: Mapping[str, tuple[str, bytes]]
    ended: queue.Queue[Any]

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
def _site(answers: Mapping[str, tuple[str, bytes]]) -> Iterator[tuple[str, queue.Queue[Any]]]:
    """The address of the page, and how it ends."""
    handler = type("Site", (_Site,), {"answers": answers, "ended": queue.Queue()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", handler.ended
        finally:
            server.shutdown()
            thread.join()
