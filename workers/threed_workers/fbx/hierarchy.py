"""Models to nodes: names, parents, local transforms, custom properties.

glTF, like FbxTransform::eInheritRSrs, hands every scale on. With eInheritRrs, Maya's segment scale compensation, a node
is moved by its parent's scale and not scaled by it. Where a parent of such nodes has a scale, or ever gets one, that
scale goes to a node of its own below it, which holds what does inherit it; that is exact, animated or not.
"""

from __future__ import annotations

import math

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.document.model import Json
from threed_workers.document.rotations import quaternion
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.objects import ROOT, Object
from threed_workers.fbx.transforms import RRS, RRSS, RSRS, read_local

VISIBILITY = "KHR_node_visibility"
_MOST_TEXT = 1 << 16
# The cameras that every file of 6.x has for its author's views.
_VIEWS = ("Producer ", "Camera Switcher")


def add_nodes(conversion: Conversion) -> None:
    """A node per Model, below one that turns the axes when the file's are not glTF's."""
    root = conversion.objects.root
    parents: dict[object, Object] = {}
    order = _walk(conversion, _topmost(conversion), parents)
    conversion.ledger.take_bytes(1024 * len(order), "Objects")
    if len(order) > conversion.budget.nodes:
        raise FileTooComplex(f"The scene has more than {conversion.budget.nodes} models.", where="Objects")
    top = _axes_node(conversion)
    nodes = conversion.builder.json.setdefault("nodes", []) if order else []
    for model in order:
        parent = parents[model.id]
        local = conversion.locals[model.id] = read_local(model.properties)
        number = conversion.nodes[model.id] = conversion.builder.add("nodes", _node(conversion, model, parent))
        above = top if parent is root else conversion.nodes[parent.id]
        if parent is not root and local.inherit != RRS:
            above = conversion.inner(parent)
        if above is not None:
            nodes[above].setdefault("children", []).append(number)
        if _hands_no_scale_on(conversion, model):
            _split_scale(conversion, model)


def moved_by(conversion: Conversion, model: Object) -> Object | None:
    """The parent whose scale moves this model, and does not scale it; None for most models."""
    if conversion.locals[model.id].inherit != RRS:
        return None
    parent = next((found for found in model.above("Model") if found.id in conversion.nodes), None)
    return parent if parent is not None and parent.id in conversion.scaled else None


def _topmost(conversion: Conversion) -> list[Object]:
    """Models below the scene, and those below nothing, but for an author's views."""
    root = conversion.objects.root
    listed = {child.id: child for child in root.of("Model")}
    for model in conversion.objects.of("Model"):
        if not any(model.above("Model")) and model.id not in listed and not model.name.startswith(_VIEWS):
            listed[model.id] = model
    return list(listed.values())


def _walk(conversion: Conversion, top: list[Object], parents: dict) -> list[Object]:
    """Models, parents before children, each once. Raises FileValuesInvalid for cycles, FileTooComplex for depth."""
    order, level, depth = [], [(model, conversion.objects.root) for model in top], 0
    while level:
        depth += 1
        if depth > conversion.budget.node_depth:
            raise FileTooComplex(f"Models are nested deeper than {conversion.budget.node_depth}.", where="Connections")
        below = []
        for model, parent in level:
            if model.id in parents:
                conversion.doubt("PARENT_AMBIGUOUS", model, "it has more than one parent; the first counts.")
                continue
            parents[model.id] = parent
            order.append(model)
            below += [(child, model) for child in model.of("Model")]
        level = below
    lost = [model for model in conversion.objects.of("Model") if model.id not in parents and any(model.above("Model"))]
    if any(not _is_view(model) for model in lost):
        raise FileValuesInvalid("Models are their own ancestors.", where=lost[0].where)
    return order


def _is_view(model: Object) -> bool:
    return any(parent.name.startswith(_VIEWS) for parent in [model, *model.above("Model")])


