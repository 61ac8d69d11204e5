"""Uploads that survive broken connections and restarted programs (UploadService)."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from threed_client._gen.threed.v1 import (
    Asset,
    CreateUploadRequest,
    DeleteUploadRequest,
    FinalizeUploadRequest,
    GetUploadRequest,
    ListUploadsRequest,
    Upload,
    UploadServiceSyncStub,
    WriteUploadRequest,
)
from threed_client._pages import every
from threed_client._patience import Patience, broken
from threed_client._replay import CHUNK_BYTES, Replay
from threed_client._wire import Wire
from threed_client.errors import Aborted, DataLoss, ThreedError

# (bytes sent, bytes in all or None when not known). Called about once a MiB, from the thread that sends; after a break
# the first number may be smaller than before.
Progress = Callable[[int, int | None], None]
Source = str | os.PathLike[str] | BinaryIO

# How far to send ahead of what the server has confirmed, which it does at least every 8 MiB.
WINDOW_BYTES = 16 << 20
# How long an upload is tried again without a byte getting through, in seconds.
PATIENCE_S = 120.0

_GO_ON = {"UPLOAD_OFFSET_MISMATCH", "UPLOAD_CHUNK_CORRUPT", "UPLOAD_BUSY"}


class Uploads:
    """`client.uploads`. `client.assets.upload` does all of it in one call."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self._stub = UploadServiceSyncStub(wire)

    def create(self, upload: Upload, *, validate_only: bool = False) -> Upload:
        """Reserve an upload. Only `filename` is required."""
        request = CreateUploadRequest(upload=upload, request_id=str(uuid.uuid4()), validate_only=validate_only)
        return self._stub.create_upload(request)

    def get(self, upload_id: str) -> Upload:
        """An upload as it is now; `committed_size` is how much the server has."""
        return self._stub.get_upload(GetUploadRequest(upload_id=upload_id))

    def list(self, *, filter: str = "", page_size: int = 0) -> Iterator[Upload]:
        """Every upload that fits the filter (AIP-160), newest first. Pages are fetched as they are needed."""
        request = ListUploadsRequest(filter=filter, page_size=page_size)
        return every(self._stub.list_uploads, request, lambda page: page.uploads)

    def delete(self, upload_id: str) -> None:
        """Cancel an upload and free its bytes."""
        self._stub.delete_upload(DeleteUploadRequest(upload_id=upload_id))

    def finalize(self, upload_id: str) -> Asset:
        """Make the asset of an upload that has all its bytes. Calling it again gives the same asset."""
        return self._stub.finalize_upload(FinalizeUploadRequest(upload_id=upload_id))

    def resume(self, upload_id: str, file: Source, *, progress: Progress | None = None) -> Asset:
        """Send what the server does not have yet, from a path or an open binary file at its start, and finalize.

        Chunks of 1 MiB carry a CRC32C each; broken connections are resumed from the committed offset, sending at most
        one chunk and what was in flight again. At the end the SHA-256 of all that was read here is compared with the
        asset's. Raises DataLoss when they differ, Unavailable when nothing gets through for PATIENCE_S.
        """
        with contextlib.ExitStack() as stack:
            opened = stack.enter_context(open(Path(file), "rb")) if isinstance(file, str | os.PathLike) else file
            total = size_of(opened)
            return self._write(upload_id, Replay(opened), lambda sent: progress and progress(sent, total))

    def _write(self, upload_id: str, replay: Replay, progress: Callable[[int], object]) -> Asset:
        patience = Patience(PATIENCE_S)
        while True:
            committed = replay.committed
            try:
                asset = self._attempt(upload_id, replay, progress)
                break
            except ThreedError as error:
                if error.reason == "UPLOAD_CLOSED":
                    # The answer to an earlier `finish` was lost: finalizing again gives the asset, or says why not.
                    asset = None
                    break
                if not (broken(error) or error.reason in _GO_ON):
                    raise
                # Two writers that take the upload from each other both make progress: that must end as well.
                if replay.committed > committed and not isinstance(error, Aborted):
                    patience.reset()
                patience.wait(error)
        asset = asset or self.finalize(upload_id)
        replay.commit(asset.size_bytes)
        if replay.sha256 != asset.sha256:
            raise DataLoss(
                f"The server has other bytes (SHA-256 {asset.sha256}) than were read here ({replay.sha256}): the file "
                f"changed while it was uploaded. Delete {asset.asset_id} and upload it again.",
                reason="UPLOAD_DIGEST_MISMATCH",
                metadata={"asset_id": asset.asset_id, "sha256": replay.sha256},
            )
        return asset

    def _attempt(self, upload_id: str, replay: Replay, progress: Callable[[int], object]) -> Asset | None:
        """One stream, to its end. Returns the asset if the stream gave it."""
        outgoing = _Outgoing(upload_id, replay, progress)
        answers = self._stub.write_upload(outgoing)
        asset = None
        try:
            for answer in answers:
                replay.commit(answer.committed_size)
                outgoing.advance()
                asset = answer.asset or asset
        finally:
            outgoing.stop()
            answers.close()
        if outgoing.failure:
            raise outgoing.failure
        return asset


class _Outgoing:
    """The requests of one stream. gRPC drains them in a thread of its own; the answers are read in the caller's."""

    def __init__(self, upload_id: str, replay: Replay, progress: Callable[[int], object]):
        self._upload_id = upload_id
        self._replay = replay
        self._progress = progress
        self._changed = threading.Condition()
        self._answered = False
        self._stopped = False
        self.failure: Exception | None = None

    def advance(self) -> None:
        """An answer came: `replay.committed` is where the server is."""
        with self._changed:
            self._answered = True
            self._changed.notify_all()

    def stop(self) -> None:
        """The stream is over: let gRPC's thread go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[WriteUploadRequest]:
        yield WriteUploadRequest(upload_id=self._upload_id)
        try:
            yield from self._data()
        except Exception as error:
            # gRPC would swallow it; the caller raises it when the stream has ended.
            self.failure = error

    def _data(self) -> Iterator[WriteUploadRequest]:
        if not self._wait(lambda: self._answered):
            return
        offset = self._replay.committed
        while data := self._replay.at(offset):
            yield WriteUploadRequest(offset=offset, data=data, crc32c=google_crc32c.value(data))
            offset += len(data)
            self._progress(offset)
            if not self._wait(lambda: offset - self._replay.committed <= WINDOW_BYTES - CHUNK_BYTES):  # noqa: B023
                return
        yield WriteUploadRequest(offset=offset, finish=True)

    def _wait(self, ready: Callable[[], bool]) -> bool:
        """Wait until it is so. False when the stream ended instead."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or ready())
            return not self._stopped


def size_of(file: BinaryIO) -> int | None:
    """Bytes from where the file stands to its end, or None for a pipe."""
    try:
        here = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(here)
    except (OSError, ValueError):
        return None
    return end - here
