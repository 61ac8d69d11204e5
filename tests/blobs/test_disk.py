"""The disk store: the shared suite, and what only a disk does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time

import pytest

from threed.blobs.disk import DiskStore
from threed.blobs.endpoint import DownloadEndpoint
from threed.blobs.signing import UrlSigner
from threed.errors import BlobCorrupt, StoreFull

from .fetching import fetch_url
from .suite import *  # noqa: F403
from .suite import DATA, MIB, SHA256, read, send, upload

SECRET = bytes(range(32))


@pytest.fixture
def store(tmp_path):
    return DiskStore(tmp_path / "store", UrlSigner(SECRET))


@pytest.fixture(scope="module")
def store_of_module(tmp_path_factory):
    return DiskStore(tmp_path_factory.mktemp("store"), UrlSigner(SECRET))


RECIPE = """
import itertools, os
from threed.blobs.disk import DiskStore
from threed.blobs.signing import UrlSigner

def die_at(n):
    steps = itertools.count(1)
    for name in "open pwrite fdatasync fsync fchmod link replace unlink utime mkdir ftruncate".split():
        def dying(*args, _real=getattr(os, name), **options):
            return os._exit(9) if next(steps) == n else _real(*args, **options)
        setattr(os, name, dying)
"""


@pytest.fixture
def recipe(tmp_path, store):
    return f"{RECIPE}\nstore = DiskStore({str(tmp_path / 'store')!r}, UrlSigner({SECRET!r}))\n"


@pytest.fixture
def leftovers(tmp_path, store):
    return lambda: [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


@pytest.fixture
async def get(store):
    endpoint = DownloadEndpoint(store, UrlSigner(SECRET))
    port = await endpoint.start_tcp()

    async def get(url, **headers):
        return await asyncio.to_thread(fetch_url, f"http://127.0.0.1:{port}{url}", headers)

    yield get
    await endpoint.stop()


@pytest.fixture
def tiny(tmp_path):
    """A store with room for 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small file system that this test fills")
    root = tmp_path / "tiny"
    root.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", root], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"this machine does not let us mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield DiskStore(root, UrlSigner(SECRET))
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def test_a_full_disk_tears_nothing_and_heals(tiny):
    # Given a store that another file fills
    other = send(tiny.stage("upl_other"), end=15 * MIB)
    staging = tiny.stage("upl_x")
    # When an upload does not fit
    with pytest.raises(StoreFull):
        send(staging)
    # Then it keeps what it has, whole chunks only
    assert staging.size % MIB == 0 and staging.size > 0
    assert staging.commit() == staging.size
    with pytest.raises(StoreFull):
        send(staging)
    assert list(tiny.keys()) == []
    # And goes on when there is room
    other.discard()
    assert read(tiny, send(staging).seal(len(DATA), SHA256).key) == DATA


def test_equal_content_is_one_file(store):
    first, second = upload(store, b"chair"), upload(store, b"chair", "upl_y")
    assert first == second
    assert len(list(store.keys())) == 1


def test_a_blob_that_is_met_again_is_young_again(store, tmp_path):
    # Given a blob that a collector has found old and unused
    key = upload(store, b"chair").key
    os.utime(tmp_path / "store" / key, (1, 1))
    assert [found.key for found in store.keys(older_than=1000)] == [key]
    # When an upload of the same content comes in between
    upload(store, b"chair", "upl_y")
    # Then the collector does not remove it
    assert not store.delete(key, older_than=time.time() - 3600)
    assert read(store, key) == b"chair"


def test_a_damaged_blob_is_healed_by_the_next_upload(store, tmp_path):
    key = upload(store, b"chair").key
    path = tmp_path / "store" / key
    path.chmod(0o600)
    path.write_bytes(b"ch")
    assert upload(store, b"chair", "upl_y").key == key
    assert read(store, key) == b"chair"


def test_damage_is_found_when_a_blob_is_fetched(store, tmp_path):
    blob = upload(store, b"chair")
    path = tmp_path / "store" / blob.key
    path.chmod(0o600)
    path.write_bytes(b"chaos")
    with pytest.raises(BlobCorrupt):
        store.fetch(blob.key, tmp_path / "out", blob.sha256)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "key", ["", "..", "sha256/../../etc/passwd", "/etc/passwd", "staging/upl_x.part", "sha256/aa/bb/" + "c" * 64]
)
def test_a_key_never_leaves_the_blobs(store, key):
    store.stage("upl_x")
    with pytest.raises(BlobCorrupt):
        store.stat(key)
    with pytest.raises(BlobCorrupt):
        store.download_url(key, "a", "text/plain", time.time() + 60)


@pytest.mark.parametrize("key", ["", "a/b", "..", "a.b", "a\0", "x" * 129])
def test_an_upload_key_is_a_plain_name(store, key):
    with pytest.raises(ValueError, match="upload key"):
        store.stage(key)
