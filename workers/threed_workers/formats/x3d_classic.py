"""The text encodings: VRML97 (ISO/IEC 14772-1) and ClassicVRML of X3D (ISO/IEC 19776-2).

Lists of numbers are taken out as they stand and read by numpy; everything else goes through a small tokenizer. Nodes
nest on a stack of our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from threed.errors import FileMalformed, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.formats.source import Source
from threed_workers.formats.x3d_model import Node, Route, World
from threed_workers.formats.xml import MOST_DEEP, MOST_KEPT

_SPACE = re.compile(r"(?:[\s,]+|#[^\n\r]*)*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s,{}\[\]"#]+', re.S)
_VALUE = re.compile(r'["+\-.0-9]|(?:TRUE|FALSE|true|false)(?![\w.\-])')
_PLAIN = re.compile(r"[^\]\[{}\"#]*")
_SKIPPED = {"PROFILE": 1, "COMPONENT": 1, "META": 2, "EXPORT": 1, "IMPORT": 1}
_MOST_METADATA = 100


@dataclass
class _Open:
    """A node whose braces are open, and the field whose brackets are, if any."""

    node: Node
    list_of: str | None = None


def read_world(source: Source, budget: Budget) -> World:
    """Raises FileMalformed or FileTooComplex."""
    text = bytes(source.data).decode("utf-8", "replace")
    return _Reading(text, World(source, budget)).read()


class _Reading:
    """One pass over the text."""

    def __init__(self, text: str, world: World):
        self.text, self.world = text, world
        self.place = 0
        self.count = 0
        self.open = [_Open(Node("Scene"))]

    def read(self) -> World:
        while True:
            token = self.peek()
            if token is None:
                break
            self.step(token)
        if len(self.open) > 1:
            self.refuse("The file ends within a node. Upload it again.")
        self.world.nodes = [node for _, node in self.open[0].node.nodes]
        return self.world

    def step(self, token: str) -> None:
        """One statement: the start or end of a node or list, a field, or what stands beside nodes."""
        top = self.open[-1]
        if token == "}":
            if len(self.open) == 1 or top.list_of is not None:
                self.refuse("A brace closes what was never opened.")
            self.take()
            self.open.pop()
        elif token == "]":
            if top.list_of is None:
                self.refuse("A bracket closes what was never opened.")
            self.take()
            top.list_of = None
        elif token == "ROUTE":
            self.route()
        elif token in ("PROTO", "EXTERNPROTO"):
            self.skip_proto(token)
        elif top.list_of is not None:
            self.node(top.list_of)
        elif len(self.open) == 1:
            self.statement(token)
        else:
            self.field(top)

    def statement(self, token: str) -> None:
        """At the top: a node, or a word about the file."""
        if token == "META":
            self.take()
            name, content = (self.take().strip('"') for _ in range(2))
            if len(self.world.metadata) < _MOST_METADATA:
                self.world.metadata.setdefault(name[:100], content[:1000])
        elif token == "UNIT":
            self.take()
            category, _, factor = self.take(), self.take(), self.take()
            if category == "length":
                self.world.metres = Node("UNIT", fields={"factor": factor}).number("factor", 1.0)
        elif token in _SKIPPED:
            for _ in range(1 + _SKIPPED[token]):
                self.take()
            if self.peek() == "AS":
                self.take(), self.take()
        else:
            self.node("")

    def node(self, field: str) -> None:
        """USE of one, or the beginning of one: what is within comes in further steps."""
        parent = self.open[-1].node
        word, name = self.take(), ""
        if word == "NULL":
            return
        if word == "USE":
            used = self.take()
            found = self.world.names.get(used)
            if found is None:
                text = f"USE {used[:60]!r} names no node that was defined before; it is left out."
                self.world.findings.warning("REFERENCE_DANGLING", parent.where, text)
            else:
                parent.nodes.append((field, found))
            return
        if word == "DEF":
            name, word = self.take(), self.take()
        if self.take() != "{":
            self.refuse(f"{word[:40]!r} is no node: no brace follows.")
        node = Node(word, name)
        if name:
            self.world.names[name] = node
        parent.nodes.append((field, node))
        self.open.append(_Open(node))
        self.count += 1
        if len(self.open) > MOST_DEEP or self.count > MOST_KEPT:
            message = f"The file nests deeper than {MOST_DEEP}, or has more than {MOST_KEPT} nodes."
            raise FileTooComplex(message, where=self.where())

    def field(self, top: _Open) -> None:
        """A name, and its value: text, a node, or a list of either. Words of scripts and prototypes have none."""
        name = self.take()
        token = self.peek()
        if token is None:
            self.refuse("The file ends within a node. Upload it again.")
        if token == "[":
            self.take()
            inner = self.peek()
            if inner is not None and (inner == "]" or _VALUE.match(inner)):
                top.node.fields[name] = self.values()
            else:
                top.list_of = name
        elif _VALUE.match(token):
            found = []
            while token is not None and _VALUE.match(token):
                found.append(self.take())
                token = self.peek()
            top.node.fields[name] = " ".join(found)
        elif token in ("DEF", "USE", "NULL") or self.begins_node():
            self.node(name)
        elif token == "IS":
            self.take(), self.take()

    def values(self) -> str:
        """The text up to the closing bracket, without comments."""
        plain = _PLAIN.match(self.text, self.place)
        if plain.end() < len(self.text) and self.text[plain.end()] == "]":
            self.place = plain.end() + 1
            return plain.group()
        found = []
        while (token := self.take()) != "]":
            if token in "[{}":
                self.refuse("A list of values holds something else.")
            found.append(token)
        return " ".join(found)

    def route(self) -> None:
        self.take()
        source, to, target = self.take(), self.take(), self.take()
        if to != "TO":
            self.refuse("A ROUTE leads nowhere: it should say ROUTE a.b TO c.d.")
        names = (*source.partition(".")[::2], *target.partition(".")[::2])
        self.world.routes.append(Route(*names))

    def skip_proto(self, kind: str) -> None:
        """Its name, its interface, and its body, or the addresses that it is at."""
        self.take(), self.take()
        self.skip_group()
        if kind == "PROTO" or self.peek() == "[":
            self.skip_group()
        else:
            self.take()
        self.world.findings.lose("prototypes", "Only the nodes of the standard are read.")

    def skip_group(self) -> None:
        depth = 0
        while True:
            token = self.take()
            depth += (token in "[{") - (token in "]}")
            if depth <= 0:
                return

    def begins_node(self) -> bool:
        """Does a brace follow the next word?"""
        after = _TOKEN.match(self.text, self.place)
        place = _SPACE.match(self.text, after.end()).end() if after else self.place
        return self.text.startswith("{", place)

    def peek(self) -> str | None:
        self.place = _SPACE.match(self.text, self.place).end()
        found = _TOKEN.match(self.text, self.place)
        if found is None:
            if self.place < len(self.text):
                self.refuse("A text has no end.")
            return None
        return found.group()

    def take(self) -> str:
        token = self.peek()
        if token is None:
            self.refuse("The file ends within a statement. Upload it again.")
        self.place += len(token)
        return token

    def where(self) -> str:
        return f"line {self.text.count(chr(10), 0, self.place) + 1}"

    def refuse(self, message: str) -> NoReturn:
        raise FileMalformed(message, where=self.where())
