"""Which part of a picture a drawing reaches. Software GL takes half of a frame's time for pixels where nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from threed_workers.engines.drawing import Settings, View

# Around what is found, in pixels and as a part of it: points and lines are wide, and outlines of round things are known
# to a hundredth.
_PIXELS, _PART = 8, 0.015
# Of each edge, so that frames of a film have few sizes: Filament makes buffers for each.
_STEPS = 64


def cropped(settings: Settings, view: View, points: np.ndarray) -> Settings:
    """The settings of the part in which points (n, 3) of the world are seen.

    As they are when that is all, or when points are beside the camera or behind it.
    """
    size = np.array(settings.size)
    low, high = _reach(settings, view, points)
    if not np.isfinite([low, high]).all():
        return settings
    margin = _PIXELS + _PART * (high - low)
    low, high = np.floor((low - margin).clip(0, size)), np.ceil((high + margin).clip(0, size))
    step = np.maximum(-(-size // _STEPS), 1)
    part = np.minimum(np.maximum(-(-(high - low) // step), 1) * step, size).astype(int)
    if (part == size).all():
        return settings
    corner = np.clip((low + high - part) // 2, 0, size - part).astype(int)
    x, y, *_ = settings.region or (0, 0)
    return replace(settings, region=(x + int(corner[0]), y + int(corner[1]), int(part[0]), int(part[1])))


def place(part: Settings, whole: Settings) -> tuple[slice, slice]:
    """(rows, columns) of the whole picture that the part is."""
    x, y, *_ = whole.region or (0, 0)
    left, top, width, height = part.region or (x, y, *whole.size)
    return slice(top - y, top - y + height), slice(left - x, left - x + width)


def is_cut(image: np.ndarray, part: Settings, whole: Settings) -> bool:
    """Whether the part, drawn at any size over nothing, has something at an edge that is not one of the whole."""
    rows, columns = place(part, whole)
    width, height = whole.size
    inner = (rows.start > 0, rows.stop < height, columns.start > 0, columns.stop < width)
    edges = (image[0], image[-1], image[:, 0], image[:, -1])
    return any(edge.any() for edge, is_inner in zip(edges, inner, strict=True) if is_inner)


def _reach(settings: Settings, view: View, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest (x, y) in pixels, x to the right, y down; not finite when there is no telling."""
    local = (points - view.pose[:3, 3]) @ view.pose[:3, :3]
    if not view.ymag:
        depth = -local[:, 2:]
        if not len(points) or depth.min() <= view.near:
            return np.full(2, -np.inf), np.full(2, np.inf)
        local = local[:, :2] / depth
    left, right, bottom, top = settings.window(view)
    width, height = settings.size
    x = (local[:, 0] - left) / (right - left) * width
    y = (top - local[:, 1]) / (top - bottom) * height
    return np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
