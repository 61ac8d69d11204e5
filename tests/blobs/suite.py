"""What every store must do. A module that imports these tests provides these fixtures:

store   an empty `threed.blobs.Store`
recipe  Python source that opens the same store as `store`, for tests that need another process, and defines
        `die_at(n)`: from now on the process ends with status 9 at its n-th step that others could see
leftovers  a function that lists everything in the store, blobs or not
get     an async function (url, **headers) -> (status, headers, body) that GETs a download address
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import signal
import subprocess
import sys
import textwrap
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threed.blobs.aio import AsyncStore
from threed.errors import (
    BlobCorrupt,
    UploadBusy,
    UploadClosed,
    UploadDigestMismatch,
    UploadOffsetMismatch,
    UploadSizeMismatch,
)

MIB = 1 << 20
# More than two parts of an S3 upload, and a multiple of nothing.
DATA = random.Random(7).randbytes(19 * MIB + 12_345)
SHA256 = hashlib.sha256(DATA).hexdigest()


def send(staging, data=DATA, end=None, step=MIB):
    """Append `data` from where the staging is."""
    end = len(data) if end is None else end
    while staging.size < end:
        staging.append(staging.size, data[staging.size : min(end, staging.size + step)])
    return staging


def upload(store, data, key="upl_x"):
    staging = send(store.stage(key), data)
    blob = staging.seal(len(data), hashlib.sha256(data).hexdigest())
    staging.discard()
    return blob


def read(store, key, *args):
    return b"".join(store.open_range(key, *args))


def run(recipe, code):
    """Start another process that has opened `store`."""
    code = (
        f"import os, random, signal\n{recipe}\nDATA = random.Random(7).randbytes({len(DATA)})\n{textwrap.dedent(code)}"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 8 * MIB, len(DATA)])
def test_what_was_uploaded_comes_back(store, size):
    blob = upload(store, DATA[:size])
    assert (blob.size, blob.sha256) == (size, hashlib.sha256(DATA[:size]).hexdigest())
    assert read(store, blob.key) == DATA[:size]
    assert store.stat(blob.key).size == size
    assert [found.key for found in store.keys()] == [blob.key]
    assert abs(store.stat(blob.key).modified - time.time()) < 60


def test_an_upload_goes_on_in_another_process(store, recipe):
    # Given a process that committed some bytes and ended without a word
    cut = 9 * MIB + 77
    code = f"s = store.stage('upl_x'); s.append(0, DATA[:{cut}]); print(s.commit(), flush=True); os._exit(0)"
    with run(recipe, code) as process:
        committed = int(process.stdout.read())
    # When another process goes on
    staging = store.stage("upl_x", committed)
    assert committed == cut == staging.size
    blob = send(staging).seal(len(DATA), SHA256)
    # Then the file is whole
    assert read(store, blob.key) == DATA


def test_bytes_that_were_not_committed_are_cut(store, recipe):
    code = "s = store.stage('upl_x'); s.append(0, DATA[:1000]); s.commit(); s.append(1000, b'torn'); os._exit(0)"
    run(recipe, code).communicate()
    staging = store.stage("upl_x", 1000)
    assert staging.size == 1000
    assert read(store, send(staging).seal(len(DATA), SHA256).key) == DATA


def test_a_killed_upload_keeps_every_acknowledged_byte(store, recipe):
    # Given a process that is killed while it writes
    code = """
    s = store.stage('upl_x')
    while True:
        s.append(s.size, DATA[s.size:s.size + 300_000])
        print(s.commit(), flush=True)
    """
    with run(recipe, code) as process:
        acknowledged = [int(process.stdout.readline()) for _ in range(35)][-1]
        process.send_signal(signal.SIGKILL)
    # When the upload is opened again
    staging = store.stage("upl_x", acknowledged)
    # Then it goes on at or after the last acknowledged byte
    assert staging.size >= acknowledged
    assert read(store, send(staging).seal(len(DATA), SHA256).key) == DATA


def test_a_kill_after_sealing_leaves_the_upload_sealed(store, recipe):
    # Given a process that sealed, and died before anybody heard of it
    code = "s = store.stage('upl_x'); s.append(0, DATA); s.seal(); os.kill(os.getpid(), signal.SIGKILL)"
    run(recipe, code).communicate()
    # When the upload is opened again
    staging = store.stage("upl_x", 4 * MIB)
    # Then it can be sealed again, and takes no more bytes
    assert staging.size == len(DATA)
    assert staging.sealed
    with pytest.raises(UploadClosed):
        staging.append(len(DATA), b"more")
    blob = staging.seal(len(DATA), SHA256)
    staging.discard()
    assert read(store, blob.key) == DATA


def test_a_kill_between_any_two_steps_loses_and_tears_nothing(store, recipe, leftovers):
    size = 9 * MIB + 5
    digest = hashlib.sha256(DATA[:size]).hexdigest()
    code = f"""
    die_at(STEP)
    s = store.stage('upl_x')
    s.append(0, DATA[:{5 * MIB}])
    print(s.commit(), flush=True)
    s.append(s.size, DATA[s.size:{size}])
    print(s.commit(), flush=True)
    s.seal()
    print('sealed', flush=True)
    s.discard()
    """
    for step in itertools.count(1):
        # Given a process that dies at one step of an upload, each in its turn
        process = run(recipe, f"STEP = {step}\n{textwrap.dedent(code)}")
        *_, last = ["0", *process.communicate()[0].split()]
        if process.returncode == 0:
            break
        assert process.returncode == 9
        # Then every blob that can be seen is whole
        assert all(read(store, found.key) == DATA[:size] for found in store.keys())
        if last == "sealed":
            assert len(list(store.keys())) == 1
        else:
            # And the upload goes on where it was
            staging = store.stage("upl_x", int(last))
            blob = send(staging, end=size).seal(size, digest)
            staging.discard()
            assert read(store, blob.key) == DATA[:size]
        # And a sweep removes what is left over
        for found in list(store.keys()):
            store.delete(found.key)
        store.sweep(time.time() + 60, lambda key: False)
        assert leftovers() == []
    assert step > 15


def test_a_writer_that_was_taken_over_discards_nothing(store):
    stalled = send(store.stage("upl_x"), end=MIB)
    stalled.commit()
    staging = send(store.stage("upl_x", MIB), end=2 * MIB)
    staging.commit()
    stalled.discard()
    assert read(store, send(staging).seal(len(DATA), SHA256).key) == DATA


def test_sealing_twice_gives_the_same_content(store):
    staging = send(store.stage("upl_x"))
    first, second = staging.seal(), staging.seal()
    assert first.sha256 == second.sha256 == SHA256
    assert read(store, second.key) == DATA


def test_chunks_may_come_in_separate_calls(store):
    size = 0
    for start in range(0, len(DATA), MIB):
        staging = store.stage("upl_x", size)
        staging.append(start, DATA[start : start + MIB])
        size = staging.commit()
        staging.close()
    staging = store.stage("upl_x", size)
    assert read(store, staging.seal(len(DATA), SHA256).key) == DATA
    staging.discard()
    assert store.stage("upl_x").size == 0


@pytest.mark.parametrize("size", [5000, len(DATA)])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_wrong_digest_or_size_makes_no_blob(store, size, resumed):
    staging = send(store.stage("upl_x"), DATA[:size])
    if resumed:
        staging.close() if staging.commit() else None
        staging = store.stage("upl_x", size)
    with pytest.raises(UploadSizeMismatch) as caught:
        staging.seal(size + 1)
    assert caught.value.metadata == {"size": str(size), "declared_size": str(size + 1)}
    with pytest.raises(UploadDigestMismatch):
        staging.seal(size, "0" * 64)
    assert list(store.keys()) == []
    staging.discard()
    assert list(store.keys()) == []


def test_a_chunk_at_the_wrong_offset_changes_nothing(store):
    staging = send(store.stage("upl_x"), end=3 * MIB)
    for offset in (0, 3 * MIB - 1, 3 * MIB + 1):
        with pytest.raises(UploadOffsetMismatch) as caught:
            staging.append(offset, b"x")
        assert caught.value.metadata["committed_size"] == str(3 * MIB)
    assert read(store, send(staging).seal(len(DATA), SHA256).key) == DATA


def test_the_same_content_can_be_sealed_at_the_same_time(store):
    stagings = [send(store.stage(f"upl_{n}")) for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        blobs = list(threads.map(lambda staging: staging.seal(len(DATA), SHA256), stagings))
    for blob, staging in zip(blobs, stagings, strict=True):
        staging.discard()
        assert read(store, blob.key) == DATA


def test_a_writer_that_was_taken_over_spoils_nothing(store):
    # Given a writer that stalls, and another one that takes the upload over
    stalled = send(store.stage("upl_x"), end=9 * MIB)
    committed = stalled.commit()
    staging = send(store.stage("upl_x", committed), end=12 * MIB)
    staging.commit()
    # When the first wakes up and writes something else
    with pytest.raises((UploadBusy, UploadClosed)):
        for _ in range(20):
            stalled.append(stalled.size, b"?" * MIB)
            stalled.commit()
    # Then the second's file is what it sent
    blob = send(staging).seal(len(DATA), SHA256)
    assert read(store, blob.key) == DATA
    with pytest.raises((UploadBusy, UploadClosed)):
        stalled.append(stalled.size, b"?")
        stalled.commit()
    assert read(store, blob.key) == DATA


def test_acknowledged_bytes_that_are_gone_are_reported(store):
    with pytest.raises(BlobCorrupt) as caught:
        store.stage("upl_x", 5)
    assert caught.value.metadata["committed_size"] == "5"


def test_a_checkpoint_never_promises_more_than_a_commit(store):
    staging = store.stage("upl_x")
    for end in range(MIB, len(DATA), 3 * MIB):
        send(staging, end=end)
        assert staging.checkpoint() <= staging.size
    assert staging.commit() == staging.size


def test_a_discarded_upload_leaves_nothing(store):
    staging = send(store.stage("upl_x"), end=10 * MIB)
    staging.commit()
    staging.discard()
    assert store.stage("upl_x").size == 0
    assert list(store.keys()) == []


def test_a_local_file_is_stored_and_fetched(store, tmp_path):
    (tmp_path / "in").write_bytes(DATA)
    blob = store.put_file(tmp_path / "in")
    assert blob.sha256 == SHA256
    store.fetch(blob.key, tmp_path / "out", SHA256)
    assert (tmp_path / "out").read_bytes() == DATA
    assert (tmp_path / "out").stat().st_nlink == 1
    # What the receiver does to its copy does not reach the store.
    with (tmp_path / "out").open("r+b") as file:
        file.write(b"????")
    assert read(store, blob.key, 0, 4) == DATA[:4]


def test_a_fetch_of_other_bytes_leaves_no_file(store, tmp_path):
    blob = upload(store, b"chair")
    with pytest.raises(BlobCorrupt):
        store.fetch(blob.key, tmp_path / "out", SHA256)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        store.fetch(blob.key, tmp_path / "out", blob.sha256)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_a_blob_that_is_not_there_is_corrupt(store, tmp_path):
    key = upload(store, b"chair").key
    assert store.delete(key)
    assert not store.delete(key)
    with pytest.raises(BlobCorrupt):
        store.stat(key)
    with pytest.raises(BlobCorrupt):
        read(store, key)
    with pytest.raises(BlobCorrupt):
        store.fetch(key, tmp_path / "out", SHA256)


def test_a_collector_spares_young_blobs(store):
    key, now = upload(store, b"chair").key, time.time()
    assert list(store.keys(older_than=now - 60)) == []
    assert not store.delete(key, older_than=now - 60)
    assert [found.key for found in store.keys(older_than=now + 60)] == [key]
    assert store.delete(key, older_than=now + 60)


def test_a_sweep_discards_what_nobody_keeps(store):
    for key, size in (("upl_kept", 10 * MIB), ("upl_lost", 10 * MIB), ("upl_small", 3)):
        staging = send(store.stage(key), end=size)
        staging.commit()
        staging.close()
    now = time.time()
    assert store.sweep(now - 60, lambda key: False) == 0
    assert store.sweep(now + 60, lambda key: key == "upl_kept") == 2
    assert store.stage("upl_kept", 10 * MIB).size == 10 * MIB
    assert store.stage("upl_lost").size == 0


@pytest.fixture(scope="module")
def ranged(store_of_module):
    return store_of_module, upload(store_of_module, DATA[: 2 * MIB + 5]).key


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(0, 2 * MIB + 10), length=st.none() | st.integers(0, 2 * MIB + 10))
def test_a_range_is_a_slice(ranged, offset, length):
    store, key = ranged
    end = None if length is None else offset + length
    assert read(store, key, offset, length) == DATA[: 2 * MIB + 5][offset:end]


def test_memory_stays_constant(recipe):
    """A stream of 300 MB raises the high-water mark by less than 60 MB."""
    code = """
    import resource
    chunk = DATA[:1 << 20]
    s = store.stage('upl_small'); s.append(0, chunk); s.seal(); s.discard()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    s = store.stage('upl_large')
    for _ in range(300):
        s.append(s.size, chunk)
    s.seal()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    with run(recipe, code) as process:
        kib = int(process.stdout.read())
    assert kib < 60 << 10


