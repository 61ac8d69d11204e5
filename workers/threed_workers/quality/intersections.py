"""Does the surface of a mesh go through itself?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from threed_workers.document.model import Json, issue
from threed_workers.quality.cells import touching
from threed_workers.quality.subject import Subject
from threed_workers.quality.topology import Found, is_collapsed, welded
from threed_workers.quality.triangles import Surface, in_blocks, surface
from threed_workers.quality.wording import counted, near

# How deep an edge must go through a plane to count, as a part of the larger triangle: parts may touch.
DEPTH = 1e-5
_PAIRS = 1 << 16


def check_intersections(subject: Subject) -> Iterator[Json]:
    """MESH_SELF_INTERSECTIONS: an edge of a triangle goes through another that shares no vertex with it.

    Triangles in one plane do not count. Says which meshes were not looked at, for their number of triangles or pairs.
    """
    left, skipped = subject.limits.intersection_triangles, []
    for number, mesh in enumerate(subject.document.all("meshes")):
        count = subject.triangles[number]
        if subject.weights[number] > left:
            skipped.append(number)
            continue
        left -= subject.weights[number]
        found = intersecting(surface(subject.document, mesh), subject.limits.intersection_pairs)
        if found is None:
            skipped.append(number)
        elif found.count:
            text = f"{counted(found.count, 'triangle goes', 'triangles go')} through others of the mesh, of {count}."
            text += f"{near(found)} Cut the parts where they meet, and remove what lies inside."
            yield issue("MESH_SELF_INTERSECTIONS", "INFO", f"/meshes/{number}", text)
    if skipped:
        text = f"{counted(len(skipped), 'mesh was', 'meshes were')} not looked at: the limits are "
        text += (
            f"{subject.limits.intersection_triangles} triangles of all and {subject.limits.intersection_pairs} pairs "
        )
        text += "that are near each other. Simplify or split the model."
        yield issue("MESH_SELF_INTERSECTIONS_NOT_CHECKED", "INFO", f"/meshes/{skipped[0]}", text)


def intersecting(mesh: Surface, most_pairs: int) -> Found | None:
    """How many triangles take part in an intersection; None when more than `most_pairs` would have to be tried."""
    points, corners = welded(mesh)
    corners = corners[~is_collapsed(corners) & np.isfinite(points).all(axis=1)[corners].all(axis=1)]
    if not len(corners):
        return Found(0, None)
    # Three at a time: numpy takes six times as long to reduce an axis of three.
    thirds = [points[corner] for corner in corners.T]
    low, high = _lowest(thirds), _highest(thirds)
    pairs = touching(low, high, most_pairs)
    if pairs is None:
        return None
    hit = np.zeros(len(corners), bool)
    places = points.astype(np.float64)[corners]
    extents = _highest((high - low).astype(np.float64).T)
    columns = np.ascontiguousarray(corners.T)
    for block in (part for found in pairs for part in in_blocks(found, _PAIRS)):
        block = block[_are_apart(columns, block)]
        a, b = places[block[:, 0]], places[block[:, 1]]
        depth = DEPTH * np.maximum(extents[block[:, 0]], extents[block[:, 1]])
        crossing = _pierces(a, b, depth) | _pierces(b, a, depth)
        hit[block[crossing].reshape(-1)] = True
    first = np.flatnonzero(hit)
    return Found(len(first), tuple(places[first[0]].mean(axis=0).tolist()) if len(first) else None)


def _lowest(three: Sequence[np.ndarray]) -> np.ndarray:
    return np.minimum(np.minimum(three[0], three[1]), three[2])


def _highest(three: Sequence[np.ndarray]) -> np.ndarray:
    return np.maximum(np.maximum(three[0], three[1]), three[2])


def _are_apart(columns: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which pairs of triangles share no vertex: bool (n,). `columns` are the corners, (3, t)."""
    apart = np.ones(len(pairs), bool)
    for one in columns:
        for other in columns:
            apart &= one[pairs[:, 0]] != other[pairs[:, 1]]
    return apart


def _pierces(a: np.ndarray, b: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Whether an edge of triangle a goes deep enough through triangle b, for pairs (n, 3, 3): bool (n,).

    Signed volumes of tetrahedra (Segura and Feito 2001): the ends lie on both sides of the plane, and the three edges
    of b all pass the edge of a on the same side.
    """
    hit = np.zeros(len(a), bool)
    with np.errstate(all="ignore"):
        normal = np.cross(b[:, 1] - b[:, 0], b[:, 2] - b[:, 0])
        length = np.linalg.norm(normal, axis=1)
        heights = np.einsum("nki,ni->nk", a - b[:, :1], normal / np.where(length > 0, length, np.inf)[:, None])
        for corner in range(3):
            start, end = corner, (corner + 1) % 3
            through = (np.minimum(heights[:, start], heights[:, end]) < -depth) & (
                np.maximum(heights[:, start], heights[:, end]) > depth
            )
            rows = np.flatnonzero(through & ~hit)
            if len(rows):
                hit[rows] = _passes_within(a[rows, start], a[rows, end], b[rows])
    return hit


def _passes_within(start: np.ndarray, end: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """Whether the line from start to end (n, 3) passes strictly inside triangles (n, 3, 3)."""
    along = end - start
    sides = triangle - start[:, None]
    volumes = [
        np.einsum("ni,ni->n", along, np.cross(sides[:, corner], sides[:, (corner + 1) % 3])) for corner in range(3)
    ]
    low, high = np.minimum.reduce(volumes), np.maximum.reduce(volumes)
    least = 1e-9 * np.maximum(np.abs(low), np.abs(high))
    return (low > least) | (high < -least)
