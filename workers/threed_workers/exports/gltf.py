"""glTF as separate files in a zip: the JSON, one .bin, and the pictures (glTF 2.0 section 3.6.1)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import numpy as np
import orjson

from threed_workers.document import Document
from threed_workers.document.model import DRACO, MESHOPT, Json
from threed_workers.document.model import extension as extension_of
from threed_workers.document.packing import Packed, pack
from threed_workers.exports.archive import Archive
from threed_workers.exports.export import Export, Names
from threed_workers.picture import media_type_of

name = "gltf"
media_type = "application/zip"
extension = "zip"

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/ktx2": "ktx2"}
# Extensions that count in buffer views by names of their own; with them, the views stay as they are.
_OWN_VIEWS = ("EXT_structural_metadata", "EXT_feature_metadata", "EXT_mesh_features", "MPEG_", "KHR_gaussian_splatting")
_ALIGNMENT = 16


def write(document: Document, folder: Path, stem: str) -> Export:
    """`<stem>.gltf`, `<stem>.bin` and `textures/` in a zip. Nothing is lost.

    Pictures leave the buffer, and their views the list, unless an extension that counts in views is in use.
    """
    packed = pack(document)
    root = orjson.loads(orjson.dumps(packed.json))
    files = _take_pictures_out(document, root)
    pieces = _without_unused(root, packed) if files else packed.pieces.pieces
    if root.get("buffers") and packed.pieces.size:
        root["buffers"][0]["uri"] = quote(f"{stem}.bin")
    file = f"{stem}.{extension}"
    with Archive(folder / file) as archive:
        archive.add(f"{stem}.gltf", orjson.dumps(root, option=orjson.OPT_INDENT_2))
        if pieces:
            archive.add(f"{stem}.bin", *pieces)
        for title, data in files.items():
            archive.add(title, data, packed=False)
    return Export(file, media_type)


def _take_pictures_out(document: Document, root: Json) -> dict[str, memoryview]:
    """Give each picture a file; the views that held them go, and the others are counted anew."""
    if any(used.startswith(_OWN_VIEWS) for used in root.get("extensionsUsed") or []):
        return {}
    files: dict[str, memoryview] = {}
    names, emptied = Names(), set()
    for number, image in enumerate(root.get("images") or []):
        data = document.picture(number)
        suffix = _SUFFIXES.get(media_type_of(data) or "", "bin")
        wanted = image.get("name")
        stem = wanted.rsplit(".", 1)[0] if isinstance(wanted, str) and "." in wanted else wanted
        title = f"textures/{names.unique(stem, f'picture_{number}')}.{suffix}"
        files[title] = data
        emptied.add(image.pop("bufferView"))
        image["uri"] = quote(title)
    _renumber_views(root, emptied - set(_users(root)))
    return files


def _references(root: Json) -> list[Json]:
    """Every object whose `bufferView` counts in the list of views."""
    found: list[Json] = list(root.get("accessors") or []) + list(root.get("images") or [])
    for accessor in root.get("accessors") or []:
        found += [accessor["sparse"][part] for part in ("indices", "values")] if accessor.get("sparse") else []
    for mesh in root.get("meshes") or []:
        found += [stream for primitive in mesh["primitives"] if (stream := extension_of(primitive, DRACO)) is not None]
    return [owner for owner in found if "bufferView" in owner]


def _users(root: Json) -> list[int]:
    return [owner["bufferView"] for owner in _references(root)]


def _renumber_views(root: Json, unused: set[int]) -> None:
    views = root.get("bufferViews") or []
    places = {old: new for new, old in enumerate(number for number in range(len(views)) if number not in unused)}
    for owner in _references(root):
        owner["bufferView"] = places[owner["bufferView"]]
    root["bufferViews"] = [views[number] for number in places]
    if not root["bufferViews"]:
        del root["bufferViews"]


def _without_unused(root: Json, packed: Packed) -> list[bytes | memoryview]:
    """The bytes of the first buffer that a view uses, closed up; views that overlap stay together."""
    ranges = [owner for view in root.get("bufferViews") or [] for owner in (view, extension_of(view, MESHOPT))]
    ranges = [owner for owner in ranges if owner is not None and owner["buffer"] == 0 and packed.pieces.size]
    if not ranges:
        _drop_first_buffer(root, packed)
        return []
    starts = np.array([owner.get("byteOffset", 0) for owner in ranges], np.int64)
    ends = starts + np.array([owner["byteLength"] for owner in ranges], np.int64)
    order = np.argsort(starts, kind="stable")
    reached = np.maximum.accumulate(ends[order])
    first = np.flatnonzero(np.append(True, starts[order][1:] > reached[:-1]))
    lows, highs = starts[order][first], np.append(reached[first[1:] - 1], reached[-1])
    data = memoryview(b"".join(packed.pieces.pieces))
    pieces, size, moves = [], 0, np.zeros(len(first), np.int64)
    for place, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        padding = (low - size) % _ALIGNMENT  # what was aligned stays aligned
        moves[place] = size + padding - low
        pieces += [b"\0" * padding, data[low:high]]
        size += padding + high - low
    for owner, start in zip(ranges, starts.tolist(), strict=True):
        owner["byteOffset"] = int(start + moves[np.searchsorted(lows, start, side="right") - 1])
    root["buffers"][0]["byteLength"] = size
    return pieces


def _drop_first_buffer(root: Json, packed: Packed) -> None:
    """A model of pictures alone needs no buffer of bytes; placeholders, which have none, move up."""
    if packed.pieces.size:
        root["buffers"] = root["buffers"][1:]
        for view in root.get("bufferViews") or []:
            view["buffer"] -= 1
            stream = extension_of(view, MESHOPT)
            if stream is not None:
                stream["buffer"] -= 1
        packed.pieces.size = 0
    if not root.get("buffers"):
        root.pop("buffers", None)
