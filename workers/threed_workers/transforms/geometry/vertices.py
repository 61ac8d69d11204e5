"""Primitives that draw from the same vertices, and how vertices are picked, ordered and written for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, issue, read
from threed_workers.document.accessors import layout
from threed_workers.document.model import DRACO, Json, extension

TRIANGLES = 4
_MOST_ISSUES = 100  # of one code: a file may have any number of primitives
# Extensions of primitives that stay true when vertices and triangles change places.
_FREE = frozenset(
    (DRACO, "KHR_materials_variants", "EXT_mesh_features", "EXT_structural_metadata", "KHR_gaussian_splatting")
)
_NOTES = ("name", "extras", "extensions")
_KEPT = ("normalized", *_NOTES)


@dataclass
class Shape:
    """One set of vertices: the primitives that use it all have the same attributes and morph targets.

    `count` is its number of vertices. `pointers` and `primitives` run in parallel.
    """

    document: Document
    count: int
    pointers: list[str] = field(default_factory=list)
    primitives: list[Json] = field(default_factory=list)

    def slots(self) -> Iterator[tuple[Json, str]]:
        """(attributes object, name) of everything that has one value a vertex, of the first primitive."""
        yield from _slots(self.primitives[0])

    def accessors(self) -> list[int]:
        """The accessors with one value a vertex, each once."""
        return list(dict.fromkeys(owner[name] for owner, name in self.slots()))

    def words(self) -> np.ndarray:
        """uint32 (n, k): all that is stored of each vertex, bit for bit, each value filled up to 4 bytes."""
        columns = []
        for index in self.accessors():
            values = read(self.document, index)
            rows = values.view(np.uint8).reshape(self.count, -1)
            columns.append(np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))))
        return np.hstack(columns).view(np.uint32)

    def indices(self, primitive: Json) -> np.ndarray:
        """uint32 (n,): the vertices that a primitive draws, in order. Raises FileValuesInvalid for one past the end."""
        return corners(self.document, primitive)

    def pick(self, order: np.ndarray) -> None:
        """Make the vertices those at `order` (m,), in that order: for every attribute and target of every primitive."""
        made = {index: picked(self.document, index, order) for index in self.accessors()}
        for primitive in self.primitives:
            for owner, name in _slots(primitive):
                owner[name] = made[owner[name]]
        self.count = len(order)

    def draw(self, found: dict[int, np.ndarray]) -> None:
        """Give primitives (by their place in `primitives`) new indices. Equal old ones stay one accessor."""
        made: dict[tuple[int | None, bytes], int] = {}
        for place, indices in found.items():
            primitive = self.primitives[place]
            key = (primitive.get("indices"), indices.tobytes())
            if key not in made:
                made[key] = add_indices(self.document, indices, self.count)
                source = self.document.all("accessors")[key[0]] if key[0] is not None else {}
                self.document.all("accessors")[made[key]] |= {name: source[name] for name in _NOTES if name in source}
            primitive["indices"] = made[key]


def _slots(primitive: Json) -> Iterator[tuple[Json, str]]:
    for attributes in (primitive["attributes"], *(primitive.get("targets") or [])):
        for name in attributes:
            yield attributes, name


def shapes(document: Document) -> list[Shape]:
    """Every set of vertices whose primitives may be rewritten. For every other primitive an issue says why not."""
    found: dict[tuple, Shape] = {}
    held: set[tuple] = set()
    for pointer, primitive in document.primitives():
        attributes = primitive["attributes"]
        if "POSITION" not in attributes:
            continue
        key = tuple(tuple(sorted(part.items())) for part in (attributes, *(primitive.get("targets") or [])))
        if key not in found:
            found[key] = Shape(document, document.all("accessors")[attributes["POSITION"]]["count"])
        found[key].pointers.append(pointer)
        found[key].primitives.append(primitive)
        if not _is_free(document, pointer, primitive):
            held.add(key)
            text = "An extension of this primitive may name its vertices by number, so its geometry stays as it is."
            note(document, "GEOMETRY_KEPT", pointer, text)
    return [shape for key, shape in found.items() if key not in held]


def note(document: Document, code: str, pointer: str, text: str, severity: str = "INFO") -> None:
    """An issue, once for each place, of at most 100 places: several steps of a recipe may come to the same result."""
    known = {found["pointer"] for found in document.issues if found["code"] == code}
    if pointer not in known and len(known) < _MOST_ISSUES:
        document.issues.append(issue(code, severity, pointer, text))


def _is_free(document: Document, pointer: str, primitive: Json) -> bool:
    features = (extension(primitive, "EXT_mesh_features") or {}).get("featureIds") or []
    mesh = document.all("meshes")[int(pointer.split("/")[2])]
    return (
        set(primitive.get("extensions") or {}) <= _FREE
        and isinstance(features, list)
        and all(isinstance(entry, dict) and ("attribute" in entry or "texture" in entry) for entry in features)
        and extension(mesh, "EXT_mesh_manifold") is None
    )


def mode_of(primitive: Json) -> int:
    return primitive.get("mode", TRIANGLES)


def corners(document: Document, primitive: Json) -> np.ndarray:
    """uint32 (n,): the vertices that a primitive draws, in order; of triangles whole ones only."""
    count = document.all("accessors")[primitive["attributes"]["POSITION"]]["count"]
    if "indices" not in primitive:
        found = np.arange(count, dtype=np.uint32)
    else:
        found = read(document, primitive["indices"]).reshape(-1).astype(np.uint32)
        if len(found) and int(found.max()) >= count:
            raise FileValuesInvalid(
                f"An index is {int(found.max())}, and there are {count} vertices.",
                where=f"/accessors/{primitive['indices']}",
            )
    return found[: len(found) // 3 * 3] if mode_of(primitive) == TRIANGLES else found


def add_indices(document: Document, indices: np.ndarray, vertices: int) -> int:
    """An accessor of flat indices, in the smallest type whose highest value, the restart marker, stays free."""
    dtype = np.uint16 if vertices <= 0xFFFF else np.uint32
    return edit.add_accessor(document, indices.reshape(-1).astype(dtype, copy=False), target=edit.ELEMENTS)


def picked(document: Document, index: int, order: np.ndarray) -> int:
    """A new accessor of the values at `order`, of the same type. What was sparse on zeros is so again."""
    source = document.all("accessors")[index]
    if "bufferView" not in source and "sparse" not in source:
        # Zeros that take no bytes (glTF 2.0 section 3.6.2.3) still take none.
        document.json["accessors"].append(source | {"count": len(order)})
        return len(document.json["accessors"]) - 1
    values = np.take(read(document, index), order, axis=0)
    _check_size(values.nbytes, index)
    kept = {key: source[key] for key in _KEPT if key in source}
    limits = edit.extremes(values) if "min" in source or "max" in source else {}
    if "sparse" in source and "bufferView" not in source and values.any():
        return add_sparse(document, values, source | kept, limits)
    made = edit.add_accessor(document, values, target=edit.ARRAY)
    document.all("accessors")[made] |= kept | limits
    return made


def _check_size(size: int, index: int) -> None:
    limit = Budget().decoded_bytes
    if size > limit:
        raise FileTooComplex(
            f"The vertices would take {size} bytes for one attribute; the limit is {limit}. Weld or simplify first.",
            where=f"/accessors/{index}",
        )


def add_sparse(document: Document, values: np.ndarray, source: Json, limits: Json) -> int:
    """An accessor that is zero but for some rows; dense where that is smaller (glTF 2.0 section 3.6.2.3)."""
    rows = np.flatnonzero(values.any(axis=1))
    wide = np.uint16 if len(values) <= 0xFFFF else np.uint32
    kept = {key: source[key] for key in _KEPT if key in source}
    if len(rows) * (np.dtype(wide).itemsize + values[:1].nbytes) >= values.nbytes or not len(rows):
        made = edit.add_accessor(document, values, target=edit.ARRAY)
        document.all("accessors")[made] |= kept | limits
        return made
    codes = {2: 5123, 4: 5125}
    where = {"bufferView": edit.add_view(document, rows.astype(wide).tobytes())}
    what = {"bufferView": edit.add_view(document, np.ascontiguousarray(values[rows]).tobytes())}
    where["componentType"] = codes[np.dtype(wide).itemsize]
    entry = {key: source[key] for key in ("componentType", "type")} | {"count": len(values)} | kept | limits
    assert layout(entry).dtype == values.dtype
    accessors = document.json["accessors"]
    accessors.append(entry | {"sparse": {"count": len(rows), "indices": where, "values": what}})
    return len(accessors) - 1
