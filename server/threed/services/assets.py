"""AssetService: files in, and what is known about them. See protos/threed/v1/assets.proto."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any

import grpc
import sqlalchemy as sa
from google.protobuf import json_format, struct_pb2

from threed import access, ids, sniffing
from threed.access import Caller
from threed.blobs import Blob
from threed.blobs.aio import AsyncStaging
from threed.errors import (
    AssetDeleted,
    FieldInvalid,
    FileEmpty,
    InUse,
    NotDeleted,
    OutputMissing,
    UploadSizeMismatch,
    UploadTooLarge,
)
from threed.events import Kind, Tick
from threed.records import assets, ingest, requests
from threed.records.filters import Enum, Fields, Integer, Orders, Struct, Text, TextList, Timestamp
from threed.records.filters.fields import Id, JsonList, json_count
from threed.records.paging import PageRequest, page
from threed.records.tables import assets as table
from threed.records.tables import jobs
from threed.services import Backend, masks
from threed.services.watching import until_token_expires
from threed.v1 import access_pb2, assets_pb2, assets_pb2_grpc, uploads_pb2
from threed.v1.assets_pb2 import Asset, AssetFile

_MODEL_COUNTS = [field.name for field in assets_pb2.Model.DESCRIPTOR.fields if field.name.endswith("_count")]
_MAX_METADATA_BYTES = 64 << 10

FIELDS = Fields(
    {
        "asset_id": Id(table.c.id, "asset"),
        "display_name": Text(table.c.display_name),
        "filename": Text(table.c.filename),
        "asset_type": Enum(table.c.asset_type, {name: name for name in Asset.Type.keys()}),
        "file_format": Text(table.c.file_format),
        "size_bytes": Integer(table.c.size_bytes),
        "sha256": Text(table.c.sha256),
        "status": Enum(table.c.status, {name: name for name in Asset.Status.keys()}),
        "tags": TextList(table.c.tags),
        "metadata": Struct(table.c.metadata),
        "created_by": Text(table.c.created_by),
        "upload_timestamp": Timestamp(table.c.upload_timestamp),
        "update_time": Timestamp(table.c.update_time),
        "delete_time": Timestamp(table.c.delete_time),
        **{f"model.{name}": Integer(json_count(table.c.model, name)) for name in _MODEL_COUNTS},
        "model.extensions_used": JsonList(table.c.model["extensions_used"]),
        "validation.error_count": Integer(json_count(table.c.validation, "error_count")),
        "validation.warning_count": Integer(json_count(table.c.validation, "warning_count")),
    },
    search=(table.c.display_name, table.c.filename),
)
ORDERS = Orders(
    {
        "upload_timestamp": table.c.upload_timestamp,
        "update_time": table.c.update_time,
        "display_name": table.c.display_name,
        "size_bytes": table.c.size_bytes,
        "file_format": table.c.file_format,
        "asset_id": table.c.id,
    },
    default="upload_timestamp desc",
    tie="asset_id",
)


class AssetService(assets_pb2_grpc.AssetServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def UploadAsset(self, requests_in: AsyncIterator, context: grpc.aio.ServicerContext) -> Asset:
        who = access.caller()
        # A task of its own: a caller who leaves while the staging is being made must not leave it behind.
        opening = asyncio.ensure_future(self._backend.blobs.stage(uuid.uuid4().hex))
        try:
            staging = await asyncio.shield(opening)
            first, head = await self._receive(requests_in, staging)
            # A stream that broke ends like a whole one in grpc.aio; only talking back finds out (CancelledError).
            await context.send_initial_metadata(())
            sniffing.check(head, staging.size, first.filename)
            blob = await staging.seal(first.size_bytes or None, first.sha256 or None)
            row = await self._create(who, first, blob)
        finally:
            await asyncio.shield(_put_away(opening))
        self._backend.queue.hint("ingest", row.job_id)
        return to_proto(row)

    async def GetAsset(self, request: assets_pb2.GetAssetRequest, context: grpc.aio.ServicerContext) -> Asset:
        id = ids.parse("asset", request.asset_id)
        async with self._records.autocommit() as connection:
            return to_proto(await assets.get(connection, access.caller().project, id))

    async def ListAssets(
        self, request: assets_pb2.ListAssetsRequest, context: grpc.aio.ServicerContext
    ) -> assets_pb2.ListAssetsResponse:
        project = access.caller().project
        statement = sa.select(table).where(table.c.project == project, FIELDS.where(request.filter))
        if not request.show_deleted:
            statement = statement.where(table.c.delete_time.is_(None))
        asked = PageRequest.of("threed.v1.AssetService.ListAssets", project, request)
        async with self._records.autocommit() as connection:
            found = await page(connection, statement, ORDERS.parse(request.order_by), asked, self._backend.pages)
        listed = [to_proto(row, issues=False) for row in found.rows]
        return assets_pb2.ListAssetsResponse(assets=listed, next_page_token=found.next_token)

    async def UpdateAsset(self, request: assets_pb2.UpdateAssetRequest, context: grpc.aio.ServicerContext) -> Asset:
        id = ids.parse("asset", request.asset.asset_id, "asset.asset_id")
        async with self._records.transaction() as connection:
            row = await assets.get(connection, access.caller().project, id, for_update=True)
            masks.check_etag(request.asset.etag, etag(row))
            asset = to_proto(row)
            if not masks.apply(asset, request.asset, request.update_mask, {"display_name", "tags", "metadata"}):
                return asset
            metadata = metadata_json(asset.metadata, "asset.metadata")
            values = {"display_name": asset.display_name, "tags": list(asset.tags), "metadata": metadata}
            return to_proto(await assets.change(connection, id, **values))

    async def DeleteAsset(self, request: assets_pb2.DeleteAssetRequest, context: grpc.aio.ServicerContext) -> Asset:
        who, id = access.caller(), ids.parse("asset", request.asset_id)
        if request.purge:
            who.require(access_pb2.ADMIN)
        async with self._records.transaction() as connection:
            row = await assets.get(connection, who.project, id, for_update=True)
            masks.check_etag(request.etag, etag(row))
            if not request.force:
                await _refuse_if_used(connection, who.project, id)
            if request.purge:
                await assets.purge(connection, id)
            elif row.delete_time is None:
                purge_time = self._backend.from_now(self._backend.settings.delete_retention_s)
                row = await assets.delete(connection, id, purge_time)
            return to_proto(row)

    async def UndeleteAsset(self, request: assets_pb2.UndeleteAssetRequest, context: grpc.aio.ServicerContext) -> Asset:
        id = ids.parse("asset", request.asset_id)
        async with self._records.transaction() as connection:
            row = await assets.get(connection, access.caller().project, id, for_update=True)
            if row.delete_time is None:
                raise NotDeleted(f"The asset {request.asset_id} is not deleted.", asset_id=request.asset_id)
            return to_proto(await assets.undelete(connection, id))

    async def WatchAsset(
        self, request: assets_pb2.WatchAssetRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[assets_pb2.WatchAssetResponse]:
        who, id = access.caller(), ids.parse("asset", request.asset_id)
        async with self._records.autocommit() as connection:
            await assets.get(connection, who.project, id)
        async for response in until_token_expires(self._backend.events.watch("ingest", id), who):
            yield response

    async def GetAssetDownloadUrl(
        self, request: assets_pb2.GetAssetDownloadUrlRequest, context: grpc.aio.ServicerContext
    ) -> assets_pb2.DownloadUrl:
        id = ids.parse("asset", request.asset_id)
        async with self._records.autocommit() as connection:
            row = await assets.get(connection, access.caller().project, id)
        if row.delete_time is not None:
            sentence = f"The asset {request.asset_id} is deleted. Undelete it to read its files."
            raise AssetDeleted(sentence, asset_id=request.asset_id)
        file, filename = _find_file(row, request)
        return download_url(self._backend, file, filename)

    async def _receive(
        self, requests_in: AsyncIterator, staging: AsyncStaging
    ) -> tuple[assets_pb2.UploadAssetRequest, bytes]:
        """Stage the bytes of the stream. Answers the first message without its bytes, and the file's beginning."""
        first, head = assets_pb2.UploadAssetRequest(), b""
        limit = self._backend.settings.max_upload_bytes
        async for request in requests_in:
            data = request.media.data
            if staging.size == 0 and not first.filename:
                first.CopyFrom(request)
                first.ClearField("media")
                check_filename(first.filename, "filename")
            if staging.size < sniffing.HEAD_BYTES:
                head += data[: sniffing.HEAD_BYTES - len(head)]
            check_growth(staging.size + len(data), first.size_bytes, limit)
            if data:
                await staging.append(staging.size, data)
        if staging.size == 0:
            raise FileEmpty("The upload has no bytes. Send the file's content as the body.", filename=first.filename)
        return first, head

    async def _create(self, who: Caller, first: assets_pb2.UploadAssetRequest, blob: Blob) -> sa.Row:
        """The asset of a sealed upload, or the one that the same request made before."""
        id = ids.uuid7()
        options = first.import_options.SerializeToString(deterministic=True)
        content = requests.digest("UploadAsset", b"\0".join((first.filename.encode(), blob.sha256.encode(), options)))
        async with self._records.transaction() as connection:
            made = await requests.first(connection, who.project, first.request_id, content, id)
            if made:
                return await assets.get(connection, who.project, made)
            return await ingest.begin(
                connection,
                id=id,
                project=who.project,
                blob=blob,
                max_attempts=self._backend.settings.job_max_attempts,
                filename=first.filename,
                display_name=first.display_name or first.filename,
                tags=list(first.tags),
                import_options=import_options(first),
                created_by=who.subject,
            )


