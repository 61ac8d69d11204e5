"""The grammar of AIP-160 filters: text to tree, and back.

    filter      : [expression]
    expression  : sequence {AND sequence}
    sequence    : factor {factor}                 terms side by side mean AND
    factor      : term {OR term}                  OR binds tighter than AND
    term        : [NOT | -] simple
    simple      : restriction | "(" expression ")"
    restriction : path [comparator argument]      without a comparator: search for this text everywhere
    argument    : text | string | "(" expression ")"

`field:(a OR b)` is read as `field:a OR field:b`. Functions, which the AIP leaves to each service, are refused.
The tree knows nothing of fields or SQL. It compares equal without regard to positions, so that for every tree
`parse(unparse(tree)) == tree`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from threed.errors import FilterInvalid

MAX_LENGTH = 2048  # characters
MAX_DEPTH = 32  # open parentheses
KEYWORDS = frozenset({"AND", "OR", "NOT"})
COMPARATORS = ("<=", ">=", "!=", "=", "<", ">", ":")  # the longer first: they are tried in this order
PUNCTUATION = frozenset("()\"',<>=!\\")  # ends a bare word on either side of a comparator
PATH_PUNCTUATION = PUNCTUATION | frozenset(".:")


@dataclass(frozen=True)
class Value:
    """What a field is compared with: the pieces between wildcards, so that one piece means no wildcard."""

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return "*".join(self.pieces)

    @property
    def has_wildcard(self) -> bool:
        return len(self.pieces) > 1

    @property
    def is_any(self) -> bool:
        """A lone `*`, which after `:` asks for presence."""
        return self.pieces == ("", "")


@dataclass(frozen=True)
class Restriction:
    """`path comparator value`. `at` is where it starts, counted from 1; `value_at` likewise."""

    path: tuple[str, ...]
    comparator: str
    value: Value
    at: int = field(default=1, compare=False)
    value_at: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Search:
    """A word on its own, to be found in any of the resource's searched fields."""

    value: Value
    at: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Not:
    part: Tree


@dataclass(frozen=True)
class And:
    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Tree, ...]


Tree: TypeAlias = Restriction | Search | Not | And | Or


def parse(text: str) -> Tree | None:
    """Read a filter; None when it is empty. Raises FilterInvalid, and nothing else, whatever the text."""
    if len(text) > MAX_LENGTH:
        refuse(f"It has {len(text)} characters; shorten it to at most {MAX_LENGTH}.", MAX_LENGTH + 1)
    for at, sign in enumerate(text, start=1):
        if sign == "\0" or "\ud800" <= sign <= "\udfff":
            refuse("It contains a character that text cannot have (NUL or half a surrogate pair); remove it.", at)
    return _Parser(text).filter()


def unparse(tree: Tree | None) -> str:
    """Write a tree as a filter that parses to the same tree."""
    match tree:
        case None:
            return ""
        case Restriction(path, comparator, value):
            return ".".join(_segment(name, first=i == 0) for i, name in enumerate(path)) + comparator + _argument(value)
        case Search(value):
            return _word(value)
        case Not(part):
            return "NOT " + _enclosed(part, And, Or, Not)
        case Or(parts):
            return " OR ".join(_enclosed(part, And, Or) for part in parts)
        case And(parts):
            return " AND ".join(_enclosed(part, And) for part in parts)


def refuse(problem: str, at: int, **metadata: object) -> NoReturn:
    """Raise FilterInvalid for the character `at`, counted from 1."""
    message = f"The filter is wrong at character {at}: {problem}"
    raise FilterInvalid(message, violations=(("filter", message),), position=at, **metadata)


def _enclosed(part: Tree, *kinds: type) -> str:
    return f"({unparse(part)})" if isinstance(part, kinds) else unparse(part)


def _quoted(pieces: tuple[str, ...], star: str) -> str:
    escaped = (piece.replace("\\", "\\\\").replace('"', '\\"').replace("*", star) for piece in pieces)
    return '"' + "*".join(escaped) + '"'


def _bare(text: str, ends: frozenset[str]) -> bool:
    return bool(text) and not any(sign in ends or sign.isspace() for sign in text)


def _segment(name: str, *, first: bool) -> str:
    bare = _bare(name, PATH_PUNCTUATION) and not name.startswith("-") and not (first and name in KEYWORDS)
    return name if bare else _quoted((name,), star="*")


def _argument(value: Value) -> str:
    literal_star = any("*" in piece for piece in value.pieces)
    bare = _bare(value.text, PUNCTUATION) and not literal_star and value.text not in KEYWORDS
    return value.text if bare else _quoted(value.pieces, star="\\*")


def _word(value: Value) -> str:
    literal_star = any("*" in piece for piece in value.pieces)
    bare = _segment(value.text, first=True) == value.text and not literal_star
    return value.text if bare else _quoted(value.pieces, star="\\*")


