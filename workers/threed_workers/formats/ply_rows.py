"""The rows of a PLY file in text, as the tables that binary rows give too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import numpy as np

from threed.errors import FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.formats.number_lines import Block, Numbers, blocks, line_ends, per_line, signs_of, word_ends

_LONGEST_LIST = 2**31 - 1


class Property(NamedTuple):
    """`length` is the type of a list's length, None for a plain property. Types are numpy's, with byte order."""

    name: str
    kind: np.dtype
    length: np.dtype | None


class Element(NamedTuple):
    name: str
    count: int
    properties: list[Property]


@dataclass
class Table:
    """`columns` hold one value per row, (n,); `lists` hold (lengths (n,), values one after the other)."""

    count: int
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    lists: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


class TextRows:
    """A row per line; lines without words are none. Lists that a short line does not get to are empty."""

    def __init__(self, data: memoryview, start: int, budget: Budget):
        self._blocks = blocks(data, budget, start)
        self._numbers = Numbers()
        self._rest = _Lines(np.zeros(0), np.zeros(0, np.int64), {})
        self._read = 0  # rows, of all elements

    def table(self, element: Element) -> Table:
        """Raises FileTruncated for fewer rows than declared or a row with too few numbers, FileMalformed for others."""
        parts: list[Table] = []
        missing = element.count
        while missing:
            lines = self._rest if len(self._rest.sizes) else self._next(element)
            lines, self._rest = lines.cut(missing)
            parts.append(_Rows(element, lines, element.count - missing).table())
            missing -= len(lines.sizes)
            self._read += len(lines.sizes)
        return _joined(element, parts)

    def _next(self, element: Element) -> _Lines:
        for block in self._blocks:
            lines = _lines(block, self._numbers)
            if len(lines.sizes):
                return lines
        raise FileTruncated(
            f"The file ends before {element.count} rows of {element.name[:40]}.", where=f"row {self._read}"
        )


class _Lines(NamedTuple):
    """Lines that have words: `values` float64 of every word, `sizes` int64, words per line.

    `strange` are the words that are no numbers, by their place in `values`, where NaN stands for them.
    """

    values: np.ndarray
    sizes: np.ndarray
    strange: dict[int, bytes]

    def cut(self, rows: int) -> tuple[_Lines, _Lines]:
        """The first rows, and the rest."""
        if rows >= len(self.sizes):
            return self, _Lines(self.values[:0], self.sizes[:0], {})
        words = int(self.sizes[:rows].sum())
        rest = {place - words: word for place, word in self.strange.items() if place >= words}
        return _Lines(self.values[:words], self.sizes[:rows], self.strange), _Lines(
            self.values[words:], self.sizes[rows:], rest
        )


def _lines(block: Block, numbers: Numbers) -> _Lines:
    text = block.text.replace(b"\r", b"\n") if b"\r" in block.text else block.text
    signs = signs_of(text)
    ends = word_ends(signs)
    sizes = per_line(ends, line_ends(text))
    sizes = sizes[sizes > 0]
    values = numbers.floats(signs, ends)
    if values is not None and len(values) == sizes.sum():
        return _Lines(values, sizes, {})
    words, strange = text.split(), {}
    values = np.full(len(words), np.nan)
    for place, word in enumerate(words):
        try:
            values[place] = float(word.replace(b"_", b"?"))  # Python would have 1_000
        except ValueError:
            strange[place] = word
    return _Lines(values, np.array([len(line.split()) for line in text.split(b"\n") if line.strip()]), strange)


class _Rows:
    """Lines as rows of one element, the first of which has the number `first`."""

    def __init__(self, element: Element, lines: _Lines, first: int):
        self._element, self._lines, self._first = element, lines, first
        self._stops = np.cumsum(lines.sizes)

    def table(self) -> Table:
        """Columns and lists in their declared types."""
        table = Table(len(self._stops))
        places = self._stops - self._lines.sizes  # where in the values each row is read on
        for entry in self._element.properties:
            if entry.length is None:
                self._check(places + 1)
                table.columns[entry.name] = _cast(self._picked(places), entry)
                places = places + 1
            else:
                lengths = self._lengths(places)
                places = np.minimum(places + 1, self._stops)
                self._check(places + lengths)
                table.lists[entry.name] = (lengths.astype(np.int32), _cast(self._listed(places, lengths), entry))
                places = places + lengths
        return table

    def _check(self, places: np.ndarray) -> None:
        short = places > self._stops
        if short.any():
            row = self._first + int(np.flatnonzero(short)[0])
            name = self._element.name[:40]
            raise FileTruncated(f"Row {row} of {name} has too few numbers.", where=f"row {row}")

    def _lengths(self, places: np.ndarray) -> np.ndarray:
        """int64 (rows,)."""
        there = places < self._stops
        lengths = np.where(there, self._picked(np.where(there, places, 0)), 0)
        wrong = ~((lengths >= 0) & (lengths <= _LONGEST_LIST) & (np.floor(lengths) == lengths))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            self._malformed(f"A list has the length {lengths[row]:g}.", row)
        return lengths.astype(np.int64)

    def _listed(self, places: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        if not len(lengths):
            return np.zeros(0)
        if (lengths == lengths[0]).all():
            return self._picked((places[:, None] + np.arange(lengths[0])).reshape(-1))
        before = np.cumsum(lengths) - lengths
        return self._picked(np.repeat(places - before, lengths) + np.arange(lengths.sum()))

    def _picked(self, places: np.ndarray) -> np.ndarray:
        strange = self._lines.strange
        if strange and (met := np.isin(places, list(strange))).any():
            place = int(places[met][0])
            row = int(np.searchsorted(self._stops, place, side="right"))
            self._malformed(f"{strange[place][:30]!r} is not a number.", row)
        return self._lines.values[places]

    def _malformed(self, text: str, row: int) -> NoReturn:
        raise FileMalformed(text, where=f"{self._element.name[:40]} {self._first + row}")


def _cast(values: np.ndarray, entry: Property) -> np.ndarray:
    """The declared type, where the values fit it; text files often say uchar and write 300."""
    kind = entry.kind.newbyteorder("=")
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(kind)
    limits = np.iinfo(kind)
    if not ((values >= limits.min) & (values <= limits.max)).all():  # NaN is neither
        raise FileMalformed(f"A value of {entry.name[:40]} does not fit its type.", where=f"property {entry.name[:40]}")
    return values.astype(kind)


def _joined(element: Element, parts: list[Table]) -> Table:
    """The parts as one table. Each is let go of as soon as it is copied."""
    table = Table(element.count)
    for entry in element.properties:
        if entry.length is None:
            table.columns[entry.name] = np.concatenate([part.columns.pop(entry.name) for part in parts])
        else:
            lists = [part.lists.pop(entry.name) for part in parts]
            table.lists[entry.name] = (
                np.concatenate([lengths for lengths, _ in lists]),
                np.concatenate([values for _, values in lists]),
            )
    return table
