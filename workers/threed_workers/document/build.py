"""Make a glTF document from arrays: for formats that are not glTF, and for samples."""

from __future__ import annotations

import numpy as np

from threed_workers.document.accessors import COMPONENTS
from threed_workers.document.model import Document, Json

_CODES = {np.dtype(dtype): code for code, dtype in COMPONENTS.items()}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
ARRAY, ELEMENTS = 34962, 34963


class Builder:
    """Collects the parts of a document. Every `add` answers with the index that other parts refer to."""

    def __init__(self, generator: str = "threed"):
        self.json: Json = {"asset": {"version": "2.0", "generator": generator}}
        self.data = bytearray()  # the buffer; it grows in place, so that nothing is ever held twice
        self.made: dict[str, int] = {}  # what a reader wants to find again, by a name of its own

    def add(self, kind: str, entry: Json) -> int:
        """Append to the root list of that name."""
        entries = self.json.setdefault(kind, [])
        entries.append(entry)
        return len(entries) - 1

    def view(self, data: bytes | memoryview, **more: object) -> int:
        """A buffer view over a copy of `data`, at a multiple of 4 bytes."""
        self.data += b"\0" * (-len(self.data) % 4)
        offset = len(self.data)
        self.data += data
        return self.add("bufferViews", {"buffer": 0, "byteOffset": offset, "byteLength": len(data), **more})

    def accessor(self, values: np.ndarray, target: int | None = None, bounds: bool = False, **more: object) -> int:
        """An accessor over (n, width) or (n,) values of a glTF component type. `bounds` adds min and max.

        Rows of vertex attributes (target ARRAY) are padded to 4 bytes, as glTF 2.0 section 3.6.2.4 wants.
        """
        values = np.ascontiguousarray(values.reshape(len(values), -1))
        width = values.shape[1]
        entry: Json = {"componentType": _CODES[values.dtype], "count": len(values), "type": _TYPES[width], **more}
        if bounds:
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        row = width * values.itemsize
        layout = {} if target is None else {"target": target}
        if target == ARRAY and row % 4:
            padded = np.zeros((len(values), row + -row % 4), np.uint8)
            padded[:, :row] = values.view(np.uint8)
            values, layout["byteStride"] = padded, padded.shape[1]
        return self.add(
            "accessors", {"bufferView": self.view(values.reshape(-1).view(np.uint8).data, **layout), **entry}
        )

    def positions(self, values: np.ndarray) -> int:
        """float32 (n, 3), metres."""
        return self.accessor(values.astype(np.float32, copy=False), ARRAY, bounds=True)

    def attribute(self, values: np.ndarray, **more: object) -> int:
        """Any other vertex attribute."""
        return self.accessor(values, ARRAY, **more)

    def indices(self, values: np.ndarray, vertices: int) -> int:
        """Flat vertex numbers, in the smallest type whose highest value, the restart marker, stays free."""
        dtype = np.uint16 if vertices <= 0xFFFF else np.uint32
        return self.accessor(values.astype(dtype, copy=False).reshape(-1), ELEMENTS)

    def picture(self, data: bytes, media_type: str, name: str = "") -> int:
        """An image inside the buffer."""
        entry: Json = {"bufferView": self.view(data), "mimeType": media_type}
        return self.add("images", entry | ({"name": name} if name else {}))

    def use(self, extension: str, required: bool = False) -> None:
        """Declare an extension."""
        for key in ("extensionsUsed", "extensionsRequired")[: 2 if required else 1]:
            names = self.json.setdefault(key, [])
            if extension not in names:
                names.append(extension)

    def note_source(self, unit_m: float, up: str) -> None:
        """Say what the source was in: the length of its unit in metres, and its upward axis, X, Y or Z.

        In `asset.extras.threed`, where `threed_workers.orientation` looks when an upload says otherwise.
        """
        extras = self.json["asset"].setdefault("extras", {})
        extras["threed"] = {"source_unit_m": unit_m, "source_up": up}

    def finish(self) -> Document:
        """The document. A scene of every node without a parent is added when there is none."""
        nodes = self.json.get("nodes") or []
        if "scenes" not in self.json:
            children = {child for node in nodes for child in node.get("children", [])}
            roots = [number for number in range(len(nodes)) if number not in children]
            self.json["scenes"] = [{"nodes": roots}] if roots else [{}]
            self.json["scene"] = 0
        buffers = []
        if self.data:
            self.json["buffers"] = [{"byteLength": len(self.data)}]
            buffers = [memoryview(self.data).toreadonly()]
        return Document(self.json, buffers)
