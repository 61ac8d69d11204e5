"""Points and lines as thin geometry: squares and ribbons that face the camera, as wide as the raster engine's."""

from __future__ import annotations

import numpy as np

from threed_workers.engines.drawing import Settings, View
from threed_workers.engines.flattening import LINE_STRIP, POINTS, Part
from threed_workers.engines.tracing.geometry import Piece

# A stroke of 6 pixels at 1024: it is seen at 256 too.
_PART, _WIDEST = 170, 6


def drawn_strokes(part: Part, matrix: np.ndarray, number: int, view: View, settings: Settings) -> Piece:
    """The points or lines of a part where `matrix` has them, for one camera."""
    positions = part.positions.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    width = max(1, min(_WIDEST, round(min(settings.width, settings.height) / _PART)))
    order = part.indices.astype(np.int64)
    if part.mode == POINTS:
        starts = ends = order
    elif part.mode == LINE_STRIP:
        starts, ends = order[:-1], order[1:]
    else:
        starts, ends = order[: len(order) // 2 * 2 : 2], order[1::2]
    right, up, back = view.pose[:3, 0], view.pose[:3, 1], view.pose[:3, 2]
    along = positions[ends] - positions[starts]
    flat = np.stack([along @ right, along @ up], axis=-1)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = np.where(lengths > 0, flat / np.maximum(lengths, 1e-300), (1.0, 0.0))
    ahead = flat[:, :1] * right + flat[:, 1:] * up
    aside = -flat[:, 1:] * right + flat[:, :1] * up
    corners, which = [], []
    for end, forward, side in ((starts, -1, -1), (ends, 1, -1), (ends, 1, 1), (starts, -1, 1)):
        half = 0.5 * width * _pixel(positions[end], view, settings)[:, None]
        corners.append(positions[end] + half * (forward * ahead + side * aside))
        which.append(end)
    count = len(starts)
    number_of = np.arange(4 * count).reshape(4, count)
    faces = np.concatenate([number_of[[0, 1, 2]].T, number_of[[0, 2, 3]].T])
    origin = np.concatenate(which)
    normals = np.tile(back, (4 * count, 1)) if part.normals is None else part.normals[origin] @ _turned(matrix)
    return Piece(
        positions=np.concatenate(corners).astype(np.float32),
        normals=(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)).astype(np.float32),
        texcoords={number: values[origin] for number, values in part.texcoords.items()},
        colors=None if part.colors is None else part.colors[origin],
        faces=faces.astype(np.uint32),
        number=number,
    )


def _turned(matrix: np.ndarray) -> np.ndarray:
    linear = matrix[:3, :3]
    return np.linalg.inv(linear) if abs(np.linalg.det(linear)) > 1e-300 else np.eye(3)


def _pixel(positions: np.ndarray, view: View, settings: Settings) -> np.ndarray:
    """How long a pixel is at each place (n,)."""
    if view.ymag:
        return np.full(len(positions), 2 * view.ymag / settings.height)
    depth = np.maximum((view.pose[:3, 3] - positions) @ view.pose[:3, 2], view.near)
    return 2 * depth * np.tan(view.yfov / 2) / settings.height
