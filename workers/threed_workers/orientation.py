"""What an upload says about its unit and its upward axis, against what the file or its format says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed.v1 import recipes_pb2
from threed_workers.document import Document
from threed_workers.document.model import Json
from threed_workers.document.rotations import quaternion
from threed_workers.transforms import transform

# Takes the named axis to +Y.
_TO_Y = {
    "X": np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    "Y": np.eye(3),
    "Z": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
}


@dataclass(frozen=True)
class Said:
    """`unit_m` is the length of one unit in metres, 0 when nothing was said; `up` is X, Y, Z or "" likewise."""

    unit_m: float = 0.0
    up: str = ""


def reorient(document: Document, said: Said) -> None:
    """Make the document what it would be if the file had said so itself: metres, +Y up.

    Readers leave what the file said in `asset.extras.threed` (`source_unit_m`, `source_up`); without it, it was read as
    metres with +Y up. Lengths that nodes do not scale (lights, cameras, volumes) follow, as in the step `scale`.
    """
    noted = _noted(document)
    if said.unit_m:
        factor = said.unit_m / float(noted.get("source_unit_m") or 1.0)
        transform("scale").apply(document, recipes_pb2.Scale(factor=factor))
        noted["source_unit_m"] = said.unit_m
    if said.up:
        was = str(noted.get("source_up") or "Y").lstrip("+-")
        _turn(document, _TO_Y[said.up] @ _TO_Y.get(was, _TO_Y["Y"]).T)
        noted["source_up"] = said.up
    if said.unit_m or said.up:
        extras = document.json["asset"].get("extras")
        document.json["asset"]["extras"] = (extras if isinstance(extras, dict) else {}) | {"threed": noted}


def _noted(document: Document) -> Json:
    extras = document.json["asset"].get("extras")
    found = extras.get("threed") if isinstance(extras, dict) else None
    return dict(found) if isinstance(found, dict) else {}


def _turn(document: Document, turn: np.ndarray) -> None:
    """Put the roots of every scene below a node with that rotation (3, 3); scenes that share their roots share it."""
    if np.allclose(turn, np.eye(3)):
        return
    holders: dict[tuple[int, ...], int] = {}
    for scene in document.all("scenes"):
        roots = tuple(scene.get("nodes") or ())
        if not roots:
            continue
        if roots not in holders:
            document.json["nodes"].append({"rotation": quaternion(turn).tolist(), "children": list(roots)})
            holders[roots] = len(document.json["nodes"]) - 1
        scene["nodes"] = [holders[roots]]
