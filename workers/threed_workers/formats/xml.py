"""The one door through which XML comes in (W3C, "Extensible Markup Language 1.0" and "Namespaces in XML 1.0").

Entities are neither declared nor expanded, nothing is ever fetched, and what a tree may cost is bounded before it is
built. Expat keeps no stack of its own, so depth costs memory only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
MOST_PREFIXES = 256
_XML = "http://www.w3.org/XML/1998/namespace"
_CHUNK = 1 << 20
_SPACE = re.compile(r"\s*")
_SUBSET = re.compile(r"<!DOCTYPE[^>\[]*\[")
_ELEMENT = re.compile(r"<(?:[A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)")
_PROLOGUE = 1 << 16  # bytes in which the first element must begin
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))


@dataclass(frozen=True)
class Tree:
    """`prefixes` are the namespaces by prefix as the root declares them; "" is the default namespace.

    `unbound` are prefixes that are used and declared nowhere, which is wrong, and happens.
    """

    root: Element
    prefixes: dict[str, str]
    unbound: set[str]


def parse(
    data: bytes | memoryview,
    *,
    where: str = "",
    taken: Mapping[str, Taker] | None = None,
    doctype: bool = False,
) -> Tree:
    """The elements of `data`, of whatever encoding it declares.

    Names are "{uri}local" as in ElementTree; "prefix:local" where the file forgets to declare the prefix. `text` is
    what stands before an element's first child; what stands behind children (`tail`), comments and instructions are
    not kept. Attributes that declare namespaces are not among an element's attributes.

    `taken` names elements of which there may be millions: such an element is given to its function, as (parent,
    element), when it ends, and does not stay in the tree.

    `doctype` lets a document type declaration pass that declares nothing itself (X3D has one); the address in it is
    not read. `where` comes before the line in errors: the name of the part, when there are several.

    Raises FileEmpty, FileMalformed for what is not well-formed, has a document type or refers to entities, and
    FileTooComplex beyond MOST_DEEP, MOST_KEPT, MOST_BYTES or MOST_PREFIXES.
    """
    return _Reading(where, taken or {}, doctype).read(memoryview(data))


def local(tag: str) -> str:
    """The name without its namespace or prefix.

    >>> local("{http://www.web3d.org}Shape"), local("x3d:Shape"), local("Shape")
    ('Shape', 'Shape', 'Shape')
    """
    return tag.rpartition("}")[2].rpartition(":")[2]


def first_element(data: memoryview) -> str | None:
    """The name of an XML file's first element, without a prefix; None when the file does not begin like XML."""
    head = bytes(data[:_PROLOGUE])
    encoding = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8")
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    place = _SPACE.match(text).end()
    while text.startswith(("<?", "<!"), place):
        closing = "-->" if text.startswith("<!--", place) else "]>" if _SUBSET.match(text, place) else ">"
        end = text.find(closing, place)
        if end < 0:
            return None
        place = _SPACE.match(text, end + len(closing)).end()
    found = _ELEMENT.match(text, place)
    return found.group(1) if found else None


@dataclass
class _Scope:
    """Prefixes that hold within one element, and the names that were resolved there. Expat's own resolving is not used:
    it ends at the first prefix that nobody declared."""

    prefixes: dict[str, str]
    depth: int = 0
    tags: dict[str, str] = field(default_factory=dict)


class _Reading:
    """One pass of expat over one document."""

    def __init__(self, where: str, taken: Mapping[str, Taker], doctype: bool):
        self.where, self.taken, self.allows_doctype = where, taken, doctype
        self.open: list[Element] = []
        self.text: list[str] = []
        self.scopes = [_Scope({"xml": _XML})]
        self.unbound: set[str] = set()
        self.kept = 0
        self.marks: list[int] = []  # how many were kept before each open element that will be taken
        self.root: Element | None = None
        self.prefixes: dict[str, str] = {}
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.buffer_size = 1 << 16
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
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
        return Tree(self.root, self.prefixes, self.unbound)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        for key in attributes:
            if ":" in key or key == "xmlns":
                attributes = self.declare(attributes)
                break
        scope = self.scopes[-1]
        element = Element(scope.tags.get(tag) or self.tag(tag), attributes)
        self.kept += 1
        if self.open:
            parent = self.open[-1]
            if parent.text is None:
                parent.text = "".join(self.text)
            if element.tag in self.taken:
                self.marks.append(self.kept - 1)
            else:
                parent.append(element)
        else:
            self.root = element
            self.prefixes = {prefix: uri for prefix, uri in scope.prefixes.items() if prefix != "xml"}
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
        if self.scopes[-1].depth > len(self.open):
            self.scopes.pop()
        take = self.taken.get(element.tag)
        if take and self.open:
            take(self.open[-1], element)
            self.kept = self.marks.pop()

    def declare(self, attributes: dict[str, str]) -> dict[str, str]:
        """Open a scope for the namespaces among `attributes`, and give the others by their names."""
        declared = {key[6:]: uri for key, uri in attributes.items() if key == "xmlns" or key.startswith("xmlns:")}
        if declared:
            prefixes = self.scopes[-1].prefixes | declared
            if len(prefixes) > MOST_PREFIXES:
                self.refuse(FileTooComplex, f"The XML declares more than {MOST_PREFIXES} namespaces.")
            self.scopes.append(_Scope(prefixes, len(self.open) + 1))
        rest = (item for item in attributes.items() if item[0] != "xmlns" and not item[0].startswith("xmlns:"))
        return {self.resolved(key) if ":" in key else key: value for key, value in rest}

    def tag(self, name: str) -> str:
        """The name of an element, to which the default namespace applies."""
        scope = self.scopes[-1]
        default = scope.prefixes.get("")
        return scope.tags.setdefault(
            name, self.resolved(name) if ":" in name or not default else f"{{{default}}}{name}"
        )

    def resolved(self, name: str) -> str:
        prefix, colon, rest = name.partition(":")
        if not colon:
            return name
        uri = self.scopes[-1].prefixes.get(prefix)
        if not uri:
            self.unbound.add(prefix)
            return name
        return f"{{{uri}}}{rest}"

    def doctype(self, _name: str, _system: str | None, _public: str | None, declares: int) -> None:
        if declares or not self.allows_doctype:
            self.refuse(FileMalformed, "The XML has a document type declaration, which is not read. Remove it.")

    def entity(self, *_names: object) -> int:
        self.refuse(FileMalformed, "The XML declares or refers to an entity. Export the model without entities.")

    def refuse(self, kind: type[FileMalformed] | type[FileTooComplex], message: str) -> NoReturn:
        line = f"line {self.parser.CurrentLineNumber}"
        raise kind(message, where=f"{self.where}, {line}" if self.where else line)
