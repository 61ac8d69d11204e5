"""Buffers, views and accessors: everything that is said to be there is there, and the sum of it is bearable."""

from __future__ import annotations

from threed.errors import FileMalformed, FileTooComplex, FileTruncated
from threed_workers.budget import Budget
from threed_workers.document.accessors import COMPONENTS, SHAPES, layout
from threed_workers.document.checks.numbers import whole
from threed_workers.document.model import MESHOPT, Document, Json, extension

_INDEX_TYPES = (5121, 5123, 5125)


def check_storage(document: Document, budget: Budget) -> None:
    """Raises FileTruncated for what lies outside its container, FileTooComplex for accessors beyond the budget."""
    for number, view in enumerate(document.all("bufferViews")):
        _check_view(document, view, f"/bufferViews/{number}")
    total = invented = 0
    compressed = document.draco_accessors()
    for number, accessor in enumerate(document.all("accessors")):
        size = _check_accessor(document, accessor, f"/accessors/{number}")
        total += size
        if "bufferView" not in accessor or "sparse" in accessor:
            invented += 0 if number in compressed else size
        if total > budget.accessor_bytes or invented > budget.invented_bytes:
            raise FileTooComplex(
                f"The accessors up to this one hold {total} bytes, {invented} of them not in the file; "
                f"the limits are {budget.accessor_bytes} and {budget.invented_bytes}.",
                where=f"/accessors/{number}",
            )


def _check_view(document: Document, view: Json, pointer: str) -> None:
    buffer = view.get("buffer")
    if buffer is None:
        raise FileMalformed("A buffer view must name its buffer.", where=f"{pointer}/buffer")
    offset, length = whole(view, "byteOffset", pointer, 0), whole(view, "byteLength", pointer, low=1)
    declared = document.all("buffers")[buffer]["byteLength"]
    if offset + length > declared:
        raise FileTruncated(
            f"The view ends at byte {offset + length} of a buffer of {declared}.", where=f"{pointer}/byteLength"
        )
    if "byteStride" in view:
        stride = whole(view, "byteStride", pointer, low=1)
        if stride > 252:
            raise FileMalformed(f"byteStride is {stride}; the highest is 252.", where=f"{pointer}/byteStride")
    if document.buffers[buffer] is None and extension(view, MESHOPT) is None:
        raise FileMalformed(
            f"Buffer {buffer} has no uri, and there is no BIN chunk for it.", where=f"/buffers/{buffer}"
        )


def _check_accessor(document: Document, accessor: Json, pointer: str) -> int:
    """The accessor's size in bytes when read."""
    if accessor.get("componentType") not in COMPONENTS:
        raise FileMalformed("componentType is none that glTF knows.", where=f"{pointer}/componentType")
    if accessor.get("type") not in SHAPES:
        raise FileMalformed("type is none that glTF knows.", where=f"{pointer}/type")
    count = whole(accessor, "count", pointer, low=1)
    size = layout(accessor).size
    if "bufferView" in accessor:
        offset = whole(accessor, "byteOffset", pointer, 0)
        _check_span(document, accessor["bufferView"], offset, count, size, pointer)
    changes = accessor.get("sparse")
    if changes is not None:
        _check_sparse(document, changes, count, size, f"{pointer}/sparse")
    return count * size


def _check_span(document: Document, view: int, offset: int, count: int, size: int, pointer: str) -> None:
    """`count` elements of `size` bytes from `offset` lie within the view."""
    found = document.all("bufferViews")[view]
    stride = found.get("byteStride") or size
    end = offset + (count - 1) * stride + size
    if stride < size:
        raise FileMalformed(f"byteStride is {stride} and an element has {size} bytes.", where=f"/bufferViews/{view}")
    if end > found["byteLength"]:
        raise FileTruncated(f"{count} elements end at byte {end} of a view of {found['byteLength']}.", where=pointer)


def _check_sparse(document: Document, changes: Json, count: int, size: int, pointer: str) -> None:
    changed = whole(changes, "count", pointer, low=1)
    if changed > count:
        raise FileMalformed(f"{changed} of {count} elements cannot be sparse.", where=f"{pointer}/count")
    where, what = changes.get("indices"), changes.get("values")
    if (
        not isinstance(where, dict)
        or not isinstance(what, dict)
        or "bufferView" not in where
        or "bufferView" not in what
    ):
        raise FileMalformed("A sparse accessor needs indices and values with a bufferView each.", where=pointer)
    if where.get("componentType") not in _INDEX_TYPES:
        raise FileMalformed("Sparse indices must be unsigned integers.", where=f"{pointer}/indices/componentType")
    width = COMPONENTS[where["componentType"]]().itemsize
    for part, length in ((where, width), (what, size)):
        _check_span(document, part["bufferView"], whole(part, "byteOffset", pointer, 0), changed, length, pointer)
