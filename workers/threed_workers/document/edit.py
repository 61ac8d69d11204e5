"""Change a document: add data, declare extensions, follow and remove references, undo compression."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from threed_workers.document.accessors import COMPONENTS, layout
from threed_workers.document.build import ARRAY, ELEMENTS
from threed_workers.document.collecting import add_view, collect, padded
from threed_workers.document.indices import (
    KINDS,
    KNOWN,
    entries,
    extension_objects,
    may_renumber,
    opaque,
    pointers,
    references,
    remove,
)
from threed_workers.document.model import DRACO, MESHOPT, Document, Json

__all__ = [
    "ARRAY",
    "ELEMENTS",
    "KINDS",
    "KNOWN",
    "QUANTIZATION",
    "add_accessor",
    "add_view",
    "collect",
    "decompress",
    "entries",
    "extremes",
    "is_quantized",
    "may_renumber",
    "opaque",
    "pointers",
    "references",
    "remove",
    "unuse",
    "use",
]

QUANTIZATION = "KHR_mesh_quantization"
_CODES = {np.dtype(dtype): code for code, dtype in COMPONENTS.items()}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 9: "MAT3", 16: "MAT4"}
# Component types that glTF 2.0 itself gives vertex attributes, beside floats (section 3.7.2.1).
_PLAIN = {"TEXCOORD": (5121, 5123), "COLOR": (5121, 5123), "JOINTS": (5121, 5123), "WEIGHTS": (5121, 5123)}
_NUMBERED = re.compile(r"(TEXCOORD|COLOR|JOINTS|WEIGHTS)_[0-9]+")


def add_accessor(
    document: Document,
    values: np.ndarray,
    *,
    target: int | None = None,
    bounds: bool = False,
    normalized: bool = False,
    view_extra: Mapping[str, object] | None = None,
) -> int:
    """Append values (n,) or (n, width) of a glTF component type as a new buffer, view and accessor; its index.

    Rows of vertex attributes (target ARRAY) are padded to 4 bytes. `bounds` adds min and max, `normalized` says that
    integers stand for fractions, `view_extra` are further keys of the view. Width 9 and 16 are float32 matrices.
    """
    values = np.ascontiguousarray(values.reshape(len(values), -1))
    width = values.shape[1]
    entry: Json = {"componentType": _CODES[values.dtype], "count": len(values), "type": _TYPES[width]}
    if normalized:
        entry["normalized"] = True
    if bounds:
        entry |= extremes(values)
    entry = {"bufferView": _view_of(document, values, target, view_extra), **entry}
    accessors = document.json.setdefault("accessors", [])
    accessors.append(entry)
    return len(accessors) - 1


def extremes(values: np.ndarray) -> Json:
    """min and max of (n, width) values, as an accessor has them."""
    return {"min": values.min(0).tolist(), "max": values.max(0).tolist()}


def _view_of(document: Document, values: np.ndarray, target: int | None, extra: Mapping[str, object] | None) -> int:
    rows = values.view(np.uint8).reshape(len(values), -1)
    more: Json = {} if target is None else {"target": target}
    if target == ARRAY and rows.shape[1] % 4:
        rows = padded(rows)
        more["byteStride"] = rows.shape[1]
    return add_view(document, np.ascontiguousarray(rows).reshape(-1).data, **more, **(extra or {}))


def use(document: Document, name: str, required: bool = False) -> None:
    """Declare an extension, if it is not declared yet."""
    for key in ("extensionsUsed", "extensionsRequired")[: 2 if required else 1]:
        names = document.json.setdefault(key, [])
        if name not in names:
            names.append(name)


def unuse(document: Document, name: str) -> None:
    """Take an extension out of the lists of used and required ones, unless something still uses it."""
    if name == QUANTIZATION and is_quantized(document):
        return
    if any(found == name for found, _ in extension_objects(document)):
        return
    for key in ("extensionsUsed", "extensionsRequired"):
        if name in document.all(key):
            document.json[key].remove(name)
            if not document.json[key]:
                del document.json[key]


def is_quantized(document: Document) -> bool:
    """Whether any vertex attribute has a component type that only KHR_mesh_quantization allows."""
    for _, primitive in document.primitives():
        for number, attributes in enumerate([primitive["attributes"], *(primitive.get("targets") or [])]):
            for name, index in attributes.items():
                accessor = document.all("accessors")[index]
                if accessor["componentType"] != 5126 and not name.startswith("_"):
                    numbered = _NUMBERED.fullmatch(name)
                    plain = _PLAIN[numbered[1]] if numbered and not number else ()
                    whole = numbered is not None and numbered[1] != "JOINTS" and not accessor.get("normalized")
                    if accessor["componentType"] not in plain or whole:
                        return True
    return False


def decompress(document: Document) -> Document:
    """Turn everything that meshopt and Draco compressed into plain accessors, and remove both extensions.

    Min and max of what Draco decoded are written anew: it rounds. Component types, strides and sparse values stay.
    """
    vertices = {index for _, primitive in document.primitives() for index in primitive["attributes"].values()}
    for index, values in document.unpacked.items():
        _settle(document, index, values, ARRAY if index in vertices else ELEMENTS)
    document.unpacked.clear()
    for _, primitive in document.primitives():
        _drop(primitive, DRACO)
    for number, data in document.decoded.items():
        view = document.all("bufferViews")[number]
        document.json["buffers"].append({"byteLength": len(data)})
        document.buffers.append(memoryview(data))
        view |= {"buffer": len(document.buffers) - 1, "byteOffset": 0}
        _drop(view, MESHOPT)
    document.decoded.clear()
    used = {view["buffer"] for view in document.all("bufferViews")}
    for number, buffer in enumerate(document.all("buffers")):
        _drop(buffer, MESHOPT)
        if document.buffers[number] is None and number not in used:
            # A placeholder that stood for what is plain now. It has a number, so it can only go with `collect`.
            document.buffers[number] = memoryview(b"\0" * 4)
            buffer.pop("uri", None)
            buffer["byteLength"] = 4
    for name in (DRACO, MESHOPT):
        unuse(document, name)
    return document


def _settle(document: Document, index: int, values: np.ndarray, target: int) -> None:
    """Give an accessor the values that a Draco stream had for it."""
    accessor = document.all("accessors")[index]
    values = np.ascontiguousarray(values, layout(accessor).dtype)
    accessor.pop("byteOffset", None)
    accessor["bufferView"] = _view_of(document, values, target, None)
    if "min" in accessor and "max" in accessor and "sparse" not in accessor:
        accessor |= extremes(values)


def _drop(owner: Json, name: str) -> None:
    extensions = owner.get("extensions")
    if isinstance(extensions, dict) and name in extensions:
        del extensions[name]
        if not extensions:
            del owner["extensions"]
