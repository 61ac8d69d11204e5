"""A COLLADA file as a tree without namespaces, with its ids, numbers and references."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed
from threed_workers.budget import Budget
from threed_workers.document import issue
from threed_workers.document.model import Json
from threed_workers.formats import xml
from threed_workers.formats.source import Source

_SPACE = re.compile(r"\s*")
_SUBSET = re.compile(r"<!DOCTYPE[^>\[]*\[")
_ELEMENT = re.compile(r"<(?:[A-Za-z_][\w.\-]*:)?([A-Za-z_][\w.\-]*)")
_MOST_ISSUES = 200
_SHORT = 256  # characters, below which numpy costs more than it saves
_PROLOGUE = 1 << 16  # bytes in which the first element must begin
_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))


@dataclass(eq=False)
class Dae:
    """`ids` is every element that has one; of several, the first that holds anything.

    `issues` and `lost` are what reading had to say; `lost` counts (feature, reason).
    """

    root: Element
    source: Source
    budget: Budget
    ids: dict[str, Element] = field(default_factory=dict)
    issues: list[Json] = field(default_factory=list)
    lost: Counter = field(default_factory=Counter)

    def find(self, url: str | None, where: str) -> Element | None:
        """What "#id" refers to; None, with an issue, when it is not there or in another file."""
        wanted = (url or "").strip()
        if not wanted:
            return None
        file, mark, name = wanted.rpartition("#")
        if file and mark:
            self.lost["references to other files", "Only what the file itself holds is read."] += 1
            return None
        found = self.ids.get(name)
        if found is None:
            found = self.ids.get(unquote(name))
        if found is None:
            self.doubt("REFERENCE_DANGLING", "WARNING", where, f"{wanted[:80]!r} refers to nothing in the file.")
        return found

    def doubt(self, code: str, severity: str, where: str, message: str) -> None:
        if len(self.issues) < _MOST_ISSUES:
            self.issues.append(issue(code, severity, where, message))


def parse(source: Source, budget: Budget) -> Dae:
    """Raises FileMalformed or FileTooComplex."""
    tree = xml.parse(source.data)
    found = Dae(tree.root, source, budget)
    for element in tree.root.iter():
        element.tag = xml.local(element.tag)
        name = element.get("id")
        if name is not None:
            known = found.ids.setdefault(name.strip(), element)
            if not len(known) and len(element):
                found.ids[name.strip()] = element
    if found.root.tag != "COLLADA":
        raise FileMalformed(f"The root is <{found.root.tag[:60]}>, and should be <COLLADA>.", where="line 1")
    return found


def first_element(source: Source) -> str | None:
    """The name of an XML file's first element, without a prefix; None when the file does not begin like XML."""
    head = bytes(source.data[:_PROLOGUE])
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


def where_of(element: Element) -> str:
    """A phrase that leads a reader to the element."""
    name = element.get("id") or element.get("sid") or element.get("name")
    return f"<{element.tag} {name[:80]!r}>" if name else f"<{element.tag}>"


def title_of(element: Element) -> str:
    return (element.get("name") or element.get("id") or "").strip()[:1000]


def text_of(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def numbers(text: str | None, where: str, dtype: type = np.float64) -> np.ndarray:
    """The numbers of a list that white space separates. Raises FileMalformed for anything else in it."""
    text = text or ""
    if not text or text.isspace():
        return np.zeros(0, dtype)
    try:
        if len(text) < _SHORT:
            kind = float if dtype is np.float64 else int
            return np.array([kind(word) for word in text.split()], dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.fromstring(text, dtype, sep=" ")
    except (ValueError, OverflowError, DeprecationWarning):
        pass
    try:  # "NaN", "INF", "1.#QNAN", or whole numbers with a point
        words = text.replace("-1.#IND", "nan").replace("1.#IND", "nan").replace("1.#QNAN", "nan").split()
        with np.errstate(all="ignore"):
            return np.array(words, np.float64).astype(dtype)
    except (ValueError, OverflowError, RuntimeWarning):
        raise FileMalformed("A list of numbers holds something else. Export the model again.", where=where) from None


def number(element: Element | None, default: float, where: str = "") -> float:
    """The one finite number in an element; `default` when there is none. A <float> or <param> may be around it."""
    if element is None:
        return default
    inner = element.find("float")
    values = _lenient(text_of(inner if inner is not None else element))
    return values[0] if values else default


def vector(element: Element | None, default: list[float]) -> list[float]:
    """As many finite numbers as `default` has, or `default`."""
    values = _lenient(text_of(element)) if element is not None else []
    return values[: len(default)] if len(values) >= len(default) else list(default)


def _lenient(text: str) -> list[float]:
    try:
        values = [float(word) for word in text.split()[:64]]
    except ValueError:
        return []
    return values if all(np.isfinite(values)) else []
