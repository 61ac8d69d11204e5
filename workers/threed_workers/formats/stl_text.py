"""STL in text: facets of seven lines each, in solids.

Where facets are written as everybody writes them, a block of them is read as one table. A file that has anything else
between its solids is read line by line, which takes several times as long, accepts more, and names the line that it
does not accept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np

from threed.errors import FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.formats.number_lines import Numbers, blocks, line_ends, per_line, signs_of, word_ends

Solids = list[tuple[str, np.ndarray]]


def _letters(word: bytes) -> np.uint64:
    return np.frombuffer(word, "<u8")[0]


# How the seven lines of a facet begin, 8 characters of each; what of them the vertices' are compared in and lose, since
# a number may follow; how the first two go on; how many words each has.
_LINES = np.array(
    list(map(_letters, (b"facet no", b"outer lo", *[b"vertex \0"] * 3, b"endloop ", b"endfacet"))), np.uint64
)
_COMPARED = np.array([2**64 - 1] * 2 + [2**56 - 1] * 3 + [2**64 - 1] * 2, np.uint64)
_RMAL, _OP = _letters(b"rmal \0\0\0"), _letters(b"op \0\0\0\0\0")
_FIVE, _THREE = np.uint64(2**40 - 1), np.uint64(2**24 - 1)
_WORDS = np.array([5, 2, 4, 4, 4, 1, 1])
_BLANKS = _letters(b" " * 8)  # or-ed to letters, it makes them small ones
_SOLID, _SIX, _ENDSOLID = _letters(b"solid \0\0"), np.uint64(2**48 - 1), _letters(b"endsolid")


class _Unusual(Exception):
    """Raised when a text is anything but solids of facets of seven lines."""


def read_text(data: memoryview, budget: Budget) -> Solids:
    """(name, float32 (n, 3, 3)) of each solid. Raises FileMalformed or FileTruncated with the line."""
    try:
        return _Tables().read(data, budget)
    except _Unusual:
        return _read_lines(data, budget)


class _Tables:
    """Facets as tables, block by block."""

    def __init__(self) -> None:
        self._numbers = Numbers()
        self._solids: Solids = []
        self._title: str | None = None  # of the solid that is open
        self._parts: list[np.ndarray] = []

    def read(self, data: memoryview, budget: Budget) -> Solids:
        """Raises _Unusual."""
        rest = b""
        for block in blocks(data, budget):
            text = rest + block.text
            rest = text[self._block(text) :]
        if rest.strip() or self._title is not None:
            raise _Unusual
        return self._solids

    def _block(self, text: bytes) -> int:
        """Read whole facets and what stands between solids. Returns how many bytes that was."""
        if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
            raise _Unusual  # more ways to end a line than one
        padded = np.concatenate([signs_of(text), np.full(16, 32, np.uint8)])
        signs = padded[:-16]
        line_stops = line_ends(text)
        sizes = per_line(word_ends(signs), line_stops)
        begins = np.flatnonzero((signs[1:] != 32) & (signs[:-1] == 32)) + 1
        begins = np.concatenate([[0], begins]) if signs[0] != 32 else begins
        lines = np.flatnonzero(sizes)
        starts = begins[(np.cumsum(sizes) - sizes)[lines]]
        sizes, stops = sizes[lines], line_stops[lines] + 1
        words = np.ndarray(len(signs), "<u8", padded, strides=(1,))  # the 8 characters from each on
        heads = words[starts] | _BLANKS
        read = 0
        titles = np.flatnonzero(((heads & _SIX) == _SOLID) | (heads == _ENDSOLID))
        for title in [*titles.tolist(), len(lines)]:
            facets = (title - read) // 7
            if facets:
                some = slice(read, read + 7 * facets)
                self._facets(signs, words, starts[some], sizes[some], stops[some][-1])
                read += 7 * facets
            if title == len(lines):
                break
            if read != title:
                raise _Unusual
            self._open_or_close(heads[title] == _ENDSOLID, text[starts[title] : stops[title]])
            read += 1
        if len(lines) - read >= 7:
            raise _Unusual
        return int(stops[read - 1]) if read else 0

    def _facets(self, signs: np.ndarray, words: np.ndarray, starts: np.ndarray, sizes: np.ndarray, stop: int) -> None:
        starts = starts.reshape(-1, 7)
        heads = words[starts] | _BLANKS
        usual = (heads & _COMPARED == _LINES).all() and (sizes.reshape(-1, 7) == _WORDS).all()
        after_facet, after_outer = starts[:, 0] + 8, starts[:, 1] + 8
        usual = usual and ((words[after_facet] | _BLANKS) & _FIVE == _RMAL).all()
        usual = usual and ((words[after_outer] | _BLANKS) & _THREE == _OP).all()
        if not usual or self._title is None:
            raise _Unusual
        words[starts[:, [0, 1, 5, 6]]] = _BLANKS
        words[after_facet] = words[after_facet] & ~_FIVE | _BLANKS & _FIVE
        words[after_outer] = words[after_outer] & ~_THREE | _BLANKS & _THREE
        vertices = starts[:, 2:5]
        words[vertices] = words[vertices] & ~_SIX | _BLANKS & _SIX
        signs = signs[starts[0, 0] : stop]
        values = self._numbers.floats(signs, word_ends(signs))
        if values is None or len(values) != 12 * len(starts):
            raise _Unusual
        with np.errstate(over="ignore"):
            self._parts.append(values.reshape(-1, 12)[:, 3:].astype(np.float32))

    def _open_or_close(self, closes: bool, line: bytes) -> None:
        if closes == (self._title is None):
            raise _Unusual
        if not closes:
            self._title = _name(line.split())
            return
        corners = np.concatenate([np.zeros((0, 9), np.float32), *self._parts])
        self._solids.append((self._title or "", corners.reshape(-1, 3, 3)))
        self._title, self._parts = None, []


def _name(words: list[bytes]) -> str:
    return b" ".join(words[1:]).decode("utf-8", "replace")


def _read_lines(data: memoryview, budget: Budget) -> Solids:
    """Every line by itself. The grammar is checked by counting."""
    solids: Solids = []
    title, numbers, facets, line = "", array("d"), 0, 0
    inside = open_facet = False
    for line, words in _lines(data, budget):
        word = words[0].lower()
        if word == b"vertex":
            if len(words) != 4 or not open_facet:
                raise FileMalformed("A vertex line must have 3 numbers and stand in a facet.", where=f"line {line}")
            numbers.extend(_floats(words[1:], line))
        elif word == b"facet":
            if open_facet or not inside:
                raise FileMalformed("A facet begins before the last one ended.", where=f"line {line}")
            open_facet = True
        elif word == b"endfacet":
            facets += 1
            open_facet = False
            if len(numbers) != 9 * facets:
                raise FileMalformed("A facet must have 3 vertices.", where=f"line {line}")
        elif word == b"solid":
            if inside:
                raise FileMalformed("A solid begins before the last one ended.", where=f"line {line}")
            inside, title = True, _name(words)
        elif word.startswith(b"endsolid"):
            if open_facet:
                raise FileMalformed("A solid ends within a facet.", where=f"line {line}")
            with np.errstate(over="ignore"):
                solids.append((title, np.array(numbers, np.float64).astype(np.float32).reshape(-1, 3, 3)))
            inside, numbers, facets = False, array("d"), 0
        elif word not in (b"outer", b"endloop"):
            raise FileMalformed(f"No line of an STL begins with {words[0][:20]!r}.", where=f"line {line}")
    if inside:
        raise FileTruncated("The solid has no endsolid.", where=f"line {line}")
    return solids


def _lines(data: memoryview, budget: Budget) -> Iterator[tuple[int, list[bytes]]]:
    """(number from 1, words) of every line that has some."""
    number = 0
    for block in blocks(data, budget):
        for line in block.text.splitlines():
            number += 1
            words = line.split()
            if words:
                yield number, words


def _floats(words: list[bytes], line: int) -> list[float]:
    try:
        return list(map(float, words))
    except ValueError:
        raise FileMalformed(f"A coordinate is no number: {b' '.join(words)[:60]!r}.", where=f"line {line}") from None
