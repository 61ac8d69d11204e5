"""The types a filterable field can have: which comparators each takes, and the SQL each becomes.

Every type is made of a SQL expression (a column, or part of a JSONB column). What the caller wrote goes into bind
parameters only. `:` with a lone star asks whether the field is set; `!=` also matches where it is not set.
"""

from __future__ import annotations

import datetime
import math
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Double,
    Interval,
    Numeric,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy import Boolean as SqlBoolean
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy import Text as SqlText
from sqlalchemy import Uuid as SqlUuid
from sqlalchemy.dialects.postgresql import JSONB

from threed import ids
from threed.errors import IdInvalid
from threed.records.filters.grammar import Value

ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
EQUALITY = ("=", "!=", ":")
EVERY = ("=", "!=", "<", "<=", ">", ">=", ":")


class Misfit(Exception):
    """Raised when a value or comparator does not fit a field's type. The compiler adds field and position."""


class Field(Protocol):
    """What the compiler asks of a type. `rest` is the path below the declared name: only a Struct has one."""

    kind: ClassVar[str]
    comparators: ClassVar[tuple[str, ...]]

    def compare(self, rest: tuple[str, ...], comparator: str, value: Value) -> ColumnElement[bool]: ...


class _Scalar:
    """One value that compares as a whole: `:` is `=`, except for the lone star."""

    column: ColumnElement
    comparators = EVERY

    def read(self, text: str) -> ColumnElement:
        """The value as a bind parameter of the field's type. Raises Misfit."""
        raise NotImplementedError

    def compare(self, rest: tuple[str, ...], comparator: str, value: Value) -> ColumnElement[bool]:
        if comparator == ":" and value.is_any:
            return self.column.is_not(None)
        if comparator in ORDER:
            return ORDER[comparator](self.column, self.read(value.text))
        if comparator == "!=":
            return self.column.is_distinct_from(self.read(value.text))
        return self.column == self.read(value.text)


@dataclass(frozen=True)
class Integer(_Scalar):
    """A whole number of 64 bits."""

    column: ColumnElement
    kind = "integer"

    def read(self, text: str) -> ColumnElement:
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise Misfit("it is compared with a whole number, such as 1000")
        if not -(2**63) <= (number := int(text)) < 2**63:
            raise Misfit("it is compared with a whole number of at most 64 bits")
        return literal(number, BigInteger())


@dataclass(frozen=True)
class Number(_Scalar):
    """A double."""

    column: ColumnElement
    kind = "number"

    def read(self, text: str) -> ColumnElement:
        return literal(_number(text), Double())


@dataclass(frozen=True)
class Boolean(_Scalar):
    column: ColumnElement
    kind = "boolean"
    comparators = EQUALITY

    def read(self, text: str) -> ColumnElement:
        if text not in ("true", "false"):
            raise Misfit("it is compared with true or false")
        return literal(text == "true", SqlBoolean())


@dataclass(frozen=True)
class Timestamp(_Scalar):
    """A point in time, to the microsecond."""

    column: ColumnElement
    kind = "timestamp"

    def read(self, text: str) -> ColumnElement:
        return literal(_timestamp(text), SqlDateTime(timezone=True))


@dataclass(frozen=True)
class Duration(_Scalar):
    """An interval, written in seconds: 90s, 1.5s."""

    column: ColumnElement
    kind = "duration"

    def read(self, text: str) -> ColumnElement:
        if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,9})?s", text):
            raise Misfit("it is compared with seconds and an s, such as 90s or 1.5s")
        return literal(datetime.timedelta(seconds=float(text[:-1])), Interval())


@dataclass(frozen=True)
class Enum(_Scalar):
    """One of the declared names. `values` maps each name to what the column stores."""

    column: ColumnElement
    values: Mapping[str, object]
    kind = "enum"
    comparators = EQUALITY

    def read(self, text: str) -> ColumnElement:
        if text not in self.values:
            raise Misfit(f"it is compared with one of {', '.join(self.values)}")
        return literal(self.values[text], self.column.type)


