"""What a material means for vertices: their colours, and the texture coordinates that its base colour uses."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Document
from threed_workers.document.placements import Part
from threed_workers.document.shapes import Shape
from threed_workers.exports.colors import bytes_from_linear
from threed_workers.exports.surfaces import surface_of

_WHITE = (1.0, 1.0, 1.0, 1.0)


def is_painted(document: Document) -> bool:
    """Is any vertex of another colour than white, by itself or by its material?"""
    used = {primitive.get("material") for _, primitive in document.primitives()} - {None}
    colored = any("COLOR_0" in primitive["attributes"] for _, primitive in document.primitives())
    return colored or any(surface_of(document, number).color != _WHITE for number in used)


def painted(document: Document, part: Part, shape: Shape) -> np.ndarray:
    """uint8 (n, 4), sRGB: COLOR_0 times the base colour of the material."""
    colors = np.ones((len(shape.positions), 4)) if shape.colors is None else shape.colors.astype(np.float64)
    return bytes_from_linear(colors * surface_of(document, part.material).color)


def base_uvs(document: Document, part: Part, shape: Shape) -> np.ndarray | None:
    """float (n, 2), origin top left: the set of the base colour texture, its KHR_texture_transform applied.

    Without such a texture, those of the first other map that there is, or the first set; None when there are none.
    """
    maps = surface_of(document, part.material).maps
    chosen = maps.get("base") or next(iter(maps.values()), None)
    if chosen is not None and chosen.uv_set in shape.uvs:
        return chosen.applied(shape.uvs[chosen.uv_set])
    return next(iter(shape.uvs.values()), None)
