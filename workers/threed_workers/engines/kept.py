"""What an engine keeps from one drawing to the next, in a process that draws several."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any


def identity(file: Path) -> tuple[str | int, ...]:
    """What tells a file from others, and from what it was before somebody wrote to it."""
    about = file.stat()
    return str(file), about.st_ino, about.st_mtime_ns, about.st_size


class Last:
    """One thing, by what it was made of. It is let go of before the next is made, which needs its room."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._thing: Any = None

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made of it before, or is now."""
        if self._thing is None or key != self._key:
            self._thing = None
            self._thing = make()
            self._key = key
        return self._thing


class Recent:
    """The `most` things that were used last, by what they were made of. Small ones, which nobody has to let go of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: dict[Hashable, Any] = {}  # those used last at the end

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made of it before, or is now."""
        thing = self._things.pop(key) if key in self._things else make()
        self._things[key] = thing
        if len(self._things) > self._most:
            del self._things[next(iter(self._things))]
        return thing


class Kept:
    """Things by what they were made of. Between drawings those used last stay, up to `most` in size."""

    def __init__(self, most: int, size: Callable[[Any], int] = lambda thing: 1):
        self._most = most
        self._size = size
        self._things: dict[Hashable, Any] = {}  # those used last at the end

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made of it before, or is now."""
        self._things[key] = self._things.pop(key, None) or make()
        return self._things[key]

    def trim(self) -> list[Any]:
        """Let go of what is too much; those that went."""
        sizes = {key: self._size(thing) for key, thing in self._things.items()}
        gone = []
        for key in list(sizes):
            if sum(sizes.values()) <= self._most:
                break
            del sizes[key]
            gone.append(self._things.pop(key))
        return gone
