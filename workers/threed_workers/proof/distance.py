"""How far two surfaces are apart, by points that are sampled on both."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Document
from threed_workers.document.model import Json
from threed_workers.document.placements import parts
from threed_workers.document.shapes import TRIANGLES

_SAMPLES = 20_000
_DENSE = 200_000
_NEAREST, _FARTHEST, _NEAREST_OF_FARTHEST = 8, 1000, 128


def distances(before: Document, after: Document) -> Json:
    """{"mean_distance_m", "max_distance_m", "max_distance"} between the triangles of the two default scenes.

    Both ways, as Hausdorff's: from 20,000 points of each, spread by area, to the other's nearest triangle among those
    that its nearest sampled points lie on. Zero when neither has triangles; the original's diagonal when one has none.
    """
    a, b = triangles(before), triangles(after)
    extent = float(np.linalg.norm(np.ptp((a if len(a) else b).reshape(-1, 3), axis=0))) if len(a) or len(b) else 0.0
    if not len(a) or not len(b):
        far = 0.0 if len(a) == len(b) else extent
        return {"mean_distance_m": far, "max_distance_m": far, "max_distance": float(far > 0)}
    there, back = _to(a, b), _to(b, a)
    most = float(max(there.max(), back.max()))
    mean = float(max(there.mean(), back.mean()))
    return {"mean_distance_m": mean, "max_distance_m": most, "max_distance": most / extent if extent else 0.0}


def triangles(document: Document) -> np.ndarray:
    """float64 (n, 3, 3): the triangles that the default scene draws, in the world, metres."""
    shapes = [part.shape for part in parts(document)]
    found = [shape.positions[shape.elements] for shape in shapes if shape.corners == TRIANGLES]
    return np.concatenate(found) if found else np.zeros((0, 3, 3))


def _to(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64 (samples,): from points of `a` to the surface of `b`."""
    from scipy.spatial import cKDTree

    points, _ = _sampled(a, _SAMPLES)
    dense, of = _sampled(b, _DENSE)
    tree = cKDTree(dense)

    def nearest(points: np.ndarray, candidates: int) -> np.ndarray:
        _, near = tree.query(points, k=min(candidates, len(dense)))
        return np.min([_to_triangles(points, b[of[column]]) for column in near.reshape(len(points), -1).T], axis=0)

    found = nearest(points, _NEAREST)
    # The farthest decide; among many small triangles the right one may not be one of the first.
    far = np.argsort(found)[-_FARTHEST:]
    found[far] = nearest(points[far], _NEAREST_OF_FARTHEST)
    return found


def _sampled(corners: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of the triangles, spread by area, and which triangle each is on; the corners are among them."""
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    random = np.random.default_rng(1)
    sums = np.cumsum(areas)
    spread = count if sums[-1] > 0 else 0
    of = np.minimum(np.searchsorted(sums, random.random(spread) * sums[-1]), len(corners) - 1)
    u, v = random.random((2, spread))
    over = u + v > 1
    u[over], v[over] = 1 - u[over], 1 - v[over]
    a, b, c = (corners[of, n] for n in range(3))
    inside = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    step = -(-len(corners) * 3 // count)
    tips = np.arange(0, len(corners) * 3, step)
    return np.concatenate([inside, corners.reshape(-1, 3)[tips]]), np.concatenate([of, tips // 3])


def _to_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The distance of each point to its triangle (Ericson, Real-Time Collision Detection, 5.1.5, by projection)."""
    a, b, c = (corners[:, n] for n in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    flat = length > 0
    unit = normal / np.where(flat, length, 1)[:, None]
    height = np.einsum("ij,ij->i", points - a, unit)
    foot = points - height[:, None] * unit
    inside = flat.copy()
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("ij,ij->i", np.cross(end - start, foot - start), unit) >= 0
    edges = np.min([_to_segments(points, *edge) for edge in ((a, b), (b, c), (c, a))], axis=0)
    return np.where(inside, np.abs(height), edges)


def _to_segments(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    square = np.einsum("ij,ij->i", along, along)
    part = np.einsum("ij,ij->i", points - start, along) / np.where(square > 0, square, 1)
    return np.linalg.norm(points - start - np.clip(part, 0, 1)[:, None] * along, axis=1)