async def test_the_loop_side_writes_the_same_bytes(store):
    blobs = AsyncStore(store)
    async with await blobs.stage("upl_x") as staging:
        # Small messages first, then large ones.
        for step in (16 << 10, MIB):
            while staging.size < (len(DATA) if step == MIB else 4 * MIB):
                await staging.append(staging.size, DATA[staging.size : staging.size + step])
        with pytest.raises(UploadOffsetMismatch):
            await staging.append(0, b"x")
        assert await staging.checkpoint() <= len(DATA)
        assert await staging.commit() == len(DATA)
        blob = await staging.seal(len(DATA), SHA256)
        await staging.discard()
    assert b"".join([piece async for piece in blobs.open_range(blob.key, 5, 3 * MIB)]) == DATA[5 : 3 * MIB + 5]
    assert [found.key async for found in blobs.keys()] == [blob.key]
    blobs.close()


async def test_the_loop_side_reports_an_error_again_and_again(store):
    blobs = AsyncStore(store)
    staging = await blobs.stage("upl_x")
    await staging.append(0, DATA[:MIB])
    await staging.commit()
    store.stage("upl_x", MIB).discard()
    with pytest.raises((UploadClosed, UploadBusy)):
        await staging.append(MIB, DATA[:MIB])
        await staging.commit()
    with pytest.raises((UploadClosed, UploadBusy)):
        await staging.commit()
    await staging.close()
    blobs.close()


