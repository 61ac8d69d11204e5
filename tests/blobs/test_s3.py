"""The S3 store, against a real S3 server: the shared suite, and what only S3 does."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.servers.s3 import fresh_bucket

from threed.blobs.s3 import S3Store
from threed.errors import BlobCorrupt, Unavailable

from .fetching import fetch_url
from .suite import *  # noqa: F403
from .suite import DATA, MIB, SHA256, read, send


def arguments(bucket) -> tuple[str, str, str, str]:
    return bucket.access.endpoint, bucket.name, bucket.access.access_key, bucket.access.secret_key


@pytest.fixture
def store(bucket):
    return S3Store(*arguments(bucket), secure=False)


@pytest.fixture(scope="module")
def store_of_module(s3):
    with fresh_bucket(s3) as bucket:
        yield S3Store(*arguments(bucket), secure=False)


RECIPE = """
import itertools, os
from threed.blobs.s3 import S3Store

def die_at(n):
    steps, real = itertools.count(1), store.wire.request
    def dying(*args, **options):
        answer = real(*args, **options)
        if next(steps) == n:
            os._exit(9)
        return answer
    store.wire.request = dying
"""


@pytest.fixture
def recipe(bucket):
    return f"{RECIPE}\nstore = S3Store(*{arguments(bucket)!r}, secure=False)\n"


@pytest.fixture
def leftovers(store):
    return lambda: everything(store) + multiparts(store)


@pytest.fixture
def get():
    async def get(url, **headers):
        return await asyncio.to_thread(fetch_url, url, headers)

    return get


def everything(store):
    return [item["Key"] for item in store.wire.items({"list-type": "2"}, "Contents", then={})]


def multiparts(store):
    return list(store.wire.items({"uploads": ""}, "Upload", then={}))


def test_a_small_file_is_one_object(store):
    blob = store.stage("upl_x")
    blob.append(0, b"chair")
    blob.seal()
    blob.discard()
    assert everything(store) == [found.key for found in store.keys()]
    assert multiparts(store) == []


@pytest.mark.parametrize("end", [3 * MIB, 8 * MIB, 10 * MIB])
def test_a_discarded_upload_leaves_no_object_and_no_part(store, end):
    staging = send(store.stage("upl_x"), end=end)
    staging.commit()
    assert everything(store)
    staging.discard()
    assert everything(store) == []
    assert multiparts(store) == []


def test_a_finished_upload_leaves_only_its_blob(store):
    staging = send(store.stage("upl_x"))
    staging.commit()
    blob = staging.seal(len(DATA), SHA256)
    staging.discard()
    assert everything(store) == [blob.key]
    assert multiparts(store) == []


def test_a_piece_is_removed_when_a_part_has_its_bytes(store):
    staging = store.stage("upl_x")
    for _ in range(8):
        send(staging, end=staging.size + MIB)
        staging.commit()
    assert everything(store) == ["staging/upl_x/state"]


def test_a_sweep_aborts_multipart_uploads_that_nobody_knows(store):
    # Given one of an upload under way, and one whose beginner was killed before it wrote that down
    staging = send(store.stage("upl_x"), end=9 * MIB)
    staging.commit()
    store.begin("blobs/" + "0" * 32)
    assert len(multiparts(store)) == 2
    # When a sweep keeps the upload
    store.sweep(time.time() + 60, lambda key: True)
    # Then only the other one goes
    assert len(multiparts(store)) == 1
    assert read(store, send(staging).seal(len(DATA), SHA256).key) == DATA


def test_an_upload_that_lost_the_answer_to_its_last_request_is_whole(store):
    # Given a writer whose multipart upload another request has completed
    staging = send(store.stage("upl_x"), end=16 * MIB)
    staging.commit()
    twin = store.stage("upl_x", 16 * MIB)
    key = twin.seal(16 * MIB).key
    # When the upload is opened again and sealed
    again = store.stage("upl_x", 16 * MIB)
    assert again.sealed
    assert again.seal(16 * MIB).key == key
    assert read(store, key) == DATA[: 16 * MIB]


def test_a_store_that_is_away_is_unavailable():
    store = S3Store("127.0.0.1:1", "bucket", "key", "secret", secure=False)
    with pytest.raises(Unavailable) as caught:
        store.stage("upl_x")
    assert caught.value.retry_after_s


def test_downloads_are_signed_for_the_public_address():
    store = S3Store("10.0.0.1:9000", "bucket", "key", "secret", public_endpoint="files.example.com", public_secure=True)
    url = store.download_url("blobs/" + "0" * 32, "a.glb", "model/gltf-binary", time.time() + 60)
    assert url.startswith("https://files.example.com/bucket/blobs/")


@pytest.mark.parametrize("key", ["", "staging/upl_x/state", "../other/x", "blobs/../staging/x", "sha256/ab"])
def test_a_key_never_leaves_the_blobs(store, key):
    with pytest.raises(BlobCorrupt):
        store.stat(key)
    with pytest.raises(BlobCorrupt):
        list(store.open_range(key))
    assert not store.delete(key)