def _hands_no_scale_on(conversion: Conversion, model: Object) -> bool:
    """Has it children that do not inherit its scale, and a scale at any time?"""
    if not any(child.properties.integer("InheritType", RSRS) == RRS for child in model.of("Model")):
        return False
    tracks = [take.tracks.get((model.id, "Lcl Scaling")) for take in conversion.takes]
    scaled = (np.abs(conversion.locals[model.id].scale - 1) > 1e-9).any()
    return bool(scaled) or any(track is not None and track.is_not(1.0) for track in tracks)


def _split_scale(conversion: Conversion, model: Object) -> None:
    nodes = conversion.builder.json["nodes"]
    node = nodes[conversion.nodes[model.id]]
    child: Json = {"name": f"{model.name} scale"}
    if "scale" in node:
        child["scale"] = node.pop("scale")
    conversion.scaled[model.id] = conversion.builder.add("nodes", child)
    node.setdefault("children", []).append(conversion.scaled[model.id])


def _axes_node(conversion: Conversion) -> int | None:
    axes = conversion.units.axes
    if np.array_equal(axes, np.eye(3)):
        return None
    node: Json = {"name": "axes"}
    if np.linalg.det(axes) < 0:  # a left-handed file is mirrored
        node["scale"] = [-1.0, 1.0, 1.0]
        axes = axes * (-1.0, 1.0, 1.0)
    if not np.allclose(axes, np.eye(3)):
        node["rotation"] = quaternion(axes).tolist()
    return conversion.builder.add("nodes", node)


def _node(conversion: Conversion, model: Object, parent: Object) -> Json:
    local = conversion.locals[model.id]
    _count_inheritance(conversion, model, parent)
    moved, turn, scales = local.at(None, None, None)
    scale, above = scales[0], moved_by(conversion, model)
    if above is not None:
        moved = moved * conversion.locals[above.id].scale
    node: Json = {"name": model.name} if model.name else {}
    shift = conversion.metres(moved[0])
    if not (np.abs(np.concatenate([shift, scale])) < 1e37).all():
        raise FileValuesInvalid(f"The transform of {model.name[:60]!r} is beyond all bounds.", where=model.where)
    if shift.any():
        node["translation"] = shift.tolist()
    if not np.array_equal(turn[0], (0, 0, 0, 1)):
        node["rotation"] = (turn[0] / np.linalg.norm(turn[0])).tolist()
    if (scale != 1).any():
        node["scale"] = scale.tolist()
    extras = {entry.name: value for entry in model.properties.custom() if (value := _plain(entry.values)) is not None}
    if extras:
        node["extras"] = extras
    if _is_hidden(model):
        node["extensions"] = {VISIBILITY: {"visible": False}}
        conversion.builder.use(VISIBILITY)
    return node


def _is_hidden(model: Object) -> bool:
    """Switched off, or a lower level of detail, of which one is shown at a time."""
    properties = model.properties
    if properties.number("Visibility", 1.0) <= 0 or properties.integer("Show", 1) == 0:
        return True
    groups = [parent for parent in model.above("Model") if parent.subkind == "LodGroup"]
    return bool(groups) and next(groups[0].of("Model")) is not model


def _count_inheritance(conversion: Conversion, model: Object, parent: Object) -> None:
    local = conversion.locals[model.id]
    if parent.id == ROOT or local.inherit != RRSS:
        return
    above = conversion.locals[parent.id].scale
    uneven = np.ptp(above) > 1e-6 * np.abs(above).max()
    if uneven and _is_turned(local.at(None, None, None)[1][0]):
        conversion.lose("scale_inheritance", "glTF inherits every scale; uneven ones of a parent shear a turned child.")


def _is_turned(turn: np.ndarray) -> bool:
    return bool(abs(turn[3]) < 1 - 1e-9)


def _plain(values: list) -> object:
    """The JSON value of a custom property; None when it has none."""
    kept = [value for value in values if isinstance(value, (int, float, str))]
    kept = [value for value in kept if not isinstance(value, float) or math.isfinite(value)]
    kept = [value[:_MOST_TEXT] if isinstance(value, str) else value for value in kept]
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else kept
