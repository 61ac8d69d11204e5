"""Boxes of the ISO base media file format (ISO/IEC 14496-12): read the one track of a file that an encoder wrote.

The files are our own encoders'; whatever is amiss with one is an error of ours, so it is JobFailed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from threed.errors import JobFailed

_SAMPLE_ENTRY = 8 + 78  # the head of a box, and the fields of a VisualSampleEntry
_CONFIGURATIONS = (b"av1C", b"avcC")


@dataclass(frozen=True)
class Coded:
    """`configuration` is the payload of av1C or avcC, `color` that of colr, empty without one."""

    configuration: bytes
    color: bytes
    samples: list[bytes]
    keyframes: list[int]


def read_track(data: bytes) -> Coded:
    """The first track of a file with a moov box. Raises JobFailed."""
    try:
        return _track(memoryview(data))
    except (LookupError, StopIteration, RuntimeError, struct.error) as error:
        raise JobFailed(f"An encoder wrote a file that is not understood: {type(error).__name__} {error}.") from error


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """(type, payload) of the boxes that lie one behind the other in `data`."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, position + 8), 16
        end = position + size if size else len(data)
        if end < position + head or end > len(data):
            raise IndexError(f"box {kind!r} at byte {position}")
        yield kind, data[position + head : end]
        position = end


def _track(data: memoryview) -> Coded:
    table = data
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        table = next(payload for found, payload in boxes(table) if found == kind)
    tables = dict(boxes(table))
    entry = tables[b"stsd"][8:]
    inside = dict(boxes(entry[_SAMPLE_ENTRY : struct.unpack_from(">I", entry)[0]]))
    configuration = next(inside[kind] for kind in _CONFIGURATIONS if kind in inside)
    samples = [bytes(data[begin : begin + size]) for begin, size in _places(tables)]
    return Coded(bytes(configuration), bytes(inside.get(b"colr", b"")), samples, _keyframes(tables, len(samples)))


def _places(tables: dict[bytes, memoryview]) -> Iterator[tuple[int, int]]:
    """(offset, size) of every sample: sizes by sample, offsets by chunk, and runs of chunks of as many samples."""
    same, count = struct.unpack_from(">II", tables[b"stsz"], 4)
    sizes = [same] * count if same else struct.unpack_from(f">{count}I", tables[b"stsz"], 12)
    chunks = struct.unpack_from(">I", tables[b"stco"], 4)[0]
    offsets = struct.unpack_from(f">{chunks}I", tables[b"stco"], 8)
    runs = [
        struct.unpack_from(">III", tables[b"stsc"], 8 + 12 * run)
        for run in range(struct.unpack_from(">I", tables[b"stsc"], 4)[0])
    ]
    sample = 0
    for chunk, offset in enumerate(offsets, 1):
        held = next(many for first, many, _ in reversed(runs) if first <= chunk)
        for size in sizes[sample : sample + held]:
            yield offset, size
            offset += size
        sample += held


def _keyframes(tables: dict[bytes, memoryview], count: int) -> list[int]:
    if b"stss" not in tables:
        return list(range(count))
    found = struct.unpack_from(">I", tables[b"stss"], 4)[0]
    return [number - 1 for number in struct.unpack_from(f">{found}I", tables[b"stss"], 8)]
