"""The one door through which XML comes in (W3C, "Extensible Markup Language 1.0" and "Namespaces in XML 1.0").

Entities are neither declared nor expanded, nothing is ever fetched, and what a tree may cost is bounded before it is
built. Expat keeps no stack of its own, so depth costs memory only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn
from xml.etree.ElementTree import Element
from xml.parsers import expat

from threed.errors import FileEmpty, FileMalformed, FileTooComplex

Taker = Callable[[Element, Element], None]

# No scene is deeper: a glTF node may be 1000 deep (budget.py), and its element lies in a few others.
MOST_DEEP = 1100
# Elements of the tree take some 500 bytes each. Those that are taken while reading (`taken`) cost nothing.
MOST_KEPT = 2_000_000
MOST_BYTES = 1 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Tree:
    """`prefixes` are the namespaces by prefix as the root declares them; "" is the default namespace."""

    root: Element
    prefixes: dict[str, str]


def parse(
    data: bytes | memoryview,
    *,
    where: str = "",
    taken: Mapping[str, Taker] | None = None,
    namespaces: bool = True,
    doctype: bool = False,
) -> Tree:
    """The elements of `data`, of whatever encoding it declares.

    Names are "{uri}local" as in ElementTree, or "prefix:local" as they stand when `namespaces` is False (for formats
    whose files forget to declare prefixes). `text` is what stands before an element's first child; what stands behind
    children (`tail`), comments and instructions are not kept.

    `taken` names elements of which there may be millions: such an element is given to its function, as (parent,
    element), when it ends, and does not stay in the tree.

    `doctype` lets a document type declaration pass that declares nothing itself (X3D has one); the address in it is
    not read. `where` comes before the line in errors: the name of the part, when there are several.

    Raises FileEmpty, FileMalformed for what is not well-formed, has a document type or refers to entities, and
    FileTooComplex beyond MOST_DEEP, MOST_KEPT or MOST_BYTES.
    """
    return _Reading(where, taken or {}, namespaces, doctype).read(memoryview(data))


def local(tag: str) -> str:
    """The name without its namespace or prefix.

    >>> local("{http://www.web3d.org}Shape"), local("x3d:Shape"), local("Shape")
    ('Shape', 'Shape', 'Shape')
    """
    return tag.rpartition("}")[2].rpartition(":")[2]


class _Reading:
    """One pass of expat over one document."""

    def __init__(self, where: str, taken: Mapping[str, Taker], namespaces: bool, doctype: bool):
        self.where, self.taken, self.allows_doctype = where, taken, doctype
        self.open: list[Element] = []
        self.text: list[str] = []
        self.kept = 0
        self.root: Element | None = None
        self.prefixes: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.parser = expat.ParserCreate(namespace_separator="}" if namespaces else None)
        self.parser.buffer_text = True
        self.parser.buffer_size = 1 << 16
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        self.parser.StartNamespaceDeclHandler = self.namespace
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.entity
        self.parser.SkippedEntityHandler = self.entity
        self.parser.ExternalEntityRefHandler = self.entity

    def read(self, data: memoryview) -> Tree:
        if not len(data):
            raise FileEmpty("The XML has no bytes. Export the model again.", where=self.where or "byte 0")
        if len(data) > MOST_BYTES:
            self.refuse(FileTooComplex, f"The XML has {len(data)} bytes; the limit is {MOST_BYTES}.")
        try:
            for place in range(0, len(data), _CHUNK):
                self.parser.Parse(data[place : place + _CHUNK], False)
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            message = f"The XML is not well-formed: {expat.ErrorString(error.code)}. Export the model again."
            self.refuse(FileMalformed, message)
        except (LookupError, ValueError):
            if self.root is not None:
                raise
            self.refuse(FileMalformed, "The XML is of an unknown encoding. Save it as UTF-8.")
        assert self.root is not None  # expat: "no element found"
        return Tree(self.root, self.prefixes)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        for key in attributes:
            if "}" in key:
                attributes = {self.name(key): value for key, value in attributes.items()}
                break
        element = Element(self.names.get(tag) or self.name(tag), attributes)
        self.kept += 1
        if self.open:
            parent = self.open[-1]
            if parent.text is None:
                parent.text = "".join(self.text)
            if element.tag not in self.taken:
                parent.append(element)
        else:
            self.root = element
        self.text.clear()
        self.open.append(element)
        if len(self.open) > MOST_DEEP:
            self.refuse(FileTooComplex, f"The XML is more than {MOST_DEEP} elements deep. Flatten the scene.")
        if self.kept > MOST_KEPT:
            self.refuse(FileTooComplex, f"The XML has more than {MOST_KEPT} elements. Split the model.")

    def end(self, _tag: str) -> None:
        element = self.open.pop()
        if element.text is None:
            element.text = "".join(self.text)
        self.text.clear()
        take = self.taken.get(element.tag)
        if take is not None and self.open:
            take(self.open[-1], element)
            self.kept -= 1 + len(element)

    def name(self, tag: str) -> str:
        """ElementTree's way of writing expat's "uri}local"."""
        return self.names.setdefault(tag, "{" + tag if "}" in tag else tag)

    def namespace(self, prefix: str | None, uri: str | None) -> None:
        if self.root is None:
            self.prefixes[prefix or ""] = uri or ""

    def doctype(self, _name: str, _system: str | None, _public: str | None, declares: int) -> None:
        if declares or not self.allows_doctype:
            self.refuse(FileMalformed, "The XML has a document type declaration, which is not read. Remove it.")

    def entity(self, *_names: object) -> int:
        self.refuse(FileMalformed, "The XML declares or refers to an entity. Export the model without entities.")

    def refuse(self, kind: type[FileMalformed] | type[FileTooComplex], message: str) -> NoReturn:
        line = f"line {self.parser.CurrentLineNumber}"
        raise kind(message, where=f"{self.where}, {line}" if self.where else line)
