"""Lets go of the pages of mapped files behind whoever reads on, so that looking at a gigabyte does not hold one."""

from __future__ import annotations

import mmap
import weakref

# Bytes of one file that stay mapped behind the reader. They are in the page cache and come back at the next touch, for
# about 0.1 s a gigabyte.
_SPAN = 64 << 20
_touched: weakref.WeakKeyDictionary[mmap.mmap, int] = weakref.WeakKeyDictionary()


def looked_at(data: memoryview, size: int) -> None:
    """Say that `size` bytes of `data` were read. Its bytes stay valid; only those of a map can go."""
    if not isinstance(data.obj, mmap.mmap):
        return
    seen = _touched.get(data.obj, 0) + size
    if seen >= _SPAN:
        data.obj.madvise(mmap.MADV_DONTNEED)
        seen = 0
    _touched[data.obj] = seen
