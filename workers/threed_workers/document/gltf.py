"""Attach bytes to glTF JSON: embedded data, the BIN chunk of a GLB, and the files that came with it."""

from __future__ import annotations

from threed.errors import FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.document.companions import Companions
from threed_workers.document.json_text import parse
from threed_workers.document.model import MESHOPT, Document, Json, extension
from threed_workers.document.uris import embedded, is_web_address
from threed_workers.document.version import check_version


def read_gltf(data: memoryview, budget: Budget, companions: Companions = Companions()) -> Document:  # noqa: B008 frozen
    """A Document from the text of a .gltf file."""
    return attach(parse(data, budget), None, companions, budget)


def attach(root: Json, binary: memoryview | None, companions: Companions, budget: Budget) -> Document:
    """The Document of `root`, with each buffer and each picture found. Raises for every URI that is not allowed.

    `binary` is the BIN chunk of a GLB, empty when it has none; None for a .gltf. What lies on the web is never fetched:
    a picture there has no bytes, and neither has a buffer that no view reads. absent.py and sources.py see to those.
    """
    check_version(root)
    document = Document(root)
    read = _read_buffers(root)
    for number, buffer in enumerate(_objects(root, "buffers")):
        if number in read and number == 0 and binary == b"" and "uri" not in buffer:
            raise FileMalformed("Buffer 0 has no uri, and there is no BIN chunk for it.", where="/buffers/0")
        unread = is_web_address(buffer.get("uri")) and number not in read
        document.buffers.append(None if unread else _buffer(number, buffer, binary, companions))
    for number, image in enumerate(_objects(root, "images")):
        where = f"/images/{number}"
        uri = image.get("uri")
        if uri is None:
            if "bufferView" not in image:
                raise FileMalformed("An image has neither a uri nor a bufferView.", where=where)
            continue
        if "bufferView" in image:
            raise FileMalformed("An image has both a uri and a bufferView.", where=where)
        if not is_web_address(uri):
            document.pictures[number] = _fetch(uri, companions, f"{where}/uri")
    return document


def _read_buffers(root: Json) -> set[int]:
    """The buffers that are read: those of views, or of the compressed streams that some views stand for."""
    read = [extension(view, MESHOPT) or view for view in _objects(root, "bufferViews")]
    return {number for entry in read if isinstance(number := entry.get("buffer"), int)}


def _objects(root: Json, kind: str) -> list[Json]:
    found = root.get(kind, [])
    if not isinstance(found, list):
        raise FileMalformed(f'"{kind}" must be an array.', where=f"/{kind}")
    for number, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise FileMalformed(f'Each of "{kind}" must be an object.', where=f"/{kind}/{number}")
    return found


def _buffer(number: int, buffer: Json, binary: memoryview | None, companions: Companions) -> memoryview | None:
    where = f"/buffers/{number}"
    length = buffer.get("byteLength")
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise FileMalformed("byteLength of a buffer must be a whole number above 0.", where=f"{where}/byteLength")
    uri = buffer.get("uri")
    if uri is not None:
        data = _fetch(uri, companions, f"{where}/uri")
    elif number == 0 and binary:
        data = binary
    else:
        return None  # A placeholder, or undefined (glTF 2.0 section 3.6.1.2): absent.py.
    if len(data) < length:
        raise FileTruncated(f"The buffer says {length} bytes and has {len(data)}.", where=f"{where}/byteLength")
    return data[:length]


def _fetch(uri: object, companions: Companions, where: str) -> memoryview:
    if not isinstance(uri, str):
        raise FileMalformed("A uri must be text.", where=where)
    inside = embedded(uri, where)
    return memoryview(inside[1]) if inside is not None else companions.read(uri, where)
