"""Lines of numbers as arrays, for the text formats that are millions of such lines.

Text is taken in blocks of whole lines that stay in the cache. The words of its lines are counted by numpy on bits; the
numbers become a JSON array in place, every gap one comma, which simdjson turns into doubles. What JSON does not allow
(".5", "1.", "nan") goes to numpy's own parser, slower.

Tried on 2.8M numbers of 11 characters, per number: np.fromstring 130 ns; orjson into a list, 100 ns; simdjson with gaps
found by np.flatnonzero 55 ns; with gaps found by arithmetic on bytes 30 ns: this one.
"""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import simdjson

from threed.errors import FileTooComplex
from threed_workers.budget import Budget

BLOCK = 1 << 19  # bytes
_BLANK, _COMMA = 32, 44
_UP_TO = (np.uint64(2) << np.arange(64, dtype=np.uint64)) - np.uint64(1)  # bits 0 to k


class Block(NamedTuple):
    """Whole lines from byte `start` on; `text` ends with a line's end, `stop` is where the next block begins."""

    start: int
    stop: int
    text: bytes


def blocks(data: memoryview, budget: Budget, start: int = 0, continued: bool = False) -> Iterator[Block]:
    """The text from byte `start` on. Lines end in LF, CR LF or, where there is no LF, CR, which is made LF.

    `continued`: a line that ends in a backslash goes on, so that it and the next stay in one block. Raises
    FileTooComplex for a line of more than `budget.line_bytes`.
    """
    while start < len(data):
        size = BLOCK
        while True:
            text = bytes(data[start : start + size])
            end = _last_line_end(text, continued) if start + size < len(data) else len(text)
            if end:
                break
            if size > budget.line_bytes:
                raise FileTooComplex(
                    f"A line is longer than {budget.line_bytes} bytes.", where=f"the line at byte {start}"
                )
            size *= 2
        text = text[:end]
        if b"\n" not in text:
            text = text.replace(b"\r", b"\n")
        yield Block(start, start + end, text if text.endswith(b"\n") else text + b"\n")
        _forget(data, start + end)
        start += end


def _last_line_end(text: bytes, continued: bool) -> int:
    """The length of the whole lines in `text`; 0 when it holds none."""
    sign = b"\n" if b"\n" in text else b"\r"
    end = text.rfind(sign, 0, len(text) - 1)  # never between CR and LF
    while continued and end > 0 and text[:end].endswith((b"\\", b"\\\r")):
        end = text.rfind(sign, 0, end)
    return end + 1


def _forget(data: memoryview, stop: int) -> None:
    """Let go of the pages of a mapped file that were read; they come back from the disk when somebody looks again."""
    pages = stop // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    if isinstance(data.obj, mmap.mmap) and len(data) == len(data.obj) and pages and hasattr(mmap, "MADV_DONTNEED"):
        data.obj.madvise(mmap.MADV_DONTNEED, 0, pages)


def signs_of(text: bytes) -> np.ndarray:
    """The characters, uint8 (n,), to be changed; tabs and line ends (9 to 13, as of bytes.split) are blanks."""
    signs = np.frombuffer(text, np.uint8)
    spaces = signs - np.uint8(9) < 5  # what is below 9 wraps around
    return np.maximum(signs, spaces.view(np.uint8) * np.uint8(_BLANK))


def line_ends(text: bytes) -> np.ndarray:
    """Where each line ends, int64 (lines,)."""
    return np.flatnonzero(np.frombuffer(text, np.uint8) == 10)


def word_ends(signs: np.ndarray) -> np.ndarray:
    """bool (n,): the blanks that follow a word."""
    blank = signs == _BLANK
    ends = np.empty(len(signs), bool)
    ends[0] = False
    np.greater(blank[1:], blank[:-1], out=ends[1:])
    return ends


def per_line(marks: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many of the marks, bool (n,), each line has, int64 (lines,); `ends` as of `line_ends`."""
    packed = np.zeros(-(-len(marks) // 64), np.uint64)
    bits = np.packbits(marks, bitorder="little")
    packed.view(np.uint8)[: len(bits)] = bits
    counts = np.zeros(len(packed) + 1, np.int64)
    np.cumsum(np.bitwise_count(packed), out=counts[1:])
    places = ends >> 6
    up_to = counts[places] + np.bitwise_count(packed[places] & _UP_TO[ends & 63])
    return np.diff(up_to, prepend=0)


class Numbers:
    """Turns text into numbers. Keeps its memory from one block to the next."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()

    def floats(self, signs: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
        """float64, every number of the text, or None when something in it is none. -0 without a point becomes 0.

        `signs` as of `signs_of`, whatever is no number blanked; `ends` as of `word_ends`.
        """
        return self._parsed(signs, ends, "d", np.float64)

    def whole(self, signs: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
        """int64 likewise."""
        return self._parsed(signs, ends, "i", np.int64)

    def _parsed(self, signs: np.ndarray, ends: np.ndarray, code: str, dtype: type) -> np.ndarray | None:
        listed = bytearray(len(signs) + 2)
        inside = np.frombuffer(listed, np.uint8)[1:-1]
        inside[:] = signs
        if b"," in listed or b"[" in listed or b"]" in listed:
            return None  # JSON would have it, and it is no number
        inside += ends.view(np.uint8) * np.uint8(_COMMA - _BLANK)
        last = listed.rfind(b",")
        if last < 0:
            return np.zeros(0, dtype)
        listed[0], listed[last], listed[-1] = b"[ ]"
        try:
            found = np.frombuffer(self._parser.parse(listed).as_buffer(of_type=code), dtype)
        except (ValueError, TypeError, RuntimeError):
            return _spelled_out(signs.tobytes(), dtype)
        return found


def _spelled_out(text: bytes, dtype: type) -> np.ndarray | None:
    """The numbers as C's strtod reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
