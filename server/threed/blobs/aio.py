"""Any store, off the event loop.

An upload overlaps with itself: while a thread hashes and writes one chunk, the loop already receives the next. Small
messages are gathered first, because a hop to a thread (about 0.1 ms) costs more than writing 16 KiB.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from threed.blobs import Blob, BlobStat, Staging, Store
from threed.blobs.verify import check_offset

# Bytes that are gathered before a thread is woken.
_HOP_BYTES = 256 << 10


class AsyncStore:
    """The methods of `Store` as coroutines, on at most `threads` threads of their own.

    A thread is busy for one call, not for an upload, so uploads beyond `threads` only wait their turn.
    """

    def __init__(self, store: Store, threads: int = 16):
        self.blocking = store
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="blobs")

    async def stage(self, upload_key: str, committed_size: int = 0) -> AsyncStaging:
        staging = await self._run(self.blocking.stage, upload_key, committed_size)
        return AsyncStaging(staging, self._run)

    async def put_file(self, path: Path) -> Blob:
        return await self._run(self.blocking.put_file, path)

    async def fetch(self, key: str, path: Path, sha256: str) -> None:
        await self._run(self.blocking.fetch, key, path, sha256)

    async def open_range(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        async with aclosing(self._batches(self.blocking.open_range(key, offset, length), 1)) as batches:
            async for [piece] in batches:
                yield piece

    async def stat(self, key: str) -> BlobStat:
        return await self._run(self.blocking.stat, key)

    async def delete(self, key: str, older_than: float | None = None) -> bool:
        return await self._run(self.blocking.delete, key, older_than)

    async def keys(self, prefix: str = "", older_than: float | None = None) -> AsyncIterator[BlobStat]:
        async with aclosing(self._batches(self.blocking.keys(prefix, older_than), 500)) as batches:
            async for batch in batches:
                for found in batch:
                    yield found

    async def sweep(self, older_than: float, keep: Callable[[str], bool]) -> int:
        """`keep` is called in a thread."""
        return await self._run(self.blocking.sweep, older_than, keep)

    def download_url(self, key: str, filename: str, content_type: str, expires: float) -> str:
        """Never waits: both stores sign without asking anybody."""
        return self.blocking.download_url(key, filename, content_type, expires)

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    async def _batches(self, items: Iterator, size: int) -> AsyncIterator[list]:
        """What an iterator yields, `size` at a time for one hop to a thread."""
        batch: asyncio.Future[list] | None = None
        try:
            while True:
                batch = asyncio.ensure_future(self._run(lambda: list(itertools.islice(items, size))))
                if not (found := await asyncio.shield(batch)):
                    return
                yield found
        finally:
            # After a cancellation the thread is still inside the iterator, which cannot be closed before it is out.
            if batch is not None:
                await asyncio.wait([batch])
                batch.exception()
            await self._run(items.close)

    async def _run(self, function: Callable, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(function, *args))


class AsyncStaging:
    """An upload under way. One task at a time. `async with` closes it, without sealing or discarding.

    An error of the store shows at the next call, not at the `append` that caused it. After one the gathered bytes are
    dropped and every call but `discard` and `close` raises it again: go on with a new `stage`.
    """

    def __init__(self, staging: Staging, run: Callable):
        self._staging = staging
        self._run = run
        self._size = staging.size
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._writing: asyncio.Task | None = None

    @property
    def key(self) -> str:
        return self._staging.key

    @property
    def size(self) -> int:
        """Bytes taken so far, written or not: where the next `append` must start."""
        return self._size

    @property
    def sealed(self) -> bool:
        return self._staging.sealed

    async def append(self, offset: int, data: bytes) -> None:
        """Take bytes at the end; waits while earlier ones are still being written."""
        check_offset(self._size, offset)
        if self._gathered_bytes + len(data) > _HOP_BYTES:
            await self._written()
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        self._size += len(data)
        if self._gathered_bytes >= _HOP_BYTES:
            await self._write()

    async def checkpoint(self) -> int:
        """Make durable what is cheap to, and return how many bytes are. See `Staging.checkpoint`."""
        await self._write()
        await self._written()
        return await self._run(self._staging.checkpoint)

    async def commit(self) -> int:
        """Make every byte durable and return how many there are."""
        await self._write()
        await self._written()
        return await self._run(self._staging.commit)

    async def seal(self, size: int | None = None, sha256: str | None = None) -> Blob:
        await self._write()
        await self._written()
        return await self._run(self._staging.seal, size, sha256)

    async def discard(self) -> None:
        await self._settled()
        await self._run(self._staging.discard)

    async def close(self) -> None:
        await self._settled()
        await self._run(self._staging.close)

    async def __aenter__(self) -> AsyncStaging:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _write(self) -> None:
        """Hand the gathered bytes to a thread, after the ones before them."""
        await self._written()
        if self._gathered:
            data = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
            self._gathered, self._gathered_bytes = [], 0
            self._writing = asyncio.ensure_future(self._run(self._staging.append, self._staging.size, data))

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _settled(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.exception()