class _Parser:
    """Recursive descent over the characters themselves: what ends a word depends on the side of the comparator."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.depth = 0

    def filter(self) -> Tree | None:
        self._space()
        if self.at == len(self.text):
            return None
        tree = self._expression()
        if self.at < len(self.text):
            self._refuse(f"{self._rest()} is not expected here.")
        return tree

    def _expression(self) -> Tree:
        parts = [self._factor()]
        while True:
            if self._keyword("AND") or self._starts_a_term():
                parts.append(self._factor())
            else:
                return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _factor(self) -> Tree:
        parts = [self._term()]
        while self._keyword("OR"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _term(self) -> Tree:
        self._space()
        if self._keyword("NOT"):
            self._space()
            return Not(self._simple())
        if self._next() == "-":
            self.at += 1
            return Not(self._simple())
        return self._simple()

    def _simple(self) -> Tree:
        return self._group() if self._next() == "(" else self._restriction()

    def _group(self) -> Tree:
        opened = self.at
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse(f"Parentheses nest more than {MAX_DEPTH} deep; flatten the filter.")
        self.at += 1
        tree = self._expression()
        if self._next() != ")":
            self._refuse(f"The parenthesis opened at character {opened + 1} is not closed before {self._rest()}.")
        self.at += 1
        self.depth -= 1
        self._space()
        return tree

    def _restriction(self) -> Tree:
        start = self.at
        path, first = self._path()
        self._no_function()
        self._space()
        comparator = next((c for c in COMPARATORS if self.text.startswith(c, self.at)), None)
        if comparator is None:
            value = first if len(path) == 1 else _pieces(".".join(path))
            return Search(value, start + 1)
        self.at += len(comparator)
        self._space()
        value_at = self.at
        if self._next() == "(":
            return self._distribute(self._group(), path, comparator, start)
        value = self._value(comparator)
        self._space()
        return Restriction(path, comparator, value, start + 1, value_at + 1)

    def _distribute(self, tree: Tree, path: tuple[str, ...], comparator: str, start: int) -> Tree:
        match tree:
            case Search(value, at):
                return Restriction(path, comparator, value, start + 1, at)
            case Not(part):
                return Not(self._distribute(part, path, comparator, start))
            case And(parts) | Or(parts):
                return type(tree)(tuple(self._distribute(part, path, comparator, start) for part in parts))
            case Restriction():
                refuse("Inside the parentheses after a comparator only values may stand.", tree.at)

    def _path(self) -> tuple[tuple[str, ...], Value]:
        """The names between dots, and the first of them as a value, in case it turns out to be a searched word."""
        first = self._name("A field or a word")
        if len(first.pieces) == 1 and first.text in KEYWORDS and self.text[self.at - 1] not in "\"'":
            self.at -= len(first.text)
            self._refuse(f"{first.text} stands where a term is expected. Quote it if the word itself is meant.")
        names = [first.text]
        while self._next() == ".":
            self.at += 1
            names.append(self._name("A name after the dot").text)
        return tuple(names), first

    def _name(self, wanted: str) -> Value:
        if self._next() in ("'", '"'):
            return self._string()
        start = self.at
        word = self._take(PATH_PUNCTUATION)
        if not word or word.startswith("-"):
            self.at = start
            self._refuse(f"{wanted} is expected, not {self._rest()}.")
        return _pieces(word)

    def _value(self, comparator: str) -> Value:
        if self._next() in ("'", '"'):
            return self._string()
        start = self.at
        word = self._take(PUNCTUATION)
        if not word or word in KEYWORDS:
            self.at = start
            self._refuse(f"A value is expected after {comparator}, not {self._rest()}; quote it if it has such signs.")
        self._no_function()
        return _pieces(word)

    def _no_function(self) -> None:
        if self._next() == "(":
            self._refuse("Functions are not supported; compare a field with a value, as in size_bytes > 1000.")

    def _string(self) -> Value:
        r"""A string in either kind of quotes. A backslash makes the next quote, backslash or star literal."""
        start, quote = self.at, self._next()
        self.at += 1
        pieces = [""]
        while (sign := self._next()) != quote:
            if sign == "\\":
                self.at += 1
                sign = self._next()
                if sign not in ("'", '"', "\\", "*"):
                    self._refuse(r"In a string a backslash stands before a quote, a star or a backslash: write \\.")
                pieces[-1] += sign
            elif sign == "*":
                pieces.append("")
            elif sign == "":
                self._refuse(f"The string opened at character {start + 1} is not closed.")
            else:
                pieces[-1] += sign
            self.at += 1
        self.at += 1
        return Value(tuple(pieces))

    def _take(self, ends: frozenset[str]) -> str:
        start = self.at
        while (sign := self._next()) and sign not in ends and not sign.isspace():
            self.at += 1
        return self.text[start : self.at]

    def _keyword(self, word: str) -> bool:
        end = self.at + len(word)
        after = self.text[end : end + 1]
        if not self.text.startswith(word, self.at) or not (after.isspace() or after == "("):
            return False
        self.at = end
        self._space()
        return True

    def _starts_a_term(self) -> bool:
        """Whether another term follows without AND. A term needs white space or a parenthesis before it."""
        if self.at == len(self.text) or self._next() == ")":
            return False
        before = self.text[self.at - 1]
        return (before.isspace() or before == ")" or self._next() == "(") and not self._keyword_ahead("OR")

    def _keyword_ahead(self, word: str) -> bool:
        at = self.at
        found = self._keyword(word)
        self.at = at
        return found

    def _space(self) -> None:
        while self._next().isspace():
            self.at += 1

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _rest(self) -> str:
        rest = self.text[self.at : self.at + 20]
        return f'"{rest}"' if rest else "the end"

    def _refuse(self, problem: str) -> NoReturn:
        refuse(problem, self.at + 1)


def _pieces(word: str) -> Value:
    return Value(tuple(word.split("*")))
