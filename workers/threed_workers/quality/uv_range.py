"""Do UVs stay where the picture is?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threed_workers.document.accessors import COMPONENTS, to_floats
from threed_workers.document.bounds import bounds
from threed_workers.document.model import Document, Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.texturing import Use, materials_of, uses

CLAMP_TO_EDGE = 33071
TOLERANCE = 1e-3  # one texel of 1024


def check_uv_range(subject: Subject) -> Iterator[Json]:
    """UV_OUT_OF_RANGE: beyond 0 to 1. WARNING where the sampler clamps, and smears; INFO where the picture repeats."""
    document = subject.document
    read = {number: uses(document, number) for number in range(len(document.all("materials")))}
    for pointer, primitive in document.primitives():
        worst: tuple[bool, Use, np.ndarray] | None = None
        for use in (use for material in materials_of(primitive) for use in read[material]):
            index = primitive["attributes"].get(f"TEXCOORD_{use.uv_set}")
            box = _box(document, index, use) if index is not None else None
            if box is None:
                continue
            beyond = (box[0] < -TOLERANCE) | (box[1] > 1 + TOLERANCE)
            clamped = bool((beyond & (np.array(use.wraps) == CLAMP_TO_EDGE)).any())
            if beyond.any() and (worst is None or clamped > worst[0]):
                worst = (clamped, use, box)
        if worst is not None:
            yield _issue(pointer, *worst)


def _issue(pointer: str, clamped: bool, use: Use, box: np.ndarray) -> Json:
    place = f"UVs of {use.pointer} run from ({box[0, 0]:.3g}, {box[0, 1]:.3g}) to ({box[1, 0]:.3g}, {box[1, 1]:.3g})"
    if clamped:
        text = f"{place}, and its sampler clamps: the edge of the picture is smeared. Let it repeat, or move the UVs."
        return issue("UV_OUT_OF_RANGE", "WARNING", pointer, text)
    text = f"{place}: the picture repeats. That cannot go into an atlas; move the UVs if it is not meant."
    return issue("UV_OUT_OF_RANGE", "INFO", pointer, text)


def _box(document: Document, index: int, use: Use) -> np.ndarray | None:
    """Low and high UV (2, 2) after the texture transform; of turned UVs, those of their box. None if not finite."""
    accessor = document.all("accessors")[index]
    found = bounds(document, index)
    if not found.finite or len(found.low) != 2:
        return None
    extremes = np.stack([found.low, found.high])
    if accessor.get("normalized"):
        extremes = to_floats(extremes.astype(COMPONENTS[accessor["componentType"]]), True).astype(np.float64)
    corners = np.array([[u, v, 1.0] for u in extremes[:, 0] for v in extremes[:, 1]])
    with np.errstate(all="ignore"):
        moved = corners @ use.matrix.T
    return np.stack([moved.min(axis=0), moved.max(axis=0)])
