"""Uploads that are interrupted: by callers, by other doors, by a restart of everything."""

from __future__ import annotations

import contextlib
import hashlib

import google_crc32c
import pytest
from tests.end_to_end.doors import Grpc, Rest, get
from tests.end_to_end.job import model
from tests.servers.folder import short_folder
from tests.stack import running_stack

from threed.v1.uploads_pb2 import Upload, UploadChunkRequest, WriteUploadRequest


def long_model(size: int) -> bytes:
    """A valid GLB of about `size` bytes, most of them spaces after its JSON."""
    data = model()
    padding = size - size % 4
    length = int.from_bytes(data[12:16], "little")
    grown = bytearray(data[:20] + data[20 : 20 + length] + b" " * padding + data[20 + length :])
    grown[12:16] = (length + padding).to_bytes(4, "little")
    grown[8:12] = len(grown).to_bytes(4, "little")
    return bytes(grown)


def chunk(door: Grpc | Rest, upload_id: str, offset: int, data: bytes, **fields: int) -> Upload:
    request = UploadChunkRequest(upload_id=upload_id, offset=offset, media={"data": data}, **fields)
    return door("UploadChunk", request)


def test_an_upload_goes_in_by_chunks_each_with_its_checksum(door, refused):
    data = long_model(3000)
    upload = door("CreateUpload", upload={"filename": "m.glb", "size_bytes": len(data), "tags": ["chunked"]})
    assert (upload.status, upload.committed_size) == (Upload.OPEN, 0)
    head, rest_ = data[:1000], data[1000:]
    assert chunk(door, upload.upload_id, 0, head, crc32c=google_crc32c.value(head)).committed_size == 1000
    # A chunk that came already is no error, a wrong one changes nothing
    assert chunk(door, upload.upload_id, 0, head).committed_size == 1000
    with refused("UPLOAD_CHUNK_CORRUPT"):
        chunk(door, upload.upload_id, 1000, rest_, crc32c=1)
    with refused("UPLOAD_OFFSET_MISMATCH") as refusal:
        chunk(door, upload.upload_id, 1001, rest_)
    assert refusal.value.metadata["committed_size"] == "1000"
    with refused("UPLOAD_SIZE_MISMATCH"):
        door("FinalizeUpload", upload_id=upload.upload_id)
    assert chunk(door, upload.upload_id, 1000, rest_).committed_size == len(data)
    # Finalizing twice gives the same asset
    asset = door("FinalizeUpload", upload_id=upload.upload_id)
    assert door("FinalizeUpload", upload_id=upload.upload_id).asset_id == asset.asset_id
    assert (asset.sha256, list(asset.tags)) == (hashlib.sha256(data).hexdigest(), ["chunked"])
    assert door("GetUpload", upload_id=upload.upload_id).asset_id == asset.asset_id
    with refused("UPLOAD_CLOSED"):
        chunk(door, upload.upload_id, len(data), b"more")


def test_an_upload_with_another_digest_is_not_stored(door, refused):
    upload = door("CreateUpload", upload={"filename": "m.glb", "sha256": "0" * 64})
    chunk(door, upload.upload_id, 0, model())
    with refused("UPLOAD_DIGEST_MISMATCH"):
        door("FinalizeUpload", upload_id=upload.upload_id)
    failed = door("GetUpload", upload_id=upload.upload_id)
    assert (failed.status, failed.asset_id) == (Upload.FAILED, "")


def test_a_deleted_upload_takes_nothing_more(door, refused):
    upload = door("CreateUpload", upload={"filename": "m.glb"})
    chunk(door, upload.upload_id, 0, b"glTF")
    door("DeleteUpload", upload_id=upload.upload_id)
    door("DeleteUpload", upload_id=upload.upload_id)
    assert door("GetUpload", upload_id=upload.upload_id).status == Upload.CANCELLED
    with refused("UPLOAD_CLOSED"):
        chunk(door, upload.upload_id, 4, b"more")


def test_uploads_are_listed_by_their_state(door):
    upload = door("CreateUpload", upload={"filename": "listed.glb"})
    listed = door("ListUploads", filter='filename="listed.glb" AND status=OPEN', page_size=1).uploads
    assert [each.upload_id for each in listed] == [upload.upload_id]


def test_an_upload_that_began_by_rest_ends_by_grpc(rest, grpc_door):
    # Given the first half, sent over REST
    data = long_model(100_000)
    upload = rest("CreateUpload", upload={"filename": "m.glb"})
    chunk(rest, upload.upload_id, 0, data[:50_000])
    # When the rest is streamed
    asset = streamed(grpc_door, upload.upload_id, data)
    # Then the asset is whole
    assert asset.sha256 == hashlib.sha256(data).hexdigest()


def streamed(door: Grpc, upload_id: str, data: bytes):
    """Send what is missing by WriteUpload, and finish."""
    committed = door("GetUpload", upload_id=upload_id).committed_size
    *_, last = door.talk(
        "WriteUpload",
        [
            WriteUploadRequest(upload_id=upload_id),
            *(
                WriteUploadRequest(offset=at, data=piece, crc32c=google_crc32c.value(piece))
                for at in range(committed, len(data), 1 << 18)
                for piece in [data[at : at + (1 << 18)]]
            ),
            WriteUploadRequest(finish=True),
        ],
    )
    return last.asset


def test_an_upload_survives_a_restart_of_everything():
    # Given a stack with half an upload, sent by REST in chunks
    data = long_model(5 << 20)
    half = 3 << 20
    with short_folder() as folder:
        with running_stack(folder) as stack:
            rest = Rest(stack.address, stack.token())
            upload = rest("CreateUpload", upload={"filename": "m.glb", "size_bytes": len(data)})
            for at in range(0, half, 1 << 20):
                chunk(rest, upload.upload_id, at, data[at : at + (1 << 20)])
        # When the whole stack is stopped and started again
        with running_stack(folder) as stack, contextlib.closing(Grpc(stack.address, stack.token())) as door:
            assert door("GetUpload", upload_id=upload.upload_id).committed_size == half
            # And the rest is streamed by gRPC
            asset = streamed(door, upload.upload_id, data)
            # Then the asset is whole, and is looked at
            *_, last = door.watch("WatchAsset", asset_id=asset.asset_id)
            assert last.asset.model.triangle_count == 1
            assert get(door("GetAssetDownloadUrl", asset_id=asset.asset_id).url).body == data


BAD_NAMES = ["../up.glb", "a/b.glb", "a\\b.glb", "nul\0.glb", "line\n.glb", "..", ""]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_is_never_a_path(door, refused, name):
    with refused("FIELD_INVALID") as refusal:
        door("CreateUpload", upload={"filename": name})
    assert list(refusal.value.violations) == ["upload.filename"]
