"""COLLADA controllers: skins and morphs (COLLADA 1.4.1, chapter 5, "skin" and "morph")."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed, FileTooComplex
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.dae_geometry import Geometries, Part
from threed_workers.formats.dae_sources import Sources
from threed_workers.formats.dae_xml import Dae, where_of
from threed_workers.formats.number_list import numbers

_LANES = 8  # two sets of four
_MOST_CHAIN = 8  # controllers over controllers


@dataclass(eq=False)
class Skin:
    """Which joints, by sid or id, move the points, and how much: joints and weights (n, 8), the heaviest first.

    `inverse` is float64 (j, 4, 4) from the geometry, as it is stored, to each joint in the bind pose.
    """

    names: list[str]
    inverse: np.ndarray
    joints: np.ndarray
    weights: np.ndarray


@dataclass
class Morph:
    """`targets` are differences from the base, float64 (n, 3) each; `weights` the source that animations move."""

    targets: list[np.ndarray] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    source: Element | None = None


@dataclass
class Deformed:
    """What a controller comes down to: a geometry with a skin, a morph, or both."""

    geometry: Element
    skin: Skin | None = None
    morph: Morph | None = None


class Controllers:
    """Reads each controller once."""

    def __init__(self, dae: Dae, sources: Sources, geometries: Geometries):
        self._dae = dae
        self._sources = sources
        self._geometries = geometries
        self._made: dict[Element, Deformed | None] = {}
        self._invented = 0

    def deformed(self, controller: Element) -> Deformed | None:
        """None, with an issue, when the controller ends in no geometry."""
        if controller not in self._made:
            self._made[controller] = self._deformed(controller)
        return self._made[controller]

    def _deformed(self, controller: Element) -> Deformed | None:
        skin_of, morph_of, at = None, None, controller
        for _ in range(_MOST_CHAIN):
            if at is None or at.tag == "geometry":
                break
            inner = at.find("skin") if at.find("skin") is not None else at.find("morph")
            if inner is None:
                return None
            if inner.tag == "skin":
                skin_of = inner if skin_of is None else skin_of
            else:
                morph_of = inner if morph_of is None else morph_of
            at = self._dae.find(inner.get("source"), where_of(controller))
        if at is None or at.tag != "geometry":
            text = "The controller leads to no geometry; it is left out."
            self._dae.findings.warning("CONTROLLER_UNUSABLE", where_of(controller), text)
            return None
        points = self._geometries.points(at)
        if points is None:
            return None
        where = where_of(controller)
        return Deformed(
            at,
            self._skin(skin_of, len(points), where) if skin_of is not None else None,
            self._morph(morph_of, points, where) if morph_of is not None else None,
        )

    def _skin(self, skin: Element, count: int, where: str) -> Skin | None:
        joints, weighted = skin.find("joints"), skin.find("vertex_weights")
        if joints is None or weighted is None:
            raise FileMalformed("A skin has no joints or no weights. Export the model again.", where=where)
        sources = {entry.semantic: entry.source for entry in self._sources.inputs(joints)}
        names = self._sources.names(sources["JOINT"]) if "JOINT" in sources else []
        if not names:
            text = "The skin names no joints; the mesh stays as it is."
            self._dae.findings.warning("SKIN_UNUSABLE", where, text)
            return None
        inverse = np.tile(np.eye(4), (len(names), 1, 1))
        if "INV_BIND_MATRIX" in sources:
            table = self._sources.table(sources["INV_BIND_MATRIX"])
            if table.shape[1] != 16 or len(table) < len(names):
                raise FileMalformed(f"There are fewer bind matrices than {len(names)} joints.", where=where)
            inverse = table[: len(names)].reshape(-1, 4, 4)
        shape = skin.find("bind_shape_matrix")
        bind = numbers(shape.text, where) if shape is not None else np.zeros(0)
        if len(bind) == 16:
            with np.errstate(all="ignore"):
                inverse = inverse @ bind.reshape(4, 4)
        return Skin(names, inverse, *self._weights(weighted, count, len(names), where))

    def _weights(self, weighted: Element, count: int, joints: int, where: str) -> tuple[np.ndarray, np.ndarray]:
        inputs = {entry.semantic: entry for entry in self._sources.inputs(weighted)}
        if "JOINT" not in inputs or "WEIGHT" not in inputs:
            raise FileMalformed("The weights have no joints or no values. Export the model again.", where=where)
        stride = max(entry.offset for entry in inputs.values()) + 1
        lists = {tag: weighted.find(tag) for tag in ("vcount", "v")}
        sizes = numbers(lists["vcount"].text if lists["vcount"] is not None else "", where, np.int64)
        flat = numbers(lists["v"].text if lists["v"] is not None else "", where, np.int64)
        if (sizes < 0).any() or (sizes > len(flat)).any() or sizes.sum() * stride > len(flat) or len(sizes) < count:
            raise FileMalformed(f"The skin has weights for {len(sizes)} of {count} points.", where=where)
        rows = flat[: sizes.sum() * stride].reshape(-1, stride)
        table = self._sources.table(inputs["WEIGHT"].source)[:, 0]
        joint, value = rows[:, inputs["JOINT"].offset], rows[:, inputs["WEIGHT"].offset]
        if len(rows) and (value.min() < 0 or value.max() >= len(table) or joint.max() >= joints):
            raise FileMalformed("A weight refers to a value or a joint that is not there.", where=where)
        weight = np.nan_to_num(table[value], posinf=0.0, neginf=0.0)
        point = np.repeat(np.arange(len(sizes)), sizes)
        bound = (joint < 0) & (weight > 0)
        if bound.any():
            self._dae.findings.lose(
                "weights of the bind shape", "glTF has no joint that stands still.", int(bound.sum())
            )
        usable = (joint >= 0) & (weight > 0) & (point < count)
        out = heaviest(point[usable], joint[usable], weight[usable], count)
        if out[2]:
            reason = f"The {_LANES} heaviest joints of a point are kept."
            self._dae.findings.lose("joint weights", reason, out[2])
        return out[0], out[1]

    def _morph(self, morph: Element, points: np.ndarray, where: str) -> Morph | None:
        targets = morph.find("targets")
        sources = (
            {entry.semantic: entry.source for entry in self._sources.inputs(targets)} if targets is not None else {}
        )
        if "MORPH_TARGET" not in sources:
            return None
        found = Morph(source=sources.get("MORPH_WEIGHT"))
        table = self._sources.table(found.source).reshape(-1) if found.source is not None else np.zeros(0)
        relative = (morph.get("method") or "NORMALIZED").strip() == "RELATIVE"
        for place, name in enumerate(self._sources.names(sources["MORPH_TARGET"])):
            geometry = self._dae.find(f"#{name}", where)
            other = self._geometries.points(geometry) if geometry is not None else None
            if other is None or len(other) != len(points):
                text = f"The morph target {name[:60]!r} has other points than its base; it does not move."
                self._dae.findings.warning("MORPH_TARGET_UNUSABLE", where, text)
                other = np.zeros_like(points) if relative else points
            self._count(other.nbytes, where)
            found.targets.append(other if relative else other - points)
            found.names.append((geometry.get("name") if geometry is not None else None) or name)
            value = float(table[place]) if place < len(table) else 0.0
            found.weights.append(value if np.isfinite(value) else 0.0)
        return found if found.targets else None

    def _count(self, size: int, where: str) -> None:
        """A target is a few letters, however large its geometry is."""
        self._invented += size
        if self._invented > self._dae.budget.decoded_bytes:
            raise FileTooComplex(
                f"The morph targets take more than {self._dae.budget.decoded_bytes} bytes. Split the model.",
                where=where,
            )


def heaviest(
    point: np.ndarray, joint: np.ndarray, weight: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """(joints int64 (count, 8), weights float64 (count, 8), dropped) from (w,) triples with positive weights.

    A joint named twice counts once, with both weights. Each point's weights fall, and sum to 1; a point without any
    hangs on joint 0.
    """
    span = int(joint.max(initial=0)) + 1
    keys, inverse = np.unique(point * span + joint, return_inverse=True)
    total = np.bincount(inverse, weight, len(keys)) if len(keys) else np.zeros(0)
    point, joint = keys // span, keys % span
    order = np.lexsort((-total, point))
    point, joint, total = point[order], joint[order], total[order]
    starts = np.searchsorted(point, point, side="left")
    rank = np.arange(len(point)) - starts
    kept = rank < _LANES
    joints, weights = np.zeros((count, _LANES), np.int64), np.zeros((count, _LANES))
    joints[point[kept], rank[kept]] = joint[kept]
    weights[point[kept], rank[kept]] = total[kept]
    sums = weights.sum(axis=1)
    weights[sums == 0, 0] = 1.0
    return joints, weights / np.where(sums == 0, 1.0, sums)[:, None], int((~kept).sum())


def add_deformation(builder: Builder, part: Part, found: Deformed) -> Json:
    """The primitive of `part` with the joints and targets of a controller."""
    primitive = {**part.primitive, "attributes": dict(part.primitive["attributes"])}
    if found.skin is not None:
        joints, weights = found.skin.joints[part.rows], found.skin.weights[part.rows].astype(np.float32)
        lanes = 4 if not weights[:, 4:].any() else _LANES
        kind = np.uint8 if len(found.skin.names) <= 256 else np.uint16
        for place in range(0, lanes, 4):
            chosen = np.where(weights[:, place : place + 4] > 0, joints[:, place : place + 4], 0)
            primitive["attributes"][f"JOINTS_{place // 4}"] = builder.attribute(chosen.astype(kind))
            primitive["attributes"][f"WEIGHTS_{place // 4}"] = builder.attribute(weights[:, place : place + 4])
    if found.morph is not None:
        primitive["targets"] = [{"POSITION": builder.positions(moved[part.rows])} for moved in found.morph.targets]
    return primitive
