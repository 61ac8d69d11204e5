"""The stand-in's signed URLs: a small HTTP server with Range, which can cut an answer or alter its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threed.v1 import assets_pb2


class Files:
    """Bytes by name, and what goes wrong: `cut` (bytes after which an answer ends, one entry a request), `expired`
    (how many URLs are refused), `altered` (names whose bytes arrive changed), `whole` (Range is ignored)."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.cut: list[int] = []
        self.expired = 0
        self.altered: set[str] = set()
        self.whole = False
        self.ranges: list[str | None] = []
        self.origin = ""

    def put(self, name: str, data: bytes) -> None:
        self.contents[name] = data

    def sign(self, name: str) -> assets_pb2.DownloadUrl:
        data = self.contents[name]
        return assets_pb2.DownloadUrl(
            url=f"{self.origin}/{name}",
            media_type="application/octet-stream",
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    @contextmanager
    def served(self) -> Iterator[None]:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(files: Files) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, asked = self.path.lstrip("/"), self.headers["Range"]
            files.ranges.append(asked)
            if files.expired:
                files.expired -= 1
                self.send_error(403)
                return
            data = files.contents[name]
            if name in files.altered:
                data = bytes(len(data))
            start = 0 if files.whole else int((asked or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if asked and not files.whole else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = files.cut.pop(0) if files.cut else len(data)
            with contextlib.suppress(ConnectionError):
                self.wfile.write(data[start:end])

        def log_message(self, *arguments: object) -> None:
            """Say nothing: the tests read the terminal."""

    return Handler
