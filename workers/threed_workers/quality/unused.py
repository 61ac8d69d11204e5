"""Is there anything in the file that nothing refers to?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from threed_workers.document.checks.references import TABLE, texture_infos
from threed_workers.document.checks.root import KNOWN
from threed_workers.document.model import Document, Json, issue
from threed_workers.quality.subject import Subject

# Extensions that refer to accessors, views or pictures in ways that the table of references does not know.
_REFERRING = frozenset("EXT_lights_ies EXT_lights_image_based EXT_mesh_features EXT_mesh_manifold".split())
_REFERRING |= {"EXT_structural_metadata"}
_KINDS = "accessors bufferViews buffers cameras images materials meshes samplers skins textures".split()


def check_unused(subject: Subject) -> Iterator[Json]:
    """DATA_UNUSED, one for each kind: entries without a reference, and nodes of no scene and no skin."""
    document = subject.document
    others = sorted(set(document.all("extensionsUsed")) - (KNOWN - _REFERRING))
    if others:
        text = f"Whether all data is used was not looked at: {others[0][:80]} may refer to anything."
        yield issue("DATA_UNUSED_NOT_CHECKED", "HINT", "/extensionsUsed", text)
        return
    used = _used(document)
    for kind in (*_KINDS, "nodes"):
        idle = [number for number in range(len(document.all(kind))) if number not in used[kind]]
        if idle:
            text = f"Nothing uses {len(idle)} of {len(document.all(kind))} {kind}. Prune them."
            yield issue("DATA_UNUSED", "HINT", f"/{kind}/{idle[0]}", text)


def _used(document: Document) -> dict[str, set[int]]:
    used: dict[str, set[int]] = {kind: set() for kind in (*_KINDS, "nodes")}
    for path, kind in TABLE:
        if kind in used and kind != "nodes":
            used[kind].update(_values(document.json, path.split("/")))
    for material in document.all("materials"):
        used["textures"].update(info["index"] for _, info in texture_infos(material, ""))
    used["nodes"] = _reached(document)
    return used


def _reached(document: Document) -> set[int]:
    """The nodes of all scenes, and joints; every node when the file has no scene, as libraries have."""
    nodes = document.all("nodes")
    if not document.all("scenes"):
        return set(range(len(nodes)))
    found = {joint for skin in document.all("skins") for joint in skin["joints"]}
    level, seen = {number for scene in document.all("scenes") for number in scene.get("nodes") or []}, set()
    while level:
        seen |= level
        level = {child for number in level for child in nodes[number].get("children") or []} - seen
    return found | seen


def _values(owner: Any, path: list[str]) -> Iterator[int]:
    """Every index that a path of the table leads to; the structure is checked, so what is there is right."""
    if not path:
        yield owner
    elif path[0] in ("*", "+"):
        for entry in owner.values() if isinstance(owner, dict) else owner:
            yield from _values(entry, path[1:])
    elif path[0] in owner:
        yield from _values(owner[path[0]], path[1:])
