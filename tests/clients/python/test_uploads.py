"""Uploads in one call, and uploads that survive what happens to connections."""

from __future__ import annotations

import hashlib
import io
import os

import pytest
from tests.clients.python.samples import glb

from threed import errors as served
from threed_client import Client, Upload
from threed_client.errors import DataLoss, InvalidArgument, Unauthenticated
from threed_client.uploads import WINDOW_BYTES

MIB = 1 << 20


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored(server, asset) -> bytes:
    return server.files.contents[asset.asset_id]


def test_a_small_file_goes_in_one_call(any_client, tmp_path):
    path = tmp_path / "chair.glb"
    path.write_bytes(glb())
    asset = any_client.assets.upload(path, display_name="A chair", tags=["chair"])
    assert (asset.filename, asset.sha256) == ("chair.glb", digest(glb()))
    assert asset.tags == ["chair"]


def test_a_large_file_goes_through_a_resumable_upload(any_client, tmp_path):
    path = tmp_path / "hall.glb"
    path.write_bytes(glb(20 * MIB))
    seen = []
    asset = any_client.assets.upload(path, metadata={"author": "Ada", "year": 1843}, progress=lambda *p: seen.append(p))
    size = path.stat().st_size
    assert (asset.sha256, asset.metadata.to_dict()) == (digest(path.read_bytes()), {"author": "Ada", "year": 1843})
    assert seen[-1] == (size, size)


def test_a_stream_without_a_size_is_uploaded(client, server):
    read, write = os.pipe()
    data = glb(50_000)
    with open(write, "wb") as end:
        end.write(data)
    with open(read, "rb") as pipe:
        asset = client.assets.upload(pipe, filename="pipe.glb")
    assert stored(server, asset) == data


def test_a_file_object_needs_a_name(client):
    with pytest.raises(ValueError, match="filename"):
        client.assets.upload(io.BytesIO(b"x"))


def test_an_empty_file_is_refused_with_its_reason(any_client):
    with pytest.raises(InvalidArgument) as refused:
        any_client.assets.upload(io.BytesIO(), filename="nothing.glb")
    assert refused.value.reason == "FILE_EMPTY"


def test_a_small_upload_is_repeated_with_the_same_request_id_while_the_server_is_away(client, server):
    server.faults["UploadAsset"] = [served.Unavailable("away"), served.Unavailable("away")]
    client.assets.upload(io.BytesIO(glb()), filename="a.glb")
    request_ids = {request.request_id for request in server.called("UploadAsset")}
    assert len(server.called("UploadAsset")) == 3
    assert len(request_ids) == 1 and "" not in request_ids


def test_an_upload_that_breaks_goes_on_from_the_committed_offset(client, server):
    # Given a server that dies after 13 MiB, of which it has committed 8, and again after 5 more
    data = glb(30 * MIB)
    server.break_writes = [13 * MIB, 5 * MIB]
    # When the file is uploaded
    asset = client.assets.upload(io.BytesIO(data), filename="hall.glb")
    # Then it is whole, and only what was not committed came twice
    assert stored(server, asset) == data
    assert len(server.called("WriteUpload")) == 3
    assert len(data) + 5 * MIB <= server.received_bytes <= len(data) + 10 * MIB + 2 * MIB


def test_a_pipe_that_breaks_is_sent_again_from_memory(client, server):
    data = glb(12 * MIB)
    server.break_writes = [3 * MIB]

    class Pipe(io.BytesIO):
        def seek(self, *arguments):
            raise OSError("not seekable")

    asset = client.assets.upload(Pipe(data), filename="pipe.glb")
    assert stored(server, asset) == data


def test_a_corrupt_chunk_is_sent_again(client, server):
    server.faults["WriteUpload.chunk"] = [served.UploadChunkCorrupt("The chunk's CRC32C is wrong.")]
    asset = client.assets.upload(io.BytesIO(glb(9 * MIB)), filename="a.glb")
    assert stored(server, asset) == glb(9 * MIB)


def test_chunks_carry_the_crc32c_that_the_server_checks(client, server, monkeypatch):
    # Given a line that flips a bit for the first chunk, behind the checksum
    monkeypatch.setattr("google_crc32c.value", _wrong_once(__import__("google_crc32c").value))
    # When a file is uploaded, Then the server refuses the chunk and takes it the second time
    asset = client.assets.upload(io.BytesIO(glb(9 * MIB)), filename="a.glb")
    assert stored(server, asset) == glb(9 * MIB)
    assert len(server.called("WriteUpload")) == 2


