"""The document: a JSON object, its buffers and its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

MESHOPT = "EXT_meshopt_compression"
DRACO = "KHR_draco_mesh_compression"
INSTANCING = "EXT_mesh_gpu_instancing"


def issue(code: str, severity: str, pointer: str, message: str) -> Json:
    """One finding of our own checks, in the form of the validator's. `severity` is ERROR, WARNING, INFO or HINT."""
    return {"code": code, "severity": severity, "pointer": pointer, "message": message}


def loss(feature: str, count: int, reason: str, file: str = "normalized") -> Json:
    """One thing that `file` (normalized or render) lacks and the upload had."""
    return {"feature": feature, "count": count, "reason": reason, "file": file}


@dataclass(eq=False)
class Document:
    """A glTF 2.0 asset in memory.

    `buffers` has one entry for each of `json["buffers"]`; None is a placeholder without bytes, as
    EXT_meshopt_compression has for readers that do not know it. `pictures` holds, by image index, the bytes of images
    that lie outside the buffers. `issues` and `losses` are what reading it had to say.

    What compressed data decodes to is kept beside the file's own bytes: `decoded` by buffer view (meshopt), `unpacked`
    by accessor (Draco). `bounds` caches accessors' extents.
    """

    json: Json
    buffers: list[memoryview | None] = field(default_factory=list)
    pictures: dict[int, memoryview] = field(default_factory=dict)
    issues: list[Json] = field(default_factory=list)
    losses: list[Json] = field(default_factory=list)
    decoded: dict[int, memoryview] = field(default_factory=dict)
    unpacked: dict[int, Any] = field(default_factory=dict)
    bounds: dict[int, Any] = field(default_factory=dict)

    def all(self, kind: str) -> list[Json]:
        """The list of that name at the root ("nodes", "accessors", ...); empty when the file has none."""
        return self.json.get(kind) or []

    def view(self, index: int) -> memoryview:
        """The bytes of a buffer view, decoded when it is compressed."""
        if index in self.decoded:
            return self.decoded[index]
        view = self.all("bufferViews")[index]
        return self.slice(view["buffer"], view.get("byteOffset", 0), view["byteLength"])

    def slice(self, buffer: int, offset: int, length: int) -> memoryview:
        """Bytes of a buffer. The structure checks have made sure that they exist."""
        data = self.buffers[buffer]
        if data is None:
            raise ValueError(f"buffer {buffer} has no bytes of its own")
        return data[offset : offset + length]

    def picture(self, index: int) -> memoryview:
        """The encoded bytes of an image."""
        if index in self.pictures:
            return self.pictures[index]
        return self.view(self.all("images")[index]["bufferView"])

    def primitives(self) -> Iterator[tuple[str, Json]]:
        """Every primitive with its JSON pointer."""
        for number, mesh in enumerate(self.all("meshes")):
            for place, primitive in enumerate(mesh["primitives"]):
                yield f"/meshes/{number}/primitives/{place}", primitive

    def draco_accessors(self) -> set[int]:
        """The accessors that Draco streams fill. They need no buffer view, and their zeros are never made."""
        found: set[int] = set()
        for _, primitive in self.primitives():
            stream = extension(primitive, DRACO)
            if stream is not None:
                names = stream.get("attributes") or {}
                found |= {index for name, index in (primitive.get("attributes") or {}).items() if name in names}
                found |= {primitive["indices"]} if "indices" in primitive else set()
        return found


def extension(owner: Json, name: str) -> Json | None:
    """The extension object of that name, or None."""
    found = (owner.get("extensions") or {}).get(name)
    return found if isinstance(found, dict) else None
