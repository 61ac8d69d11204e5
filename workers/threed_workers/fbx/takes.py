"""The animations of a file, in one form: which properties of which objects move, by which curves.

7.x: AnimationStack <- AnimationLayer <- AnimationCurveNode <- AnimationCurve. 6.x: Takes with channels in channels.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np

from threed_workers.fbx.curves import Curve, read_channel, read_curve
from threed_workers.fbx.node import Node
from threed_workers.fbx.objects import Object, Objects, plain_name
from threed_workers.fbx.units import TICKS

_AXES = ("X", "Y", "Z")
_PARTS = {"T": "Lcl Translation", "R": "Lcl Rotation", "S": "Lcl Scaling"}


@dataclass
class Track:
    """One property over time: a curve per axis, or a constant where there is none."""

    curves: list[Curve | None]
    constants: list[float]

    @property
    def moves(self) -> bool:
        return any(curve is not None and not curve.is_constant for curve in self.curves)

    def is_not(self, value: float) -> bool:
        """Is it, at any key, something else?"""
        moving = any(curve is not None and (np.abs(curve.values - value) > 1e-9).any() for curve in self.curves)
        pairs = zip(self.curves, self.constants, strict=True)
        return moving or any(curve is None and abs(constant - value) > 1e-9 for curve, constant in pairs)

    def of_curves(self) -> list[Curve]:
        return [curve for curve in self.curves if curve is not None]

    def at(self, moments: np.ndarray) -> np.ndarray:
        """float64 (n, axes)."""
        columns = [
            np.full(len(moments), constant) if curve is None else curve.at(moments)
            for curve, constant in zip(self.curves, self.constants, strict=True)
        ]
        return np.column_stack(columns)


@dataclass
class Take:
    """`tracks` by object and property. `stop`: seconds, until when curves that go on beyond their keys are wanted."""

    name: str
    stop: float
    tracks: dict[tuple[Hashable, str], Track] = field(default_factory=dict)
    more_layers: int = 0


def read_takes(objects: Objects) -> list[Take]:
    """Every animation of the file."""
    curves: dict[Hashable, Curve | None] = {}
    takes = [_stack(stack, curves) for stack in objects.of("AnimationStack")]
    return takes + [_take(objects, node) for section in objects.tree.all("Takes") for node in section.all("Take")]


def _stack(stack: Object, curves: dict[Hashable, Curve | None]) -> Take:
    take = Take(stack.name, _seconds(stack.properties.number("LocalStop", 0.0)))
    layers = [layer for layer in stack.of("AnimationLayer") if not layer.properties.integer("Mute", 0)]
    take.more_layers = len(layers[1:])
    for layer in layers[:1]:
        for node in layer.of("AnimationCurveNode"):
            for target, name in node.parents:
                if name and target.kind != "AnimationLayer":
                    track = _track(node, target, name, curves)
                    if track is not None:
                        take.tracks[target.id, name] = track
    return take


def _seconds(ticks: float) -> float:
    """At most eleven days: that long no take is, and what goes on beyond its keys ends somewhere."""
    return min(max(ticks / TICKS, -1e6), 1e6)


def _track(node: Object, target: Object, name: str, known: dict[Hashable, Curve | None]) -> Track | None:
    """`known`: curves by their object, since one may move any number of properties."""
    keys = [entry.name for entry in node.properties.own.values() if entry.name.startswith("d|")]
    curves: dict[str, Curve] = {}
    for child, prop in node.children:
        if child.kind == "AnimationCurve":
            if child.id not in known:
                known[child.id] = read_curve(child.node)
            if known[child.id] is not None:
                curves[prop] = known[child.id]
    if not curves:
        return None
    keys = [f"d|{axis}" for axis in _AXES] if name.startswith("Lcl ") else keys or list(curves)
    if not any(key in curves for key in keys):
        return None
    own = target.properties.numbers(name, len(keys), (1.0 if name == "Lcl Scaling" else 0.0,) * len(keys))
    constants = [node.properties.number(key, default) for key, default in zip(keys, own, strict=True)]
    return Track([curves.get(key) for key in keys], constants)


def _take(objects: Objects, node: Node) -> Take:
    span = node.child("LocalTime")
    take = Take(node.text(), _seconds(span.number(1)) if span is not None else 0.0)
    for child in node.children:
        title = child.text()
        target = objects.objects.get(title) or objects.objects.get(f"Model::{title}")
        if target is None:
            continue
        for channel in child.all("Channel"):
            for name, holder, track in _channels(channel, target):
                if track is not None:
                    take.tracks[holder, name] = track
    return take


def _channels(channel: Node, target: Object) -> Iterator[tuple[str, Hashable, Track | None]]:
    """(property, object, track) of one channel of an object: its transform, a blend shape, or anything else."""
    title = channel.text()
    if title == "Transform":
        for part in channel.all("Channel"):
            if part.text() in _PARTS:
                axes = {axis.text(): axis for axis in part.all("Channel")}
                yield _PARTS[part.text()], target.id, _axes_track([axes.get(axis) for axis in _AXES])
        return
    inner = list(channel.all("Channel"))
    shape = (target.id, "channel", plain_name(title))
    track = _axes_track(inner or [channel])
    yield ("DeformPercent", shape, track) if not inner else (title, target.id, track)
    if not inner:
        yield title, target.id, track


def _axes_track(nodes: list[Node | None]) -> Track | None:
    curves = [read_channel(node) if node is not None else None for node in nodes]
    if not any(curves):
        return None
    return Track(curves, [node.child_number("Default") if node is not None else 0.0 for node in nodes])
