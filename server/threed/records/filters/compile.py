"""Filters to SQL: a typed allow-list of fields per resource, and the WHERE clause that a filter becomes.

    ASSETS = Fields(
        {"display_name": Text(assets.c.display_name), "model.triangle_count": Integer(assets.c.triangle_count)},
        search=(assets.c.display_name,),
    )
    select(assets).where(ASSETS.where(request.filter))

Names are accepted as the contract writes them (display_name) and as its JSON does (displayName). No identifier in the
SQL comes from the caller.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from sqlalchemy import ColumnElement, and_, not_, or_, true

from threed.records.filters.fields import Field, Misfit, contains
from threed.records.filters.grammar import And, Not, Or, Restriction, Search, Tree, parse, refuse


class Described(NamedTuple):
    """One line of the documentation of a resource's fields."""

    name: str
    kind: str
    comparators: tuple[str, ...]


class Fields:
    """What of one resource can be filtered. Names are paths in snake_case; `search` is where bare words are sought."""

    def __init__(self, fields: Mapping[str, Field], *, search: Sequence[ColumnElement] = ()):
        self._fields = {tuple(name.split(".")): field for name, field in fields.items()}
        self._search = tuple(search)
        self._declared = {spelling: name for path in self._fields for name in path for spelling in (camel(name), name)}

    def where(self, text: str) -> ColumnElement[bool]:
        """The condition of a filter; true for an empty one. Raises FilterInvalid."""
        tree = parse(text)
        return true() if tree is None else self._condition(tree)

    def describe(self) -> tuple[Described, ...]:
        """Every field that a filter can name, for documentation and for messages."""
        return tuple(Described(".".join(path), field.kind, field.comparators) for path, field in self._fields.items())

    def _condition(self, tree: Tree) -> ColumnElement[bool]:
        match tree:
            case And(parts):
                return and_(*map(self._condition, parts))
            case Or(parts):
                return or_(*map(self._condition, parts))
            case Not(part):
                # A comparison with an unset field is NULL, which NOT would keep: such rows must match `NOT a = b`.
                return not_(self._condition(part).is_(True))
            case Restriction():
                return self._restriction(tree)
            case Search(value, at):
                if not self._search:
                    refuse("This resource has no text to search for a bare word; name a field.", at)
                return or_(*(contains(column, value) for column in self._search))

    def _restriction(self, restriction: Restriction) -> ColumnElement[bool]:
        name, field, rest = self._find(restriction)
        comparator, value = restriction.comparator, restriction.value
        if comparator not in field.comparators:
            problem = f"{name} ({field.kind}) takes {' '.join(field.comparators)}, not {comparator}."
            refuse(problem, restriction.at, filter_field=name)
        try:
            return field.compare(rest, comparator, value)
        except Misfit as misfit:
            refuse(f'"{value.text[:40]}" does not fit {name}: {misfit}.', restriction.value_at, filter_field=name)

    def _find(self, restriction: Restriction) -> tuple[str, Field, tuple[str, ...]]:
        """The declared field that is the path, or a Struct that is the longest beginning of it."""
        path = restriction.path
        for length in range(len(path), 0, -1):
            declared = tuple(self._declared.get(name, name) for name in path[:length])
            field = self._fields.get(declared)
            if field is not None and (length == len(path) or field.kind == "struct"):
                return ".".join(declared), field, path[length:]
        self._unknown(".".join(path), restriction.at)

    def _unknown(self, name: str, at: int) -> NoReturn:
        known = [".".join(path) for path in self._fields]
        near = difflib.get_close_matches(snake(name[:80]), known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        refuse(
            f'There is no field "{name[:80]}" to filter by.{hint} Known: {", ".join(known)}.',
            at,
            filter_field=name[:80],
            known=",".join(known),
        )


def camel(name: str) -> str:
    """A name as proto3 JSON writes it: display_name is displayName."""
    return re.sub(r"_(.)", lambda match: match.group(1).upper(), name)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)
