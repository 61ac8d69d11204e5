"""What a format reads from: one file, the files that came with it, and a private folder to write in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from threed_workers.document.companions import Companions, mapped

HEAD = 4096


@dataclass(frozen=True, eq=False)
class Source:
    """`name` is the uploader's, only ever shown. `data` is mapped; `head` and `tail` are its first and last bytes."""

    path: Path
    name: str
    companions: Companions = field(default_factory=Companions)
    data: memoryview = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", mapped(self.path))

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def head(self) -> bytes:
        return bytes(self.data[:HEAD])

    @property
    def tail(self) -> bytes:
        return bytes(self.data[-HEAD:])

    def text_head(self) -> str | None:
        """The first bytes as text; None when they are none (zeros, or control characters that no text has)."""
        head = self.head
        if any(byte < 9 or 13 < byte < 32 for byte in head):
            return None
        return head.decode("utf-8", "replace")
