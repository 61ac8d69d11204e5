"""Blobs in a bucket of any S3.

    blobs/UUID          blobs; each written once, by a multipart upload or one PUT, so it appears whole
    staging/KEY/...     uploads under way, see s3_staging

Names are random and not content addressed: the digest is known only after the last byte, and renaming in S3 is copying.
So equal content is stored twice, and in return no two uploads ever write, or meet, the same object.

Needs the rights s3:GetObject, PutObject, DeleteObject, AbortMultipartUpload, ListBucket, ListMultipartUploadParts and
ListBucketMultipartUploads on one bucket that exists. Downloads go from the bucket to the reader by presigned URL; its
signature covers the method, so instead of HEAD ask for `Range: bytes=0-0`.

A full store is told by its own code (507, XMinioStorageFull, QuotaExceeded ...). SeaweedFS has none: it answers 500,
which reads as Unavailable.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from minio import Minio

from threed.blobs import Blob, BlobStat
from threed.blobs import headers as http_headers
from threed.blobs.s3_staging import PART_BYTES, S3Staging
from threed.blobs.s3_wire import S3Refused, S3Wire
from threed.blobs.verify import READ_BYTES, check_stored, check_upload_key, missing
from threed.errors import BlobCorrupt

_KEY = re.compile(r"blobs/[0-9a-f]{32}")
# Parts of all uploads of this process that are in memory at a time, and those that are being sent.
_PARTS_IN_MEMORY = 12
_PARTS_SENDING = 6
# The longest life that S3 gives a presigned URL.
_LONGEST = timedelta(days=7)


class S3Store:
    """`endpoint` and `public_endpoint` are host[:port]; downloads are signed for the latter."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        *,
        region: str = "us-east-1",
        secure: bool = True,
        public_endpoint: str | None = None,
        public_secure: bool | None = None,
    ):
        self.wire = S3Wire(endpoint, bucket, access_key, secret_key, region, secure)
        self._bucket = bucket
        # Signs only: with a region it never asks a server.
        self._public = Minio(
            public_endpoint or endpoint,
            access_key,
            secret_key,
            secure=secure if public_secure is None else public_secure,
            region=region,
        )
        self._senders = ThreadPoolExecutor(_PARTS_SENDING, thread_name_prefix="s3-parts")
        self._room = threading.BoundedSemaphore(_PARTS_IN_MEMORY)

    def stage(self, upload_key: str, committed_size: int = 0) -> S3Staging:
        return S3Staging(self, check_upload_key(upload_key), committed_size)

    def put_file(self, path: Path) -> Blob:
        staging = self.stage(f"put-{uuid.uuid4().hex}")
        try:
            with Path(path).open("rb") as file:
                while data := file.read(READ_BYTES):
                    staging.append(staging.size, data)
            return staging.seal()
        finally:
            staging.discard()

    def fetch(self, key: str, path: Path, sha256: str) -> None:
        digest = hashlib.sha256()
        pieces = self.open_range(key)
        with Path(path).open("xb") as file:
            try:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
                check_stored(key, digest.hexdigest(), sha256)
            except BaseException:
                Path(path).unlink()
                raise

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        _check_key(key)
        if length == 0:
            return
        try:
            yield from self.wire.get(key, offset, length)
        except S3Refused as error:
            if error.status != 416:
                raise missing(key) if error.absent else error from None

    def stat(self, key: str) -> BlobStat:
        _check_key(key)
        try:
            headers = self.wire.request("HEAD", key).headers
        except S3Refused as error:
            raise missing(key) if error.absent else error from None
        modified = datetime.datetime.strptime(headers["last-modified"], "%a, %d %b %Y %H:%M:%S %Z")
        modified = modified.replace(tzinfo=datetime.UTC)
        return BlobStat(key, int(headers["content-length"]), modified.timestamp())

    def delete(self, key: str, older_than: float | None = None) -> bool:
        try:
            modified = self.stat(key).modified
        except BlobCorrupt:
            return False
        if older_than is not None and modified >= older_than:
            return False
        self.wire.remove(key)
        return True

    def keys(self, prefix: str = "", older_than: float | None = None) -> Iterator[BlobStat]:
        for found in self._objects(prefix if prefix.startswith("blobs/") else "blobs/"):
            if found.key.startswith(prefix) and (older_than is None or found.modified < older_than):
                yield found

    def sweep(self, older_than: float, keep: Callable[[str], bool]) -> int:
        swept = self._sweep_staged(older_than, keep)
        # A kill between beginning a multipart upload and writing that down leaves one that only S3 knows.
        known = {state["multipart"] for state in self._states()}
        query = {"uploads": "", "prefix": "blobs/"}
        then = {"key-marker": "NextKeyMarker", "upload-id-marker": "NextUploadIdMarker"}
        for upload in list(self.wire.items(query, "Upload", then=then)):
            if upload["UploadId"] not in known and _seconds(upload["Initiated"]) < older_than:
                self.abort(upload["Key"], upload["UploadId"])
        return swept

    def download_url(self, key: str, filename: str, content_type: str, expires: float) -> str:
        _check_key(key)
        life = timedelta(seconds=max(1, int(expires - time.time())))
        return self._public.presigned_get_object(
            self._bucket,
            key,
            expires=min(life, _LONGEST),
            response_headers={
                "response-content-disposition": http_headers.content_disposition(filename),
                "response-content-type": http_headers.content_type(content_type),
            },
        )

    # ------------------------------------------------------------ for S3Staging

    def submit(self, send: Callable[..., str], *args: object) -> Future[str]:
        """Run `send` in a thread, when there is room in memory for one more part."""
        self._room.acquire()
        future = self._senders.submit(send, *args)
        future.add_done_callback(lambda _: self._room.release())
        return future

    def begin(self, key: str) -> str:
        """Begin a multipart upload and return its id."""
        answer = ElementTree.fromstring(self.wire.request("POST", key, {"uploads": ""}).data)
        return next(element.text for element in answer if element.tag.endswith("UploadId"))

    def complete(self, key: str, multipart: str, tags: dict[int, str]) -> None:
        parts = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{escape(tag)}"</ETag></Part>'
            for number, tag in tags.items()
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        self.wire.request("POST", key, {"uploadId": multipart}, [body])

    def abort(self, key: str, multipart: str) -> None:
        try:
            self.wire.request("DELETE", key, {"uploadId": multipart})
        except S3Refused as error:
            if not error.absent:
                raise

    def whole_parts(self, key: str, multipart: str) -> list[str]:
        """Entity tags of the parts 1, 2, ... that are there and full. A part that was sent twice counts by the last."""
        newest: dict[int, tuple[str, str]] = {}
        then = {"part-number-marker": "NextPartNumberMarker"}
        for part in self.wire.items({"uploadId": multipart}, "Part", key=key, then=then):
            number = int(part["PartNumber"])
            if int(part["Size"]) == PART_BYTES:
                newest[number] = max(newest.get(number, ("", "")), (part["LastModified"], part["ETag"].strip('"')))
        tags = []
        while len(tags) + 1 in newest:
            tags.append(newest[len(tags) + 1][1])
        return tags

    def pieces(self, folder: str) -> list[tuple[int, int]]:
        """(offset, size) of the committed pieces of an upload, by offset."""
        found = self._objects(f"{folder}piece-")
        return sorted((int(piece.key.rpartition("-")[2]), piece.size) for piece in found)

    def size_or_zero(self, key: str) -> int:
        try:
            return self.stat(key).size
        except BlobCorrupt:
            return 0

    def digest(self, key: str) -> str:
        digest = hashlib.sha256()
        for piece in self.open_range(key):
            digest.update(piece)
        return digest.hexdigest()

    def remove_all(self, folder: str) -> None:
        """Remove every object of an upload, `state` last: as long as it is there, a sweep finds the rest."""
        for found in sorted(self._objects(folder), key=lambda found: found.key):
            self.wire.remove(found.key)

    # ------------------------------------------------------------ listings

    def _sweep_staged(self, older_than: float, keep: Callable[[str], bool]) -> int:
        newest: dict[str, float] = {}
        for found in self._objects("staging/"):
            key = found.key.split("/")[1]
            newest[key] = max(newest.get(key, 0), found.modified)
        old = [key for key, modified in newest.items() if modified < older_than and not keep(key)]
        for key in old:
            self.stage(key).discard()
            self.remove_all(f"staging/{key}/")
        return len(old)

    def _states(self) -> Iterator[dict]:
        for found in self._objects("staging/"):
            if found.key.endswith("/state") and (state := self.wire.get_json(found.key)):
                yield state

    def _objects(self, prefix: str) -> Iterator[BlobStat]:
        query = {"list-type": "2", "prefix": prefix}
        for item in self.wire.items(query, "Contents", then={"continuation-token": "NextContinuationToken"}):
            yield BlobStat(item["Key"], int(item["Size"]), _seconds(item["LastModified"]))


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise missing(key)


def _seconds(timestamp: str) -> float:
    return datetime.datetime.fromisoformat(timestamp).timestamp()
