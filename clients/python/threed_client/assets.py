"""The files of a project (AssetService)."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from threed_client import _journal
from threed_client._downloading import Downloader
from threed_client._downloading import Progress as DownloadProgress
from threed_client._gen.google.api import HttpBody
from threed_client._gen.google.protobuf import FieldMask, Struct
from threed_client._gen.threed.v1 import (
    Asset,
    AssetFileKind,
    AssetServiceSyncStub,
    AssetStatus,
    DeleteAssetRequest,
    DownloadUrl,
    GetAssetDownloadUrlRequest,
    GetAssetRequest,
    ImportOptions,
    ListAssetsRequest,
    UndeleteAssetRequest,
    UpdateAssetRequest,
    Upload,
    UploadAssetRequest,
    UploadStatus,
    WatchAssetRequest,
    WatchAssetResponse,
)
from threed_client._pages import every
from threed_client._patience import Patience, broken
from threed_client._replay import CHUNK_BYTES
from threed_client._watching import follow
from threed_client._wire import Wire
from threed_client.errors import DataLoss, NotFound, ThreedError
from threed_client.uploads import Progress, Source, Uploads, size_of

# Up to here a file is sent in one call, and sent again as a whole when the call breaks.
SMALL_BYTES = 8 << 20

FINAL = frozenset({AssetStatus.VALIDATED, AssetStatus.FAILED})


class Assets:
    """`client.assets`."""

    def __init__(self, wire: Wire, uploads: Uploads, downloader: Downloader, identity: str):
        self._wire = wire
        self._stub = AssetServiceSyncStub(wire)
        self._uploads = uploads
        self._downloader = downloader
        # Names the server in the notes about unfinished uploads.
        self._identity = identity

    def upload(
        self,
        file: Source,
        *,
        filename: str | None = None,
        display_name: str = "",
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        import_options: ImportOptions | None = None,
        progress: Progress | None = None,
        resumable: bool | None = None,
    ) -> Asset:
        """Upload a path or an open binary file. Returns when it is stored; call `wait` to see it checked.

        `filename` names the asset; by default it is the file's own name, and must be given for a file without one.
        `import_options` say how it is read (unit, upward axis), and how strictly it is judged.
        `progress` gets (bytes sent, bytes in all or None). `resumable` None: files above 8 MiB and pipes go through a
        resumable upload. That survives broken connections, and a path is also resumed by the next process that uploads
        the same unchanged file to the same server with the same labels.
        """
        if isinstance(file, str | os.PathLike):
            path = Path(file)
            with open(path, "rb") as opened:
                status = os.fstat(opened.fileno())
                origin = (path.resolve(), status.st_size, status.st_mtime_ns)
                upload = _described(filename or path.name, display_name, tags, metadata, import_options)
                return self._send(opened, upload, progress, resumable, origin)
        name = filename or Path(str(getattr(file, "name", ""))).name
        if not name:
            raise ValueError("Give filename=...: the file object has no name of its own.")
        upload = _described(name, display_name, tags, metadata, import_options)
        return self._send(file, upload, progress, resumable, None)

    def get(self, asset_id: str) -> Asset:
        """One asset as it is now."""
        return self._stub.get_asset(GetAssetRequest(asset_id=asset_id))

    def list(
        self, *, filter: str = "", order_by: str = "", show_deleted: bool = False, page_size: int = 0
    ) -> Iterator[Asset]:
        """Every asset that fits the filter (AIP-160), newest first unless `order_by` says otherwise.

        Pages are fetched as they are needed. Listed assets have no `validation.issues`.
        """
        request = ListAssetsRequest(filter=filter, order_by=order_by, show_deleted=show_deleted, page_size=page_size)
        return every(self._stub.list_assets, request, lambda page: page.assets)

    def update(
        self,
        asset_id: str,
        *,
        display_name: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        etag: str = "",
    ) -> Asset:
        """Change what is given; None leaves a field as it is. With `etag`, raises Aborted if it has changed since."""
        given = {"display_name": display_name, "tags": tags, "metadata": metadata}
        asset = Asset(
            asset_id=asset_id,
            display_name=display_name or "",
            tags=list(tags or ()),
            metadata=None if metadata is None else Struct.from_dict(dict(metadata)),
            etag=etag,
        )
        mask = FieldMask(paths=[name for name, value in given.items() if value is not None])
        return _stub(self._wire, etag).update_asset(UpdateAssetRequest(asset=asset, update_mask=mask))

    def delete(self, asset_id: str, *, etag: str = "", purge: bool = False, force: bool = False) -> Asset:
        """Hide an asset, or with `purge` (role admin) remove it for good. `force`: even though scenes use it."""
        request = DeleteAssetRequest(asset_id=asset_id, etag=etag, purge=purge, force=force)
        return _stub(self._wire, etag or purge).delete_asset(request)

    def undelete(self, asset_id: str) -> Asset:
        """Bring a hidden asset back."""
        return AssetServiceSyncStub(self._wire.once()).undelete_asset(UndeleteAssetRequest(asset_id=asset_id))

    def watch(self, asset_id: str, *, timeout: float | None = None) -> Iterator[WatchAssetResponse]:
        """Every change until the asset is VALIDATED or FAILED, across broken connections; the present state first.

        `timeout` is for the whole watch, in seconds; DeadlineExceeded after it. None: as long as it takes.
        """
        request = WatchAssetRequest(asset_id=asset_id)
        return follow(
            self._wire,
            lambda wire: AssetServiceSyncStub(wire).watch_asset(request),
            lambda change: change.asset is not None and change.asset.status in FINAL,
            timeout,
        )

    def wait(self, asset_id: str, timeout: float | None = None) -> Asset:
        """The asset once it is VALIDATED or FAILED: look at `status`, and at `error` when it FAILED."""
        *_, last = self.watch(asset_id, timeout=timeout)
        return last.asset

    def download_url(
        self,
        asset_id: str,
        kind: AssetFileKind = AssetFileKind.ORIGINAL,
        *,
        long_edge_px: int = 0,
        media_type: str = "",
    ) -> DownloadUrl:
        """A URL that anyone may read one file of the asset with, until it expires."""
        request = GetAssetDownloadUrlRequest(
            asset_id=asset_id, kind=kind, long_edge_px=long_edge_px, media_type=media_type
        )
        return self._stub.get_asset_download_url(request)

    def download(
        self,
        asset_id: str,
        kind: AssetFileKind,
        path: str | os.PathLike[str],
        *,
        long_edge_px: int = 0,
        media_type: str = "",
        progress: DownloadProgress | None = None,
    ) -> Path:
        """Write one file of the asset to `path`, which appears when it is whole and its SHA-256 is right.

        `kind` is AssetFileKind.ORIGINAL, NORMALIZED (a GLB), THUMBNAIL, RENDER_COPY or LIGHT; `long_edge_px` and
        `media_type` choose among thumbnails. A broken download goes on where it stopped, in the next process too.
        """
        return self._downloader.fetch(
            lambda: self.download_url(asset_id, kind, long_edge_px=long_edge_px, media_type=media_type),
            Path(path),
            progress,
        )

    def _send(
        self, file: BinaryIO, upload: Upload, progress: Progress | None, resumable: bool | None, origin: tuple | None
    ) -> Asset:
        size = size_of(file)
        if resumable is None:
            resumable = size is None or size > SMALL_BYTES
        # UploadAsset takes no metadata.
        if not resumable and upload.metadata is None:
            return self._send_whole(file.read(), upload, progress)
        upload.size_bytes = size or 0
        if origin is None:
            return self._uploads.resume(self._uploads.create(upload).upload_id, file, progress=progress)
        with _journal.note_of(_journal.default_folder(), self._identity, *origin, upload.to_json()) as note:
            upload_id = self._unfinished(note.read()) or self._uploads.create(upload).upload_id
            note.write(upload_id)
            try:
                asset = self._uploads.resume(upload_id, file, progress=progress)
            except DataLoss:
                # What the server has can never become this file.
                note.forget()
                raise
            note.forget()
            return asset

    def _unfinished(self, upload_id: str) -> str:
        """The id, if that upload can still be gone on with."""
        if not upload_id:
            return ""
        try:
            usable = self._uploads.get(upload_id).status in (UploadStatus.OPEN, UploadStatus.FINISHED)
        except NotFound:
            return ""
        return upload_id if usable else ""

    def _send_whole(self, data: bytes, upload: Upload, progress: Progress | None) -> Asset:
        first = UploadAssetRequest(
            filename=upload.filename,
            display_name=upload.display_name,
            tags=upload.tags,
            import_options=upload.import_options,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            request_id=str(uuid.uuid4()),
        )

        def messages() -> Iterator[UploadAssetRequest]:
            yield first
            chunks = io.BytesIO(data)
            while chunk := chunks.read(CHUNK_BYTES):
                yield UploadAssetRequest(media=HttpBody(data=chunk))
                if progress:
                    progress(chunks.tell(), len(data))

        patience = Patience(self._wire.patience_s)
        while True:
            try:
                return self._stub.upload_asset(messages())
            except ThreedError as error:
                if not broken(error):
                    raise
                patience.wait(error)


def _described(
    filename: str,
    display_name: str,
    tags: Iterable[str],
    metadata: Mapping[str, Any] | None,
    import_options: ImportOptions | None,
) -> Upload:
    return Upload(
        filename=filename,
        display_name=display_name,
        tags=list(tags),
        metadata=None if metadata is None else Struct.from_dict(dict(metadata)),
        import_options=import_options,
    )


def _stub(wire: Wire, conditional: object) -> AssetServiceSyncStub:
    """A repeated call that its first answer has made impossible (an etag, a purge) must not be repeated."""
    return AssetServiceSyncStub(wire.once() if conditional else wire)
