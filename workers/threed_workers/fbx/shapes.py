"""Blend shapes to morph targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.objects import Object
from threed_workers.fbx.primitives import Target


@dataclass
class Channel:
    """A BlendShapeChannel: one number, in percent, moves through its shapes, each at its full weight."""

    source: Object
    shapes: list[Object]
    full: np.ndarray  # float64 (shapes,), percent, rising, not 0

    def weights(self, percent: np.ndarray) -> np.ndarray:
        """float64 (n, shapes): how much of each shape at `percent` (n,). Linear between neighbours, and beyond."""
        base = int(np.searchsorted(self.full, 0.0))
        stops = np.insert(self.full, base, 0.0)
        percent = np.clip(np.nan_to_num(percent), -1e6, 1e6)
        segment = np.clip(np.searchsorted(stops, percent, side="right") - 1, 0, len(stops) - 2)
        part = (percent - stops[segment]) / (stops[segment + 1] - stops[segment])
        out = np.zeros((len(percent), len(stops)))
        rows = np.arange(len(percent))
        out[rows, segment], out[rows, segment + 1] = 1 - part, part
        return np.delete(out, base, axis=1)

    @property
    def percent(self) -> float:
        """Where the channel rests. Blender writes it beside the properties."""
        return self.source.properties.number("DeformPercent", self.source.node.child_number("DeformPercent"))


def channels(geometry: Object) -> list[Channel]:
    """Every channel of a geometry that has shapes, in the order of the morph targets."""
    found = []
    for deformer in geometry.of("Deformer", "BlendShape"):
        for channel in deformer.of("Deformer", "BlendShapeChannel"):
            shapes = list(channel.of("Geometry", "Shape"))
            if shapes:
                found.append(_channel(channel, shapes))
    return found


def _channel(source: Object, shapes: list[Object]) -> Channel:
    full = source.node.numbers("FullWeights")
    if len(full) != len(shapes) or not (np.isfinite(full) & (np.abs(full) > 1e-6)).all():
        full = np.linspace(0.0, 100.0, len(shapes) + 1)[1:]
    order = np.argsort(full[: len(shapes)], kind="stable")
    full = full[order]
    if not (np.diff(full) > 1e-6).all():
        full = np.linspace(0.0, 100.0, len(shapes) + 1)[1:]
    return Channel(source, [shapes[place] for place in order], full)


def read_targets(conversion: Conversion, geometry: Object, count: int) -> tuple[list[Target], list[float]]:
    """(targets, their weights at rest) of a geometry of `count` control points."""
    targets: list[Target] = []
    weights: list[float] = []
    for channel in channels(geometry):
        weights += channel.weights(np.array([channel.percent]))[0].tolist()
        for shape in channel.shapes:
            name = channel.source.name or shape.name
            if len(channel.shapes) > 1:
                name = shape.name or name
            targets.append(_target(conversion, shape, name, count, _shares(channel, shape)))
    return targets, weights


def _shares(channel: Channel, shape: Object) -> np.ndarray | None:
    """How much of the shape each of its points takes: Blender writes its vertex groups in the place of full weights."""
    full = channel.source.node.numbers("FullWeights")
    points = shape.node.numbers("Indexes", np.int64)
    usable = len(channel.shapes) == 1 and len(full) == len(points) != 1 and bool(np.isfinite(full).all())
    return full / 100.0 if usable else None


def _target(conversion: Conversion, shape: Object, name: str, count: int, shares: np.ndarray | None) -> Target:
    points = shape.node.numbers("Indexes", np.int64)
    moves = conversion.metres(shape.node.rows("Vertices", 3))
    normals = shape.node.rows("Normals", 3)
    size = min(len(points), len(moves))
    points, moves = points[:size], moves[:size]
    if shares is not None and size == len(shares):
        moves = moves * shares[:, None]
    if size and not np.abs(moves).max() < 1e37:
        raise FileValuesInvalid(f"The shape {shape.name[:60]!r} moves points to no place.", where=shape.where)
    inside = (points >= 0) & (points < count)
    if not inside.all():
        conversion.doubt("INDICES_DANGLING", shape, f"{int((~inside).sum())} points are not there; they are left out.")
    given = len(normals) >= size and size > 0 and bool(np.isfinite(normals).all()) and bool(normals.any())
    return Target(name, points[inside], moves[inside], normals[:size][inside] if given else None)
