"""Buffers without bytes: what nothing reads is left out, and what only accessors read is zeros.

glTF 2.0 section 3.6.1.2 leaves a buffer without a `uri` undefined, but for the first of a GLB, and the Khronos
validator takes it. So such a file is taken, with everything else it has, and says what it lacks.
"""

from __future__ import annotations

from threed_workers.document.indices import may_renumber, references, remove
from threed_workers.document.model import MESHOPT, Document, Json, extension, issue, loss
from threed_workers.document.uris import is_web_address


def settle_buffers(document: Document) -> None:
    """Let accessors do without views of buffers that have no bytes, as section 3.6.2.1 has it: they are zeros then.

    Placeholders of EXT_meshopt_compression stay. So do views that anything but an accessor reads, or that an unknown
    extension may: for those check_storage refuses the file. `references` must have been checked.
    """
    for number, data in enumerate(document.buffers):
        if data is None and not _is_fallback(document, number):
            _settle(document, number)


def _is_fallback(document: Document, number: int) -> bool:
    """Do all views of the buffer, if there are any, have a compressed stream elsewhere?"""
    buffer = document.all("buffers")[number]
    views = [view for view in document.all("bufferViews") if view.get("buffer") == number]
    return extension(buffer, MESHOPT) is not None or any(extension(view, MESHOPT) is not None for view in views)


def _settle(document: Document, number: int) -> None:
    where = f"/buffers/{number}"
    views = {place for place, view in enumerate(document.all("bufferViews")) if view.get("buffer") == number}
    if not views:
        why = "lies on the web, which is never asked," if is_web_address(_uri(document, number)) else "has no bytes,"
        text = f"Buffer {number} {why} and nothing reads it; it is left out."
        document.issues.append(issue("BUFFER_LEFT_OUT", "WARNING", where, text))
        return
    readers = [
        (owner, key) for kind, owner, key in references(document) if kind == "bufferViews" and owner[key] in views
    ]
    if not all(_is_accessor(owner) for owner, _ in readers) or not may_renumber(document):
        return
    for owner, key in readers:
        del owner[key]
        owner.pop("byteOffset", None)
    remove(document, "bufferViews", views)
    size = document.all("buffers")[number].get("byteLength")
    text = (
        f"Buffer {number} should hold {size} bytes and has neither a uri nor a BIN chunk; the {len(readers)} accessors "
        "that read it are zeros now. Export the model again, as glb."
    )
    document.issues.append(issue("BUFFER_WITHOUT_BYTES", "ERROR", where, text))
    reason = "The buffer that they lie in has no bytes; they are read as zeros."
    document.losses.append(loss("accessors", len(readers), reason))


def _uri(document: Document, number: int) -> object:
    return document.all("buffers")[number].get("uri")


def _is_accessor(owner: Json) -> bool:
    return isinstance(owner, dict) and "componentType" in owner and "count" in owner
