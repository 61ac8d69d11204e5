"""AIP-132 orders: "upload_timestamp desc, display_name" over an allow-list of sortable fields.

Every order ends in the resource's id, so that it is total and a page can begin exactly after a row. The id takes the
direction of the key before it: then all keys go one way and one index on (key, id) serves both directions. A field that
is not set sorts last, whichever the direction.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import ColumnElement

from threed.errors import FilterInvalid
from threed.records.filters.compile import camel

MAX_LENGTH = 512  # characters


@dataclass(frozen=True)
class Key:
    """One sort key. `nullable` is true for whatever is not a NOT NULL column."""

    name: str
    column: ColumnElement
    descending: bool

    @property
    def nullable(self) -> bool:
        return getattr(self.column, "nullable", True)

    def clause(self) -> ColumnElement:
        directed = self.column.desc() if self.descending else self.column.asc()
        # Only where it changes something: an index on (key) cannot serve `DESC NULLS LAST`.
        return directed.nulls_last() if self.descending and self.nullable else directed


@dataclass(frozen=True)
class Ordering:
    """The keys of one List call. The last is the id."""

    keys: tuple[Key, ...]

    def clauses(self) -> tuple[ColumnElement, ...]:
        return tuple(key.clause() for key in self.keys)

    def __str__(self) -> str:
        return ",".join(f"{key.name} desc" if key.descending else key.name for key in self.keys)


class Orders:
    """What one resource can be ordered by. `default` is an order; `tie` is the name of its unique id in `columns`."""

    def __init__(self, columns: Mapping[str, ColumnElement], *, default: str, tie: str):
        self._columns = dict(columns)
        self._names = {spelling: name for name in columns for spelling in (camel(name), name)}
        self._default = default
        self._tie = tie

    def parse(self, order_by: str) -> Ordering:
        """Read an order; the default one when it is empty. Raises FilterInvalid."""
        if len(order_by) > MAX_LENGTH:
            _refuse(f"It has {len(order_by)} characters; shorten it to at most {MAX_LENGTH}.")
        keys: list[Key] = []
        for part in (order_by if order_by.strip() else self._default).split(","):
            key = self._key(part.split())
            if any(key.name == earlier.name for earlier in keys):
                _refuse(f"{key.name} is named twice; keep one of them.")
            keys.append(key)
        if all(key.name != self._tie for key in keys):
            keys.append(Key(self._tie, self._columns[self._tie], keys[-1].descending))
        return Ordering(tuple(keys))

    def describe(self) -> tuple[str, ...]:
        """Every name that an order can hold."""
        return tuple(self._columns)

    def _key(self, words: list[str]) -> Key:
        if not words:
            _refuse("A name is missing before or after a comma.")
        name = self._names.get(words[0])
        if name is None:
            known = ", ".join(self._columns)
            near = difflib.get_close_matches(words[0][:80], self._names, n=1)
            hint = f" Did you mean {self._names[near[0]]}?" if near else ""
            _refuse(f'There is no field "{words[0][:80]}" to order by.{hint} Known: {known}.', known=known)
        if words[1:] not in ([], ["asc"], ["desc"]):
            _refuse(f"After {name} only asc, desc or a comma may stand.")
        return Key(name, self._columns[name], words[1:] == ["desc"])


def _refuse(problem: str, **metadata: object) -> NoReturn:
    message = f"The order is wrong: {problem}"
    raise FilterInvalid(message, violations=(("order_by", message),), **metadata)
