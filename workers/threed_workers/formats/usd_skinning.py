"""How a mesh hangs on a skeleton, and its blend shapes (UsdSkel)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threed_workers.document.build import ARRAY
from threed_workers.formats.usd_conversion import Conversion, array, value
from threed_workers.formats.usd_transforms import matrix

# glTF sets no bound to the number of JOINTS_n; beyond that no renderer and no exporter goes.
_MOST_INFLUENCES = 16
Target = tuple[np.ndarray, np.ndarray | None]


@dataclass(eq=False)
class Skinning:
    """`joints` uint16 and `weights` float32 (points, 4k), heaviest first, of sum 1; None for a mesh that only morphs.

    `order` names the joints that the numbers mean, None for the skeleton's own order. `bind` takes points to the space
    of the skeleton, where glTF wants them. `targets` are offsets (points, 3) of positions and maybe normals.
    """

    bind: np.ndarray
    joints: np.ndarray | None = None
    weights: np.ndarray | None = None
    skeleton: str = ""
    order: list[str] | None = None
    names: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def bound(self, positions: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions and normals in the space of the skeleton."""
        if np.array_equal(self.bind, np.eye(4)):
            return positions, normals
        moved = positions.astype(np.float64) @ self.bind[:3, :3].T + self.bind[:3, 3]
        turned = normals.astype(np.float64) @ np.linalg.pinv(self.bind[:3, :3])
        return moved.astype(np.float32), turned

    def target(self, builder: Any, number: int, points: np.ndarray) -> dict[str, int]:
        """A glTF morph target for vertices that are these points."""
        positions, normals = self.targets[number]
        linear = self.bind[:3, :3].T
        moved = np.ascontiguousarray((positions[points].astype(np.float64) @ linear).astype(np.float32))
        found = {"POSITION": builder.accessor(moved, ARRAY, bounds=True)}
        if normals is not None:
            found["NORMAL"] = builder.attribute(np.ascontiguousarray(normals[points], np.float32))
        return found


def read_skinning(prim: Any, points: np.ndarray, conversion: Conversion) -> Skinning | None:
    """The skinning and blend shapes of a mesh, or None when it has neither."""
    from pxr import UsdSkel

    binding = UsdSkel.BindingAPI(prim)
    found = Skinning(np.eye(4))
    _read_influences(found, binding, prim, points, conversion)
    _read_targets(found, binding, prim, points, conversion)
    return found if found.joints is not None or found.targets else None


def _read_influences(found: Skinning, binding: Any, prim: Any, points: np.ndarray, conversion: Conversion) -> None:
    indices, weights = binding.GetJointIndicesPrimvar(), binding.GetJointWeightsPrimvar()
    skeleton = binding.GetInheritedSkeleton()
    if not skeleton or not indices or not indices.HasValue() or not weights or not weights.HasValue():
        return
    size = max(1, indices.GetElementSize())
    joints = array(indices.ComputeFlattened(conversion.time), 1, prim, "skel:jointIndices", np.int64)
    amounts = array(weights.ComputeFlattened(conversion.time), 1, prim, "skel:jointWeights")
    if indices.GetInterpolation() == "constant":
        joints, amounts = (np.tile(one[:size], len(points)) for one in (joints, amounts))
    if size > 1024 or len(joints) != size * len(points) or len(amounts) != len(joints) or joints.min(initial=0) < 0:
        conversion.warn("SKINNING_INVALID", prim, "Joint indices and weights do not fit the points; they are left out.")
        return
    if joints.max(initial=0) > 0xFFFE:
        conversion.lose("skinning", "glTF numbers at most 65535 joints.")
        return
    found.joints, found.weights = _sorted(joints.reshape(-1, size), amounts.reshape(-1, size), conversion)
    found.skeleton = str(skeleton.GetPath())
    names = binding.GetJointsAttr().Get() if binding.GetJointsAttr().HasAuthoredValue() else None
    found.order = [str(name) for name in names] if names else None
    bind = value(binding.GetGeomBindTransformAttr(), conversion)
    found.bind = matrix(bind, str(prim.GetPath())) if bind is not None else np.eye(4)
    if str(value(binding.GetSkinningMethodAttr(), conversion, "classicLinear")) != "classicLinear":
        conversion.lose("dual quaternion skinning", "glTF skins linearly.")


def _sorted(joints: np.ndarray, weights: np.ndarray, conversion: Conversion) -> tuple[np.ndarray, np.ndarray]:
    """Heaviest first, in fours, of sum 1; joints of no weight are 0."""
    weights = np.maximum(weights.astype(np.float64), 0)
    order = np.argsort(-weights, axis=1, kind="stable")
    joints, weights = np.take_along_axis(joints, order, 1), np.take_along_axis(weights, order, 1)
    used = int((weights > 0).sum(axis=1).max(initial=1))
    if used > _MOST_INFLUENCES:
        conversion.lose("joint influences", f"A point keeps the {_MOST_INFLUENCES} heaviest.", used - _MOST_INFLUENCES)
    width = -(-min(max(used, 1), _MOST_INFLUENCES) // 4) * 4
    made = [np.zeros((len(joints), width)) for _ in range(2)]
    count = min(width, joints.shape[1])
    made[0][:, :count], made[1][:, :count] = joints[:, :count], weights[:, :count]
    total = made[1].sum(axis=1, keepdims=True)
    made[1] = np.where(total > 0, made[1] / np.where(total > 0, total, 1), np.eye(1, width))
    made[0][made[1] == 0] = 0
    return made[0].astype(np.uint16), made[1].astype(np.float32)


def _read_targets(found: Skinning, binding: Any, prim: Any, points: np.ndarray, conversion: Conversion) -> None:
    from pxr import UsdSkel

    names = binding.GetBlendShapesAttr().Get() if binding.GetBlendShapesAttr() else None
    paths = binding.GetBlendShapeTargetsRel().GetTargets() if binding.GetBlendShapeTargetsRel() else []
    if not names or len(names) != len(paths):
        return
    conversion.spend(0, 24 * len(points) * len(paths), prim)
    for name, path in zip(names, paths, strict=True):
        shape = UsdSkel.BlendShape(conversion.stage.GetPrimAtPath(path))
        made = _target(shape, prim, len(points), conversion) if shape else None
        if made is None:
            conversion.warn("BLEND_SHAPE_INVALID", prim, f"The blend shape {str(name)[:80]!r} does not fit its mesh.")
            continue
        if shape.GetInbetweens():
            conversion.lose(
                "blend shape in-betweens", "glTF goes straight from none to all.", len(shape.GetInbetweens())
            )
        found.names.append(str(name))
        found.targets.append(made)
    with_normals = all(normals is not None for _, normals in found.targets)
    if not with_normals:  # every target of a primitive has the same attributes
        found.targets = [(positions, None) for positions, _ in found.targets]


def _target(shape: Any, prim: Any, count: int, conversion: Conversion) -> Target | None:
    offsets = array(value(shape.GetOffsetsAttr(), conversion), 3, prim, "offsets")
    normals = array(value(shape.GetNormalOffsetsAttr(), conversion), 3, prim, "normalOffsets")
    given = value(shape.GetPointIndicesAttr(), conversion)
    where = array(given, 1, prim, "pointIndices", np.int64) if given is not None and len(given) else np.arange(count)
    if len(where) != len(offsets) or where.min(initial=0) < 0 or where.max(initial=0) >= count:
        return None
    dense = np.zeros((count, 3), np.float32)
    dense[where] = offsets
    if len(normals) != len(where):
        return dense, None
    turned = np.zeros((count, 3), np.float32)
    turned[where] = normals
    return dense, turned
