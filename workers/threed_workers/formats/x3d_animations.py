"""Animations of X3D and VRML97: a clock, interpolators, and the routes between them (ISO/IEC 19775-1, 8 and 19)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.steps import Step, nearest, pose
from threed_workers.formats.x3d_model import Node, World
from threed_workers.formats.x3d_nodes import Graph, Placed

_WIDTHS = {"PositionInterpolator": 3, "OrientationInterpolator": 4}
_PATHS = {"translate": "translation", "rotate": "rotation", "scale": "scale"}
_PER_CYCLE = 64  # times between keys, where a node turns about a centre


def add_animations(world: World, builder: Builder, graph: Graph) -> None:
    """A glTF animation per clock that moves something that is shown. What else routes do is counted as lost."""
    clocks: dict[str, str] = {}
    used: set[int] = set()
    for place, route in enumerate(world.routes):
        clock, event = world.names.get(route.source), _bare(route.event)
        if clock is not None and clock.kind == "TimeSensor" and event == "fraction":
            clocks[route.target] = route.source
            used.add(place)
    moved: dict[str, dict[Node, dict[int, Node]]] = defaultdict(lambda: defaultdict(dict))
    for place, route in enumerate(world.routes):
        mover, target = world.names.get(route.source), world.names.get(route.target)
        found = graph.placed.get(target) if target is not None else None
        step = found.fields.get(_bare(route.field)) if found is not None else None
        if mover is not None and mover.kind in _WIDTHS and step is not None and route.source in clocks:
            moved[clocks[route.source]][target][step] = mover
            used.add(place)
    lost = len(world.routes) - len(used)
    if lost:
        world.findings.lose("routes", "Only clocks that move, turn and scale nodes become animations.", lost)
    size = _Size(world)
    for clock, targets in moved.items():
        _write(world, builder, graph, world.names[clock], targets, size)


def _bare(event: str) -> str:
    return event.removeprefix("set_").removesuffix("_changed")


class _Size:
    """A route is a few letters, however many keys it carries."""

    def __init__(self, world: World):
        self._budget = world.budget
        self._bytes = 0

    def count(self, rows: int) -> None:
        self._bytes += rows * 44
        if self._bytes > self._budget.invented_bytes:
            raise FileTooComplex(f"The animations take more than {self._budget.invented_bytes} bytes.", where="ROUTE")


def _write(
    world: World, builder: Builder, graph: Graph, clock: Node, targets: dict[Node, dict[int, Node]], size: _Size
) -> None:
    cycle = clock.number("cycleInterval", 1.0)
    cycle = cycle if cycle > 0 else 1.0
    channels: list[Json] = []
    samplers: list[Json] = []
    for target, movers in targets.items():
        found = graph.placed[target]
        tracks = _tracks(found, movers)
        while tracks and found.above:  # what moves has one node, even where it stands sheared
            nearest(builder, found.steps, *found.above.popitem())
            world.findings.lose("shear in motion", "A glTF node moves, turns and scales; the nearest is kept.")
        for path, keys, rows in tracks:
            size.count(len(keys))
            samplers.append(
                {
                    "input": builder.accessor((keys * cycle).astype(np.float32), bounds=True),
                    "output": builder.accessor(rows.astype(np.float32)),
                    "interpolation": "LINEAR",
                }
            )
            for number in found.numbers:
                channels.append({"sampler": len(samplers) - 1, "target": {"node": number, "path": path}})
    if channels:
        builder.add("animations", {"name": clock.name, "channels": channels, "samplers": samplers})


def _tracks(found: Placed, movers: dict[int, Node]) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(path, keys in parts of the cycle, rows) of one target."""
    read = {step: keys for step, mover in movers.items() if (keys := _keys(mover)) is not None}
    if not read:
        return []
    if len(found.steps) <= 3:
        tracks = []
        for step, (keys, values) in read.items():
            kind = found.steps[step].kind
            alone = [replace(found.steps[step], values=values)]
            translations, rotations, scales, _ = pose(alone)
            rows = {"translate": translations, "rotate": rotations, "scale": scales}[kind]
            tracks.append((_PATHS[kind], keys, rows))
        return tracks
    keys = np.unique(np.concatenate([*(keys for keys, _ in read.values()), np.linspace(0, 1, _PER_CYCLE + 1)]))
    keys = keys[np.append(True, np.diff(keys) > 1e-6)]
    steps = list(found.steps)
    for step, (own, values) in read.items():
        steps[step] = replace(steps[step], values=_between(steps[step], own, values, keys))
    translations, rotations, scales, _ = pose(steps)
    return [("translation", keys, translations), ("rotation", keys, rotations), ("scale", keys, scales)]


def _keys(mover: Node) -> tuple[np.ndarray, np.ndarray] | None:
    """(keys rising within [0, 1], values) of an interpolator; angles in degrees. None when it has no usable keys."""
    width = _WIDTHS[mover.kind]
    keys, values = mover.array("key"), mover.array("keyValue", width)
    count = min(len(keys), len(values))
    keys, values = keys[:count], values[:count].copy()
    good = np.isfinite(keys) & np.isfinite(values).all(axis=1) & (keys >= 0) & (keys <= 1)
    keys, first = np.unique(np.round(keys[good], 7), return_index=True)
    values = values[good][first]
    if width == 4:
        values[:, 3] = np.degrees(values[:, 3])
    return (keys, values) if len(keys) else None


def _between(step: Step, own: np.ndarray, values: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The values at other keys: along straight lines, and turns by the shortest way, as axis and degrees."""
    if step.kind != "rotate":
        return np.column_stack([np.interp(keys, own, values[:, axis]) for axis in range(values.shape[1])])
    _, turns, _, _ = pose([replace(step, values=values)])
    after = np.clip(np.searchsorted(own, keys, side="right"), 1, max(len(own) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(own) - 1)
    span = own[after] - own[before]
    part = np.clip(np.where(span > 0, (keys - own[before]) / np.where(span > 0, span, 1), 0.0), 0, 1)[:, None]
    a, b = turns[before], turns[after]
    angle = np.arccos(np.clip(np.einsum("ij,ij->i", a, b), -1, 1))[:, None]
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    mixed = np.where(
        near, a * (1 - part) + b * part, (np.sin((1 - part) * angle) * a + np.sin(part * angle) * b) / safe
    )
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    half = np.linalg.norm(mixed[:, :3], axis=1)
    degrees = np.degrees(2 * np.arctan2(half, mixed[:, 3]))
    axis = np.where(half[:, None] > 1e-12, mixed[:, :3] / np.where(half > 1e-12, half, 1)[:, None], (0.0, 0.0, 1.0))
    return np.column_stack([axis, degrees])
