"""A COLLADA file as a tree without namespaces, with its ids and references."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed
from threed_workers.budget import Budget
from threed_workers.formats import xml
from threed_workers.formats.findings import Findings
from threed_workers.formats.source import Source


@dataclass(eq=False)
class Dae:
    """`ids` is every element that has one; of several, the first that holds anything."""

    root: Element
    source: Source
    budget: Budget
    ids: dict[str, Element] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def find(self, url: str | None, where: str) -> Element | None:
        """What "#id" refers to; None, with an issue, when it is not there or in another file."""
        wanted = (url or "").strip()
        if not wanted:
            return None
        file, mark, name = wanted.rpartition("#")
        if file and mark:
            self.findings.lose("references to other files", "Only what the file itself holds is read.")
            return None
        found = self.ids.get(name)
        if found is None:
            found = self.ids.get(unquote(name))
        if found is None:
            self.findings.warning("REFERENCE_DANGLING", where, f"{wanted[:80]!r} refers to nothing in the file.")
        return found


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


def where_of(element: Element) -> str:
    """A phrase that leads a reader to the element."""
    name = element.get("id") or element.get("sid") or element.get("name")
    return f"<{element.tag} {name[:80]!r}>" if name else f"<{element.tag}>"


def title_of(element: Element) -> str:
    return (element.get("name") or element.get("id") or "").strip()[:1000]


def text_of(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


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
