"""An upload to S3: 8 MiB parts of a multipart upload, and small objects for what does not fill a part yet.

    staging/KEY/state           JSON: who writes, the multipart upload, the blob it will become
    staging/KEY/piece-OFFSET    committed bytes after the last whole part; deleted when a part has them
    blobs/UUID                  appears whole, when the multipart upload is completed

The bucket is the truth: another process finds everything from KEY alone. A writer claims the upload by its name in
`state` before it first stores something, and looks there before every part and piece: who was taken over stops.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from concurrent.futures import Future
from typing import TYPE_CHECKING

from threed.blobs import Blob
from threed.blobs.s3_wire import S3Refused
from threed.blobs.verify import check_digest, check_offset, check_size
from threed.errors import BlobCorrupt, UploadBusy, UploadClosed, UploadDigestMismatch, UploadTooLarge

if TYPE_CHECKING:
    from threed.blobs.s3 import S3Store

PART_BYTES = 8 << 20
# S3's limit on the number of parts.
_PARTS = 10_000
_IN_FLIGHT = 3


@dataclasses.dataclass
class State:
    """What staging/KEY/state holds. `multipart` is S3's id of the upload that becomes `blob`; empty before the first
    whole part."""

    writer: str
    multipart: str = ""
    blob: str = ""


class S3Staging:
    def __init__(self, store: S3Store, key: str, committed_size: int):
        self.key = key
        self._store = store
        self._wire = store.wire
        self._folder = f"staging/{key}/"
        self._writer = uuid.uuid4().hex
        self._state: State | None = None
        self._claimed = self._closed = False
        self._parts: dict[int, Future[str]] = {}  # number from 1 -> entity tag
        self._start = 0  # of the part that is being filled
        self._pieces: list[tuple[int, int]] = []  # (offset, size) of committed pieces from _start on
        self._tail: list[bytes] = []  # the bytes from _tail_start on
        self._size = self._durable = self._tail_start = 0
        self._sealed = False
        self._blob: Blob | None = None
        self._recover(committed_size)
        self._digest = hashlib.sha256() if self._size == 0 else None

    @property
    def size(self) -> int:
        return self._size

    @property
    def sealed(self) -> bool:
        return self._sealed

    def append(self, offset: int, data: bytes) -> None:
        self._check_open()
        check_offset(self._size, offset)
        if self._sealed:
            raise self._no_more()
        if self._digest is not None:
            self._digest.update(data)
        while data:
            room = self._start + PART_BYTES - self._size
            taken, data = (data, b"") if len(data) <= room else (data[:room], data[room:])
            self._tail.append(taken)
            self._size += len(taken)
            if len(taken) == room:
                self._ship()

    def checkpoint(self) -> int:
        self._check_open()
        for number in range(1, len(self._parts) + 1):
            part = self._parts[number]
            if not part.done():
                break
            part.result()
            self._durable = max(self._durable, number * PART_BYTES)
        return self._durable

    def commit(self) -> int:
        self._check_open()
        for part in self._parts.values():
            part.result()
        self._durable = max(self._durable, self._start)
        if self._durable < self._size and not self._sealed:
            self._claim()
            piece = b"".join(self._tail)[self._durable - self._tail_start :]
            self._wire.put(self._piece(self._durable), [piece])
            self._pieces.append((self._durable, len(piece)))
            self._durable = self._size
        return self._size

    def seal(self, size: int | None = None, sha256: str | None = None) -> Blob:
        self._check_open()
        check_size(self._size, size)
        if self._digest is not None:
            check_digest(self._digest.hexdigest(), sha256)
        if self._blob is None:
            self._blob = self._seal_parts(sha256) if self._sealed or self._parts else self._seal_small(sha256)
            self._sealed = True
        return self._blob

    def discard(self) -> None:
        for part in self._parts.values():
            part.cancel()
            part.exception() if not part.cancelled() else None
        if self._state and self._is_ours():
            if self._state.multipart and not self._sealed:
                self._store.abort(self._state.blob, self._state.multipart)
            self._store.remove_all(self._folder)
        self.close()

    def close(self) -> None:
        self._closed = True
        self._tail = []

    # ------------------------------------------------------------ what the bucket knows

    def _recover(self, committed_size: int) -> None:
        found = self._wire.get_json(f"{self._folder}state")
        if found:
            self._state = State(**found)
            if self._state.multipart:
                self._recover_parts()
            if not self._sealed:
                self._recover_pieces()
        if self._size < committed_size:
            raise BlobCorrupt(
                f"The upload {self.key} has only {self._size} of the {committed_size} bytes that were acknowledged. "
                "Start the upload again.",
                upload=self.key,
                size=self._size,
                committed_size=committed_size,
            )

    def _recover_parts(self) -> None:
        try:
            tags = self._store.whole_parts(self._state.blob, self._state.multipart)
        except S3Refused as error:
            if not error.absent:
                raise
            # Completed, and the answer or the caller was lost; else aborted, and there is nothing.
            self._size = self._durable = self._store.size_or_zero(self._state.blob)
            self._sealed = self._size > 0
            if not self._sealed:
                self._state = State(self._state.writer)
            return
        for number, tag in enumerate(tags, 1):
            self._parts[number] = Future()
            self._parts[number].set_result(tag)
        self._start = self._size = self._durable = self._tail_start = len(tags) * PART_BYTES

    def _recover_pieces(self) -> None:
        for offset, size in self._store.pieces(self._folder):
            # A piece of a part that is there already, or one that a gap cuts off, is a leftover.
            if offset == self._size:
                self._pieces.append((offset, size))
                self._size += size
        self._durable = self._tail_start = self._size

    # ------------------------------------------------------------ what this writer stores

    def _ship(self) -> None:
        """Send the part that is now full, once fewer than _IN_FLIGHT are under way."""
        number = self._start // PART_BYTES + 1
        if number > _PARTS:
            limit = _PARTS * PART_BYTES
            raise UploadTooLarge(f"An upload to this store has at most {limit} bytes.", limit=limit, size=self._size)
        self._claim(multipart=True)
        if number > _IN_FLIGHT:
            self._parts[number - _IN_FLIGHT].result()
        self._submit(number, self._pieces)

    def _submit(self, number: int, obsolete: list[tuple[int, int]]) -> None:
        """Send what is being filled as a part; the `obsolete` pieces go when it has arrived."""
        body = self._filled()
        self._start = self._tail_start = self._size
        self._tail, self._pieces = [], []
        self._parts[number] = self._store.submit(self._put_part, number, body, obsolete)

    def _put_part(self, number: int, body: list[bytes], obsolete: list[tuple[int, int]]) -> str:
        self._check_writer()
        query = {"partNumber": str(number), "uploadId": self._state.multipart}
        tag = self._wire.put(self._state.blob, body, query)
        for offset, _ in obsolete:
            self._wire.remove(self._piece(offset))
        return tag

    def _filled(self) -> list[bytes]:
        """The bytes of the part that is being filled: what other calls committed, then what this one has."""
        cold = [
            b"".join(self._wire.get(self._piece(offset))) for offset, _ in self._pieces if offset < self._tail_start
        ]
        return [*cold, *self._tail]

    def _seal_small(self, sha256: str | None) -> Blob:
        """A file that never filled a part is one object, stored at once."""
        body = self._filled()
        if self._digest is None:
            self._digest = hashlib.sha256(b"".join(body))
        have = self._digest.hexdigest()
        check_digest(have, sha256)
        if self._state:
            self._check_writer()
        key = _new_blob_key()
        self._wire.put(key, body)
        return Blob(key, self._size, have)

    def _seal_parts(self, sha256: str | None) -> Blob:
        if not self._sealed:
            self._complete()
            self._sealed = True
        key = self._state.blob
        # Parts cannot be read before they are an object, so what others sent is verified now. Until `seal` returns,
        # nobody knows the key; a kill here leaves an upload that `stage` finds sealed, to be verified again.
        have = self._digest.hexdigest() if self._digest is not None else self._store.digest(key)
        try:
            check_digest(have, sha256)
        except UploadDigestMismatch:
            self._wire.remove(key)
            raise
        return Blob(key, self._size, have)

    def _complete(self) -> None:
        self._claim()
        if self._size > self._start:
            # A short part is of use to this `complete` only: after a kill it is sent again, from the same pieces.
            self._submit(len(self._parts) + 1, [])
        tags = {number: part.result() for number, part in sorted(self._parts.items())}
        try:
            self._store.complete(self._state.blob, self._state.multipart, tags)
        except S3Refused as error:
            if error.code in ("InvalidPart", "InvalidPartOrder"):
                raise self._taken_over() from error
            # A repeated request finds nothing to complete when the first one was done and its answer lost.
            if not error.absent or self._store.size_or_zero(self._state.blob) != self._size:
                raise

    def _claim(self, multipart: bool = False) -> None:
        """Write our name, and begin the multipart upload when it is needed for the first time."""
        begin = multipart and not (self._state and self._state.multipart)
        if self._claimed and not begin:
            if not multipart:
                self._check_writer()
            return
        self._check_writer()
        state = dataclasses.replace(self._state or State(self._writer), writer=self._writer)
        if begin:
            state.blob = _new_blob_key()
            state.multipart = self._store.begin(state.blob)
        self._wire.put(f"{self._folder}state", [json.dumps(dataclasses.asdict(state)).encode()])
        self._state, self._claimed = state, True

    def _check_writer(self) -> None:
        if not self._is_ours():
            raise self._taken_over()

    def _is_ours(self) -> bool:
        """Whether nobody has claimed the upload since we opened or claimed it."""
        found = self._wire.get_json(f"{self._folder}state")
        return (found and found["writer"]) == (self._state and self._state.writer)

    def _check_open(self) -> None:
        if self._closed:
            raise self._no_more()

    def _piece(self, offset: int) -> str:
        return f"{self._folder}piece-{offset:015}"

    def _no_more(self) -> UploadClosed:
        return UploadClosed(
            f"The upload {self.key} takes no more bytes. Ask for its state, or start a new one.", upload=self.key
        )

    def _taken_over(self) -> UploadBusy:
        return UploadBusy(
            f"Another writer took the upload {self.key} over. Ask for its committed size and go on from there.",
            retry_after_s=1,
            upload=self.key,
        )


def _new_blob_key() -> str:
    return f"blobs/{uuid.uuid4().hex}"
