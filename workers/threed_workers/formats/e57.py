"""E57 (ASTM E2807): scans of points, each with the pose of its scanner.

Metres, by the standard; +Z up, as every scanner stands. Spherical coordinates become Cartesian. Points that the file
calls invalid have no place, and are left out.
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue, loss
from threed_workers.document.model import Json
from threed_workers.formats.cloud import add_cloud, check_count, tell_origin, upright
from threed_workers.formats.e57_scan import Scan, read_scan
from threed_workers.formats.source import Source

name = "e57"
media_type = "model/e57"
extensions = (".e57",)
asset_type = "MODEL"

_SIGNATURE = b"ASTM-E57"
_HEADER = struct.Struct("<8sIIQQQQ")  # signature, version, file length, XML place and length, page size
_CHECKSUM = 4
_MOST_XML = 64 << 20
_MOST_SCANS = 10_000
_DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def recognise(source: Source) -> bool:
    """The first letters are ASTM-E57."""
    return source.head.startswith(_SIGNATURE)


def read(source: Source, budget: Budget) -> Document:
    """A node per scan at its pose, all of them standing upright."""
    _check_header(source.data)
    try:
        import pye57
    except ImportError:
        raise FileFeatureUnsupported(
            "No reader of E57 is installed here: pye57. Install it: pip install 'threed[workers]'.", where="byte 0"
        ) from None
    try:
        file = pye57.libe57.ImageFile(str(source.path), "r")
        try:
            return _document(file, budget)
        finally:
            file.close()
    except pye57.libe57.E57Exception as error:
        raise FileMalformed(f"The scans cannot be read: {_sentence(error)}", where="scans") from None


def _check_header(data: memoryview) -> None:
    """Sizes that fit the file, and XML that declares nothing: its parser would follow and multiply declarations."""
    if len(data) < _HEADER.size:
        raise FileTruncated(f"An E57 has at least {_HEADER.size} bytes.", where=f"byte {len(data)}")
    _, major, _, length, place, size, page = _HEADER.unpack_from(data)
    if major != 1:
        raise FileFeatureUnsupported(f"This is E57 of version {major}; version 1 is read.", where="byte 8")
    if length != len(data):
        kind = FileTruncated if length > len(data) else FileMalformed
        raise kind(f"The header says {length} bytes and the file has {len(data)}.", where="byte 16")
    if not 64 <= page <= 1 << 20 or place >= length or not 0 < size <= min(length, _MOST_XML):
        raise FileMalformed("The header's sizes do not fit together. Export the file again.", where="byte 24")
    if _DECLARATION.search(_logical(data, place, size, page)):
        raise FileMalformed("The XML of an E57 declares no types or entities; this one does.", where=f"byte {place}")


def _logical(data: memoryview, place: int, size: int, page: int) -> bytes:
    """`size` bytes from a place in the file on, without the checksum that ends each page."""
    pages = size // (page - _CHECKSUM) + 2
    start = place // page * page
    raw = bytes(data[start : start + pages * page])
    whole = np.frombuffer(raw + bytes(-len(raw) % page), np.uint8).reshape(-1, page)[:, : page - _CHECKSUM]
    offset = place - start
    return whole.tobytes()[offset : offset + size]


def _document(file: Any, budget: Budget) -> Document:
    root = file.root()
    scans = root["data3D"] if root.isDefined("data3D") else None
    number = scans.childCount() if scans is not None else 0
    if number > _MOST_SCANS:
        raise FileMalformed(f"The file lists {number} scans; {_MOST_SCANS} are the limit.", where="data3D")
    counts = [int(scans[index]["points"].childCount()) for index in range(number)]
    check_count(sum(counts), 48, budget, "data3D")
    builder, children, found = Builder(), [], []
    for index in range(number):
        scan = read_scan(file, scans[index], index)
        found.append(scan)
        if len(scan.cloud.points):
            children.append(_placed(builder, scan))
    if children:
        upright(builder, children, extras=_notes(root))
    builder.note_source(1.0, "Z")
    document = builder.finish()
    _tell(document, root, found)
    return document


def _placed(builder: Builder, scan: Scan) -> int:
    """The node of a scan: its pose, and below it the cloud where that counts from an origin of its own."""
    node = add_cloud(builder, scan.cloud)
    pose: Json = {}
    if scan.translation.any():
        pose["translation"] = scan.translation.tolist()
    if scan.rotation is not None:
        pose["rotation"] = scan.rotation.tolist()
    entry = builder.json["nodes"][node]
    if pose and "translation" in entry:
        pose |= {"name": entry["name"], "children": [node]}
        node = builder.add("nodes", pose)
    else:
        entry |= pose
    if scan.notes:
        owner = builder.json["nodes"][node]
        owner["extras"] = owner.get("extras", {}) | scan.notes
    return node


def _notes(root: Any) -> Json:
    """The reference system, where the file has one."""
    text = root["coordinateMetadata"].value() if root.isDefined("coordinateMetadata") else ""
    return {"crs": {"wkt": text[: 1 << 16]}} if text else {}


def _tell(document: Document, root: Any, scans: list[Scan]) -> None:
    invalid = sum(scan.invalid for scan in scans)
    if invalid:
        document.losses.append(loss("invalid points", invalid, "The file itself says that they have no place."))
    for scan in scans:
        for feature, reason in scan.lost.items():
            document.losses.append(loss(feature, scan.count, reason))
    images = root["images2D"].childCount() if root.isDefined("images2D") else 0
    if images:
        document.losses.append(loss("images", images, "Pictures that the scanner took are not read."))
    if not document.all("meshes"):
        document.issues.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no points."))
    tell_origin(document, [scan.cloud.origin + scan.translation * (np.abs(scan.translation) > 1e3) for scan in scans])


def _sentence(error: Exception) -> str:
    """The library's words without where in its code they stand."""
    return re.sub(r"\s+", " ", str(error)).split(" (")[0][:200]
