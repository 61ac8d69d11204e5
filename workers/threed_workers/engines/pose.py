"""The pose that a still picture shows of a model with animations: the first moment of its first animation.

A file's own pose is often not meant to be seen: parts lie on top of each other until the animation spreads them.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from threed_workers.document import Document, read_floats
from threed_workers.document.model import Json

_PATHS = {"translation": 3, "rotation": 4, "scale": 3}


def at_first_moment(document: Document) -> Document:
    """The document with the first keys of its first animation written into its nodes; itself when it has none.

    Channels of KHR_animation_pointer are left alone.
    """
    animations = document.all("animations")
    channels = [channel for channel in animations[0]["channels"] if _is_posable(channel)] if animations else []
    if not channels:
        return document
    posed = replace(document, json=copy.deepcopy(document.json))
    for channel in channels:
        _apply(posed, animations[0]["samplers"][channel["sampler"]], channel["target"])
    return posed


def _is_posable(channel: Json) -> bool:
    target = channel["target"]
    return "node" in target and (target.get("path") in _PATHS or target.get("path") == "weights")


def _apply(document: Document, sampler: Json, target: Json) -> None:
    node = document.all("nodes")[target["node"]]
    values = read_floats(document, sampler["output"])
    cubic = sampler.get("interpolation") == "CUBICSPLINE"
    if target["path"] == "weights":
        count = _target_count(document, node)
        first = values.reshape(-1)[count : 2 * count] if cubic else values.reshape(-1)[:count]
        if count and len(first) == count and np.isfinite(first).all():
            node["weights"] = first.tolist()
        return
    if len(values) <= cubic:
        return
    # A cubic key is in-tangent, value, out-tangent (glTF 2.0 appendix C.5).
    first = values[1] if cubic else values[0]
    usable = len(first) == _PATHS[target["path"]] and np.isfinite(first).all()
    if usable and (target["path"] != "rotation" or first.any()) and "matrix" not in node:
        node[target["path"]] = first.astype(float).tolist()


def _target_count(document: Document, node: Json) -> int:
    if "mesh" not in node:
        return 0
    primitives = document.all("meshes")[node["mesh"]]["primitives"]
    return max((len(primitive.get("targets") or []) for primitive in primitives), default=0)
