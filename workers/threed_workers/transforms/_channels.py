"""Channels of animations: what they move, and how they go."""

from __future__ import annotations

from collections.abc import Callable

from threed_workers.document import Document, edit
from threed_workers.document.model import Json, extension

POINTER = "KHR_animation_pointer"


def pointer_of(channel: Json) -> str:
    """What a channel moves, as a JSON pointer: "/nodes/3/rotation"; empty when it moves nothing."""
    target = channel["target"]
    pointer = (extension(target, POINTER) or {}).get("pointer")
    if isinstance(pointer, str):
        return pointer
    return f"/nodes/{target['node']}/{target['path']}" if "node" in target and "path" in target else ""


def moved_nodes(document: Document, *paths: str) -> set[int]:
    """The nodes that some channel moves; only by these paths, if any are given ("translation", "weights" ...)."""
    found = set()
    for animation in document.all("animations"):
        for channel in animation["channels"]:
            _, _, rest = pointer_of(channel).partition("/nodes/")
            number, _, path = rest.partition("/")
            if number.isdecimal() and (not paths or path.partition("/")[0] in paths):
                found.add(int(number))
    return found


def drop_channels(document: Document, goes: Callable[[str], bool]) -> None:
    """Remove the channels whose pointer (`pointer_of`) `goes`, their samplers, and animations that have none left.

    glTF wants at least one channel of an animation (section 5.3.1).
    """
    empty = set()
    for number, animation in enumerate(document.all("animations")):
        kept = [channel for channel in animation["channels"] if not goes(pointer_of(channel))]
        if len(kept) == len(animation["channels"]):
            continue
        if not kept:
            empty.add(number)
            continue
        samplers = sorted({channel["sampler"] for channel in kept})
        places = {old: new for new, old in enumerate(samplers)}
        for channel in kept:
            channel["sampler"] = places[channel["sampler"]]
        animation["channels"] = kept
        animation["samplers"] = [animation["samplers"][old] for old in samplers]
    if empty and not edit.remove(document, "animations", empty):
        for channel in (channel for number in empty for channel in document.all("animations")[number]["channels"]):
            _aim_at_nothing(channel["target"])
    edit.unuse(document, POINTER)


def _aim_at_nothing(target: Json) -> None:
    """A channel without a node is ignored (section 5.3.2): for animations whose number something unknown may use."""
    target.pop("node", None)
    if (target.get("extensions") or {}).pop(POINTER, None) is not None:
        target["path"] = "translation"
    if not target.get("extensions"):
        target.pop("extensions", None)
