"""Disjoint sets (Tarjan 1975): what must be treated alike, because something is shared."""

from __future__ import annotations

from collections.abc import Hashable


class Sets:
    """Sets of keys that grow together."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def find(self, key: Hashable) -> Hashable:
        """The key that stands for the set of `key`, which is made when it is new."""
        above = self._above
        above.setdefault(key, key)
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    def unite(self, key: Hashable, other: Hashable) -> None:
        self._above[self.find(key)] = self.find(other)

    def all(self) -> list[list[Hashable]]:
        """Every set, in the order in which keys came."""
        found: dict[Hashable, list[Hashable]] = {}
        for key in self._above:
            found.setdefault(self.find(key), []).append(key)
        return list(found.values())
