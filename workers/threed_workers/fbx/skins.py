"""Skins: clusters of control points that follow a joint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.objects import Object
from threed_workers.fbx.primitives import Influences

_MOST_INFLUENCES = 8


@dataclass
class Skin:
    """`joints`: Models; `binds`: float64 (j, 4, 4), from the mesh's node to each joint, lengths in metres.

    `loose`: some control points follow no joint; they follow the mesh's own node, as a joint behind the others.
    """

    name: str
    joints: list[Object]
    binds: np.ndarray
    influences: Influences
    loose: bool


def read_skin(conversion: Conversion, geometry: Object, count: int) -> Skin | None:
    """The first skin of a geometry of `count` control points; None when it has none that binds anything."""
    skins = list(geometry.of("Deformer", "Skin"))
    for skin in skins[1:]:
        conversion.lose("second_skins", "glTF holds one skin a mesh.", sum(1 for _ in skin.of("Deformer", "Cluster")))
    if not skins:
        return None
    if skins[0].node.child_text("SkinningType") in ("DualQuaternion", "Blend"):
        conversion.lose("dual_quaternion_skins", "glTF blends joints linearly.")
    joints, binds, entries = [], [], []
    for cluster in skins[0].of("Deformer", "Cluster"):
        joint = next((model for model in cluster.of("Model") if model.id in conversion.nodes), None)
        if joint is None:
            continue
        points, weights = _weighted(conversion, cluster, count)
        entries.append((points, np.full(len(points), len(joints)), weights))
        joints.append(joint)
        binds.append(_bind(conversion, cluster))
    if not joints:
        return None
    points, owners, weights = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    influences, loose = _strongest(conversion, points, owners, weights, count, len(joints))
    return Skin(skins[0].name, joints, np.array(binds), influences, loose)


def add_skin(conversion: Conversion, model: Object, skin: Skin, shift: np.ndarray) -> int:
    """The glTF skin for one model. `shift`: float64 (4, 4), the transform of its geometry, in the file's units."""
    shift = shift.copy()
    shift[:3, 3] = conversion.metres(shift[:3, 3])
    wanted = [conversion.inner(joint) for joint in skin.joints]
    binds = skin.binds @ shift
    if skin.loose:
        wanted.append(conversion.inner(model))
        binds = np.concatenate([binds, shift[None]])
    seen: set[int] = set()
    joints: list[int] = []
    for joint in wanted:
        joints.append(_twin(conversion, joint) if joint in seen else joint)
        seen.add(joint)
    matrices = binds.transpose(0, 2, 1).reshape(-1, 16).astype(np.float32)
    matrices[:, 3::4] = (0.0, 0.0, 0.0, 1.0)
    entry = {"joints": joints, "inverseBindMatrices": conversion.builder.accessor(matrices)}
    return conversion.builder.add("skins", entry | ({"name": skin.name} if skin.name else {}))


def _twin(conversion: Conversion, joint: int) -> int:
    """A node in the place of another: two clusters may have one joint in FBX, and a joint comes once in glTF."""
    nodes = conversion.builder.json["nodes"]
    twin = conversion.builder.add("nodes", {"name": f"{nodes[joint].get('name', '')} twin".strip()})
    nodes[joint].setdefault("children", []).append(twin)
    return twin


def _weighted(conversion: Conversion, cluster: Object, count: int) -> tuple[np.ndarray, np.ndarray]:
    points, weights = cluster.node.numbers("Indexes", np.int64), cluster.node.numbers("Weights")
    size = min(len(points), len(weights))
    points, weights = points[:size], weights[:size]
    inside = (points >= 0) & (points < count) & np.isfinite(weights)
    if not inside.all():
        text = f"{int((~inside).sum())} weights are of control points that are not there; they are left out."
        conversion.doubt("INDICES_DANGLING", cluster, text)
    inside &= weights > 0
    return points[inside], weights[inside]


def _bind(conversion: Conversion, cluster: Object) -> np.ndarray:
    """Transform of the cluster, which the file stores as from the mesh's node to the joint, at binding time."""
    flat = cluster.node.numbers("Transform")
    if len(flat) < 16:
        link = cluster.node.numbers("TransformLink")
        found = np.linalg.pinv(link[:16].reshape(4, 4).T) if len(link) >= 16 and np.isfinite(link).all() else np.eye(4)
    else:
        found = flat[:16].reshape(4, 4).T.copy()
    if not (np.abs(found) < 1e37).all():
        raise FileValuesInvalid(f"The matrix of {cluster.name[:60]!r} is not finite.", where=cluster.where)
    found[:3, 3] = conversion.metres(found[:3, 3])
    found[3] = (0.0, 0.0, 0.0, 1.0)
    return found


def _strongest(
    conversion: Conversion, points: np.ndarray, owners: np.ndarray, weights: np.ndarray, count: int, joints: int
) -> tuple[Influences, bool]:
    """The largest weights of each control point, made to sum to 1. Whether some points had none: joint `joints`."""
    order = np.lexsort((-weights, points))
    points, owners, weights = points[order], owners[order], weights[order]
    sizes = np.bincount(points, minlength=count)
    rank = np.arange(len(points)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    lanes = _MOST_INFLUENCES if sizes.max(initial=0) > 4 else 4
    conversion.lose(
        "skin_weights", f"At most {_MOST_INFLUENCES} joints move a vertex.", int((rank >= _MOST_INFLUENCES).sum())
    )
    kept = rank < lanes
    table = Influences(np.zeros((count, lanes), np.int64), np.zeros((count, lanes)))
    table.joints[points[kept], rank[kept]] = owners[kept]
    table.weights[points[kept], rank[kept]] = weights[kept]
    total = table.weights.sum(axis=1)
    free = ~(total > 0)
    table.joints[free, 0], table.weights[free, 0] = joints, 1.0
    table.weights /= table.weights.sum(axis=1, keepdims=True)
    return table, bool(free.any())