@dataclass(frozen=True)
class Id(_Scalar):
    """A public id, whose UUID the column stores. `resource` is a key of `ids.PREFIXES`."""

    column: ColumnElement
    resource: str
    kind = "id"
    comparators = EQUALITY

    def read(self, text: str) -> ColumnElement:
        try:
            return literal(ids.parse(self.resource, text), SqlUuid())
        except IdInvalid:
            raise Misfit(f"it is compared with an id that begins with {ids.PREFIXES[self.resource]}") from None


@dataclass(frozen=True)
class Text:
    """A string. `=` is exact and takes wildcards; `:` finds the text anywhere in it, in either case."""

    column: ColumnElement
    kind: ClassVar[str] = "text"
    comparators: ClassVar[tuple[str, ...]] = EVERY

    def compare(self, rest: tuple[str, ...], comparator: str, value: Value) -> ColumnElement[bool]:
        if comparator == ":":
            return self.column != "" if value.is_any else contains(self.column, value)
        if comparator in ORDER:
            return ORDER[comparator](self.column, literal(value.text, SqlText()))
        equal = matches(self.column, value)
        return equal if comparator == "=" else equal.is_not(True)


@dataclass(frozen=True)
class TextList:
    """An array of strings: `tags:red` is true where one of them is red, `tags:*` where there is any."""

    column: ColumnElement
    kind: ClassVar[str] = "list of text"
    comparators: ClassVar[tuple[str, ...]] = (":",)

    def compare(self, rest: tuple[str, ...], comparator: str, value: Value) -> ColumnElement[bool]:
        if value.is_any:
            return func.cardinality(self.column) > 0
        if value.has_wildcard:
            element = func.unnest(self.column, type_=SqlText()).column_valued("element")
            return exists(select(element).where(matches(element, value)))
        # Containment, not = ANY, because only containment uses a GIN index.
        return self.column.op("@>", is_comparison=True)(literal([value.text], ARRAY(SqlText())))


@dataclass(frozen=True)
class JsonList:
    """A TextList that is stored as a JSONB array, as `model.extensions_used` is. Anything but an array has nothing."""

    column: ColumnElement
    kind: ClassVar[str] = "list of text"
    comparators: ClassVar[tuple[str, ...]] = (":",)

    def compare(self, rest: tuple[str, ...], comparator: str, value: Value) -> ColumnElement[bool]:
        if not value.has_wildcard:
            return self.column.op("@>", is_comparison=True)(literal([value.text], JSONB()))
        # CASE, because the function fails on what is not an array, and AND does not promise which side comes first.
        is_array = func.jsonb_typeof(self.column) == "array"
        elements = func.jsonb_array_elements_text(case((is_array, self.column), else_=literal([], JSONB())))
        element = elements.column_valued("element")
        return exists(select(element).where(true() if value.is_any else matches(cast(element, SqlText()), value)))


