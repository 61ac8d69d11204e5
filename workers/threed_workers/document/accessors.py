"""Read accessors as numpy arrays: strides, sparse values, normalized integers, compressed views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from threed_workers.document.model import Document, Json

COMPONENTS = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
SHAPES = {"SCALAR": (1, 1), "VEC2": (1, 2), "VEC3": (1, 3), "VEC4": (1, 4), "MAT2": (2, 2)}
SHAPES |= {"MAT3": (3, 3), "MAT4": (4, 4)}
BLOCK = 1 << 20  # rows


class Layout(NamedTuple):
    """How one element lies in memory. Columns of matrices begin at multiples of 4 bytes (glTF 2.0 section 3.6.2.4)."""

    dtype: np.dtype
    columns: int
    rows: int
    column_stride: int
    size: int

    @property
    def width(self) -> int:
        """Numbers per element."""
        return self.columns * self.rows


def layout(accessor: Json) -> Layout:
    """The layout of an accessor's elements, in bytes. Raises KeyError for an unknown type."""
    dtype = np.dtype(COMPONENTS[accessor["componentType"]]).newbyteorder("<")
    columns, rows = SHAPES[accessor["type"]]
    column = rows * dtype.itemsize
    stride = column + (-column % 4 if columns > 1 else 0)
    return Layout(dtype, columns, rows, stride, stride * columns)


def stored(document: Document, accessor: Json, start: int, stop: int) -> np.ndarray:
    """Rows [start, stop) as they lie in the buffer view, without sparse values: (n, width), no copy where possible."""
    shape = layout(accessor)
    count = stop - start
    if "bufferView" not in accessor:
        return np.zeros((count, shape.width), shape.dtype)
    return _strided(document, accessor["bufferView"], accessor.get("byteOffset", 0), shape, start, count)


def _strided(document: Document, view: int, offset: int, shape: Layout, start: int, count: int) -> np.ndarray:
    stride = document.all("bufferViews")[view].get("byteStride") or shape.size
    return np.ndarray(
        (count, shape.columns, shape.rows),
        shape.dtype,
        document.view(view),
        offset + start * stride,
        (stride, shape.column_stride, shape.dtype.itemsize),
    ).reshape(count, shape.width)


def sparse(document: Document, accessor: Json) -> tuple[np.ndarray, np.ndarray] | None:
    """(indices (n,), values (n, width)) of a sparse accessor; None when it is not one."""
    changes = accessor.get("sparse")
    if not changes:
        return None
    count, where, what = changes["count"], changes["indices"], changes["values"]
    index = layout({"componentType": where["componentType"], "type": "SCALAR"})
    indices = _strided(document, where["bufferView"], where.get("byteOffset", 0), index, 0, count).reshape(-1)
    values = _strided(document, what["bufferView"], what.get("byteOffset", 0), layout(accessor), 0, count)
    return indices.astype(np.int64), values


def blocks(document: Document, index: int, rows: int = BLOCK) -> Iterator[np.ndarray]:
    """Accessor `index` in blocks of at most `rows` rows, (n, width) each, so that memory stays bounded. Read only."""
    accessor = document.all("accessors")[index]
    unpacked = document.unpacked.get(index)
    changes = sparse(document, accessor)
    for start in range(0, accessor["count"], rows):
        stop = min(start + rows, accessor["count"])
        block = stored(document, accessor, start, stop) if unpacked is None else unpacked[start:stop]
        if changes is not None:
            indices, values = changes
            low, high = np.searchsorted(indices, (start, stop))
            if high > low:
                block = block.copy()
                block[indices[low:high] - start] = values[low:high]
        yield block


def read(document: Document, index: int) -> np.ndarray:
    """All values of accessor `index`, (n, width), in the stored type, sparse values applied. Always a copy."""
    accessor = document.all("accessors")[index]
    shape = layout(accessor)
    out = np.empty((accessor["count"], shape.width), shape.dtype)
    place = 0
    for block in blocks(document, index):
        out[place : place + len(block)] = block
        place += len(block)
    return out


def read_floats(document: Document, index: int) -> np.ndarray:
    """All values as float32 (n, width); normalized integers become [0, 1] or [-1, 1] (glTF 2.0 section 3.6.2.2)."""
    values = read(document, index)
    return to_floats(values, bool(document.all("accessors")[index].get("normalized")))


def to_floats(values: np.ndarray, normalized: bool) -> np.ndarray:
    """Stored components as float32."""
    if not normalized or values.dtype.kind == "f":
        return values.astype(np.float32)
    scale = np.iinfo(values.dtype).max
    return np.maximum(values.astype(np.float32) / scale, -1.0)
