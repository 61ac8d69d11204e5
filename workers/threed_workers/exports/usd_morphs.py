"""Morph targets as UsdSkel blend shapes, which hang on a skeleton even where no joint moves anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdSkel, Vt

from threed_workers.document import Document, read_floats
from threed_workers.document.model import Json
from threed_workers.document.shapes import TRIANGLES, corners_of
from threed_workers.exports.usd_motion import RATE, Motion
from threed_workers.exports.usd_names import Paths

_OFFSETS = {"POSITION", "NORMAL", "TANGENT"}  # those of tangents go with the tangents


@dataclass
class _Weights:
    """The blend shapes that one SkelAnimation drives: their names, default weights, and the nodes that move them."""

    names: list[str] = field(default_factory=list)
    defaults: list[float] = field(default_factory=list)
    nodes: list[tuple[int, int]] = field(default_factory=list)  # (node, how many)


class Morphs:
    """Collects the weights of each SkelAnimation; `finish` writes them."""

    def __init__(self, document: Document, stage: Usd.Stage, names: Paths, motion: Motion, lost: Any):
        self._document, self._stage, self._names = document, stage, names
        self._motion, self._lost = motion, lost
        self._weights: dict[Sdf.Path, _Weights] = {}

    def root(self, path: Sdf.Path) -> Sdf.Path:
        """A SkelRoot at `path` with a skeleton of one joint at rest. Answers the skeleton's path."""
        UsdSkel.Root.Define(self._stage, path)
        skeleton = UsdSkel.Skeleton.Define(self._stage, path.AppendChild("Skeleton"))
        still = Vt.Matrix4dArray([Gf.Matrix4d(1.0)])
        skeleton.CreateJointsAttr(["joint"])
        skeleton.CreateBindTransformsAttr(still)
        skeleton.CreateRestTransformsAttr(still)
        return skeleton.GetPath()

    def targets(self, skeleton: Sdf.Path, mesh: Json, node: int, weights: list[float]) -> list[str]:
        """Names for the targets of a mesh as `node` shows it, new to the animation of that skeleton."""
        count = max(len(primitive.get("targets") or []) for primitive in mesh["primitives"])
        path = skeleton.AppendChild("Animation")
        kept = self._weights.setdefault(path, _Weights())
        known = (mesh.get("extras") or {}).get("targetNames") if isinstance(mesh.get("extras"), dict) else None
        known = known if isinstance(known, list) and len(known) == count else [None] * count
        made = [self._names.child(path, text, f"target_{number}").name for number, text in enumerate(known)]
        kept.names += made
        kept.defaults += [float(weight) for weight in [*weights, *[0.0] * count][:count]]
        kept.nodes.append((node, count))
        return made

    def bind(self, prim: Usd.Prim, skeleton: Sdf.Path, primitive: Json, names: list[str]) -> None:
        """Give a mesh prim its blend shapes."""
        api = UsdSkel.BindingAPI.Apply(prim)
        api.CreateSkeletonRel().SetTargets([skeleton])
        shapes = []
        for name, target in zip(names, primitive["targets"], strict=False):
            shapes.append(self._shape(prim.GetPath().AppendChild(name), target))
            if target.keys() - _OFFSETS:
                self._lost["morphed attributes", "Blend shapes move points and normals."] += 1
        api.CreateBlendShapesAttr(names[: len(shapes)])
        api.CreateBlendShapeTargetsRel().SetTargets(shapes)

    def finish(self) -> None:
        """Write the weights: those that the file shows, and over time."""
        for path, kept in self._weights.items():
            animation = UsdSkel.Animation.Define(self._stage, path)
            animation.CreateBlendShapesAttr(kept.names)
            values = animation.CreateBlendShapeWeightsAttr(Vt.FloatArray(kept.defaults))
            api = UsdSkel.BindingAPI.Apply(self._stage.GetPrimAtPath(path.GetParentPath()))
            api.CreateAnimationSourceRel().SetTargets([path])
            times = self._motion.times_of({node for node, _ in kept.nodes}, ("weights",))
            if not len(times):
                continue
            rows, start = [], 0
            for node, count in kept.nodes:
                rows.append(self._motion.at(node, "weights", times, kept.defaults[start : start + count])[:, :count])
                start += count
            for time, row in zip((times * RATE).tolist(), np.hstack(rows), strict=True):
                values.Set(Vt.FloatArray.FromNumpy(np.ascontiguousarray(row, np.float32)), time)

    def _shape(self, path: Sdf.Path, target: Json) -> Sdf.Path:
        """A BlendShape of those points that it moves."""
        shape = UsdSkel.BlendShape.Define(self._stage, path)
        moved = {name: read_floats(self._document, target[name]) for name in ("POSITION", "NORMAL") if name in target}
        touched = np.zeros(len(next(iter(moved.values()))) if moved else 0, bool)
        for offsets in moved.values():
            touched |= offsets.any(axis=1)
        points = np.flatnonzero(touched)
        empty = np.zeros((len(points), 3), np.float32)
        shape.CreateOffsetsAttr(_vectors(moved["POSITION"][points] if "POSITION" in moved else empty))
        shape.CreateNormalOffsetsAttr(_vectors(moved["NORMAL"][points] if "NORMAL" in moved else empty))
        shape.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(points.astype(np.int32)))
        return path


def is_morphed(mesh: Json) -> bool:
    """Has it targets?"""
    return any(primitive.get("targets") for primitive in mesh["primitives"])


def can_morph(primitive: Json) -> bool:
    """Blend shapes are of meshes; lines and points are written by their default weights."""
    return bool(primitive.get("targets")) and corners_of(primitive) == TRIANGLES


def _vectors(values: np.ndarray) -> Vt.Vec3fArray:
    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(values, np.float32))
