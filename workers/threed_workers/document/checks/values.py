"""The numbers themselves: finite positions, indices that point at vertices, sparse indices in order."""

from __future__ import annotations

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.document.accessors import sparse
from threed_workers.document.bounds import bounds
from threed_workers.document.model import Document, Json, issue


def check_values(document: Document) -> None:
    """Raises FileValuesInvalid for positions that are not finite and indices past the vertices; reports the rest."""
    for number, accessor in enumerate(document.all("accessors")):
        _check_sparse(document, accessor, f"/accessors/{number}/sparse")
    for pointer, primitive in document.primitives():
        _check_positions(document, primitive, pointer)
        _check_indices(document, primitive, pointer)
    for number, accessor in enumerate(document.all("accessors")):
        if accessor["componentType"] == 5126 and not bounds(document, number).finite:
            text = "The accessor holds NaN or infinity, which glTF forbids. Export it again."
            document.issues.append(issue("ACCESSOR_NOT_FINITE", "ERROR", f"/accessors/{number}", text))


def _check_sparse(document: Document, accessor: Json, pointer: str) -> None:
    found = sparse(document, accessor)
    if found is None:
        return
    indices = found[0]
    if indices[-1] >= accessor["count"] or (np.diff(indices) <= 0).any():
        raise FileMalformed(
            f"Sparse indices must rise, and stay below {accessor['count']}.", where=f"{pointer}/indices"
        )


def _check_positions(document: Document, primitive: Json, pointer: str) -> None:
    places = [(f"{pointer}/attributes", primitive["attributes"])]
    places += [(f"{pointer}/targets/{n}", target) for n, target in enumerate(primitive.get("targets") or [])]
    for where, attributes in places:
        index = attributes.get("POSITION")
        if index is not None and not bounds(document, index).finite:
            raise FileValuesInvalid(
                "Positions are NaN or infinite. Repair the mesh and export it again.", where=f"{where}/POSITION"
            )


def _check_indices(document: Document, primitive: Json, pointer: str) -> None:
    index = primitive.get("indices")
    positions = next(iter(primitive["attributes"].values()), None)
    if index is None or positions is None:
        return
    highest = int(bounds(document, index).high[0])
    count = document.all("accessors")[positions]["count"]
    if highest >= count:
        raise FileValuesInvalid(f"An index is {highest} and there are {count} vertices.", where=f"{pointer}/indices")