def watched(backend: Backend) -> Kind:
    """How `threed.events` reads an asset for its watchers."""

    async def read(id: uuid.UUID) -> assets_pb2.WatchAssetResponse:
        columns = [jobs.c[name].label(f"job_{name}") for name in ("sequence", "phase", "progress")]
        statement = sa.select(table, *columns).join(jobs, jobs.c.id == table.c.job_id, isouter=True)
        async with backend.records.autocommit() as connection:
            row = (await connection.execute(statement.where(table.c.id == id))).first()
        if row is None:
            raise assets.not_found(id)
        return assets_pb2.WatchAssetResponse(
            asset=to_proto(row),
            sequence=row.revision + (row.job_sequence or 0),
            phase=row.job_phase or "done",
            progress=row.job_progress or 0,
        )

    def ticked(state: assets_pb2.WatchAssetResponse, tick: Tick) -> assets_pb2.WatchAssetResponse:
        if state.asset.status != Asset.PROCESSING:
            return state
        response = assets_pb2.WatchAssetResponse()
        response.CopyFrom(state)
        response.sequence = max(state.sequence + 1, tick.sequence)
        response.phase, response.progress = tick.phase, tick.progress
        return response

    def finished(state: assets_pb2.WatchAssetResponse) -> bool:
        return state.asset.status in (Asset.VALIDATED, Asset.FAILED)

    return Kind(read, ticked, finished)


