"""EXT_meshopt_compression of accessors' data, by kind of data."""

from __future__ import annotations

from dataclasses import dataclass, field

import meshopt
import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, layout, read, read_floats
from threed_workers.document.collecting import padded
from threed_workers.document.model import INSTANCING, MESHOPT, Json, extension
from threed_workers.transforms.geometry.vertices import TRIANGLES, mode_of

_BYTE, _SHORT = 5120, 5122
_WIDEST_ROW = 256
_QUATERNION_BITS = 16


@dataclass
class Stream:
    """Rows of one stride, of several accessors, that become one buffer view. `filter` as in the extension."""

    mode: str
    filter: str
    target: int | None
    dtype: np.dtype
    pieces: list[tuple[int, np.ndarray]] = field(default_factory=list)


def changes(options: recipes_pb2.Meshopt) -> frozenset[str]:
    return frozenset()


def apply(document: Document, options: recipes_pb2.Meshopt) -> Document:
    """Move what accessors hold into compressed streams, one for each kind of rows, where that makes them smaller.

    Triangle lists keep their triangles, each may begin at another corner; everything else stays bit for bit, but for
    what is filtered: normals and tangents that are integers, and rotations of animations, which become 16 bit
    integers. Sparse values and pictures stay plain. Readers without the extension find a placeholder buffer.
    """
    edit.decompress(document)
    filtered = options.filter != recipes_pb2.Meshopt.NONE
    streams: dict[tuple, Stream] = {}
    for index, (mode, kind, target) in _uses(document, filtered).items():
        accessor = document.all("accessors")[index]
        if "bufferView" not in accessor or "sparse" in accessor or not accessor["count"]:
            continue
        rows = _rows(document, index, mode, kind, target)
        if rows is not None:
            key = (mode, kind, target, rows.dtype, rows.shape[1:])
            streams.setdefault(key, Stream(mode, kind, target, rows.dtype)).pieces.append((index, rows))
    placeholder = _Placeholder(document)
    for stream in streams.values():
        _compress(document, stream, placeholder)
    return edit.collect(document)


def _uses(document: Document, filtered: bool) -> dict[int, tuple[str, str, int | None]]:
    """By accessor: mode, filter, target. An accessor that is used in two ways is treated as the plainer one."""
    uses: dict[int, tuple[str, str, int | None]] = {}

    def note(index: int, mode: str, kind: str = "NONE", target: int | None = None) -> None:
        if uses.setdefault(index, (mode, kind, target)) != (mode, kind, target):
            known = uses[index]
            uses[index] = ("ATTRIBUTES" if mode != known[0] else mode, "NONE", known[2] if known[2] == target else None)

    for _, primitive in document.primitives():
        for place, attributes in enumerate([primitive["attributes"], *(primitive.get("targets") or [])]):
            for name, index in attributes.items():
                unit = filtered and not place and name in ("NORMAL", "TANGENT") and _is_packed(document, index)
                note(index, "ATTRIBUTES", "OCTAHEDRAL" if unit else "NONE", edit.ARRAY)
        if "indices" in primitive:
            whole = mode_of(primitive) == TRIANGLES and not document.all("accessors")[primitive["indices"]]["count"] % 3
            note(primitive["indices"], "TRIANGLES" if whole else "INDICES", target=edit.ELEMENTS)
    for animation in document.all("animations"):
        turning = {c["sampler"] for c in animation["channels"] if c["target"].get("path") == "rotation"}
        other = {c["sampler"] for c in animation["channels"] if c["target"].get("path") != "rotation"}
        for number, sampler in enumerate(animation["samplers"]):
            spline = sampler.get("interpolation") == "CUBICSPLINE"
            turns = filtered and number in turning - other and not spline
            note(sampler["input"], "ATTRIBUTES")
            note(sampler["output"], "ATTRIBUTES", "QUATERNION" if turns else "NONE")
    for skin in document.all("skins"):
        if "inverseBindMatrices" in skin:
            note(skin["inverseBindMatrices"], "ATTRIBUTES")
    for node in document.all("nodes"):
        for index in ((extension(node, INSTANCING) or {}).get("attributes") or {}).values():
            note(index, "ATTRIBUTES")
    return uses


def _is_packed(document: Document, index: int) -> bool:
    accessor = document.all("accessors")[index]
    return accessor["componentType"] in (_BYTE, _SHORT) and bool(accessor.get("normalized"))