async def test_a_cancelled_read_lets_go_of_the_file(store):
    blobs = AsyncStore(store)
    key = upload(store, DATA).key

    async def read_forever():
        while True:
            async for _ in blobs.open_range(key):
                pass

    for delay in (0.001, 0.01, 0.03):
        reading = asyncio.create_task(read_forever())
        await asyncio.sleep(delay)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    with pytest.raises(BlobCorrupt):
        [piece async for piece in blobs.open_range("blobs/none")]
    blobs.close()


NAMES = {
    "chair.glb": 'attachment; filename="chair.glb"',
    'a "chair".glb': "attachment; filename=\"a _chair_.glb\"; filename*=UTF-8''a%20%22chair%22.glb",
    "стул.glb": "attachment; filename=\"____.glb\"; filename*=UTF-8''%D1%81%D1%82%D1%83%D0%BB.glb",
    "a\r\nSet-Cookie: b=c": 'attachment; filename="a__Set-Cookie: b=c"',
    "../../etc/passwd": 'attachment; filename="_.._etc_passwd"',
    "": 'attachment; filename="download"',
}


@pytest.mark.parametrize("name", NAMES)
async def test_a_download_has_its_name_and_type(store, get, name):
    url = store.download_url(upload(store, b"chair").key, name, "model/gltf-binary", time.time() + 60)
    status, headers, body = await get(url)
    assert (status, body) == (200, b"chair")
    assert headers["content-disposition"] == NAMES[name]
    assert headers["content-type"] == "model/gltf-binary"
    assert "set-cookie" not in headers


async def test_a_download_can_begin_anywhere(store, get):
    url = store.download_url(upload(store, DATA).key, "a.bin", "application/octet-stream", time.time() + 60)
    status, headers, body = await get(url, range="bytes=7000000-8999999")
    assert (status, body == DATA[7_000_000:9_000_000]) == (206, True)
    assert headers["content-range"] == f"bytes 7000000-8999999/{len(DATA)}"
    status, headers, body = await get(url, range="bytes=-10")
    assert (status, body) == (206, DATA[-10:])
    status, headers, body = await get(url, range=f"bytes={len(DATA)}-")
    assert status == 416


async def test_an_altered_or_expired_address_is_refused(store, get):
    key, other = upload(store, b"chair").key, upload(store, b"table", "upl_y").key
    url = store.download_url(key, "a.bin", "text/plain", time.time() + 60)
    quoted = urllib.parse.quote(key)
    for altered in (url.replace(quoted, urllib.parse.quote(other)), url.replace("plain", "html"), url.split("?")[0]):
        assert altered != url
        assert (await get(altered))[0] == 403
    url = store.download_url(key, "a.bin", "text/plain", time.time() + 1)
    await asyncio.sleep(2.1)
    assert (await get(url))[0] == 403
