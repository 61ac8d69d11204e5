"""COLLADA animations to glTF: whatever moves a node's elements becomes tracks of translation, rotation and scale.

A node's transforms are evaluated as a whole at the times of all its keys, and between them where curves bend or turns
are wide, because Euler angles and matrices do not move as glTF's interpolation does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.dae_curves import Curve, Curves
from threed_workers.formats.dae_nodes import Nodes
from threed_workers.formats.dae_sources import Sources
from threed_workers.formats.dae_transforms import steps_of
from threed_workers.formats.dae_xml import Dae, number, title_of, where_of
from threed_workers.formats.placement import properties
from threed_workers.formats.steps import Step, nearest, pose

_PER_SECOND = 30.0  # between keys, where a curve bends
_MOST_BETWEEN = 3000  # times added to one node's track
_WIDE_DEG = 45.0  # a turn from key to key from which on its way matters
_CHANNEL_BYTES = 200  # of JSON
_ROW_BYTES = 44  # a time, a translation, a rotation and a scale
_MEMBERS = {"X": 0, "Y": 1, "Z": 2, "ANGLE": 3, "R": 0, "G": 1, "B": 2, "A": 3}
_TARGET = re.compile(r"([^/]+)/([^.(]+)(?:\.([A-Za-z_]+)|((?:\(\d{1,4}\)){1,2}))?$")


@dataclass
class Moved:
    """The curves of one <node>, by step and component; component None moves all of the step's numbers."""

    steps: list[Step]
    curves: list[tuple[int, int | None, Curve]] = field(default_factory=list)


@dataclass
class Group:
    """What moves together: the channels of the whole file, or of a clip."""

    name: str
    start: float | None = None
    end: float | None = None
    moved: dict[Element, Moved] = field(default_factory=dict)
    weights: dict[Element, list[tuple[int | None, Curve]]] = field(default_factory=dict)


