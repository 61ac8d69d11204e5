"""The download endpoint, byte by byte, over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

import pytest

from threed.blobs.disk import DiskStore
from threed.blobs.endpoint import DownloadEndpoint
from threed.blobs.signing import UrlSigner

SIGNER = UrlSigner(bytes(range(32)))
BODY = os.urandom(100_000)


class Site:
    """An endpoint on a unix socket with one file."""

    def __init__(self, root: Path, socket: Path):
        self.store = DiskStore(root, SIGNER)
        self.socket = socket
        self.key = self.put(BODY)
        self.url = self.store.download_url(self.key, "chair.glb", "model/gltf-binary", time.time() + 60)
        self.etag = f'"{self.key.rpartition("/")[2]}"'

    def put(self, body: bytes) -> str:
        staging = self.store.stage("upl_x")
        staging.append(0, body)
        key = staging.seal().key
        staging.discard()
        return key

    async def talk(self, *requests: bytes) -> list[tuple[int, dict[str, str], bytes]]:
        """Send every request on one connection, and read an answer to each."""
        reader, writer = await asyncio.open_unix_connection(self.socket)
        answers = []
        for request in requests:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head[:-4].split("\r\n")
            headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
            status = int(line.split()[1])
            length = 0 if request.startswith(b"HEAD") or status == 304 else int(headers["content-length"])
            answers.append((status, headers, await reader.readexactly(length)))
        writer.close()
        return answers

    async def ask(self, method: str = "GET", url: str | None = None, **headers: str):
        return (await self.talk(request(method, url or self.url, **headers)))[0]


def request(method: str, url: str, **headers: str) -> bytes:
    lines = [f"{method} {url} HTTP/1.1", "Host: threed", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.fixture
async def site(tmp_path):
    # The path of a unix socket has at most 107 bytes, and pytest's folders are longer.
    with tempfile.TemporaryDirectory(prefix="threed-") as folder:
        site = Site(tmp_path, Path(folder) / "downloads.sock")
        endpoint = DownloadEndpoint(site.store, SIGNER)
        await endpoint.start_unix(site.socket)
        yield site
        await endpoint.stop()


async def test_the_whole_file_comes_with_its_headers(site):
    status, headers, body = await site.ask()
    assert (status, body) == (200, BODY)
    assert headers["content-type"] == "model/gltf-binary"
    assert headers["content-disposition"] == 'attachment; filename="chair.glb"'
    assert headers["etag"] == site.etag
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["connection"] == "keep-alive"


async def test_head_is_get_without_the_body(site):
    (_, get, _), (status, head, body) = await site.talk(request("GET", site.url), request("HEAD", site.url))
    assert (status, body) == (200, b"")
    # The clock may have gone on between the two.
    moving = {"date": "", "cache-control": ""}
    assert head["cache-control"].startswith("private, immutable, max-age=")
    assert {**head, **moving} == {**get, **moving}


async def test_one_connection_serves_many(site):
    answers = await site.talk(*[request("GET", site.url, Range=f"bytes={n}-{n + 9}") for n in range(50)])
    assert [body for _, _, body in answers] == [BODY[n : n + 10] for n in range(50)]


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=0-", 206, 0, 99_999),
        ("bytes=99999-", 206, 99_999, 99_999),
        ("bytes=500-999999999999", 206, 500, 99_999),
        ("bytes=-1", 206, 99_999, 99_999),
        ("bytes=-999999", 206, 0, 99_999),
        ("Bytes= 5-9 ", 206, 5, 9),
        ("bytes=0-1,5-6", 200, 0, 99_999),
        ("bytes=9-5", 200, 0, 99_999),
        ("bytes=", 200, 0, 99_999),
        ("bytes=a-b", 200, 0, 99_999),
        ("lines=1-2", 200, 0, 99_999),
        ("bytes=100000-", 416, 0, -1),
        ("bytes=-0", 416, 0, -1),
    ],
)
async def test_a_range(site, asked, status, first, last):
    have, headers, body = await site.ask(Range=asked)
    assert have == status
    if status == 416:
        assert headers["content-range"] == "bytes */100000"
        assert json.loads(body)["details"][0]["reason"] == "RANGE_NOT_SATISFIABLE"
        return
    assert body == BODY[first : last + 1]
    assert headers.get("content-range") == (f"bytes {first}-{last}/100000" if status == 206 else None)


async def test_an_empty_file_has_no_ranges(site):
    url = site.store.download_url(site.put(b""), "a", "text/plain", time.time() + 60)
    assert (await site.ask(url=url))[::2] == (200, b"")
    assert (await site.ask(url=url, Range="bytes=0-"))[0] == 416


async def test_if_range_decides_between_the_rest_and_the_whole(site):
    assert (await site.ask(Range="bytes=5-", If_Range=site.etag))[0] == 206
    for other in ('"0000"', f"W/{site.etag}", "Sat, 21 Nov 2026 10:00:00 GMT"):
        assert (await site.ask(Range="bytes=5-", If_Range=other))[::2] == (200, BODY)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"0", {}', "*"])
async def test_what_the_caller_has_is_not_sent_again(site, form):
    status, headers, body = await site.ask(If_None_Match=form.format(site.etag))
    assert (status, headers["etag"], body) == (304, site.etag, b"")
    assert "content-length" not in headers
    assert (await site.ask(If_None_Match='"0"'))[0] == 200


async def test_an_altered_address_is_refused_as_status_json(site):
    status, headers, body = await site.ask(url=site.url.replace("chair", "table"))
    assert (status, headers["content-type"]) == (403, "application/json")
    answer = json.loads(body)
    assert answer["code"] == 7
    [info] = answer["details"]
    assert (info["reason"], info["domain"]) == ("DOWNLOAD_URL_INVALID", "threed.dev")


async def test_an_expired_address_says_so(site):
    url = site.store.download_url(site.key, "a", "text/plain", time.time() - 1)
    assert json.loads((await site.ask(url=url))[2])["details"][0]["reason"] == "DOWNLOAD_URL_EXPIRED"


async def test_a_file_that_is_gone_is_not_found(site):
    site.store.delete(site.key)
    assert (await site.ask())[0] == 404


@pytest.mark.parametrize("key", ["../../../../etc/passwd", "/etc/passwd", "staging/upl_x.part", "sha256/../x", ""])
async def test_even_a_signed_address_stays_among_the_blobs(site, key):
    assert (await site.ask(url=SIGNER.sign(key, "a", "text/plain", time.time() + 60)))[0] == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"GET /blobs/x HTTP/2.0\r\n\r\n",
        b"GET http://evil/ HTTP/1.1\r\n\r\n",
        b"GET /blobs/\xff HTTP/1.1\r\n\r\n",
        b"GET /blobs/x HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET /blobs/x HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        b"GET /blobs/x HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
        b"GET /blobs/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /blobs/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /blobs/x HTTP/1.1\r\nA: " + b"b" * 20_000 + b"\r\n\r\n",
        b"DELETE /blobs/x HTTP/1.1\r\n\r\n",
    ],
)
async def test_anything_but_a_plain_request_is_refused(site, raw):
    [(status, _, body)] = await site.talk(raw)
    assert status == 400
    assert json.loads(body)["details"][0]["reason"] == "HTTP_REQUEST_INVALID"


async def test_a_reader_that_stops_holds_up_nobody(site):
    # Given readers that ask for a large file and read nothing
    url = site.store.download_url(site.put(os.urandom(32 << 20)), "a", "text/plain", time.time() + 60)
    stopped = [await asyncio.open_unix_connection(site.socket) for _ in range(20)]
    for _, writer in stopped:
        writer.write(request("GET", url))
    # Then another one gets its file
    assert (await site.ask())[2] == BODY
    # And the first can go on
    reader, _ = stopped[0]
    await reader.readuntil(b"\r\n\r\n")
    assert len(await reader.readexactly(32 << 20)) == 32 << 20
    for _, writer in stopped:
        writer.close()


async def test_only_this_user_can_open_the_socket(site):
    assert site.socket.stat().st_mode & 0o777 == 0o600
