"""KHR_draco_mesh_compression of every primitive that Draco can hold."""

from __future__ import annotations

import DracoPy
import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, layout, read, read_floats
from threed_workers.document.model import DRACO, Json
from threed_workers.transforms.geometry.vertices import TRIANGLES, Shape, mode_of, note, shapes

_LEVEL, _POSITION_BITS, _NORMAL_BITS, _TEXCOORD_BITS = 7, 14, 10, 12
_FLOAT = 5126
# The names for which DracoPy has a parameter. Everything else is a generic attribute.
_NORMAL, _TEXCOORD, _COLOR = "NORMAL", "TEXCOORD_0", "COLOR_0"
_TYPES = {"POSITION": 0, _NORMAL: 1, _COLOR: 2, _TEXCOORD: 3}  # Draco's GeometryAttribute::Type


def changes(options: recipes_pb2.Draco) -> frozenset[str]:
    return frozenset({"vertices", "triangles"})


def apply(document: Document, options: recipes_pb2.Draco) -> Document:
    """Compress triangle lists. Positions, normals and the first texture coordinates get as many bits as asked.

    Colours, skins, tangents and attributes of other names keep every bit. Triangles whose corners are one vertex go,
    and so do vertices that no triangle draws. What Draco cannot hold stays plain, and an issue says why: other modes,
    signed integers of other names, morph targets (they need the order of vertices, which Draco gives up). Primitives
    that drew from the same vertices do so no more, since each stream has its own.
    """
    edit.decompress(document)
    bits = {
        "level": options.level or _LEVEL,
        "position": options.position_bits or _POSITION_BITS,
        "normal": options.normal_bits or _NORMAL_BITS,
        "texcoord": options.texcoord_bits or _TEXCOORD_BITS,
    }
    for shape in shapes(document):
        made: dict[int | None, tuple[dict, Json] | None] = {}
        for pointer, primitive in zip(shape.pointers, shape.primitives, strict=True):
            key = primitive.get("indices")
            why = _why_not(document, primitive)
            if why is None and key not in made:
                made[key] = _stream(document, shape, primitive, bits)
            if why is None and made[key] is None:
                why = "the encoder finds no triangle with an area."
            if why:
                note(document, "DRACO_LEFT_PLAIN", pointer, f"The primitive is not compressed: {why}")
                continue
            accessors, stream = made[key]
            primitive["indices"] = accessors["indices"]
            primitive["attributes"] = {name: accessors[name] for name in primitive["attributes"]}
            primitive.setdefault("extensions", {})[DRACO] = stream
            edit.use(document, DRACO, required=True)
    return edit.collect(document)


def _why_not(document: Document, primitive: Json) -> str | None:
    if mode_of(primitive) != TRIANGLES:
        return "it is no triangle list."
    if primitive.get("targets"):
        return "its morph targets need the order of vertices, which Draco gives up."
    for name, index in primitive["attributes"].items():
        dtype = layout(document.all("accessors")[index]).dtype
        if name not in ("POSITION", "NORMAL", "TANGENT") and dtype.kind == "i":
            return f"{name} has signed integers, which the encoder does not take."
    return None


def _stream(document: Document, shape: Shape, primitive: Json, bits: dict[str, int]) -> tuple[dict, Json] | None:
    """(accessors by name, the extension object) of a new stream; None when the encoder finds nothing to encode."""
    triangles = shape.indices(primitive).reshape(-1, 3)
    columns = {name: _column(document, name, index) for name, index in primitive["attributes"].items()}
    special = {_NORMAL: "normals", _TEXCOORD: "tex_coord"}
    named = {special[name]: columns[name].astype(np.float64) for name in special if name in columns}
    if _COLOR in columns and columns[_COLOR].dtype == np.uint8:
        named["colors"] = columns[_COLOR]
        special |= {_COLOR: "colors"}
    generic = [name for name in columns if name != "POSITION" and name not in special]
    try:
        data = DracoPy.encode(
            columns["POSITION"],
            triangles,
            quantization_bits=bits["position"],
            compression_level=bits["level"],
            tex_coord_quantization_bits=bits["texcoord"],
            normal_quantization_bits=bits["normal"],
            generic_attributes={number: columns[name] for number, name in enumerate(generic)} or None,
            **named,
        )
    except DracoPy.EncodingFailedException:
        return None
    mesh = DracoPy.decode(data)
    found = {attribute["unique_id"]: attribute for attribute in mesh.attributes}
    by_type = {attribute["attribute_type"]: attribute["unique_id"] for attribute in found.values()}
    ids = {name: number for number, name in enumerate(generic)}
    ids |= {name: by_type[_TYPES[name]] for name in columns if name not in generic}
    accessors = {name: _accessor(document, primitive, name, found[ids[name]]["data"]) for name in columns}
    accessors["indices"] = _indices(document, np.asarray(mesh.faces), len(mesh.points))
    return accessors, {"bufferView": edit.add_view(document, data), "attributes": ids}


def _column(document: Document, name: str, index: int) -> np.ndarray:
    """What the encoder gets: float32 where Draco itself quantizes or knows no signed integers, else as stored."""
    if name in ("POSITION", "NORMAL", "TANGENT", _TEXCOORD):
        return read_floats(document, index)
    return read(document, index)


def _accessor(document: Document, primitive: Json, name: str, values: np.ndarray) -> int:
    """An accessor that the stream fills."""
    source = document.all("accessors")[primitive["attributes"][name]]
    is_float = name in ("POSITION", "NORMAL", "TANGENT", _TEXCOORD)
    kept = ("type", "normalized", "name", "extras")
    entry: Json = {key: source[key] for key in kept if key in source and not (is_float and key == "normalized")}
    entry |= {"componentType": _FLOAT if is_float else source["componentType"], "count": len(values)}
    values = np.ascontiguousarray(values.reshape(len(values), -1), layout(entry).dtype)
    if name == "POSITION" or "min" in source:
        entry |= edit.extremes(values)
    return _add(document, entry, values)


def _indices(document: Document, triangles: np.ndarray, vertices: int) -> int:
    code = 5123 if vertices <= 0xFFFF else 5125
    entry = {"type": "SCALAR", "componentType": code, "count": triangles.size}
    return _add(document, entry, np.ascontiguousarray(triangles.reshape(-1, 1), layout(entry).dtype))


def _add(document: Document, entry: Json, values: np.ndarray) -> int:
    accessors = document.json["accessors"]
    accessors.append(entry)
    document.unpacked[len(accessors) - 1] = values
    return len(accessors) - 1
