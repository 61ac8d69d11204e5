"""Are all numbers of the vertices numbers?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.bounds import bounds
from threed_workers.document.model import Document, Json, issue
from threed_workers.quality.subject import Subject


def check_finite(subject: Subject) -> Iterator[Json]:
    """MESH_NON_FINITE: NaN or infinity in an attribute of a primitive or of a morph target."""
    for pointer, primitive in subject.document.primitives():
        places = [(f"{pointer}/attributes", primitive["attributes"])]
        places += [(f"{pointer}/targets/{n}", target) for n, target in enumerate(primitive.get("targets") or [])]
        for where, attributes in places:
            for name, index in attributes.items():
                if not _is_finite(subject.document, index):
                    text = f"{name} holds NaN or infinity, which glTF forbids. Make it anew, or remove it."
                    yield issue("MESH_NON_FINITE", "ERROR", f"{where}/{name}", text)


def _is_finite(document: Document, index: int) -> bool:
    return document.all("accessors")[index]["componentType"] != 5126 or bounds(document, index).finite
