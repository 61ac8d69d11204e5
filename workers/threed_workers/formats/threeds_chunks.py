"""The chunks of a 3DS file (Autodesk 1996, "3D Studio File Toolkit"): numbers, a length each, one within the other.

Nothing here recurses: the caller walks the few levels that the format has. Lengths are checked against the chunk
around them before anything is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileTruncated
from threed_workers.budget import Budget

HEADER = 6  # bytes: number uint16, length uint32 with the header


@dataclass
class Chunk:
    """A chunk's number, and where its content lies: [place, end) in the file. Reading moves `place`."""

    number: int
    place: int
    end: int

    @property
    def left(self) -> int:
        return self.end - self.place


@dataclass
class Chunks:
    """A file of chunks. `count` is how many were walked over, bounded by the budget's number of nodes."""

    data: memoryview
    budget: Budget
    count: int = field(default=0)

    def root(self) -> Chunk:
        """The chunk that holds the file. Bytes behind it are ignored, as 3D Studio does."""
        number, length = struct.unpack_from("<HI", self.data, 0)
        if length > len(self.data):
            raise FileTruncated(
                f"The file says that it has {length} bytes, and has {len(self.data)}. Upload it again.", where="byte 2"
            )
        return Chunk(number, HEADER, length)

    def within(self, parent: Chunk) -> Iterator[Chunk]:
        """The chunks in what is left of `parent`."""
        place = parent.place
        while parent.end - place >= HEADER:
            number, length = struct.unpack_from("<HI", self.data, place)
            if length < HEADER or length > parent.end - place:
                raise FileMalformed(
                    f"Chunk {number:#06x} says that it has {length} bytes; {parent.end - place} are left around it. "
                    "Export the file again.",
                    where=f"byte {place}",
                )
            self.count += 1
            if self.count > self.budget.nodes:
                raise FileTooComplex(
                    f"The file has more than {self.budget.nodes} chunks. Split it.", where=f"byte {place}"
                )
            yield Chunk(number, place + HEADER, place + length)
            place += length

    def text(self, chunk: Chunk) -> str:
        """A text that ends with NUL, or with the chunk. Exporters write the code page of their machine."""
        content = bytes(self.data[chunk.place : min(chunk.end, chunk.place + 4096)])
        raw = content.split(b"\0", 1)[0]
        chunk.place = min(chunk.end, chunk.place + len(raw) + 1)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("cp1252", "replace")

    def numbers(self, chunk: Chunk, kind: str, count: int) -> np.ndarray:
        """`count` numbers of a little-endian numpy type. Raises FileMalformed when the chunk holds fewer."""
        dtype = np.dtype(kind).newbyteorder("<")
        if count * dtype.itemsize > chunk.left:
            raise FileMalformed(
                f"Chunk {chunk.number:#06x} should hold {count} numbers of {dtype.itemsize} bytes, and {chunk.left} "
                "bytes are left in it. Export the file again.",
                where=f"byte {chunk.place}",
            )
        values = np.frombuffer(self.data, dtype, count, chunk.place)
        chunk.place += count * dtype.itemsize
        return values

    def number(self, chunk: Chunk, kind: str) -> float:
        return self.numbers(chunk, kind, 1)[0].item()

    def counted(self, chunk: Chunk, kind: str, width: int) -> np.ndarray:
        """(n, width): rows whose number stands before them as uint16."""
        count = int(self.number(chunk, "u2"))
        return self.numbers(chunk, kind, count * width).reshape(count, width)
