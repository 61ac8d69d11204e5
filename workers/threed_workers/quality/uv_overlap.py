"""Do two parts of the surface show the same texels?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from threed_workers.document import Document
from threed_workers.document.bounds import bounds
from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.texturing import Part, layouts, once, uv_corners
from threed_workers.quality.triangles import in_blocks, weight
from threed_workers.quality.uv_range import TOLERANCE
from threed_workers.quality.wording import share

RESOLUTION = 256  # the UVs of a material are drawn into a square of that many pixels a side
THRESHOLD = 0.01  # of the pixels that are covered at all
_EDGE = 1e-9
_PIXELS = 1 << 18  # tried at once


class _TooMany(Exception):
    """Raised when drawing the UVs would try more pixels than are left."""


def check_uv_overlap(subject: Subject) -> Iterator[Json]:
    """UV_OVERLAPPING: more than 1 % of the covered pixels are covered twice. Layouts that leave 0 to 1 are tilings."""
    document = subject.document
    triangles, pixels = subject.limits.uv_triangles, subject.limits.uv_pixels
    for (material, uv_set), parts in layouts(document).items():
        if not all(_is_inside(document, part, uv_set) for part in parts):
            continue
        drawing = _Drawing(triangles, pixels)
        try:
            for part in once(parts, uv_set):
                drawing.spend(weight(document, part.primitive))
                drawing.add(*uv_corners(document, part.primitive, uv_set))
        except _TooMany:
            text = f"The UVs were not drawn: the limits are {subject.limits.uv_triangles} triangles and "
            yield issue("UV_NOT_CHECKED", "INFO", f"/materials/{material}", f"{text}{subject.limits.uv_pixels} pixels.")
            return
        triangles, pixels = drawing.triangles, drawing.pixels
        covered, twice = int((drawing.cover > 0).sum()), int((drawing.cover > 1).sum())
        if twice > THRESHOLD * covered:
            text = (
                f"{share(twice, covered)} of what TEXCOORD_{uv_set} covers is covered twice. That is right for parts "
            )
            text += "that look alike; light maps and painting need a layout of their own."
            yield issue("UV_OVERLAPPING", "INFO", f"/materials/{material}", text)


def _is_inside(document: Document, part: Part, uv_set: int) -> bool:
    index = part.primitive["attributes"][f"TEXCOORD_{uv_set}"]
    found = bounds(document, index)
    if document.all("accessors")[index].get("normalized"):
        return True
    return found.finite and found.low.min() >= -TOLERANCE and found.high.max() <= 1 + TOLERANCE


class _Drawing:
    """Triangles drawn into a square. A pixel is covered when its centre lies within, so neighbours never share one."""

    def __init__(self, triangles: int, pixels: int):
        self.cover = np.zeros(RESOLUTION * RESOLUTION, np.int32)
        self.triangles = triangles
        self.pixels = pixels

    def spend(self, triangles: int) -> None:
        """Ask for so many triangles. Raises _TooMany when they are not left."""
        self.triangles -= triangles
        if self.triangles < 0:
            raise _TooMany

    def add(self, uvs: np.ndarray, corners: np.ndarray) -> None:
        """Draw. Raises _TooMany before it becomes too much."""
        for block in in_blocks(corners):
            places = uvs[block].astype(np.float64) * RESOLUTION  # (t, 3, 2)
            low = np.maximum(np.ceil(places.min(axis=1) - 0.5), 0).astype(np.int64)
            high = np.minimum(np.floor(places.max(axis=1) - 0.5), RESOLUTION - 1).astype(np.int64)
            widths, heights = np.maximum(high - low + 1, 0).T
            counts = widths * heights
            self.pixels -= int(counts.sum())
            if self.pixels < 0:
                raise _TooMany
            drawn = np.flatnonzero(counts)
            ends = np.cumsum(counts[drawn])
            for group in np.split(
                drawn, np.searchsorted(ends, np.arange(_PIXELS, ends[-1] if len(ends) else 0, _PIXELS))
            ):
                self._draw(places[group], low[group], widths[group], counts[group])

    def _draw(self, places: np.ndarray, low: np.ndarray, widths: np.ndarray, counts: np.ndarray) -> None:
        """Cover the pixels whose centres lie strictly on the inner side of all three edges (Pineda 1988)."""
        owner = np.repeat(np.arange(len(places)), counts)
        step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        row, column = np.divmod(step, widths[owner])
        x, y = low[owner, 0] + column, low[owner, 1] + row
        inside = np.ones(len(owner), bool)
        first, second = places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]
        sign = np.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
        for corner in range(3):
            start, along = places[:, corner], sign[:, None] * (places[:, (corner + 1) % 3] - places[:, corner])
            offset = (0.5 - start[:, 1]) * along[:, 0] - (0.5 - start[:, 0]) * along[:, 1]
            inside &= y * along[:, 0][owner] - x * along[:, 1][owner] + offset[owner] > _EDGE
        self.cover += np.bincount((y * RESOLUTION + x)[inside], minlength=len(self.cover)).astype(np.int32)
