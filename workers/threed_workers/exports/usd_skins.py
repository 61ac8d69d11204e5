"""glTF skins as UsdSkel: a SkelRoot with a Skeleton and its animation for each skin.

glTF poses a skinned mesh by its joints alone, wherever its node is; so skeletons stand in the root's frame, and their
joints carry the world's transforms of the nodes, in the pose of the nodes and over time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdSkel, Vt

from threed_workers.document import Document, read, read_floats
from threed_workers.document.model import Json
from threed_workers.document.rotations import continuous, quaternions
from threed_workers.document.world import compose, local_matrices
from threed_workers.exports.usd_motion import RATE, Motion


@dataclass(frozen=True)
class _Joints:
    """Joints with parents in front: `order` places of glTF's list;
    `chains` the nodes from below the parent joint to it."""

    order: list[int]
    chains: list[list[int]]
    names: list[str]


class Skins:
    """The skeletons of a stage, each made when its first mesh asks."""

    def __init__(
        self, document: Document, stage: Usd.Stage, scope: Sdf.Path, motion: Motion, lost: Counter[tuple[str, str]]
    ):
        self._document, self._stage, self._scope = document, stage, scope
        self._motion, self._lost = motion, lost
        self._parents = {
            child: number for number, node in enumerate(document.all("nodes")) for child in node.get("children") or []
        }
        self._made: dict[int, _Joints] = {}

    def root(self, skin: int) -> Sdf.Path:
        """The SkelRoot of a skin, below which its meshes go."""
        path = self._scope.AppendChild(f"skin_{skin}")
        if skin not in self._made:
            UsdGeom.Scope.Define(self._stage, self._scope)
            UsdSkel.Root.Define(self._stage, path)
            self._made[skin] = self._make(skin)
        return path

    def skeleton(self, skin: int) -> Sdf.Path:
        """The Skeleton of a skin."""
        return self._scope.AppendChild(f"skin_{skin}").AppendChild("Skeleton")

    def bind(self, prim: Usd.Prim, skin: int, primitive: Json) -> None:
        """Tie a mesh to its skeleton by JOINTS_n and WEIGHTS_n."""
        attributes = primitive["attributes"]
        sets = [n for n in range(4) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
        if not sets or not prim.IsA(UsdGeom.Mesh):
            return
        places = np.empty(len(self._made[skin].order), np.int64)
        places[self._made[skin].order] = np.arange(len(places))
        joints = np.hstack([read(self._document, attributes[f"JOINTS_{n}"]) for n in sets]).astype(np.int64)
        weights = np.hstack([read_floats(self._document, attributes[f"WEIGHTS_{n}"]) for n in sets])
        total = weights.sum(axis=1, keepdims=True)
        weights = np.where(total > 0, weights / np.where(total > 0, total, 1), 0)
        indices = np.where(weights > 0, places[np.minimum(joints, len(places) - 1)], 0)
        api, width = UsdSkel.BindingAPI.Apply(prim), joints.shape[1]
        api.CreateSkeletonRel().SetTargets([self.skeleton(skin)])
        flat = np.ascontiguousarray(indices.reshape(-1), np.int32)
        api.CreateJointIndicesPrimvar(False, width).Set(Vt.IntArray.FromNumpy(flat))
        flat = np.ascontiguousarray(weights.reshape(-1), np.float32)
        api.CreateJointWeightsPrimvar(False, width).Set(Vt.FloatArray.FromNumpy(flat))
        api.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))

    def _make(self, skin: int) -> _Joints:
        entry = self._document.all("skins")[skin]
        joints = self._sorted(entry["joints"])
        skeleton = UsdSkel.Skeleton.Define(self._stage, self.skeleton(skin))
        skeleton.CreateJointsAttr(joints.names)
        skeleton.CreateBindTransformsAttr(_matrices(self._bind(entry, joints)))
        rest = [self._locals(chain, np.zeros(1), moving=False)[0] for chain in joints.chains]
        skeleton.CreateRestTransformsAttr(_matrices(np.array(rest)))
        self._animate(joints, skeleton)
        return joints

    def _sorted(self, listed: list[int]) -> _Joints:
        """By depth in the graph, so that parents come first; names are paths of joints."""
        place = {node: number for number, node in enumerate(listed)}
        chains = [self._chain(node, place) for node in listed]
        above = [place.get(self._parents.get(chain[0], -1), -1) for chain in chains]
        depths = [0] * len(listed)
        for number in range(len(listed)):
            step = above[number]
            while step >= 0:
                depths[number] += 1
                step = above[step]
        order = sorted(range(len(listed)), key=lambda number: depths[number])
        new = {old: position for position, old in enumerate(order)}
        names: list[str] = []
        for old in order:
            own = f"joint_{listed[old]}"
            names.append(f"{names[new[above[old]]]}/{own}" if above[old] >= 0 else own)
        return _Joints(order, [chains[old] for old in order], names)

    def _chain(self, node: int, joints: dict[int, int]) -> list[int]:
        """The nodes from below the next joint above (or from the root) down to this one."""
        chain = [node]
        while chain[0] in self._parents and self._parents[chain[0]] not in joints:
            chain.insert(0, self._parents[chain[0]])
        return chain

    def _bind(self, entry: Json, joints: _Joints) -> np.ndarray:
        """World transforms of the joints when the mesh was bound: the inverse of glTF's inverses."""
        inverse = np.tile(np.eye(4), (len(joints.order), 1, 1))
        if "inverseBindMatrices" in entry:
            stored = read(self._document, entry["inverseBindMatrices"]).astype(np.float64)
            inverse = stored[: len(joints.order)].reshape(-1, 4, 4).transpose(0, 2, 1)
        inverse[:, 3] = (0.0, 0.0, 0.0, 1.0)
        singular = np.abs(np.linalg.det(inverse)) < 1e-30
        if singular.any():
            self._lost["joints", "Their bind matrices cannot be inverted, and the identity stands for them."] += int(
                singular.sum()
            )
            inverse = np.where(singular[:, None, None], np.eye(4), inverse)
        return np.linalg.inv(inverse)[joints.order]

    def _locals(self, chain: list[int], times: np.ndarray, moving: bool) -> np.ndarray:
        """(k, 4, 4): a joint against its parent joint (or the world) at these moments, or as the file shows it."""
        nodes = self._document.all("nodes")
        found = np.tile(np.eye(4), (len(times), 1, 1))
        for number in chain:
            node = nodes[number]
            if node.get("matrix") is not None or not moving:
                found = found @ local_matrices([node])
                continue
            translation = self._motion.at(number, "translation", times, node.get("translation") or [0, 0, 0])
            rotation = self._motion.at(number, "rotation", times, node.get("rotation") or [0, 0, 0, 1])
            scale = self._motion.at(number, "scale", times, node.get("scale") or [1, 1, 1])
            found = found @ compose(translation, rotation, scale)
        return found

    def _animate(self, joints: _Joints, skeleton: UsdSkel.Skeleton) -> None:
        """A SkelAnimation beside the joints, when anything moves them."""
        times = self._motion.times_of({node for chain in joints.chains for node in chain})
        if not len(times):
            return
        animation = UsdSkel.Animation.Define(self._stage, skeleton.GetPath().AppendChild("Animation"))
        animation.CreateJointsAttr(joints.names)
        parts = [_decomposed(self._locals(chain, times, moving=True)) for chain in joints.chains]
        moved, turned, scaled = (np.stack([part[kind] for part in parts], axis=1) for kind in range(3))
        targets = [animation.CreateTranslationsAttr(), animation.CreateRotationsAttr(), animation.CreateScalesAttr()]
        for row, time in enumerate((times * RATE).tolist()):
            targets[0].Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(moved[row], np.float32)), time)
            targets[1].Set(Vt.QuatfArray.FromNumpy(np.ascontiguousarray(turned[row], np.float32)), time)
            targets[2].Set(Vt.Vec3hArray.FromNumpy(np.ascontiguousarray(scaled[row], np.float16)), time)
        api = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
        api.CreateAnimationSourceRel().SetTargets([animation.GetPath()])


def _matrices(matrices: np.ndarray) -> Vt.Matrix4dArray:
    """Columns of ours are rows of USD's."""
    return Vt.Matrix4dArray.FromNumpy(np.ascontiguousarray(matrices.transpose(0, 2, 1), np.float64))


def _decomposed(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Translations (k, 3), unit quaternions (k, 4) xyzw, scales (k, 3). A mirror goes into the first scale."""
    linear = matrices[:, :3, :3]
    scales = np.linalg.norm(linear, axis=1)
    scales[:, 0] *= np.where(np.linalg.det(linear) < 0, -1.0, 1.0)
    turn = linear / np.where(scales == 0, 1, scales)[:, None, :]
    return matrices[:, :3, 3], continuous(quaternions(turn)), scales
