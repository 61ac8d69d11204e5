"""Make vertex normals."""

from __future__ import annotations

import math

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, read_floats
from threed_workers.mesh.normals import MOST_CREASED, corner_normals
from threed_workers.mesh.weld import weld
from threed_workers.transforms._corners import alike, triangle_list, write
from threed_workers.transforms.geometry.vertices import Shape, note, shapes

_DEFAULT_CREASE = 1.05  # radians


def changes(options: recipes_pb2.Normals) -> frozenset[str]:
    return frozenset(("vertices",))


def apply(document: Document, options: recipes_pb2.Normals) -> Document:
    """Give triangles that have no normals, or with `overwrite` all of them, normals that are split at creases.

    Vertices in one place count as one, so that seams of textures do not show. Morph targets that had normals get new
    ones; the others stay without.
    """
    edit.decompress(document)
    crease = options.crease_angle or _DEFAULT_CREASE
    for shape in shapes(document):
        if options.overwrite or "NORMAL" not in shape.primitives[0]["attributes"]:
            _shade(document, shape, crease)
    return document


def _shade(document: Document, shape: Shape, crease: float) -> None:
    """All triangles of a set of vertices together, so that primitives of it meet smoothly."""
    groups = list(alike(shape, lambda primitive: True).values())
    lists = [triangle_list(shape, primitives[0]) for primitives in groups]
    if not sum(map(len, lists)):
        return
    triangles = np.concatenate(lists)
    if len(triangles) > MOST_CREASED:
        text = f"Above {MOST_CREASED} triangles normals are smooth everywhere. Simplify first for creases."
        note(document, "NORMALS_SMOOTH", shape.pointers[0], text)
    source = groups[0][0]
    points = read_floats(document, source["attributes"]["POSITION"])
    normals = _corner_normals(points, triangles, crease)
    morphs = {
        number: _corner_normals(points + read_floats(document, target["POSITION"]), triangles, crease) - normals
        for number, target in enumerate(source.get("targets") or [])
        if "NORMAL" in target and "POSITION" in target
    }
    start = 0
    for primitives, part in zip(groups, lists, strict=True):
        rows = slice(start, start + 3 * len(part))
        start += 3 * len(part)
        if len(part):
            moved = {number: values[rows] for number, values in morphs.items()}
            write(document, shape, primitives, part, "NORMAL", normals[rows], moved)


def _corner_normals(points: np.ndarray, triangles: np.ndarray, crease: float) -> np.ndarray:
    """float32 (3t, 3), of points (n, 3) some of which are in one place."""
    first, place = weld(points + np.float32(0))
    points, triangles = points[first], place[triangles]
    return corner_normals(points, triangles, math.degrees(crease))