@dataclass(frozen=True)
class Struct:
    """A JSONB object of the caller's own keys: `metadata.author = "Ada"`, `metadata.author:*`, `metadata:author`.

    A value that reads as a number or boolean equals both that and its text. `<` and its kin compare numbers where
    the value reads as one, else text, and are false where the stored value is of the other type.
    """

    column: ColumnElement
    kind: ClassVar[str] = "struct"
    comparators: ClassVar[tuple[str, ...]] = EVERY

    def compare(self, rest: tuple[str, ...], comparator: str, value: Value) -> ColumnElement[bool]:
        if not rest:
            return self._has_key(comparator, value)
        node = func.jsonb_extract_path(self.column, *rest, type_=JSONB())
        text = func.jsonb_extract_path_text(self.column, *rest, type_=SqlText())
        if comparator == ":":
            return node.is_not(None) if value.is_any else self._has(node, text, value)
        if comparator in ORDER:
            return self._ordered(node, text, comparator, value)
        equal = matches(text, value) if value.has_wildcard else self._equals(rest, value)
        return equal if comparator == "=" else equal.is_not(True)

    def _has_key(self, comparator: str, value: Value) -> ColumnElement[bool]:
        if comparator != ":":
            raise Misfit("it is compared by its keys, as in metadata.author, or with : and the name of a key")
        if value.is_any:
            return self.column != literal({}, JSONB())
        return self.column.op("?", is_comparison=True)(literal(value.text, SqlText()))

    def _equals(self, rest: tuple[str, ...], value: Value) -> ColumnElement[bool]:
        """By containment, so that a GIN index on the column serves it."""
        candidates = []
        for scalar in _json_scalars(value.text):
            tree: object = scalar
            for key in reversed(rest):
                tree = {key: tree}
            candidates.append(self.column.op("@>", is_comparison=True)(literal(tree, JSONB())))
        return or_(*candidates)

    def _has(self, node: ColumnElement, text: ColumnElement, value: Value) -> ColumnElement[bool]:
        """A key of an object, an element of a list, or a part of a text."""
        elements = [node.op("@>", is_comparison=True)(literal(scalar, JSONB())) for scalar in _json_scalars(value.text)]
        key = node.op("?", is_comparison=True)(literal(value.text, SqlText()))
        part = and_(func.jsonb_typeof(node) == "string", contains(text, value))
        return or_(key, part, *elements)

    def _ordered(self, node: ColumnElement, text: ColumnElement, comparator: str, value: Value) -> ColumnElement[bool]:
        # CASE, because AND does not promise that the type is checked before the cast.
        kind = func.jsonb_typeof(node)
        try:
            number = literal(_number(value.text), Double())
        except Misfit:
            return case((kind == "string", ORDER[comparator](text, literal(value.text, SqlText()))), else_=false())
        return case(
            (kind == "number", ORDER[comparator](cast(node, Numeric()), cast(number, Numeric()))), else_=false()
        )


def json_count(column: ColumnElement, key: str) -> ColumnElement[int]:
    """A whole number in a message that is stored as JSON, for Integer and for orders: `model.triangle_count`.

    Proto3 JSON writes 64 bits as text and leaves zeros out: a missing key is 0 where there is a message at all.
    """
    return case((column.is_not(None), func.coalesce(cast(column[key].astext, BigInteger()), 0)))


def matches(column: ColumnElement, value: Value) -> ColumnElement[bool]:
    """The whole text, each wildcard standing for any characters, also none."""
    if not value.has_wildcard:
        return column == literal(value.text, SqlText())
    return column.like(literal("%".join(_literally(piece) for piece in value.pieces), SqlText()))


def contains(column: ColumnElement, value: Value) -> ColumnElement[bool]:
    """The text anywhere, in either case."""
    return column.ilike(literal("%" + "%".join(_literally(piece) for piece in value.pieces) + "%", SqlText()))


def _literally(piece: str) -> str:
    """The signs of LIKE as themselves; its default escape is the backslash."""
    return piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _json_scalars(text: str) -> list[object]:
    """What a stored JSON value may be to equal this text."""
    scalars: list[object] = [text]
    if text in ("true", "false"):
        scalars.append(text == "true")
    elif re.fullmatch(r"-?[0-9]{1,18}", text):
        scalars.append(int(text))
    else:
        try:
            scalars.append(_number(text))
        except Misfit:
            pass
    return scalars


def _number(text: str) -> float:
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) and math.isfinite(float(text)):
        return float(text)
    raise Misfit("it is compared with a finite number, such as 0.5 or 2e6")


def _timestamp(text: str) -> datetime.datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", text, re.ASCII):
        raise Misfit("it is compared with an RFC 3339 time, such as 2026-11-21T10:00:00Z")
    try:
        return datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise Misfit("it is compared with a time that exists, from year 1 to 9999") from None