def _wrong_once(checksum):
    wrong = [True]

    def value(data):
        return checksum(data) ^ wrong.pop() if wrong else checksum(data)

    return value


def test_a_lost_answer_to_the_last_message_still_gives_the_asset(client, server):
    server.faults["WriteUpload.answer"] = [served.Unavailable("The server is stopping.")]
    asset = client.assets.upload(io.BytesIO(glb(9 * MIB)), filename="a.glb")
    assert len(server.assets) == 1
    assert stored(server, asset) == glb(9 * MIB)


def test_the_next_process_goes_on_with_the_same_file(client, server, tmp_path, monkeypatch):
    # Given an upload that dies for good after 18 MiB
    path = tmp_path / "hall.glb"
    path.write_bytes(glb(24 * MIB))
    monkeypatch.setattr("threed_client.uploads.PATIENCE_S", 0.0)
    server.break_writes = [18 * MIB]
    with pytest.raises(Exception, match="stopping"):
        client.assets.upload(path)
    # When another client uploads the same file
    with Client(server.url, "a-good-token") as another:
        asset = another.assets.upload(path)
    # Then it finished the same upload, with the bytes that were missing
    assert len(server.uploads) == 1
    assert stored(server, asset) == path.read_bytes()
    assert server.received_bytes < path.stat().st_size + 4 * MIB
    assert not any((tmp_path / "state/threed/uploads").iterdir())


def test_a_changed_file_is_a_new_upload(client, server, tmp_path, monkeypatch):
    path = tmp_path / "hall.glb"
    path.write_bytes(glb(9 * MIB))
    monkeypatch.setattr("threed_client.uploads.PATIENCE_S", 0.0)
    server.break_writes = [MIB]
    with pytest.raises(Exception, match="stopping"):
        client.assets.upload(path)
    os.utime(path, (1, 1))
    client.assets.upload(path)
    assert len(server.uploads) == 2


def test_an_upload_by_id_is_resumed_from_what_the_server_has(client, server, tmp_path):
    data = glb(10 * MIB)
    path = tmp_path / "a.glb"
    path.write_bytes(data)
    upload = client.uploads.create(Upload(filename="a.glb"))
    server.contents[upload.upload_id] += data[: 3 * MIB + 17]
    server.uploads[upload.upload_id].committed_size = 3 * MIB + 17
    asset = client.uploads.resume(upload.upload_id, path)
    assert stored(server, asset) == data
    assert server.received_bytes == len(data) - 3 * MIB - 17


def test_another_file_cannot_finish_an_upload(client, server):
    upload = client.uploads.create(Upload(filename="a.glb"))
    server.contents[upload.upload_id] += b"x" * 1000
    server.uploads[upload.upload_id].committed_size = 1000
    with pytest.raises(DataLoss, match="SHA-256") as refused:
        client.uploads.resume(upload.upload_id, io.BytesIO(glb(MIB)))
    assert refused.value.reason == "UPLOAD_DIGEST_MISMATCH"


def test_a_shorter_file_cannot_finish_an_upload(client, server):
    upload = client.uploads.create(Upload(filename="a.glb"))
    server.contents[upload.upload_id] += b"x" * 1000
    server.uploads[upload.upload_id].committed_size = 1000
    with pytest.raises(DataLoss, match="not the file"):
        client.uploads.resume(upload.upload_id, io.BytesIO(b"x" * 10))


def test_the_sender_stays_within_its_window(client, server, monkeypatch):
    # Given a server that commits nothing before the end
    monkeypatch.setattr("tests.clients.python.standin.COMMIT_BYTES", 1 << 40)
    sent = []
    upload = client.uploads.create(Upload(filename="a.glb"))
    with pytest.raises(Exception, match="Deadline"):
        client.within(2).uploads.resume(
            upload.upload_id, io.BytesIO(bytes(40 * MIB)), progress=lambda n, _: sent.append(n)
        )
    assert max(sent) <= WINDOW_BYTES


def test_a_file_that_cannot_be_read_ends_the_upload(client):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        client.assets.upload(Broken(b"abc"), filename="a.glb", resumable=True)


def test_a_refused_token_is_not_tried_again(server):
    with Client(server.url, "forged") as stranger, pytest.raises(Unauthenticated) as refused:
        stranger.assets.upload(io.BytesIO(glb()), filename="a.glb")
    assert refused.value.reason == "TOKEN_MISSING"
    assert len(server.calls) == 1