def _rows(document: Document, index: int, mode: str, kind: str, target: int | None) -> np.ndarray | None:
    """What the stream encodes: uint16 or uint32 (n, 1) indices, filtered or plain uint8 (n, stride) rows."""
    accessor = document.all("accessors")[index]
    if mode != "ATTRIBUTES":
        values = read(document, index)
        return values if values.dtype.itemsize > 1 else None
    if kind == "OCTAHEDRAL":
        values = read_floats(document, index)
        wide = np.zeros((len(values), 4), np.float32)
        wide[:, : values.shape[1]] = values
        bits = 8 if accessor["componentType"] == _BYTE else 16
        return meshopt.encode_filter_oct(wide, bits // 2, bits).view(np.uint8)
    if kind == "QUATERNION":
        return meshopt.encode_filter_quat(_unit(read_floats(document, index)), 8, _QUATERNION_BITS).view(np.uint8)
    shape = layout(accessor)
    if shape.columns > 1 and shape.column_stride != shape.rows * shape.dtype.itemsize:
        return None  # Columns of small matrices have gaps.
    values = read(document, index)
    rows = values.view(np.uint8).reshape(len(values), -1)
    if target == edit.ARRAY:
        rows = padded(rows)
    return rows if rows.shape[1] <= _WIDEST_ROW and rows.shape[1] % 4 == 0 else None


def _unit(quaternions: np.ndarray) -> np.ndarray:
    """xyzw (n, 4) of unit length; what has no length turns nothing."""
    lengths = np.linalg.norm(quaternions, axis=1, keepdims=True)
    usable = lengths > 0
    return np.where(usable, quaternions / np.where(usable, lengths, 1), (0, 0, 0, 1)).astype(np.float32)


class _Placeholder:
    """The buffer without bytes that stands where the plain data would be, for readers without the extension."""

    def __init__(self, document: Document):
        self._document = document
        self._size = 0
        self._buffer = -1

    def reserve(self, size: int) -> Json:
        """The address of `size` bytes in it."""
        if self._buffer < 0:
            entry = {"byteLength": 0, "extensions": {MESHOPT: {"fallback": True}}}
            self._document.json.setdefault("buffers", []).append(entry)
            self._document.buffers.append(None)
            self._buffer = len(self._document.buffers) - 1
        offset = self._size
        self._size += size + -size % 4
        self._document.json["buffers"][self._buffer]["byteLength"] = offset + size
        return {"buffer": self._buffer, "byteOffset": offset, "byteLength": size}


def _compress(document: Document, stream: Stream, placeholder: _Placeholder) -> None:
    rows = np.concatenate([piece for _, piece in stream.pieces])
    encoded = meshopt.encode_gltf_buffer(rows, stream.mode)
    accessors = [document.all("accessors")[index] for index, _ in stream.pieces]
    if len(encoded) >= sum(layout(accessor).size * accessor["count"] for accessor in accessors):
        return
    stride = rows.nbytes // len(rows)
    coded = {"buffer": len(document.buffers), "byteOffset": 0, "byteLength": len(encoded), "byteStride": stride}
    coded |= {"count": len(rows), "mode": stream.mode}
    if stream.filter != "NONE":
        coded["filter"] = stream.filter
    document.json["buffers"].append({"byteLength": len(encoded)})
    document.buffers.append(memoryview(encoded))
    view: Json = placeholder.reserve(rows.nbytes) | {"extensions": {MESHOPT: coded}}
    if stream.target is not None:
        view |= {"target": stream.target}
    if stream.target == edit.ARRAY:
        view |= {"byteStride": stride}
    document.json["bufferViews"].append(view)
    number, place = len(document.json["bufferViews"]) - 1, 0
    document.decoded[number] = _decoded(encoded, rows, stream)
    for (index, piece), accessor in zip(stream.pieces, accessors, strict=True):
        accessor |= {"bufferView": number, "byteOffset": place}
        if stream.filter == "QUATERNION":
            accessor |= {"componentType": _SHORT, "normalized": True}
        if stream.filter != "NONE":
            document.bounds.pop(index, None)
            for key in ("min", "max"):
                accessor.pop(key, None)
        place += piece.nbytes
    edit.use(document, MESHOPT, required=True)


def _decoded(encoded: bytes, rows: np.ndarray, stream: Stream) -> memoryview:
    """What every reader gets from the stream, for the steps and checks that come after."""
    kind = None if stream.filter == "NONE" else stream.filter
    found = meshopt.decode_gltf_buffer(encoded, len(rows), rows.nbytes // len(rows), stream.mode, kind)
    if stream.mode != "ATTRIBUTES":
        found = found.astype(rows.dtype)
    return memoryview(np.ascontiguousarray(found)).cast("B")
