"""UploadService: bytes over any number of calls, connections and writers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid

import google_crc32c
import grpc
import pytest
from tests.services.door import Door, refused, tiny_glb

from threed.v1 import uploads_pb2
from threed.v1.uploads_pb2 import Upload

DATA = tiny_glb(3_000_000)


async def create(door: Door, **fields) -> Upload:
    request = uploads_pb2.CreateUploadRequest(upload={"filename": "box.glb", **fields})
    return await door.uploads.CreateUpload(request, metadata=door.who())


async def put(door: Door, upload: Upload, offset: int, data: bytes, **fields) -> Upload:
    fields.setdefault("crc32c", google_crc32c.value(data))
    request = uploads_pb2.UploadChunkRequest(
        upload_id=upload.upload_id,
        offset=offset,
        media={"data": data},
        **{"crc32c": google_crc32c.value(data), **fields},
    )
    return await door.uploads.UploadChunk(request, metadata=door.who())


async def status(door: Door, upload: Upload) -> Upload:
    return await door.uploads.GetUpload(
        uploads_pb2.GetUploadRequest(upload_id=upload.upload_id), metadata=door.who("viewer")
    )


async def finalize(door: Door, upload: Upload):
    request = uploads_pb2.FinalizeUploadRequest(upload_id=upload.upload_id)
    return await door.uploads.FinalizeUpload(request, metadata=door.who())


async def write(door: Door, upload: Upload, data: bytes, *, finish: bool = False, stop_after: int | None = None):
    """One WriteUpload call from where the server is; ends without finishing after `stop_after` bytes."""
    call = door.uploads.WriteUpload(metadata=door.who())
    await call.write(uploads_pb2.WriteUploadRequest(upload_id=upload.upload_id))
    at = (await call.read()).committed_size
    while at < len(data) and (stop_after is None or at < stop_after):
        piece = data[at : at + (1 << 20)]
        await call.write(uploads_pb2.WriteUploadRequest(offset=at, data=piece, crc32c=google_crc32c.value(piece)))
        at += len(piece)
    if finish:
        await call.write(uploads_pb2.WriteUploadRequest(finish=True))
    await call.done_writing()
    return (await rest(call))[-1]


async def rest(call) -> list:
    """The responses that are still to come."""
    responses = []
    while (response := await call.read()) is not grpc.aio.EOF:
        responses.append(response)
    return responses


async def test_chunks_become_an_asset(door: Door):
    upload = await create(door, size_bytes=len(DATA), sha256=hashlib.sha256(DATA).hexdigest(), tags=["x"])
    assert (upload.status, upload.committed_size, upload.max_chunk_bytes) == (Upload.OPEN, 0, 8 << 20)
    for start in range(0, len(DATA), 1 << 20):
        upload = await put(door, upload, start, DATA[start : start + (1 << 20)])
    assert upload.committed_size == len(DATA)
    asset = await finalize(door, upload)
    assert (asset.sha256, list(asset.tags)) == (hashlib.sha256(DATA).hexdigest(), ["x"])
    assert (await finalize(door, upload)).asset_id == asset.asset_id
    done = await status(door, upload)
    assert (done.status, done.asset_id) == (Upload.FINISHED, asset.asset_id)
    with refused("UPLOAD_CLOSED"):
        await put(door, upload, len(DATA), b"x")


async def test_an_interrupted_upload_continues_where_it_stopped_through_the_other_door(door: Door):
    upload = await create(door)
    broken = await write(door, upload, DATA, stop_after=1 << 20)
    assert broken.committed_size == 1 << 20
    at = (await status(door, upload)).committed_size
    await put(door, upload, at, DATA[at : at + 1000])
    last = await write(door, upload, DATA, finish=True)
    assert last.asset.sha256 == hashlib.sha256(DATA).hexdigest()


async def test_a_long_stream_is_acknowledged_on_the_way(door: Door):
    data = os.urandom(20 << 20)
    upload = await create(door)
    call = door.uploads.WriteUpload(metadata=door.who())
    await call.write(uploads_pb2.WriteUploadRequest(upload_id=upload.upload_id))
    for start in range(0, len(data), 1 << 20):
        await call.write(uploads_pb2.WriteUploadRequest(offset=start, data=data[start : start + (1 << 20)]))
        await asyncio.sleep(0.05)  # a network: what is written meanwhile can be acknowledged
    await call.done_writing()
    committed = [response.committed_size for response in await rest(call)]
    assert committed[0] == 0 and committed[-1] == len(data)
    assert committed == sorted(committed) and any(0 < size < len(data) for size in committed)


async def test_a_corrupt_chunk_changes_nothing_and_can_be_sent_again(door: Door):
    upload = await create(door)
    with refused("UPLOAD_CHUNK_CORRUPT") as refusal:
        await put(door, upload, 0, b"glTF", crc32c=1)
    assert refusal.code == grpc.StatusCode.DATA_LOSS
    assert (await status(door, upload)).committed_size == 0
    assert (await put(door, upload, 0, b"glTF")).committed_size == 4


async def test_a_chunk_elsewhere_is_told_where_to_go_on(door: Door):
    upload = await create(door)
    await put(door, upload, 0, DATA[:100])
    with refused("UPLOAD_OFFSET_MISMATCH") as refusal:
        await put(door, upload, 200, DATA[200:300])
    assert refusal.metadata["committed_size"] == "100"
    assert (await put(door, upload, 0, DATA[:100])).committed_size == 100, "a repeated chunk is no error"


@pytest.mark.parametrize("size", [0, (8 << 20) + 1])
async def test_a_chunk_that_is_empty_or_too_large_is_refused(door: Door, size: int):
    upload = await create(door)
    with refused("UPLOAD_CHUNK_INVALID"):
        await put(door, upload, 0, bytes(size))


async def test_more_bytes_than_declared_are_refused(door: Door):
    upload = await create(door, size_bytes=10)
    with refused("UPLOAD_SIZE_MISMATCH"):
        await put(door, upload, 0, bytes(11))
    await put(door, upload, 0, DATA[:9])
    with refused("UPLOAD_SIZE_MISMATCH"):
        await finalize(door, upload)
    assert (await status(door, upload)).status == Upload.OPEN, "the rest can still be sent"


async def test_a_wrong_digest_fails_the_upload_for_good(door: Door):
    upload = await create(door, sha256="0" * 64)
    await put(door, upload, 0, DATA[:100])
    with refused("UPLOAD_DIGEST_MISMATCH"):
        await finalize(door, upload)
    failed = await status(door, upload)
    assert failed.status == Upload.FAILED and failed.error.code == grpc.StatusCode.DATA_LOSS.value[0]


async def test_an_unreadable_file_fails_at_the_end_with_the_reason(door: Door):
    upload = await create(door)
    await put(door, upload, 0, b"\x7fELF" + bytes(100))
    with refused("FILE_FORMAT_UNKNOWN"):
        await finalize(door, upload)
    with refused("UPLOAD_CLOSED"):
        await finalize(door, upload)


async def test_a_later_writer_takes_over_and_the_first_is_told(door: Door):
    upload = await create(door)
    first = door.uploads.WriteUpload(metadata=door.who())
    await first.write(uploads_pb2.WriteUploadRequest(upload_id=upload.upload_id))
    assert (await first.read()).committed_size == 0
    last = await write(door, upload, DATA, finish=True)
    assert last.asset.size_bytes == len(DATA)
    with refused("UPLOAD_BUSY"):
        await first.write(uploads_pb2.WriteUploadRequest(offset=0, data=b"late"))
        await first.done_writing()
        await rest(first)


async def test_two_finalizers_make_one_asset(door: Door):
    upload = await create(door)
    await put(door, upload, 0, DATA)
    answers = await asyncio.gather(finalize(door, upload), finalize(door, upload), return_exceptions=True)
    made = {answer.asset_id for answer in answers if not isinstance(answer, BaseException)}
    made.add((await finalize(door, upload)).asset_id)
    assert len(made) == 1


async def test_creating_twice_with_one_request_id_gives_one_upload(door: Door):
    request = uploads_pb2.CreateUploadRequest(upload={"filename": "a.glb"}, request_id=str(uuid.uuid4()))
    first = await door.uploads.CreateUpload(request, metadata=door.who())
    assert (await door.uploads.CreateUpload(request, metadata=door.who())).upload_id == first.upload_id
    request.upload.filename = "b.glb"
    with refused("REQUEST_ID_REUSED"):
        await door.uploads.CreateUpload(request, metadata=door.who())


async def test_validate_only_creates_nothing(door: Door):
    request = uploads_pb2.CreateUploadRequest(upload={"filename": "a.glb"}, validate_only=True)
    assert not (await door.uploads.CreateUpload(request, metadata=door.who())).upload_id
    listed = await door.uploads.ListUploads(uploads_pb2.ListUploadsRequest(), metadata=door.who())
    assert not listed.uploads
    request.upload.size_bytes = 1 << 40
    with refused("UPLOAD_TOO_LARGE"):
        await door.uploads.CreateUpload(request, metadata=door.who())


async def test_a_deleted_upload_frees_its_bytes(door: Door):
    upload = await create(door)
    await put(door, upload, 0, DATA)
    delete = uploads_pb2.DeleteUploadRequest(upload_id=upload.upload_id)
    await door.uploads.DeleteUpload(delete, metadata=door.who())
    await door.uploads.DeleteUpload(delete, metadata=door.who())
    assert (await status(door, upload)).status == Upload.CANCELLED
    assert not list((door.backend.settings.blobs / "staging").iterdir())
    with refused("NOT_FOUND"):
        await door.uploads.DeleteUpload(delete, metadata=door.who(project="other"))


async def test_a_stream_must_begin_with_the_upload(door: Door):
    call = door.uploads.WriteUpload(metadata=door.who())
    with refused("FIELD_INVALID"):
        await call.write(uploads_pb2.WriteUploadRequest(data=b"x"))
        await call.done_writing()
        await rest(call)


async def test_metadata_is_bounded_before_the_first_byte(door: Door):
    with refused("FIELD_INVALID") as refusal:
        await create(door, metadata={"text": "x" * (64 << 10)})
    assert "upload.metadata" in refusal.violations
