"""Parts of documents as triangles at their place in the picture, and which of them a camera sees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from threed_workers.engines.drawing import View
from threed_workers.engines.flattening import Part

# Corners nearer than this part of a piece's size are one.
_GRID = 1 << 17
# Triangles that are measured together: a quarter of a kilobyte each.
_AT_ONCE = 1 << 16
# The cosine of the angle at which a normal is seen at least, on a triangle whose front is seen.
_GRAZING = 0.05


@dataclass(frozen=True, eq=False)
class Piece:
    """Triangles of one material. float32 positions, unit normals (n, 3), colors linear RGBA (n, 4), texcoords by set.

    `faces` uint32 (m, 3), counter-clockwise from outside. `number` is that of the instance, from 1. `mirrored` tells
    that u and v turn the other way round, as normal maps have to know.
    """

    positions: np.ndarray
    normals: np.ndarray
    texcoords: Mapping[int, np.ndarray]
    colors: np.ndarray | None
    faces: np.ndarray
    number: int
    mirrored: bool = False

    def with_faces(self, kept: np.ndarray | slice) -> Piece:
        """Only some of the triangles."""
        return replace(self, faces=self.faces[kept])


def placed(part: Part, matrix: np.ndarray, number: int) -> Piece:
    """The triangles of a part where `matrix` (4, 4) has it."""
    linear = matrix[:3, :3]
    positions = part.positions.astype(np.float64) @ linear.T + matrix[:3, 3]
    faces = part.indices
    determinant = np.linalg.det(linear)
    if determinant < 0:
        faces = faces[:, ::-1]
    turned = np.linalg.inv(linear) if abs(determinant) > 1e-300 else np.eye(3)
    normals = part.normals.astype(np.float64) @ turned
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(lengths > 0, normals / np.maximum(lengths, 1e-300), (0.0, 0.0, 1.0))
    return Piece(
        positions=positions.astype(np.float32),
        normals=normals.astype(np.float32),
        texcoords=part.texcoords,
        colors=part.colors,
        faces=np.ascontiguousarray(faces, np.uint32),
        number=number,
    )


def by_handedness(piece: Piece, texcoord: int) -> list[Piece]:
    """The piece, or its two parts when some triangles are mirrored in the UV set `texcoord`."""
    if texcoord not in piece.texcoords:
        return [piece]
    first, second, third = (piece.texcoords[texcoord][piece.faces[:, corner]] for corner in range(3))
    a, b = second - first, third - first
    # v runs down, so that a picture seen as it is has a negative area.
    turned = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] > 0
    if not turned.any():
        return [piece]
    found = [replace(piece.with_faces(turned), mirrored=True)]
    return found if turned.all() else [piece.with_faces(~turned), *found]


def facing(piece: Piece, view: View) -> np.ndarray:
    """bool (m,): the triangles whose front the camera sees."""
    corners, outside = _corners(piece)
    if view.ymag:
        return outside @ view.pose[:3, 2] > 0
    return np.einsum("mi,mi->m", outside, view.pose[:3, 3] - corners[:, 0]) > 0


def is_closed(piece: Piece) -> bool:
    """Whether the triangles have no border and their front outside, so that nobody there sees their back.

    Seams may gape a little.
    """
    size = float(np.ptp(piece.positions, axis=0).max()) if len(piece.positions) else 0.0
    grid = np.rint(piece.positions.astype(np.float64) * (_GRID / size if size else 0.0)).astype(np.int64)
    _, same = np.unique(grid, axis=0, return_inverse=True)
    faces = same.reshape(-1)[piece.faces].astype(np.int64)
    count = int(faces.max()) + 1 if faces.size else 1
    there = np.concatenate([faces[:, 0] * count + faces[:, 1], faces[:, 1] * count + faces[:, 2]])
    there = np.concatenate([there, faces[:, 2] * count + faces[:, 0]])
    back = there % count * count + there // count
    return np.array_equal(np.sort(there), np.sort(back)) and _volume(piece) >= 0


def _volume(piece: Piece) -> float:
    """Six times what closed triangles enclose, negative where their front is inside."""
    corners, outside = _corners(piece)
    return float(np.einsum("mi,mi->", corners[:, 0] - corners[:1, 0], outside))


def area(piece: Piece) -> float:
    """Of its triangles."""
    return float(np.linalg.norm(_corners(piece)[1], axis=1).sum()) / 2


def _corners(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """float64 (m, 3, 3), and (m, 3) to the outside, as long as twice the area, of the triangles."""
    corners = piece.positions[piece.faces].astype(np.float64)
    return corners, np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def texels_wanted(piece: Piece, texcoord: int, view: View, height: int) -> float:
    """How many texels a unit square of the UV set `texcoord` must have for none to be seen larger than a pixel.

    Of a picture of `height` pixels. Infinite where the camera may touch the piece; too many rather than too few.
    """
    parts = (piece.with_faces(slice(start, start + _AT_ONCE)) for start in range(0, len(piece.faces), _AT_ONCE))
    return max((_texels_wanted(part, texcoord, view, height) for part in parts), default=0.0)


def _texels_wanted(piece: Piece, texcoord: int, view: View, height: int) -> float:
    corners, outside = _corners(piece)
    middles = corners.mean(axis=1)
    reach = np.linalg.norm(corners - middles[:, None], axis=2).max(axis=1)
    ahead = (view.pose[:3, 3] - middles) @ view.pose[:3, 2]
    sizes = np.linalg.norm(outside, axis=1) / 2
    first, second, third = (piece.texcoords[texcoord][piece.faces[:, corner]].astype(np.float64) for corner in range(3))
    a, b = second - first, third - first
    covered = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    # Triangles behind the camera and those without size are not seen; those that cover no texels show a single one.
    counts = (ahead + reach > 0) & (sizes > 0) & (covered > 0)
    if view.ymag:
        pixels = np.full(len(sizes), 2 * view.ymag / height)
    else:
        pixels = 2 * math.tan(view.yfov / 2) * np.maximum(ahead - reach, 0.0) / height
    with np.errstate(divide="ignore", over="ignore"):
        wanted = sizes[counts] / covered[counts] / pixels[counts] ** 2
    return float(wanted.max(initial=0.0))


def bent(piece: Piece, view: View) -> Piece:
    """The piece with no normal that looks away from the camera on a triangle that looks at it, nor the other way round.

    Normals that are smoothed over sharp edges do, and a BSDF would take the light from the wrong side there. They are
    bent until they graze, on vertices of their own for the triangles that are seen from that side.
    """
    sight = np.broadcast_to(view.pose[:3, 2], piece.positions.shape)
    if not view.ymag:
        sight = view.pose[:3, 3] - piece.positions
        sight /= np.maximum(np.linalg.norm(sight, axis=1, keepdims=True), 1e-30)
    front = facing(piece, view)
    return _bent(_bent(piece, sight, front), -sight, ~front)


def _bent(piece: Piece, sight: np.ndarray, seen: np.ndarray) -> Piece:
    """With the normals of the triangles `seen` bent towards `sight`, unit (n, 3) for the first n vertices."""
    used = np.unique(piece.faces[seen])
    normals, sight = piece.normals[used].astype(np.float64), sight[used]
    cosines = np.einsum("ni,ni->n", normals, sight)[:, None]
    wrong = cosines[:, 0] < _GRAZING
    if not wrong.any():
        return piece
    used, normals, sight, cosines = used[wrong], normals[wrong], sight[wrong], cosines[wrong]
    level = normals - cosines * sight
    lengths = np.linalg.norm(level, axis=1, keepdims=True)
    grazing = level / np.maximum(lengths, 1e-30) * np.sqrt(1 - _GRAZING**2) + sight * _GRAZING
    count = len(piece.positions)
    moved = np.arange(count, dtype=np.uint32)
    moved[used] = count + np.arange(len(used))
    faces = piece.faces.copy()
    faces[seen] = moved[faces[seen]]
    return replace(
        piece,
        positions=np.concatenate([piece.positions, piece.positions[used]]),
        normals=np.concatenate([piece.normals, np.where(lengths < 1e-6, sight, grazing).astype(np.float32)]),
        texcoords={number: np.concatenate([each, each[used]]) for number, each in piece.texcoords.items()},
        colors=None if piece.colors is None else np.concatenate([piece.colors, piece.colors[used]]),
        faces=faces,
    )


def towards(piece: Piece, view: View) -> Piece:
    """Corners of their own for every triangle, all turned to the camera, normals too."""
    seen = facing(piece, view)
    corners = np.where(seen[:, None], piece.faces, piece.faces[:, ::-1]).reshape(-1)
    signs = np.repeat(np.where(seen, 1.0, -1.0), 3)[:, None].astype(np.float32)
    return replace(
        piece,
        positions=piece.positions[corners],
        normals=piece.normals[corners] * signs,
        texcoords={number: values[corners] for number, values in piece.texcoords.items()},
        colors=None if piece.colors is None else piece.colors[corners],
        faces=np.arange(len(corners), dtype=np.uint32).reshape(-1, 3),
    )