def import_options(request: assets_pb2.UploadAssetRequest | uploads_pb2.Upload) -> dict[str, Any] | None:
    """The options as a row keeps them: JSON with proto field names."""
    if not request.HasField("import_options"):
        return None
    return json_format.MessageToDict(request.import_options, preserving_proto_field_name=True)


def check_filename(filename: str, field: str) -> None:
    """A name without a path or control characters. Raises FieldInvalid."""
    plain = PurePosixPath(filename.replace("\\", "/")).name == filename
    if not filename or not plain or filename in (".", "..") or any(ord(c) < 32 or ord(c) == 127 for c in filename):
        sentence = f"{field} must be a plain file name such as chair.glb, 1 to 255 characters, without a path."
        raise FieldInvalid(sentence, violations=((field, sentence),), field=field)


def check_growth(size: int, declared: int, limit: int) -> None:
    """Refuse bytes beyond what was declared, or allowed. Raises UploadSizeMismatch, UploadTooLarge."""
    if size > limit:
        sentence = f"This server takes files of at most {limit} bytes (THREED_MAX_UPLOAD_BYTES)."
        raise UploadTooLarge(sentence, max_upload_bytes=limit)
    if declared and size > declared:
        sentence = f"The upload was declared to have {declared} bytes, and more came. Declare the real size."
        raise UploadSizeMismatch(sentence, declared_size=declared, received_size=size)


def etag(row: sa.Row) -> str:
    return masks.etag(row.id, row.revision)


