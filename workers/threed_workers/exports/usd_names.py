"""Names of USD prims: unique among siblings, and as near to the model's own as USD allows."""

from __future__ import annotations

from typing import Any

from pxr import Sdf, Tf

from threed_workers.exports.export import one_line

_LONGEST = 80


def identifier(wanted: Any, otherwise: str) -> str:
    """Letters, digits and underscores, not a digit first; `otherwise` for what is no text, or empty."""
    text = one_line(wanted)[:_LONGEST]
    return Tf.MakeValidIdentifier(text) if text else otherwise


class Paths:
    """Hands out paths, each once."""

    def __init__(self) -> None:
        self._taken: dict[Sdf.Path, set[str]] = {}

    def child(self, parent: Sdf.Path, wanted: Any, otherwise: str) -> Sdf.Path:
        """A new path below `parent`."""
        taken = self._taken.setdefault(parent, set())
        name = stem = identifier(wanted, otherwise)
        number = len(taken)
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        return parent.AppendChild(name)
