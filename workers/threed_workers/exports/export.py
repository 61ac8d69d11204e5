"""What every export answers with, and names that are safe in files and archives."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from threed_workers.document.model import Json

_UNSAFE = re.compile(r"[^\w.\-]+")
_LONGEST = 80


@dataclass(frozen=True)
class Export:
    """One written file: its name in the folder, its media type, and what it lacks against the document."""

    file: str
    media_type: str
    losses: list[Json] = field(default_factory=list)


class Names:
    """Names that are unique among themselves, and plain words: letters, digits, `_`, `-` and `.`."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def unique(self, wanted: Any, otherwise: str) -> str:
        """`wanted` made plain, or `otherwise` where nothing is left of it; a number behind it when it is taken."""
        name = plain(wanted) or otherwise
        while name.lower() in self._taken:
            self._taken[name.lower()] += 1
            name = f"{name}_{self._taken[name.lower()]}"
        self._taken[name.lower()] = 1
        return name


def plain(text: Any) -> str:
    """`text` as one word that no file system, archive or text format stumbles over; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    normal = unicodedata.normalize("NFC", text[: 4 * _LONGEST])
    return _UNSAFE.sub("_", normal).strip("._-")[:_LONGEST]


def one_line(text: Any) -> str:
    """`text` for a comment: printable, one line, at most 200 characters; "" for what is no text."""
    return "".join(sign if sign.isprintable() else " " for sign in text[:200]).strip() if isinstance(text, str) else ""
