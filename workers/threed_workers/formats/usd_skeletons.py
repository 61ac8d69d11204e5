"""UsdSkel skeletons to glTF nodes, skins and animation channels.

A skeleton prim's node carries its joints. The bind transforms are in the space of the skeleton, and so are the points
of its meshes (usd_skinning.py), so their inverses are glTF's inverse bind matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from threed_workers.formats.placement import decompose, properties
from threed_workers.formats.usd_conversion import Conversion, array, value
from threed_workers.formats.usd_motion import Motion, continuous
from threed_workers.formats.usd_skinning import Skinning
from threed_workers.formats.usd_transforms import matrix

_ATTRIBUTES = (("translation", "translations", 3), ("rotation", "rotations", 4), ("scale", "scales", 3))


@dataclass(eq=False)
class Skeleton:
    """`nodes` by joint name; `binds` float64 (joints, 4, 4), columns."""

    nodes: dict[str, int]
    binds: np.ndarray
    root: int


class Skeletons:
    """The skeletons that the scene met, and the meshes that wait for theirs."""

    def __init__(self, conversion: Conversion, motion: Motion):
        self.conversion = conversion
        self.motion = motion
        self.found: dict[str, Skeleton] = {}
        self.waiting: list[tuple[int, Any, Skinning]] = []
        self.skins: dict[tuple, int | None] = {}

    def add(self, prim: Any, node: int) -> None:
        """Nodes for the joints of a skeleton, below the node of its prim, resting or in the pose of its animation."""
        from pxr import UsdSkel

        skeleton = UsdSkel.Skeleton(prim)
        names = [str(name) for name in value(skeleton.GetJointsAttr(), self.conversion, [])]
        rests, binds = (
            np.asarray(value(attribute, self.conversion, []), np.float64).reshape(-1, 4, 4)
            for attribute in (skeleton.GetRestTransformsAttr(), skeleton.GetBindTransformsAttr())
        )
        if not names:
            return
        where = str(prim.GetPath())
        parents = list(UsdSkel.Topology(names).GetParentIndices())
        if len(set(names)) < len(names) or any(parent >= place for place, parent in enumerate(parents)):
            self.conversion.warn("SKELETON_INVALID", prim, "Joints are named twice, or before their parents.")
            return
        if len(binds) != len(names):
            binds = _posed(rests, parents) if len(rests) == len(names) else np.tile(np.eye(4), (len(names), 1, 1))
            self.conversion.warn(
                "SKELETON_UNBOUND", prim, "The skeleton has no bind pose for each joint; it rests in it."
            )
        if len(rests) != len(names):
            rests = np.array([
                bind if parent < 0 else bind @ np.linalg.pinv(binds[parent])
                for bind, parent in zip(binds, parents, strict=True)
            ])  # fmt: skip
        nodes: list[int] = []
        for name, rest, parent in zip(names, rests, parents, strict=True):
            parts = decompose(matrix(rest, f"{where} {name}"))
            if parts is None:
                self.conversion.lose("joint shear", "A joint's rest has shear or no volume; it stands unturned.")
                parts = (rest[3, :3], np.array([0.0, 0, 0, 1]), np.ones(3))
            entry = {"name": name.rsplit("/", 1)[-1], **properties(*parts)}
            nodes.append(self.conversion.add_node(entry, nodes[parent] if parent >= 0 else node, prim))
        columns = np.array([matrix(bind, where) for bind in binds])
        self.found[where] = Skeleton(dict(zip(names, nodes, strict=True)), columns, nodes[0])
        self._move(prim, self.found[where])

    def wait(self, node: int, prim: Any, skinning: Skinning) -> None:
        """Remember a mesh: its skeleton may come later."""
        self.waiting.append((node, prim, skinning))

    def finish(self) -> None:
        """Give every waiting mesh its skin and the motion of its blend shapes."""
        for node, prim, skinning in self.waiting:
            if skinning.joints is not None:
                skin = self._skin(skinning, prim)
                if skin is not None:
                    self.conversion.builder.json["nodes"][node]["skin"] = skin
            if skinning.targets:
                self._morph(node, prim, skinning)

    def _skin(self, skinning: Skinning, prim: Any) -> int | None:
        skeleton = self.found.get(skinning.skeleton)
        key = (skinning.skeleton, tuple(skinning.order) if skinning.order is not None else None)
        if skeleton is None:
            self.conversion.lose("skinning", "The skeleton of a mesh is not in the scene.")
            return None
        if key not in self.skins:
            order = skinning.order if skinning.order is not None else list(skeleton.nodes)
            places = {name: place for place, name in enumerate(skeleton.nodes)}
            if any(name not in places for name in order):
                self.conversion.warn("SKINNING_INVALID", prim, "The mesh names joints that its skeleton has not.")
                self.skins[key] = None
            else:
                binds = skeleton.binds[[places[name] for name in order]]
                self.skins[key] = self._write_skin(skeleton, order, binds)
        skin = self.skins[key]
        joints = len(self.conversion.builder.json["skins"][skin]["joints"]) if skin is not None else 0
        if skin is not None and skinning.joints.max(initial=0) >= joints:
            self.conversion.warn("SKINNING_INVALID", prim, "The mesh numbers joints that its skeleton has not.")
            return None
        return skin

    def _write_skin(self, skeleton: Skeleton, order: list[str], binds: np.ndarray) -> int:
        inverse = np.linalg.pinv(binds)
        inverse[:, 3] = (0, 0, 0, 1)
        rows = np.ascontiguousarray(inverse.transpose(0, 2, 1)).reshape(-1, 16).astype(np.float32)
        builder = self.conversion.builder
        entry = {"joints": [skeleton.nodes[name] for name in order], "inverseBindMatrices": builder.accessor(rows)}
        return builder.add("skins", entry)

    # ---------------------------------------------------------------- motion

    def _animation(self, prim: Any) -> Any | None:
        from pxr import UsdSkel

        source = UsdSkel.BindingAPI(prim).GetInheritedAnimationSource()
        return UsdSkel.Animation(source) if source and source.IsA(UsdSkel.Animation) else None

    def _move(self, prim: Any, skeleton: Skeleton) -> None:
        animation = self._animation(prim)
        if animation is None:
            return
        names = [str(name) for name in value(animation.GetJointsAttr(), self.conversion, [])]
        for path, attribute_name, width in _ATTRIBUTES:
            attribute = animation.GetPrim().GetAttribute(attribute_name)
            times, values = self._samples(attribute, len(names), width, prim)
            if values is None:
                continue
            for place, name in enumerate(names):
                node = skeleton.nodes.get(name)
                if node is None:
                    continue
                track = continuous(values[:, place]) if path == "rotation" else values[:, place]
                self.conversion.builder.json["nodes"][node][path] = track[0].astype(np.float64).tolist()
                self.motion.add(node, path, times, track)

    def _morph(self, node: int, prim: Any, skinning: Skinning) -> None:
        animation = self._animation(prim)
        if animation is None:
            return
        names = [str(name) for name in value(animation.GetBlendShapesAttr(), self.conversion, [])]
        times, values = self._samples(animation.GetBlendShapeWeightsAttr(), len(names), 1, prim)
        if values is None:
            return
        places = [names.index(name) if name in names else None for name in skinning.names]
        zeros = np.zeros(len(times), values.dtype)
        track = np.column_stack([zeros if place is None else values[:, place, 0] for place in places])
        self.conversion.builder.json["nodes"][node]["weights"] = track[0].astype(np.float64).tolist()
        self.motion.add(node, "weights", times, track)

    def _samples(self, attribute: Any, count: int, width: int, prim: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """(time codes (t,), values (t, count, width)); None where there are none, or they do not fit."""
        times = attribute.GetTimeSamples() or [self.conversion.time]
        self.motion.spend(len(times) * max(count, 1), prim)
        found = [array(attribute.Get(time), width, prim, attribute.GetName()) for time in times]
        if not count or any(len(one) != count for one in found):
            return np.zeros(0), None
        values = np.array(found, np.float32).reshape(len(found), count, width)
        return (np.array(times, np.float64) if len(times) > 1 else np.zeros(1)), values


def _posed(rests: np.ndarray, parents: list[int]) -> np.ndarray:
    """Local transforms, rows, to those in the space of the skeleton."""
    posed = rests.copy()
    for place, parent in enumerate(parents):
        if parent >= 0:
            posed[place] = rests[place] @ posed[parent]
    return posed
