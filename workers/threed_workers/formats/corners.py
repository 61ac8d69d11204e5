"""Triangles that say something at each corner, as face colours and properties do, to a primitive of shared vertices."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.surface import surface
from threed_workers.mesh.weld import weld


def surface_of_corners(
    builder: Builder,
    points: np.ndarray,
    triangles: np.ndarray,
    *,
    colors: np.ndarray | None = None,
    uvs: np.ndarray | None = None,
    normals: np.ndarray | None = None,
) -> Json:
    """A primitive of `triangles` int (t, 3) over `points` float (n, 3); corners that are alike are one vertex.

    `colors` uint16 (3t, 4), linear; `uvs` float (3t, 2), from the bottom left; `normals` float (3t, 3), made and split
    at creases where they are None.
    """
    corners = triangles.reshape(-1).astype(np.int64)
    keys = [corners]
    if colors is not None:
        keys.append(np.ascontiguousarray(colors).view(np.uint32))
    if uvs is not None:
        keys.append(uvs.astype(np.float64))
    first, places = weld(*keys)
    return surface(
        builder,
        points[corners[first]],
        places.reshape(-1, 3),
        uvs=uvs[first] if uvs is not None else None,
        colors=colors[first] if colors is not None else None,
        corner_normals=normals,
    )
