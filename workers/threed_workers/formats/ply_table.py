"""The tables inside a PLY file: header, then rows, in text or binary."""

from __future__ import annotations

import struct
from array import array
from typing import NamedTuple

import numpy as np

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.formats.ply_rows import Element, Property, Table, TextRows

_HEADER_BYTES = 1 << 20
_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "float32": "f4",
    "float64": "f8",
}
# A list's length, of numpy's type in struct's letters.
_STRUCTS = {"|i1": "b", "|u1": "B"} | {
    f"{order}{kind}": order + letter
    for order in "<>"
    for kind, letter in {"i2": "h", "u2": "H", "i4": "i", "u4": "I"}.items()
}
_ORDERS = {"ascii": "<", "binary_little_endian": "<", "binary_big_endian": ">"}


class Header(NamedTuple):
    encoding: str
    elements: list[Element]
    comments: list[str]
    size: int


def parse_header(data: memoryview) -> Header:
    """Raises FileMalformed with the line."""
    head = bytes(data[:_HEADER_BYTES])
    end = head.find(b"end_header")
    line_end = head.find(b"\n", end)
    if end < 0 or line_end < 0:
        raise FileTruncated(f"The header has no end_header within {len(head)} bytes.", where=f"byte {len(head)}")
    if head[end + 10 : end + 11] == b"\r" and head[end + 11 : end + 12] != b"\n":
        line_end = end + 10  # lines that end in a bare carriage return
    encoding, elements, comments = "", [], []
    for number, line in enumerate(head[:end].decode("utf-8", "replace").splitlines(), 1):
        words, where = line.split(), f"line {number}"
        if not words or words[0] in ("ply", "obj_info"):
            continue
        if words[0] == "comment":
            comments.append(line.split(None, 1)[1] if len(words) > 1 else "")
        elif words[0] == "format" and len(words) == 3:
            encoding = words[1]
        elif words[0] == "element" and len(words) == 3 and words[2].isdecimal() and len(words[2]) < 19:
            elements.append(Element(words[1], int(words[2]), []))
        elif words[0] == "property" and elements:
            elements[-1].properties.append(_property(words, encoding, where))
        elif words[0] in ("format", "element", "property"):
            raise FileMalformed(f"This header line says nothing known: {line[:60]!r}.", where=where)
    if encoding not in _ORDERS:
        raise FileFeatureUnsupported(f"The PLY encoding {encoding[:30]!r} is not known.", where="line 2")
    return Header(encoding, elements, comments, line_end + 1)


def _property(words: list[str], encoding: str, where: str) -> Property:
    kinds = words[2:4] if words[1] == "list" else words[1:2]
    if len(words) != (5 if words[1] == "list" else 3) or not all(kind in _TYPES for kind in kinds):
        raise FileMalformed(f"A property has a type that PLY does not know: {' '.join(words)[:60]!r}.", where=where)
    types = [np.dtype(_TYPES[kind]).newbyteorder(_ORDERS.get(encoding, "<")) for kind in kinds]
    if words[1] == "list" and types[0].kind == "f":
        raise FileMalformed("The length of a list must be a whole number.", where=where)
    return Property(words[-1], types[-1], types[0] if words[1] == "list" else None)


def read_tables(data: memoryview, header: Header, budget: Budget) -> dict[str, Table]:
    """Every element's table. Raises FileTruncated for fewer rows than declared."""
    body = data[header.size :]
    text = header.encoding == "ascii"
    reader = TextRows(data, header.size, budget) if text else _Binary(body, header.size)
    tables = {}
    for element in header.elements:
        least = sum((entry.length or entry.kind).itemsize for entry in element.properties) * element.count
        if (element.count > len(body) and element.properties) or least > budget.accessor_bytes:
            raise FileTruncated(
                f"{element.count} rows of {element.name[:40]} are declared and {len(body)} bytes follow the header.",
                where=f"element {element.name[:40]}",
            )
        if element.count and element.properties:
            tables[element.name] = reader.table(element)
    return tables