class Animations:
    """`nodes` is what became of the file's nodes."""

    def __init__(self, dae: Dae, builder: Builder, sources: Sources, nodes: Nodes):
        self._dae = dae
        self._builder = builder
        self._nodes = nodes
        self._curves = Curves(dae, sources)
        self._rows = 0
        self._weights = {part: source for source in nodes.morphed for part in [source, *source]}

    def add(self) -> None:
        """A glTF animation per clip; one of everything when the file has no clips."""
        clips = [clip for clip in self._dae.root.iter("animation_clip")]
        groups = [group for clip in clips if (group := self._clip(clip)) is not None]
        if not groups:
            everything = Group("")
            for library in self._dae.root.findall("library_animations"):
                self._collect(library, everything)
            groups = [everything]
        for group in groups:
            self._write(group)

    def _clip(self, clip: Element) -> Group | None:
        end = clip.find("end") if clip.get("end") is None else None
        start = number(None, 0.0) if clip.get("start") is None else _second(clip.get("start"))
        last = _second(clip.get("end")) if clip.get("end") is not None else number(end, 0.0)
        group = Group(title_of(clip), start, last if last is not None and last > (start or 0.0) else None)
        group.start = start or 0.0
        for instance in clip.findall("instance_animation"):
            found = self._dae.find(instance.get("url"), where_of(clip))
            if found is not None and found.tag == "animation":
                self._collect(found, group)
        return group if group.moved or group.weights else None

    def _collect(self, holder: Element, group: Group) -> None:
        """Every channel below, however deep animations are nested."""
        for channel in holder.iter("channel"):
            sampler = self._dae.find(channel.get("source"), where_of(holder))
            curve = self._curves.curve(sampler) if sampler is not None and sampler.tag == "sampler" else None
            if curve is not None:
                self._take((channel.get("target") or "").strip(), curve, group)

    def _take(self, target: str, curve: Curve, group: Group) -> None:
        if not self._take_node(target, curve, group) and not self._take_weight(target, curve, group):
            self._dae.findings.lose(
                "animated properties", "Only transforms and morph weights are animated in core glTF."
            )

    def _take_node(self, target: str, curve: Curve, group: Group) -> bool:
        match = _TARGET.match(target)
        node = self._dae.ids.get(match.group(1)) if match else None
        if node is None or node not in self._nodes.copies:
            return False
        moved = group.moved.get(node) or Moved(steps_of(node))
        place = next((n for n, step in enumerate(moved.steps) if step.sid == match.group(2).strip()), None)
        if place is None:
            return False
        width = len(moved.steps[place].values)
        component = _component(match, width)
        if (component is None and curve.values.shape[1] != width) or (component is not None and component >= width):
            return False
        if component is not None and curve.values.shape[1] != 1:
            return False
        moved.curves.append((place, component, curve))
        group.moved[node] = moved
        return True

    def _take_weight(self, target: str, curve: Curve, group: Group) -> bool:
        """Morph weights are addressed by their source or its array: "weights(2)", or all of them."""
        match = re.fullmatch(r"([^()/]+)(?:/[^()]*)?(?:\((\d{1,6})\))?", target)
        named = self._dae.ids.get(match.group(1)) if match else None
        source = self._weights.get(named) if named is not None else None
        if source is None:
            return False
        place = int(match.group(2)) if match.group(2) is not None else None
        group.weights.setdefault(source, []).append((place, curve))
        return True

    def _write(self, group: Group) -> None:
        channels: list[Json] = []
        samplers: list[Json] = []
        for node, moved in group.moved.items():
            self._write_node(node, moved, group, channels, samplers)
        for source, curves in group.weights.items():
            self._write_weights(source, curves, group, channels, samplers)
        if channels:
            named = {"name": group.name} if group.name else {}
            self._builder.add("animations", {**named, "channels": channels, "samplers": samplers})

    def _write_node(self, node: Element, moved: Moved, group: Group, channels: list, samplers: list) -> None:
        curves = [curve for _, _, curve in moved.curves]
        stepped = all(curve.jumps and not curve.is_smooth and (curve.kinds[:-1] == "STEP").all() for curve in curves)
        times = _within(group, np.unique(np.concatenate([c.times if stepped else c.moments() for c in curves])))
        times = self._between(times, moved, where_of(node))
        self._count(len(times), _ROW_BYTES, where_of(node))
        translations, rotations, scales, sheared = pose(_at(moved, times))
        copies = [number for _, number in self._nodes.copies[node]]
        for copy in copies:  # what moves has one node, even where it stands sheared
            if copy in self._nodes.above:
                nearest(self._builder, moved.steps, copy, self._nodes.above.pop(copy))
                sheared = True
        if sheared:
            self._dae.findings.lose("shear in motion", "A glTF node moves, turns and scales; the nearest is kept.")
        self._count(len(copies), _CHANNEL_BYTES, where_of(node))
        start = properties(translations[0], rotations[0], scales[0], always=True)
        clock = None
        for path, rows in (("translation", translations), ("rotation", rotations), ("scale", scales)):
            neutral = self._builder.json["nodes"][copies[0]].get(path, _NEUTRAL[path])
            if np.allclose(rows, start[path], atol=1e-9) and np.allclose(start[path], neutral, atol=1e-9):
                continue
            clock = self._clock(times, group) if clock is None else clock
            values = np.broadcast_to(rows, (len(times), rows.shape[1])).astype(np.float32)
            samplers.append(
                {
                    "input": clock,
                    "output": self._builder.accessor(values),
                    "interpolation": "STEP" if stepped else "LINEAR",
                }
            )
            for copy in copies:
                channels.append({"sampler": len(samplers) - 1, "target": {"node": copy, "path": path}})

    def _write_weights(self, source: Element, curves: list, group: Group, channels: list, samplers: list) -> None:
        times = _within(group, np.unique(np.concatenate([curve.moments() for _, curve in curves])))
        if any(curve.is_smooth for _, curve in curves):
            times = _filled(times)
        for copy, morph in self._nodes.morphed[source]:
            width = len(morph.weights)
            self._count(len(times), 4 * width, where_of(source))
            rows = np.tile(np.array(morph.weights), (len(times), 1))
            for place, curve in curves:
                values = curve.at(times)
                if place is None and values.shape[1] == width:
                    rows = values
                elif (place or 0) < width:
                    rows[:, place or 0] = values[:, 0]
            output = self._builder.accessor(rows.reshape(-1).astype(np.float32))
            samplers.append({"input": self._clock(times, group), "output": output, "interpolation": "LINEAR"})
            channels.append({"sampler": len(samplers) - 1, "target": {"node": copy, "path": "weights"}})

    def _clock(self, times: np.ndarray, group: Group) -> int:
        """Times from the start of the clip. glTF's begin at 0 or later, and rise as float32 too."""
        return self._builder.accessor((times - _origin(times, group)).astype(np.float32), bounds=True)

    def _between(self, times: np.ndarray, moved: Moved, where: str) -> np.ndarray:
        if len(times) < 2:
            return times
        bends = any(curve.is_smooth for _, _, curve in moved.curves)
        for place, component, curve in moved.curves:
            if moved.steps[place].kind == "rotate" and len(curve.times) > 1:
                angles = curve.values if component is not None else curve.values[:, 3:]
                bends = bends or bool(np.abs(np.diff(angles, axis=0)).max() > _WIDE_DEG)
        return _filled(times) if bends else times

    def _count(self, rows: int, size: int, where: str) -> None:
        self._rows += rows * size
        if self._rows > self._dae.budget.invented_bytes:
            raise FileTooComplex(
                f"The animations take more than {self._dae.budget.invented_bytes} bytes. Export fewer frames.",
                where=where,
            )


