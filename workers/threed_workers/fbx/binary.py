"""Binary FBX, versions 2000 to 7700, to a tree of nodes.

A node is: where it ends, the count and the size of its values, its name, the values, its children, and a record of
zeros when there were any. From 7500 on the first three are of 64 bits. Arrays stay packed until someone asks.
"""

from __future__ import annotations

import struct

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileTruncated
from threed_workers.fbx.node import MOST_DEPTH, Ledger, Node, Packed

MAGIC = b"Kaydara FBX Binary  \0"
_BODY = 27
# The container of FBX 5.0 calls itself 3000.
_OLDEST, _NEWEST = 2000, 9999
_SCALARS = {"Y": "h", "Z": "b", "C": "B", "B": "B", "I": "i", "F": "f", "D": "d", "L": "q"}
_ARRAYS = {"f": "f4", "d": "f8", "l": "i8", "i": "i4", "b": "u1", "c": "u1"}
# As many values of one kind, as older versions write arrays, are read at once.
_RUN = 16


def read_binary(data: memoryview, ledger: Ledger) -> tuple[int, Node]:
    """(version, root). Raises FileTruncated, FileMalformed or FileTooComplex; `where` is a byte offset."""
    if len(data) < _BODY:
        raise FileTruncated("The file ends within its header. Upload it whole.", where=f"byte {len(data)}")
    order = ">" if data[22] == 1 else "<"
    version = struct.unpack_from(order + "I", data, 23)[0]
    if not _OLDEST <= version <= _NEWEST:
        raise FileMalformed(f"No FBX has the version {version}. Export it again, as 7.4 binary.", where="byte 23")
    return version, _Reader(data, order, version >= 7500, ledger).tree()


class _Reader:
    def __init__(self, data: memoryview, order: str, wide: bool, ledger: Ledger):
        self.data, self.order, self.ledger = data, order, ledger
        self.head = struct.Struct(order + ("QQQB" if wide else "IIIB"))
        self.scalars = {kind: struct.Struct(order + code) for kind, code in _SCALARS.items()}
        self.array_head = struct.Struct(order + "III")

    def tree(self) -> Node:
        root = Node("", "byte 0")
        open_nodes = [(root, len(self.data))]
        place = _BODY
        while open_nodes:
            parent, end = open_nodes[-1]
            if place >= end:
                place = self._close(place, open_nodes)
                continue
            self._within(place, self.head.size, "a node")
            stop, count, size, letters = self.head.unpack_from(self.data, place)
            if not stop:
                if len(open_nodes) == 1:
                    break  # what follows is the footer
                open_nodes.pop()
                place = end
                continue
            where = f"byte {place}"
            if stop > len(self.data):
                raise FileTruncated(f"A node says that it ends at byte {stop}, beyond the file.", where=where)
            start = place + self.head.size + letters
            if stop > end or start + size > stop:
                raise FileMalformed("A node is larger than the one it is in.", where=where)
            self.ledger.take_node(where)
            name = bytes(self.data[start - letters : start]).decode("utf-8", "replace")
            node = Node(name, where, self._values(start, start + size, count))
            parent.children.append(node)
            place = start + size
            if place < stop:
                if len(open_nodes) > MOST_DEPTH:
                    raise FileTooComplex(f"Nodes are nested deeper than {MOST_DEPTH}.", where=where)
                open_nodes.append((node, stop))
        return root

    def _close(self, place: int, open_nodes: list) -> int:
        open_nodes.pop()
        return place

    def _within(self, place: int, size: int, what: str, end: int | None = None) -> None:
        if place + size > (len(self.data) if end is None else end):
            raise FileTruncated(f"The file ends within {what}. Upload it whole.", where=f"byte {place}")

    def _values(self, place: int, end: int, count: int) -> list:
        values: list = []
        while len(values) < count:
            if place >= end:
                raise FileMalformed(f"A node promises {count} values and holds {len(values)}.", where=f"byte {place}")
            kind = chr(self.data[place])
            if count - len(values) >= _RUN and not values and kind in "IFDL":
                run = self._run(place, end, count, kind)
                if run is not None:
                    return [run]
            value, place = self._value(kind, place + 1, end)
            values.append(value)
        return values

    def _run(self, place: int, end: int, count: int, kind: str) -> np.ndarray | None:
        """`count` scalars of one kind as an array; None when they are mixed."""
        item = np.dtype([("kind", "u1"), ("value", self.order + _ARRAYS[kind.lower()])])
        if place + count * item.itemsize > end:
            return None
        table = np.frombuffer(self.data, item, count, place)
        return table["value"] if (table["kind"] == ord(kind)).all() else None

    def _value(self, kind: str, place: int, end: int) -> tuple[object, int]:
        if kind in _SCALARS:
            form = self.scalars[kind]
            self._within(place, form.size, "a value", end)
            return form.unpack_from(self.data, place)[0], place + form.size
        if kind in "SR":
            self._within(place, 4, "a value", end)
            size = struct.unpack_from(self.order + "I", self.data, place)[0]
            place += 4
            self._within(place, size, "a text", end)
            raw = self.data[place : place + size]
            return (bytes(raw).decode("utf-8", "replace") if kind == "S" else raw), place + size
        if kind in _ARRAYS:
            self._within(place, 12, "an array", end)
            count, encoding, size = self.array_head.unpack_from(self.data, place)
            dtype = np.dtype(self.order + _ARRAYS[kind])
            size = size if encoding else count * dtype.itemsize
            where = f"byte {place}"
            place += 12
            self._within(place, size, "an array", end)
            if encoding > 1:
                raise FileMalformed(f"An array has the unknown encoding {encoding}.", where=where)
            packed = Packed(dtype, count, encoding == 1, self.data[place : place + size], where, self.ledger)
            return packed, place + size
        raise FileMalformed(f"A value has the unknown type {ord(kind)}.", where=f"byte {place - 1}")
