"""What X3D and VRML97 have in common, whatever the encoding: nodes with fields, names, and routes between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from threed_workers.budget import Budget
from threed_workers.formats.findings import Findings
from threed_workers.formats.number_list import numbers
from threed_workers.formats.source import Source

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)
_MOST_URLS = 100


@dataclass(eq=False)
class Node:
    """`fields` are values as text; `nodes` are (field, node), the field "" where the file leaves it to the type.

    A node that is used again (USE) is the same object.
    """

    kind: str
    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    nodes: list[tuple[str, Node]] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"{self.kind[:40]} {self.name[:60]!r}" if self.name else self.kind[:40]

    def of(self, *kinds: str, under: str | None = None) -> Node | None:
        """The first node of one of these kinds; only under the field `under`, when the file names fields there."""
        found = (node for name, node in self.nodes if node.kind in kinds and (under is None or name == under))
        return next(found, None)

    def all(self, *kinds: str) -> Iterator[Node]:
        return (node for _, node in self.nodes if node.kind in kinds)

    def array(self, name: str, width: int = 1, dtype: type = np.float64) -> np.ndarray:
        """(n, width) numbers, (n,) when `width` is 1; what is left over at the end is dropped."""
        text = self.fields.get(name, "")
        values = numbers(text.replace(",", " ") if "," in text else text, f"{self.where}, {name}", dtype)
        return values if width == 1 else values[: len(values) // width * width].reshape(-1, width)

    def vector(self, name: str, default: tuple[float, ...]) -> list[float]:
        """As many finite numbers as `default` has, or `default`."""
        values = self.array(name) if name in self.fields else np.zeros(0)
        usable = len(values) >= len(default) and np.isfinite(values[: len(default)]).all()
        return values[: len(default)].tolist() if usable else list(default)

    def number(self, name: str, default: float) -> float:
        return self.vector(name, (default,))[0]

    def flag(self, name: str, default: bool) -> bool:
        text = self.fields.get(name, "").strip().lower()
        return default if not text else text == "true"

    def strings(self, name: str) -> list[str]:
        """The texts of a list; a list without quotes is one text."""
        text = self.fields.get(name, "")
        if '"' not in text:
            return [text.strip()] if text.strip() else []
        found = [_ESCAPED.sub(r"\1", match.group(1)).strip() for match in _STRING.finditer(text)]
        return [one for one in found if one][:_MOST_URLS]


@dataclass(frozen=True)
class Route:
    """A field of one node that sets a field of another; nodes by name."""

    source: str
    event: str
    target: str
    field: str


@dataclass(eq=False)
class World:
    """A file. `metres` is the length of its unit; `names` the nodes that have one, the last of a name."""

    source: Source
    budget: Budget
    nodes: list[Node] = field(default_factory=list)
    names: dict[str, Node] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    metres: float = 1.0
    metadata: dict[str, str] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