_NEUTRAL = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}


def _component(match: re.Match, width: int) -> int | None:
    if match.group(3) is not None:
        return _MEMBERS.get(match.group(3).upper(), 16 if match.group(3).upper() != "TRANSFORM" else None)
    if match.group(4) is None:
        return None
    numbers = [int(part) for part in re.findall(r"\d+", match.group(4))]
    return numbers[0] if len(numbers) == 1 else numbers[0] * 4 + numbers[1]


def _at(moved: Moved, times: np.ndarray) -> list[Step]:
    """The steps with a row per time."""
    steps = [Step(step.sid, step.kind, step.values) for step in moved.steps]
    for place, component, curve in moved.curves:
        step = steps[place]
        if step.values.ndim == 1:
            step.values = np.tile(step.values, (len(times), 1))
        if component is None:
            step.values = curve.at(times)
        else:
            step.values[:, component] = curve.at(times)[:, 0]
    return steps


def _within(group: Group, times: np.ndarray) -> np.ndarray:
    """The times of a clip, its ends among them. Times too near for float32 become one."""
    if group.start is not None:
        end = group.end if group.end is not None else max(float(times[-1]), group.start)
        times = np.unique(np.clip(times, group.start, end))
        times = np.unique(np.concatenate([times, [group.start, end]]))
    _, first = np.unique((times - _origin(times, group)).astype(np.float32), return_index=True)
    return times[first]


def _origin(times: np.ndarray, group: Group) -> float:
    return group.start if group.start is not None else min(0.0, float(times[0]))


def _filled(times: np.ndarray) -> np.ndarray:
    """With times in between, 30 a second, or as many as are bearable."""
    span = float(times[-1] - times[0])
    steps = int(min(span * _PER_SECOND, _MOST_BETWEEN))
    added = np.linspace(times[0], times[-1], max(steps, 8) + 1) if span > 0 else times
    joined = np.unique(np.concatenate([times, added]))
    apart = np.append(True, np.diff(joined) > 1e-4)
    return joined[apart | np.isin(joined, times)]


def _second(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None
