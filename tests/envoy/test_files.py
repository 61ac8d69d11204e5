"""Downloads by signed address through the gateway: out of the disk store, and out of a bucket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from minio import Minio
from tests.envoy.doors import Door, opened
from tests.envoy.standin import StandIn
from tests.servers.s3 import client, fresh_bucket

from threed.blobs.disk import DiskStore
from threed.blobs.endpoint import DownloadEndpoint
from threed.blobs.signing import UrlSigner
from threed.local.objects import S3Access

BODY = os.urandom(300_000)
SIGNER = UrlSigner(bytes(range(32)))


@contextlib.contextmanager
def served(store: DiskStore, socket: Path) -> Iterator[None]:
    """The store's download endpoint on a unix socket, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    endpoint = DownloadEndpoint(store, SIGNER)
    asyncio.run_coroutine_threadsafe(endpoint.start_unix(socket), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(endpoint.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def put(store: DiskStore, body: bytes) -> str:
    staging = store.stage("upl_1")
    staging.append(0, body)
    key = staging.seal().key
    staging.discard()
    return key


@pytest.fixture(scope="module")
def disk(server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Door, str]]:
    """A gateway before a disk store, and the address of a file in it."""
    folder = tmp_path_factory.mktemp("disk")
    store = DiskStore(folder / "blobs", SIGNER)
    url = store.download_url(put(store, BODY), "Stuhl.glb", "text/plain", time.time() + 60)
    with (
        served(store, folder / "s"),
        opened(folder, (server.address,), blobs=f"unix:{folder / 's'}") as door,
    ):
        yield door, url


def test_a_file_comes_whole_and_by_range(disk: tuple[Door, str]):
    door, url = disk
    whole = door.call("GET", url, token=False, accept_encoding="gzip, br")
    part = door.call("GET", url, token=False, range="bytes=1000-1999", accept_encoding="gzip, br")
    assert (whole.status, whole.body) == (200, BODY)
    assert (part.status, part.body) == (206, BODY[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(BODY)}"
    assert "Stuhl.glb" in whole.headers["content-disposition"]
    assert whole.headers["etag"].startswith('"'), "strong, so that ranges of two calls fit together"
    assert "content-encoding" not in whole.headers and whole.headers["content-length"] == str(len(BODY))


def test_a_file_that_the_caller_has_is_not_sent_again(disk: tuple[Door, str]):
    door, url = disk
    etag = door.call("HEAD", url, token=False).headers["etag"]
    assert door.call("GET", url, token=False, if_none_match=etag).status == 304


def test_an_altered_address_is_refused(disk: tuple[Door, str]):
    door, url = disk
    answer = door.call("GET", url.replace("Stuhl", "Tisch"), token=False)
    assert (answer.status, answer.reason) == (403, "DOWNLOAD_URL_INVALID")


def test_a_download_asks_for_no_token_and_minds_none(disk: tuple[Door, str]):
    door, url = disk
    assert door.call("GET", url, token=False, authorization="Bearer of somebody else").status == 200


def test_a_page_may_read_a_download(disk: tuple[Door, str]):
    door, url = disk
    answer = door.call("GET", url, token=False, origin="http://localhost:3000", range="bytes=0-9")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "content-range" in answer.headers["access-control-expose-headers"]


@pytest.fixture(scope="module")
def bucket(
    s3: S3Access, server: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Door, Minio, str]]:
    """A gateway before an S3 server, a client that signs for the gateway's address, and a bucket with `chair.glb`."""
    with fresh_bucket(s3) as bucket:
        file = tmp_path_factory.mktemp("file") / "chair.glb"
        file.write_bytes(BODY)
        client(s3).fput_object(bucket.name, "chair.glb", str(file))
        settings = {"s3": s3.endpoint, "s3_bucket": bucket.name}
        with opened(tmp_path_factory.mktemp("s3"), (server.address,), **settings) as door:
            yield door, Minio(door.address, s3.access_key, s3.secret_key, secure=False, region=s3.region), bucket.name


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_a_presigned_address_of_the_gateway_works(bucket: tuple[Door, Minio, str]):
    door, signer, name = bucket
    url = path(signer.presigned_get_object(name, "chair.glb", expires=timedelta(minutes=1)))
    assert door.call("GET", url, token=False).body == BODY
    part = door.call("GET", url, token=False, range="bytes=10-19", accept_encoding="gzip")
    assert (part.status, part.body) == (206, BODY[10:20])


def test_an_address_without_a_signature_is_refused_by_the_store(bucket: tuple[Door, Minio, str]):
    door, _, name = bucket
    assert door.call("GET", f"/{name}/chair.glb", token=False).status == 403


def test_another_bucket_is_not_reached(bucket: tuple[Door, Minio, str]):
    door, signer, name = bucket
    url = path(signer.presigned_get_object(f"{name}-other", "chair.glb", expires=timedelta(minutes=1)))
    assert (door.call("GET", url, token=False).status) == 404
