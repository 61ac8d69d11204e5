"""The HTTP door of the disk store: GET and HEAD of signed addresses, with ranges, for the gateway in front of it.

HTTP/1.1 without a body, and nothing else, so that it stays small enough to read: the request line and headers are the
only input, each checked against a grammar, at most 16 KiB, within 15 s. Bytes go from the page cache to the socket by
sendfile and never through Python. A connection holds one file and one buffer of at most 64 KiB, whatever the size of
the file or the speed of the reader.

It belongs on a unix socket or on loopback: TLS, CORS and rate limits are the gateway's.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email.utils
import json
import logging
import os
import re
import socket
import time
from http import HTTPStatus
from pathlib import Path

from threed.blobs.disk import DiskStore
from threed.blobs.headers import content_disposition, content_type, matches_any, range_of
from threed.blobs.signing import Grant, UrlSigner
from threed.error import DOMAIN
from threed.errors import (
    BlobCorrupt,
    Code,
    HttpRequestInvalid,
    Internal,
    NotFound,
    RangeNotSatisfiable,
    ThreedError,
    Unavailable,
)

_LOG = logging.getLogger(__name__)

_HEAD_BYTES = 16 << 10
_HEAD_SECONDS = 15
_IDLE_SECONDS = 75
# A reader that takes less than one slice in this time (4 KiB/s) is cut off.
_SLICE_BYTES = 256 << 10
_SLICE_SECONDS = 60
_CONNECTIONS = 512

_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.([01])")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")

_STATUS = {
    Code.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    Code.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Code.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    Code.OUT_OF_RANGE: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    Code.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    keep_alive: bool


class DownloadEndpoint:
    """Serves the blobs of `store` to whoever holds an address that `signer` made."""

    def __init__(self, store: DiskStore, signer: UrlSigner):
        self._store = store
        self._signer = signer
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task] = set()

    async def start_unix(self, path: Path) -> None:
        """Listen on a unix socket (at most 107 bytes of path) that only this user can open."""
        self._server = await asyncio.start_unix_server(self._connected, sock=_private_socket(path), limit=_HEAD_BYTES)

    async def start_tcp(self, host: str = "127.0.0.1", port: int = 0, *, reuse_port: bool = False) -> int:
        """Listen on TCP and return the port. With `reuse_port` several processes share one."""
        self._server = await asyncio.start_server(
            self._connected, host, port, limit=_HEAD_BYTES, reuse_port=reuse_port or None
        )
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is under way; readers resume by range."""
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            writer.transport.set_write_buffer_limits(high=64 << 10)
            if len(self._connections) > _CONNECTIONS:
                busy = Unavailable("Too many downloads are under way. Call again.", retry_after_s=5)
                await _refuse(writer, busy, keep_alive=False)
                return
            while await self._answer_one(reader, writer):
                pass
        except (ConnectionError, TimeoutError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can take another request."""
        request = None
        try:
            request = await _read_request(reader)
            if request is None:
                return False
            await self._serve(request, writer)
            return request.keep_alive
        except ThreedError as error:
            keep_alive = request is not None and request.keep_alive
            head_only = request is not None and request.method == "HEAD"
            await _refuse(writer, error, keep_alive=keep_alive, head_only=head_only)
            return keep_alive
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            _LOG.exception("A download failed.")
            await _refuse(writer, Internal("The download failed by an error of ours."), keep_alive=False)
            return False

    async def _serve(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if request.method not in ("GET", "HEAD"):
            raise HttpRequestInvalid(f"Only GET and HEAD download a file, not {request.method}.", method=request.method)
        grant = self._signer.verify(request.path, request.query)
        try:
            file = self._store.open(grant.key)
        except BlobCorrupt:
            raise NotFound("The file of this download address is no longer there.") from None
        with file:
            size = os.fstat(file.fileno()).st_size
            etag = f'"{grant.key.rpartition("/")[2]}"'
            headers = _headers(grant, etag)
            if matches_any(request.headers.get("if-none-match", ""), etag):
                await _send_head(writer, HTTPStatus.NOT_MODIFIED, headers, request.keep_alive)
                return
            asked = _asked_range(request, etag, size)
            start, length = asked or (0, size)
            if asked:
                headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
            status = HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK
            headers["Content-Length"] = str(length)
            await _send_head(writer, status, headers, request.keep_alive)
            if request.method == "GET":
                await _send_file(writer, file, start, length)


def _private_socket(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.chmod(path, 0o600)  # before anybody can connect: nothing listens yet
    return listener


def _asked_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """The range to answer with; None for the whole. If-Range is a strong comparison, and we have no dates."""
    if request.method != "GET" or "range" not in request.headers:
        return None
    if request.headers.get("if-range", etag) != etag:
        return None
    return range_of(request.headers["range"], size)


def _headers(grant: Grant, etag: str) -> dict[str, str]:
    return {
        "Content-Type": content_type(grant.content_type),
        "Content-Disposition": content_disposition(grant.filename),
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, immutable, max-age={max(0, grant.expires - int(time.time()))}",
        # A page that somebody uploaded must not run with the rights of this host.
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None when the peer has none left. Raises HttpRequestInvalid."""
    try:
        async with asyncio.timeout(_IDLE_SECONDS):
            first = await reader.readexactly(1)
        async with asyncio.timeout(_HEAD_SECONDS):
            head = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise HttpRequestInvalid(f"The request's headers are larger than {_HEAD_BYTES} bytes.") from None
    line, *rest = head[:-4].decode("latin-1").split("\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if not found:
        raise HttpRequestInvalid("The request line is not 'METHOD /path HTTP/1.1'.")
    method, target, minor = found.groups()
    headers = _parse_headers(rest)
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise HttpRequestInvalid("A download takes no request body. Send the request without one.")
    path, _, query = target.partition("?")
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (minor == "1" or "keep-alive" in connection)
    return Request(method, path, query, headers, keep_alive)


def _parse_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if not found:
            raise HttpRequestInvalid("A header of the request is not of the form 'Name: value'.")
        name, value = found[1].lower(), found[2]
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _send_head(
    writer: asyncio.StreamWriter, status: HTTPStatus, headers: dict[str, str], keep_alive: bool, body: bytes = b""
) -> None:
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Date: {email.utils.formatdate(usegmt=True)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    async with asyncio.timeout(_SLICE_SECONDS):
        await writer.drain()


async def _send_file(writer: asyncio.StreamWriter, file, start: int, length: int) -> None:
    loop, end = asyncio.get_running_loop(), start + length
    while start < end:
        async with asyncio.timeout(_SLICE_SECONDS):
            sent = await loop.sendfile(writer.transport, file, start, min(_SLICE_BYTES, end - start))
        if not sent:
            raise ConnectionAbortedError("The file became shorter than its name promises.")
        start += sent


async def _refuse(
    writer: asyncio.StreamWriter, error: ThreedError, *, keep_alive: bool, head_only: bool = False
) -> None:
    """Answer with google.rpc.Status as JSON, as every other door of the API does."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.reason,
        "domain": DOMAIN,
        "metadata": error.metadata,
    }
    body = json.dumps({"code": int(error.code), "message": error.message, "details": [info]}).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.metadata['size']}"
    status = _STATUS.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    with contextlib.suppress(ConnectionError):
        await _send_head(writer, status, headers, keep_alive, b"" if head_only else body)
