"""Cameras, lights, extras, and scenes but one."""

from __future__ import annotations

from typing import Any

from threed_workers.document import Document, edit
from threed_workers.document.indices import Pointer
from threed_workers.transforms._channels import drop_channels
from threed_workers.transforms._leftovers import drop_extension, remove_orphans, remove_unreferenced, used

_LIGHTS, _IMAGE_LIGHTS = "KHR_lights_punctual", "EXT_lights_image_based"


def cameras(document: Document) -> None:
    """All cameras and what animates them. Their nodes stay."""
    for node in document.all("nodes"):
        node.pop("camera", None)
    drop_channels(document, lambda pointer: pointer.startswith("/cameras/"))
    remove_unreferenced(document, ("cameras",))


def lights(document: Document) -> None:
    """Punctual and image based lights, and what animates them. Their nodes stay."""
    before = used(document)
    for node in document.all("nodes"):
        drop_extension(node, _LIGHTS)
    for scene in document.all("scenes"):
        drop_extension(scene, _IMAGE_LIGHTS)
    drop_channels(document, lambda pointer: pointer.startswith(f"/extensions/{_LIGHTS}/"))
    for name in (_LIGHTS, _IMAGE_LIGHTS):
        drop_extension(document.json, name)
    remove_orphans(document, before, ("images",))


def extras(document: Document) -> None:
    """The extras of everything but what stands within extensions that nobody here knows."""
    rest: list[Any] = [document.json]
    while rest:
        entry = rest.pop()
        if isinstance(entry, list):
            rest += entry
        elif isinstance(entry, dict):
            entry.pop("extras", None)
            for key, value in entry.items():
                if key == "extensions" and isinstance(value, dict):
                    rest += [content for name, content in value.items() if _is_known(name)]
                elif isinstance(value, dict | list):
                    rest.append(value)


def _is_known(name: str) -> bool:
    return name in edit.KNOWN or name.startswith("KHR_")


def other_scenes(document: Document) -> None:
    """All scenes but the default one, else the first, and what only those showed, with its animations."""
    scenes = document.all("scenes")
    kept = document.json.get("scene", 0)
    if len(scenes) < 2:
        return
    before = used(document)
    others = [scene for number, scene in enumerate(scenes) if number != kept]
    gone = _below(document, [number for scene in others for number in scene.get("nodes") or []])
    gone -= _below(document, scenes[kept].get("nodes") or [])
    if not edit.remove(document, "scenes", _but(document, kept)):
        return
    _remove_nodes(document, gone)
    remove_orphans(document, before)


def _but(document: Document, kept: int) -> set[int]:
    """The numbers of the other scenes. The default scene is named, so that its number moves along."""
    document.json["scene"] = kept
    return set(range(len(document.all("scenes")))) - {kept}


def _below(document: Document, roots: list[int]) -> set[int]:
    """Nodes under the roots, and the joints of their skins with all that hangs on those."""
    found: set[int] = set()
    rest = list(roots)
    while rest:
        number = rest.pop()
        if number in found:
            continue
        found.add(number)
        node = document.all("nodes")[number]
        rest += node.get("children") or []
        if "skin" in node:
            rest += document.all("skins")[node["skin"]]["joints"]
    return found


def _needed(document: Document, gone: set[int]) -> set[int]:
    """Those of the nodes that others hold: parents that are in no scene, levels of detail, extensions."""
    nodes, skins = document.all("nodes"), document.all("skins")
    inner = {id(nodes[number].get("children")) for number in gone}
    inner |= {id(skin) for skin in skins} | {id(skin["joints"]) for skin in skins}
    inner |= {id(channel["target"]) for entry in document.all("animations") for channel in entry["channels"]}
    return {
        owner[key]
        for kind, owner, key in edit.references(document)
        if kind == "nodes" and owner[key] in gone and id(owner) not in inner and not isinstance(owner, Pointer)
    }


def _remove_nodes(document: Document, gone: set[int]) -> None:
    """Remove nodes with the channels that move them and the skins that only they showed."""
    gone = gone - _below(document, list(_needed(document, gone)))
    drop_channels(document, lambda pointer: _node_of(pointer) in gone)
    nodes = document.all("nodes")
    for number in gone:
        for key in ("children", "mesh", "skin", "camera", "extensions"):
            nodes[number].pop(key, None)
    needed = used(document)["skins"]
    skins = enumerate(document.all("skins"))
    dead = {
        number for number, skin in skins if gone & {*skin["joints"], skin.get("skeleton", -1)} and number not in needed
    }
    edit.remove(document, "skins", dead)
    edit.remove(document, "nodes", gone - used(document)["nodes"])


def _node_of(pointer: str) -> int | None:
    _, _, rest = pointer.partition("/nodes/")
    number = rest.partition("/")[0]
    return int(number) if pointer.startswith("/nodes/") and number.isdecimal() else None
