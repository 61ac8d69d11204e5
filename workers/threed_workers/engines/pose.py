"""The pose of a document at a moment of an animation.

A file's own pose is often not meant to be seen: parts lie on top of each other until the animation spreads them. So a
still picture shows the first moment of the first animation, unless the job says which.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from threed.errors import SceneInvalid
from threed_workers.document import Document
from threed_workers.document.model import Json, loss
from threed_workers.engines.animation import Animation, Channel, number_of, read_animation, titles
from threed_workers.engines.baking import baked


def moved(document: Document, animation: Animation, seconds: float) -> Document:
    """The document with what the animation says at `seconds` written into its nodes, for engines that skin and morph.

    Every accessor stays as it is. The document itself is returned when nothing moves. A property of
    KHR_animation_pointer is written where its owner exists; what is not is in the losses.
    """
    if not animation.channels:
        return document
    deep = any(channel.node is None for channel in animation.channels)
    root = copy.deepcopy(document.json) if deep else dict(document.json)
    nodes = root["nodes"] = list(root.get("nodes") or [])
    for number in {channel.node for channel in animation.channels if channel.node is not None}:
        nodes[number] = dict(nodes[number])
    missed = animation.unusable
    for channel in animation.channels:
        missed += not _write(root, channel, seconds)
    reason = "Their keys cannot be followed, or what they move is not there."
    lost = [loss("animation channels", missed, reason, "picture")] if missed else []
    return replace(document, json=root, losses=[*document.losses, *lost])


def posed(document: Document, clip: str, seconds: float) -> Document:
    """The document as it is at a moment, with nothing left that moves: skins, morph targets and instances are baked.

    `clip` is the name of an animation, its number as `#0`, or empty for the first; `seconds` from its begin. A document
    without animations is baked in its own pose when `clip` is empty. Raises SceneInvalid for an unknown clip, and for a
    time out of range.
    """
    number = number_of(document, clip)
    if number is None and clip:
        raise unknown_clip(clip, titles(document))
    if number is None:
        return baked(document)
    animation = read_animation(document, number)
    animation.check(seconds)
    return baked(moved(document, animation, seconds))


def unknown_clip(clip: str, known: list[str]) -> SceneInvalid:
    """The refusal of a clip that is not among those there are."""
    names = ", ".join(dict.fromkeys(known[:20])) or "none"
    wanted = f'There is no animation "{clip}".' if clip else "There is no animation to show."
    return SceneInvalid(f"{wanted} There are: {names}.", clip=clip, known=names)


def _write(root: Json, channel: Channel, seconds: float) -> bool:
    """Whether there was something to write the channel's value to."""
    *path, last = [token.replace("~1", "/").replace("~0", "~") for token in channel.pointer.split("/")[1:]]
    owner: Any = root
    for token in path:
        if isinstance(owner, list) and token.isdecimal() and int(token) < len(owner):
            owner = owner[int(token)]
        elif isinstance(owner, dict) and token in owner:
            owner = owner[token]
        else:
            return False
    if not isinstance(owner, dict):
        return False
    owner[last] = _as_json(channel.at(seconds), owner.get(last), last)
    return True


def _as_json(value: np.ndarray, before: Any, name: str) -> Any:
    if isinstance(before, bool) or name == "visible":
        return bool(value[0] >= 0.5)
    whole = isinstance(before, list) or len(value) > 1 or name == "weights"
    return value.tolist() if whole else float(value[0])
