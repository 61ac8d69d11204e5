"""Does the surface show its pictures mirrored?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.texturing import layouts, once, signed_areas, uv_corners
from threed_workers.quality.triangles import in_blocks, weight
from threed_workers.quality.wording import share

THRESHOLD = 0.01  # of the area in UV


def check_uv_flipped(subject: Subject) -> Iterator[Json]:
    """UV_FLIPPED: more than 1 % of a layout is mirrored, which text does not bear and symmetric parts do."""
    left = subject.limits.uv_triangles
    for (material, uv_set), parts in layouts(subject.document).items():
        mirrored = whole = 0.0
        for part in once(parts, uv_set):
            left -= weight(subject.document, part.primitive)
            if left < 0:
                return  # uv_overlap.py says so, for the same limit
            uvs, corners = uv_corners(subject.document, part.primitive, uv_set)
            for block in in_blocks(corners):
                areas = signed_areas(uvs, block)
                areas = areas[np.isfinite(areas)]
                mirrored += float(areas[areas > 0].sum())
                whole += float(np.abs(areas).sum())
        if whole and mirrored > THRESHOLD * whole:
            text = f"{share(mirrored, whole)} of TEXCOORD_{uv_set} shows the picture mirrored. "
            text += "Turn it where there is text."
            yield issue("UV_FLIPPED", "HINT", f"/materials/{material}", text)
