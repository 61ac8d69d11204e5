"""Are all parts as sharp as each other?"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

import numpy as np

from threed_workers.document import read_floats
from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.texturing import Part, layouts, signed_areas, uses, uv_corners
from threed_workers.quality.triangles import in_blocks, weight

FACTOR = 4.0
FEWEST = 3  # materials that it takes to tell which of them is unlike the others


def check_texture_density(subject: Subject) -> Iterator[Json]:
    """TEXTURE_DENSITY: the texels a metre of a material are 4 times more or less than the median of all."""
    found = densities(subject)
    if len(found) < FEWEST:
        return
    middle = statistics.median(found.values())
    for material, density in found.items():
        if not middle / FACTOR <= density <= middle * FACTOR:
            text = f"The textures have {density:.3g} texels a metre; the middle of all materials is {middle:.3g}. "
            text += "Scale the picture" + (" down." if density > middle else " up, or the UVs down.")
            yield issue("TEXTURE_DENSITY", "INFO", f"/materials/{material}", text)


def densities(subject: Subject) -> dict[int, float]:
    """Texels a metre by material, by its largest picture; sqrt of texels over area, as the default scene shows it."""
    scales: dict[int, float] = {}
    for node, scale in subject.draws:
        scales.setdefault(subject.document.all("nodes")[node]["mesh"], scale)
    left, found = subject.limits.uv_triangles, {}
    for (material, uv_set), parts in layouts(subject.document).items():
        texels = _texels(subject, material, uv_set)
        covered = surface = 0.0
        for part in parts:
            left -= weight(subject.document, part.primitive)
            if left < 0:
                return found  # uv_overlap.py says so, for the same limit
            if part.mesh in scales and texels:
                uv_area, area = _areas(subject, part, uv_set)
                covered, surface = covered + uv_area, surface + area * scales[part.mesh] * scales[part.mesh]
        if covered * texels > 0 and surface > 0 and math.isfinite(covered * texels / surface):
            found[material] = max(found.get(material, 0.0), math.sqrt(covered * texels / surface))
    return found


def _texels(subject: Subject, material: int, uv_set: int) -> float:
    """Texels of the largest picture in a square of UVs; a transform that repeats it shows more."""
    largest = 0.0
    for use in uses(subject.document, material):
        picture = subject.picture(use.image) if use.image is not None else None
        if picture is not None and use.uv_set == uv_set:
            (a, b, _), (c, d, _) = use.matrix.tolist()
            repeats = abs(a * d - b * c)
            largest = max(largest, picture.width_px * picture.height_px * repeats)
    return largest


def _areas(subject: Subject, part: Part, uv_set: int) -> tuple[float, float]:
    """(area in UV, area in square metres of the mesh's own frame) of a part."""
    uvs, corners = uv_corners(subject.document, part.primitive, uv_set)
    points = read_floats(subject.document, part.primitive["attributes"]["POSITION"])
    covered = surface = 0.0
    with np.errstate(all="ignore"):
        for block in in_blocks(corners):
            a, b, c = (points[block[:, corner]].astype(np.float64) for corner in range(3))
            surface += float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2
            covered += float(np.abs(signed_areas(uvs, block)).sum())
    return covered, surface
