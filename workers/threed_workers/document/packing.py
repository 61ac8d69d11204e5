"""Put every byte of a document into one buffer, without changing any of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from threed_workers.document.model import MESHOPT, Document, Json, extension
from threed_workers.picture import media_type_of


@dataclass
class Pieces:
    """A buffer to be: pieces one after the other, each at a multiple of 4. Nothing is copied before it is written."""

    pieces: list[bytes | memoryview] = field(default_factory=list)
    size: int = 0

    def append(self, data: bytes | memoryview) -> int:
        """The offset that `data` will have."""
        padding = -self.size % 4
        if padding:
            self.pieces.append(b"\0" * padding)
        offset = self.size + padding
        self.pieces.append(data)
        self.size = offset + len(data)
        return offset


@dataclass
class Packed:
    """A document ready to be written as GLB: the JSON, and what goes into its BIN chunk."""

    json: Json
    pieces: Pieces


def pack(document: Document) -> Packed:
    """The document with at most one buffer that has bytes, first, and every picture in a buffer view.

    Only addresses change: `buffer` and `byteOffset` of views, `uri` and `bufferView` of images, the list of buffers.
    Placeholder buffers have no bytes and stay, after the first; one that no view reads means nothing, and goes.
    """
    root, pieces = dict(document.json), Pieces()
    solid = [number for number, data in enumerate(document.buffers) if data is not None]
    used = {view["buffer"] for view in document.all("bufferViews")}
    used |= {stream["buffer"] for view in document.all("bufferViews") if (stream := extension(view, MESHOPT))}
    hollow = [number for number, data in enumerate(document.buffers) if data is None and number in used]
    places = {number: (0, pieces.append(document.buffers[number])) for number in solid}

    images = [dict(image) for image in document.all("images")]
    views = [dict(view) for view in document.all("bufferViews")]
    added = []
    for number, data in sorted(document.pictures.items()):
        image = images[number]
        image.pop("uri", None)
        image["bufferView"] = len(views) + len(added)
        image["mimeType"] = media_type_of(data) or image.get("mimeType") or "application/octet-stream"
        added.append({"buffer": 0, "byteOffset": pieces.append(data), "byteLength": len(data)})

    first = 1 if pieces.size else 0
    places |= {number: (first + place, 0) for place, number in enumerate(hollow)}
    for view in views:
        _move(view, places)
    buffers = [_joined(document, solid, pieces.size)] if first else []
    buffers += [_hollow(document.all("buffers")[number]) for number in hollow]
    for kind, values in (("buffers", buffers), ("bufferViews", views + added), ("images", images)):
        if values:
            root[kind] = values
        elif root.get(kind):
            del root[kind]  # Lists may not be empty, and here packing emptied it.
    return Packed(root, pieces)


def _joined(document: Document, solid: list[int], size: int) -> Json:
    """The entry of the one buffer; names and extras of a single source stay."""
    kept = dict(document.all("buffers")[solid[0]]) if len(solid) == 1 else {}
    kept.pop("uri", None)
    return {**kept, "byteLength": size}


def _hollow(buffer: Json) -> Json:
    """The entry of a placeholder, without the address on the web that it may have had."""
    return {key: value for key, value in buffer.items() if key != "uri"}


def _move(view: Json, places: dict[int, tuple[int, int]]) -> None:
    """Send a view, and the compressed stream it may stand for, to where its buffer went."""
    _readdress(view, places)
    stream = extension(view, MESHOPT)
    if stream is not None:
        stream = dict(stream)
        _readdress(stream, places)
        view["extensions"] = {**view["extensions"], MESHOPT: stream}


def _readdress(entry: Json, places: dict[int, tuple[int, int]]) -> None:
    buffer, offset = places[entry["buffer"]]
    entry["buffer"] = buffer
    if offset:
        entry["byteOffset"] = entry.get("byteOffset", 0) + offset