class _Binary:
    """Rows one after the other. Lists of one length, the usual case, are read in one piece."""

    def __init__(self, body: memoryview, origin: int):
        self.body, self.origin, self.position = body, origin, 0

    def table(self, element: Element) -> Table:
        start, first = self.position, []
        for entry in element.properties:  # the first row tells how long each list probably is
            if entry.length is None:
                self._value(entry.kind, element)
            else:
                first.append(self._list_length(entry, element))
                self._skip(first[-1] * entry.kind.itemsize, element)
        self.position = start
        uniform = self._uniform(element, first)
        return uniform if uniform is not None else self._ragged(element)

    def _uniform(self, element: Element, lengths: list[int]) -> Table | None:
        """The table, when every row has those list lengths; otherwise None, with nothing consumed."""
        fields, rest = [], iter(lengths)
        for number, entry in enumerate(element.properties):
            if entry.length is not None:
                fields += [(f"n{number}", entry.length), (f"v{number}", entry.kind, (next(rest),))]
            else:
                fields.append((f"v{number}", entry.kind))
        row = np.dtype(fields)
        if self.position + row.itemsize * element.count > len(self.body):
            if not lengths:
                self._truncated(element)
            return None
        rows = np.frombuffer(self.body, row, element.count, self.position)
        table, rest = Table(element.count), iter(lengths)
        for number, entry in enumerate(element.properties):
            values = rows[f"v{number}"]
            if entry.length is None:
                table.columns[entry.name] = values
            else:
                length = next(rest)
                if (rows[f"n{number}"] != length).any():
                    return None
                table.lists[entry.name] = (np.full(element.count, length, np.int32), values.reshape(-1))
        self.position += row.itemsize * element.count
        return table

    def _ragged(self, element: Element) -> Table:
        """Where each row begins shows only when all before it are measured; its values are then taken all at once."""
        lists = [entry for entry in element.properties if entry.length is not None]
        lengths = np.array(self._measure(element), np.int64).reshape(element.count, len(lists))
        sizes = iter(range(len(lists)))
        widths = [  # bytes of each property in each row
            entry.kind.itemsize
            if entry.length is None
            else entry.length.itemsize + entry.kind.itemsize * lengths[:, next(sizes)]
            for entry in element.properties
        ]
        rows = np.broadcast_to(np.sum(np.broadcast_arrays(*widths), axis=0), element.count)
        places = self.position + np.cumsum(rows) - rows
        table, columns = Table(element.count), iter(lengths.T)
        for entry, width in zip(element.properties, widths, strict=True):
            if entry.length is None:
                table.columns[entry.name] = self._picked(entry.kind, places)
            else:
                length = next(columns)
                before = np.cumsum(length) - length
                first = places + entry.length.itemsize - entry.kind.itemsize * before
                spots = np.repeat(first, length) + entry.kind.itemsize * np.arange(length.sum())
                table.lists[entry.name] = (length.astype(np.int32), self._picked(entry.kind, spots))
            places = places + width
        self.position += int(rows.sum())
        return table

    def _measure(self, element: Element) -> array:
        """The length of every list, row by row."""
        steps, gap = [], 0  # how far a list is from the end of the one before
        for entry in element.properties:
            if entry.length is None:
                gap += entry.kind.itemsize
            else:
                steps.append((gap, struct.Struct(_STRUCTS[entry.length.str]), entry.kind.itemsize))
                gap = 0
        found, position, body = array("q"), self.position, self.body
        for _ in range(element.count):
            for before, length_of, itemsize in steps:
                position += before
                if position + length_of.size > len(body):
                    self._truncated(element)
                (length,) = length_of.unpack_from(body, position)
                if length < 0:
                    raise FileMalformed(f"A list has the length {length}.", where=f"byte {self.origin + position}")
                found.append(length)
                position += length_of.size + length * itemsize
            position += gap
        if position > len(body):
            self._truncated(element)
        return found

    def _picked(self, kind: np.dtype, places: np.ndarray) -> np.ndarray:
        """The values of that type that begin at those bytes, native."""
        everywhere = np.ndarray((len(self.body) - kind.itemsize + 1,), kind, self.body, strides=(1,))
        return everywhere[places].astype(kind.newbyteorder("="), copy=False)

    def _value(self, kind: np.dtype, element: Element) -> np.generic:
        start = self.position
        self._skip(kind.itemsize, element)
        return np.frombuffer(self.body, kind, 1, start)[0]

    def _list_length(self, entry: Property, element: Element) -> int:
        length = int(self._value(entry.length, element))
        if length < 0:
            raise FileMalformed(f"A list has the length {length}.", where=f"byte {self.origin + self.position}")
        return length

    def _skip(self, size: int, element: Element) -> None:
        if self.position + size > len(self.body):
            self._truncated(element)
        self.position += size

    def _truncated(self, element: Element) -> None:
        raise FileTruncated(
            f"The file ends before {element.count} rows of {element.name[:40]}.",
            where=f"byte {self.origin + self.position}",
        )
