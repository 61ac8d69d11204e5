"""UploadService: bytes in, over any number of calls. See protos/threed/v1/uploads.proto.

The row's committed_size is what was promised to be durable; the staging may hold more after a crash. Whoever writes
takes the row's next `writer` number first, and every record of progress names it, so of two writers one loses cleanly.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import google_crc32c
import grpc
import sqlalchemy as sa
from google.protobuf import empty_pb2, json_format

from threed import access, ids, sniffing
from threed.access import Caller
from threed.blobs import Blob
from threed.blobs.aio import AsyncStaging
from threed.errors import (
    FieldInvalid,
    FileEmpty,
    FileRefused,
    UploadBusy,
    UploadChunkCorrupt,
    UploadChunkInvalid,
    UploadClosed,
    UploadDigestMismatch,
    UploadOffsetMismatch,
    UploadSizeMismatch,
)
from threed.records import assets, ingest, requests, uploads
from threed.records.filters import Enum, Fields, Integer, Orders, Text, Timestamp
from threed.records.filters.fields import Id
from threed.records.paging import PageRequest, page
from threed.records.tables import uploads as table
from threed.services import Backend
from threed.services import assets as asset_service
from threed.status import to_json
from threed.v1 import assets_pb2, uploads_pb2, uploads_pb2_grpc
from threed.v1.uploads_pb2 import Upload

_ACKNOWLEDGE_BYTES = 8 << 20  # of a stream, at least this often

FIELDS = Fields(
    {
        "upload_id": Id(table.c.id, "upload"),
        "filename": Text(table.c.filename),
        "status": Enum(table.c.status, {name: name for name in Upload.Status.keys()}),
        "size_bytes": Integer(table.c.size_bytes),
        "committed_size": Integer(table.c.committed_size),
        "created_by": Text(table.c.created_by),
        "created_at": Timestamp(table.c.created_at),
        "expire_time": Timestamp(table.c.expire_time),
    },
    search=(table.c.filename,),
)
ORDERS = Orders({"created_at": table.c.created_at, "upload_id": table.c.id}, default="created_at desc", tie="upload_id")


class UploadService(uploads_pb2_grpc.UploadServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records
        self._lifetime_s = backend.settings.upload_idle_timeout_s

    async def CreateUpload(self, request: uploads_pb2.CreateUploadRequest, context: grpc.aio.ServicerContext) -> Upload:
        who, upload, settings = access.caller(), request.upload, self._backend.settings
        asset_service.check_filename(upload.filename, "upload.filename")
        asset_service.check_growth(upload.size_bytes, 0, settings.max_upload_bytes)
        metadata = asset_service.metadata_json(upload.metadata, "upload.metadata")
        if request.validate_only:
            return Upload(filename=upload.filename, max_chunk_bytes=settings.max_chunk_bytes, project=who.project)
        id = ids.uuid7()
        async with self._records.transaction() as connection:
            content = requests.digest("CreateUpload", request)
            made = await requests.first(connection, who.project, request.request_id, content, id)
            if made:
                return self._to_proto(await uploads.get(connection, who.project, made))
            row = await uploads.create(
                connection,
                self._lifetime_s,
                id=id,
                project=who.project,
                filename=upload.filename,
                size_bytes=upload.size_bytes,
                sha256=upload.sha256,
                display_name=upload.display_name,
                tags=list(upload.tags),
                metadata=metadata,
                import_options=asset_service.import_options(upload),
                created_by=who.subject,
            )
        return self._to_proto(row)

    async def GetUpload(self, request: uploads_pb2.GetUploadRequest, context: grpc.aio.ServicerContext) -> Upload:
        id = ids.parse("upload", request.upload_id)
        async with self._records.autocommit() as connection:
            return self._to_proto(await uploads.get(connection, access.caller().project, id))

    async def ListUploads(
        self, request: uploads_pb2.ListUploadsRequest, context: grpc.aio.ServicerContext
    ) -> uploads_pb2.ListUploadsResponse:
        project = access.caller().project
        statement = sa.select(table).where(table.c.project == project, FIELDS.where(request.filter))
        asked = PageRequest.of("threed.v1.UploadService.ListUploads", project, request)
        async with self._records.autocommit() as connection:
            found = await page(connection, statement, ORDERS.parse(""), asked, self._backend.pages)
        listed = [self._to_proto(row) for row in found.rows]
        return uploads_pb2.ListUploadsResponse(uploads=listed, next_page_token=found.next_token)

    async def WriteUpload(
        self, requests_in: AsyncIterator, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[uploads_pb2.WriteUploadResponse]:
        who = access.caller()
        first = await anext(aiter(requests_in), None)
        if first is None or first.data:
            sentence = "The first message of WriteUpload names the upload and carries no data."
            raise FieldInvalid(sentence, violations=(("upload_id", sentence),))
        id = ids.parse("upload", first.upload_id)
        async with self._writer(who, id) as (row, staging):
            committed = await self._advance(row, staging.size)
            yield uploads_pb2.WriteUploadResponse(committed_size=committed)
            finish = first.finish
            acknowledging: set[asyncio.Future] = set()  # at most one
            async for request in _interrupted(requests_in, acknowledging):
                for done in [future for future in acknowledging if future.done()]:
                    acknowledging.remove(done)
                    committed = done.result()
                    yield uploads_pb2.WriteUploadResponse(committed_size=committed)
                if request is None:
                    continue
                if request.data:
                    await self._append(row, staging, request.offset, request.data, request)
                finish = finish or request.finish
                if staging.size - committed >= _ACKNOWLEDGE_BYTES and not acknowledging and not finish:
                    # The database commits while the next bytes come in.
                    acknowledging.add(asyncio.ensure_future(self._advance(row, await staging.checkpoint())))
            await asyncio.gather(*acknowledging)
            committed = await self._advance(row, await staging.commit())
            if not finish:
                yield uploads_pb2.WriteUploadResponse(committed_size=committed)
                return
            asset = await self._finalize(who, row, staging)
            yield uploads_pb2.WriteUploadResponse(committed_size=committed, asset=asset)

    async def UploadChunk(self, request: uploads_pb2.UploadChunkRequest, context: grpc.aio.ServicerContext) -> Upload:
        who, id, data = access.caller(), ids.parse("upload", request.upload_id), request.media.data
        limit = self._backend.settings.max_chunk_bytes
        if not 0 < len(data) <= limit:
            sentence = f"A chunk has 1 to {limit} bytes; this one has {len(data)}."
            raise UploadChunkInvalid(sentence, max_chunk_bytes=limit, chunk_bytes=len(data))
        async with self._writer(who, id) as (row, staging):
            if request.offset + len(data) > staging.size:
                await self._append(row, staging, request.offset, data, request)
                await staging.commit()
            async with self._records.transaction() as connection:
                return self._to_proto(
                    await uploads.advance(connection, row.id, row.writer, staging.size, self._lifetime_s)
                )

    async def FinalizeUpload(
        self, request: uploads_pb2.FinalizeUploadRequest, context: grpc.aio.ServicerContext
    ) -> assets_pb2.Asset:
        who, id = access.caller(), ids.parse("upload", request.upload_id)
        async with self._records.autocommit() as connection:
            row = await uploads.get(connection, who.project, id)
            if row.status == "FINISHED":
                return asset_service.to_proto(await assets.get(connection, who.project, row.asset_id))
        async with self._writer(who, id) as (row, staging):
            return await self._finalize(who, row, staging)

    async def DeleteUpload(
        self, request: uploads_pb2.DeleteUploadRequest, context: grpc.aio.ServicerContext
    ) -> empty_pb2.Empty:
        who, id = access.caller(), ids.parse("upload", request.upload_id)
        async with self._records.transaction() as connection:
            row = await uploads.get(connection, who.project, id, for_update=True)
            if row.status == "OPEN":
                await uploads.finish(connection, id, row.writer, status="CANCELLED")
        staging = await self._backend.blobs.stage(id.hex)
        await staging.discard()
        await staging.close()
        return empty_pb2.Empty()

    @contextlib.asynccontextmanager
    async def _writer(self, who: Caller, id: uuid.UUID) -> AsyncIterator[tuple[sa.Row, AsyncStaging]]:
        """Take the upload over, and open its bytes. Raises NotFound, UploadClosed."""
        async with self._records.transaction() as connection:
            row = await uploads.take(connection, who.project, id)
        staging = await self._backend.blobs.stage(id.hex, row.committed_size)
        try:
            yield row, staging
        except (UploadBusy, UploadClosed) as error:
            # The store noticed the other writer first, and knows no public id.
            raise uploads.busy(id) from error
        finally:
            await asyncio.shield(staging.close())

    async def _append(
        self,
        row: sa.Row,
        staging: AsyncStaging,
        offset: int,
        data: bytes,
        request: uploads_pb2.WriteUploadRequest | uploads_pb2.UploadChunkRequest,
    ) -> None:
        """Check one chunk in every way, then take it."""
        if offset != staging.size:
            sentence = (
                f"The upload has {staging.size} bytes, but the chunk starts at {offset}. Go on at {staging.size}."
            )
            raise UploadOffsetMismatch(sentence, committed_size=staging.size, offset=offset)
        if request.HasField("crc32c") and google_crc32c.value(data) != request.crc32c:
            sentence = f"The chunk at {offset} does not have the CRC32C {request.crc32c}. Send it again."
            raise UploadChunkCorrupt(sentence, offset=offset, crc32c=request.crc32c)
        size, limit = staging.size + len(data), self._backend.settings.max_upload_bytes
        asset_service.check_growth(size, row.size_bytes, limit)
        await staging.append(offset, data)

    async def _advance(self, row: sa.Row, committed: int) -> int:
        """Record and answer what is durable. Raises UploadBusy when another writer took over."""
        async with self._records.transaction() as connection:
            changed = await uploads.advance(connection, row.id, row.writer, committed, self._lifetime_s)
        return changed.committed_size

    async def _finalize(self, who: Caller, row: sa.Row, staging: AsyncStaging) -> assets_pb2.Asset:
        """Seal the bytes and make the asset. A refusal of the content makes the upload FAILED."""
        if row.size_bytes and staging.size != row.size_bytes:
            sentence = f"The upload has {staging.size} of the declared {row.size_bytes} bytes. Send the rest first."
            raise UploadSizeMismatch(sentence, committed_size=staging.size, declared_size=row.size_bytes)
        try:
            if staging.size == 0:
                raise FileEmpty("The upload has no bytes. Send the file's content.", filename=row.filename)
            blob = await staging.seal(row.size_bytes or None, row.sha256 or None)
            head = await self._head(blob)
            sniffing.check(head, blob.size, row.filename)
        except (FileRefused, UploadDigestMismatch) as error:
            async with self._records.transaction() as connection:
                await uploads.finish(connection, row.id, row.writer, status="FAILED", error=to_json(error))
            await staging.discard()
            raise
        asset = await self._become_asset(who, row, blob)
        await staging.discard()
        self._backend.queue.hint("ingest", asset.job_id)
        return asset_service.to_proto(asset)

    async def _become_asset(self, who: Caller, row: sa.Row, blob: Blob) -> sa.Row:
        id = ids.uuid7()
        async with self._records.transaction() as connection:
            done = await uploads.finish(connection, row.id, row.writer, status="FINISHED", asset_id=id)
            if done is None:
                now = await uploads.get(connection, who.project, row.id)
                if now.status == "FINISHED":
                    return await assets.get(connection, who.project, now.asset_id)
                raise uploads.busy(row.id)
            return await ingest.begin(
                connection,
                id=id,
                project=who.project,
                blob=blob,
                max_attempts=self._backend.settings.job_max_attempts,
                filename=row.filename,
                display_name=row.display_name or row.filename,
                tags=row.tags,
                metadata=row.metadata,
                import_options=row.import_options,
                created_by=row.created_by,
            )

    async def _head(self, blob: Blob) -> bytes:
        pieces = [piece async for piece in self._backend.blobs.open_range(blob.key, 0, sniffing.HEAD_BYTES)]
        return b"".join(pieces)

    def _to_proto(self, row: sa.Row) -> Upload:
        return Upload(
            upload_id=ids.write("upload", row.id),
            filename=row.filename,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            committed_size=row.committed_size,
            status=row.status,
            expire_time=row.expire_time,
            max_chunk_bytes=self._backend.settings.max_chunk_bytes,
            asset_id=ids.write("asset", row.asset_id) if row.asset_id else "",
            display_name=row.display_name,
            tags=row.tags,
            metadata=row.metadata,
            import_options=row.import_options,
            error=json_format.ParseDict(row.error, Upload().error) if row.error else None,
            created_by=row.created_by,
            project=row.project,
            created_at=row.created_at,
        )


async def _interrupted(
    requests_in: AsyncIterator, futures: set[asyncio.Future]
) -> AsyncIterator[uploads_pb2.WriteUploadRequest | None]:
    """The requests, and None whenever one of the futures is done before the next request is here."""
    requests_in = aiter(requests_in)
    receiving = asyncio.ensure_future(anext(requests_in, None))
    try:
        while True:
            await asyncio.wait({receiving, *futures}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                yield None
                continue
            request = receiving.result()
            if request is None:
                return
            receiving = asyncio.ensure_future(anext(requests_in, None))
            yield request
    finally:
        receiving.cancel()
