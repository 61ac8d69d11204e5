"""Draco and meshopt streams: plausible headers first, then decoded, so that nothing broken reaches a renderer.

The Khronos validator does not look inside either. What they decode to is kept for the scan of values, for the metadata
and for the render copy.
"""

from __future__ import annotations

import DracoPy
import meshopt
import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileTruncated
from threed_workers.budget import Budget
from threed_workers.document.accessors import layout
from threed_workers.document.checks.numbers import whole
from threed_workers.document.model import DRACO, MESHOPT, Document, Json, extension

_FILTERS = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR")
_STRIDES = {"ATTRIBUTES": range(4, 257, 4), "TRIANGLES": (2, 4), "INDICES": (2, 4)}


def check_compression(document: Document, budget: Budget) -> None:
    """Decode every compressed stream into `document.decoded` and `document.unpacked`. Raises FileMalformed."""
    total = 0
    for number, view in enumerate(document.all("bufferViews")):
        stream = extension(view, MESHOPT)
        if stream is not None:
            total = _spend(total, view["byteLength"], budget, f"/bufferViews/{number}")
            document.decoded[number] = _meshopt(document, view, stream, f"/bufferViews/{number}/extensions/{MESHOPT}")
    for pointer, primitive in document.primitives():
        stream = extension(primitive, DRACO)
        if stream is not None:
            accessors = [document.all("accessors")[index] for index in _targets(primitive, stream).values()]
            size = sum(layout(accessor).size * accessor["count"] for accessor in accessors)
            total = _spend(total, size, budget, pointer)
            _draco(document, primitive, stream, f"{pointer}/extensions/{DRACO}")


def _spend(total: int, size: int, budget: Budget, pointer: str) -> int:
    if total + size > budget.decoded_bytes:
        raise FileTooComplex(
            f"Compressed data decodes to {total + size} bytes or more; the limit is {budget.decoded_bytes}.",
            where=pointer,
        )
    return total + size


def _meshopt(document: Document, view: Json, stream: Json, pointer: str) -> memoryview:
    mode, kind = stream.get("mode"), stream.get("filter", "NONE")
    if mode not in _STRIDES or kind not in _FILTERS:
        raise FileMalformed("mode or filter is none that EXT_meshopt_compression knows.", where=pointer)
    stride, count = whole(stream, "byteStride", pointer, low=1), whole(stream, "count", pointer, low=1)
    if stride not in _STRIDES[mode]:
        raise FileMalformed(f"byteStride is {stride}, which mode {mode} forbids.", where=f"{pointer}/byteStride")
    if stride * count != view["byteLength"]:
        raise FileMalformed(
            f"{count} rows of {stride} bytes are not the {view['byteLength']} bytes of the view.",
            where=f"{pointer}/count",
        )
    buffer, offset = stream.get("buffer"), whole(stream, "byteOffset", pointer, 0)
    length = whole(stream, "byteLength", pointer, low=1)
    data = document.buffers[buffer] if buffer is not None else None
    if data is None or offset + length > len(data):
        raise FileTruncated("The compressed bytes lie outside their buffer.", where=pointer)
    try:
        rows = meshopt.decode_gltf_buffer(bytes(data[offset : offset + length]), count, stride, mode, kind)
    except (ValueError, RuntimeError) as error:
        raise FileMalformed(f"The meshopt stream does not decode: {error}.", where=pointer) from None
    if mode != "ATTRIBUTES":
        rows = rows.astype(np.uint16 if stride == 2 else np.uint32)
    return memoryview(np.ascontiguousarray(rows)).cast("B")


def _targets(primitive: Json, stream: Json) -> dict[str, int]:
    """The accessors that the stream fills, by attribute name."""
    names = stream.get("attributes")
    return {name: index for name, index in primitive["attributes"].items() if isinstance(names, dict) and name in names}


def _draco(document: Document, primitive: Json, stream: Json, pointer: str) -> None:
    names = stream.get("attributes")
    if not isinstance(names, dict) or "bufferView" not in stream:
        raise FileMalformed("A Draco primitive needs a bufferView and attributes.", where=pointer)
    data = bytes(document.view(stream["bufferView"]))
    accessors = document.all("accessors")
    indices = primitive.get("indices")
    faces = _draco_faces(data, pointer)
    if indices is not None and faces is not None and faces > accessors[indices]["count"]:
        raise FileMalformed(
            f"The Draco stream says {faces} triangles; the accessor has {accessors[indices]['count']} indices.",
            where=pointer,
        )
    try:
        mesh = DracoPy.decode(data)
        found = {attribute["unique_id"]: attribute["data"] for attribute in mesh.attributes}
    except (DracoPy.FileTypeException, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise FileMalformed(f"The Draco stream does not decode: {error}.", where=pointer) from None
    for name, index in _targets(primitive, stream).items():
        values = found.get(names[name])
        if values is None:
            raise FileMalformed(
                f"The Draco stream has no attribute {names[name]!r}.", where=f"{pointer}/attributes/{name}"
            )
        _keep(document, index, np.asarray(values).reshape(len(values), -1), f"{pointer}/attributes/{name}")
    if indices is not None:
        triangles = getattr(mesh, "faces", None)
        if triangles is None:
            raise FileMalformed("The Draco stream is a point cloud, and the primitive has indices.", where=pointer)
        _keep(document, indices, np.asarray(triangles).reshape(-1, 1), pointer)


def _keep(document: Document, index: int, values: np.ndarray, pointer: str) -> None:
    accessor = document.all("accessors")[index]
    shape = layout(accessor)
    if values.shape != (accessor["count"], shape.width):
        raise FileMalformed(
            f"The Draco stream holds {values.shape[0]} x {values.shape[1]} values; "
            f"the accessor says {accessor['count']} x {shape.width}.",
            where=pointer,
        )
    document.unpacked[index] = values.astype(shape.dtype, copy=False)


def _draco_faces(data: bytes, pointer: str) -> int | None:
    """Triangles that the header declares (Draco bitstream 2.2, section 4); None for point clouds and older streams."""
    if data[:5] != b"DRACO" or len(data) < 13:
        raise FileMalformed("This is no Draco stream.", where=pointer)
    major, minor, kind, method = data[5:9]
    if (major, minor) > (2, 3) or kind > 1 or method > 1:
        raise FileMalformed(f"Draco {major}.{minor}, geometry {kind}, method {method} is not known.", where=pointer)
    if kind == 0 or (major, minor) < (2, 2):
        return None
    position = 11
    if method == 1:  # edgebreaker: its traversal, the vertices, then the faces
        _, position = _varint(data, position + 1, pointer)
    return _varint(data, position, pointer)[0]


def _varint(data: bytes, position: int, pointer: str) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 35:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise FileMalformed("The header of a Draco stream is cut.", where=pointer)