def to_proto(row: sa.Row, *, issues: bool = True) -> Asset:
    """The asset as a caller sees it; without `issues`, as a list shows it."""
    original = {
        "kind": AssetFile.ORIGINAL,
        "media_type": row.media_type,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
    }
    files = [{name: value for name, value in file.items() if name != "key"} for file in row.files]
    validation = row.validation
    if validation and not issues:
        validation = {name: value for name, value in validation.items() if name != "issues"}
    return Asset(
        asset_id=ids.write("asset", row.id),
        display_name=row.display_name,
        filename=row.filename,
        asset_type=row.asset_type,
        file_format=row.file_format,
        storage_path=row.blob_key,
        upload_timestamp=row.upload_timestamp,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        status=row.status,
        error=json_format.ParseDict(row.error, Asset().error) if row.error else None,
        metadata=row.metadata,
        tags=row.tags,
        model=row.model,
        picture=row.picture,
        validation=validation,
        losses=row.losses,
        files=[original, *files],
        etag=etag(row),
        created_by=row.created_by,
        project=row.project,
        update_time=row.update_time,
        delete_time=row.delete_time,
        purge_time=row.purge_time,
        import_options=row.import_options,
    )


def download_url(backend: Backend, file: dict[str, Any], filename: str) -> assets_pb2.DownloadUrl:
    """A signed URL of a stored file: a row's `files` entry."""
    expires = backend.from_now(backend.settings.download_url_lifetime_s)
    url = backend.blobs.download_url(file["key"], filename, file["media_type"], expires.timestamp())
    return assets_pb2.DownloadUrl(
        url=backend.settings.public_url + url if url.startswith("/") else url,
        expire_time=expires,
        media_type=file["media_type"],
        size_bytes=file["size_bytes"],
        sha256=file["sha256"],
    )


def _find_file(row: sa.Row, request: assets_pb2.GetAssetDownloadUrlRequest) -> tuple[dict[str, Any], str]:
    """The asked file of an asset, and a name to save it by. Raises OutputMissing."""
    kind = request.kind or AssetFile.ORIGINAL
    stem = PurePosixPath(row.filename).stem
    if kind == AssetFile.ORIGINAL:
        names = {"key": "blob_key", "media_type": "media_type", "size_bytes": "size_bytes", "sha256": "sha256"}
        return {name: getattr(row, column) for name, column in names.items()}, row.filename
    edge = (request.long_edge_px or 512) if kind == AssetFile.THUMBNAIL else 0
    media_type = (request.media_type or "image/webp") if kind == AssetFile.THUMBNAIL else "model/gltf-binary"
    for file in row.files:
        same = (file["kind"], file.get("long_edge_px", 0), file["media_type"])
        if same == (AssetFile.Kind.Name(kind), edge, media_type):
            ending = {"image/webp": ".webp", "image/png": ".png"}.get(media_type, ".glb")
            return file, f"{stem}-{edge}{ending}" if edge else f"{stem}{ending}"
    name = AssetFile.Kind.Name(kind)
    sentence = f"The asset is {row.status} and has no {name} file of that kind. Its `files` say what there is."
    raise OutputMissing(sentence, kind=name, status=row.status)


def metadata_json(metadata: struct_pb2.Struct, field: str) -> dict[str, Any]:
    """The caller's metadata as a row holds it. Raises FieldInvalid when it is too large."""
    found = json_format.MessageToDict(metadata)
    size = len(json.dumps(found))
    if size > _MAX_METADATA_BYTES:
        sentence = f"metadata has {size} bytes as JSON; at most {_MAX_METADATA_BYTES} are stored."
        raise FieldInvalid(sentence, violations=((field, sentence),))
    return found


async def _refuse_if_used(connection: Any, project: str, id: uuid.UUID) -> None:
    scene = await assets.scene_using(connection, project, id)
    if scene:
        scene_id = ids.write("scene", scene)
        sentence = f"The scene {scene_id} uses this asset. Take it out of there first, or delete with force."
        raise InUse(sentence, scene_id=scene_id)


async def _put_away(opening: asyncio.Future[AsyncStaging]) -> None:
    staging = await opening
    await staging.discard()
    await staging.close()
