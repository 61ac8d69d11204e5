"""What the parts of the USD reader share: the stage, what becomes of it, and what is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions
from threed_workers.document.model import Json
from threed_workers.formats.findings import Findings
from threed_workers.formats.usd_layers import Layers


@dataclass(eq=False)
class Conversion:
    """`time` is the moment that stills are taken at: the first sample, or the default value where there is none."""

    stage: Any
    layers: Layers
    companions: Companions
    budget: Budget
    time: Any
    builder: Builder = field(default_factory=Builder)
    findings: Findings = field(default_factory=Findings)
    warned: set[tuple[str, str, str]] = field(default_factory=set)
    vertices: int = 0
    size: int = 0

    def lose(self, feature: str, reason: str, count: int = 1) -> None:
        """Remember something that the glTF will not have."""
        self.findings.lose(feature, reason, count)

    def warn(self, code: str, prim: Any, message: str) -> None:
        """A doubt about a prim, told once however often the prim is used."""
        found = code, str(prim.GetPath()), message
        if found not in self.warned:
            self.warned.add(found)
            self.findings.warning(*found)

    def spend(self, vertices: int, size: int, prim: Any) -> None:
        """Account for `vertices` of `size` bytes altogether, before they are made. Raises FileTooComplex."""
        self.vertices += vertices
        self.size += size
        if self.vertices > self.budget.drawn_vertices or self.size > self.budget.accessor_bytes:
            raise FileTooComplex(
                f"More than {self.budget.drawn_vertices} vertices or {self.budget.accessor_bytes} bytes are needed.",
                where=str(prim.GetPath()),
            )

    def add_node(self, entry: Json, parent: int | None, prim: Any) -> int:
        """A node below `parent`. Raises FileTooComplex beyond the budget."""
        number = self.builder.add("nodes", entry)
        if number >= self.budget.nodes:
            raise FileTooComplex(f"The stage has more than {self.budget.nodes} prims.", where=str(prim.GetPath()))
        if parent is not None:
            self.builder.json["nodes"][parent].setdefault("children", []).append(number)
        return number


def value(attribute: Any, conversion: Conversion, default: Any = None) -> Any:
    """The value of an attribute (or primvar) at the time of the stills; `default` where it has none."""
    found = attribute.Get(conversion.time) if attribute else None
    return default if found is None else found


def array(values: Any, width: int, prim: Any, what: str, dtype: type = np.float32) -> np.ndarray:
    """A USD array as (n, width), or (n,) for width 1. Raises FileValuesInvalid for what is not finite."""
    found = np.asarray(values if values is not None else [])
    found = found.reshape(-1, width) if width > 1 else found.reshape(-1)
    with np.errstate(all="ignore"):
        found = found.astype(dtype)
    if np.issubdtype(found.dtype, np.floating) and not np.isfinite(found).all():
        bad = int(np.flatnonzero(~np.isfinite(found).reshape(len(found), -1).all(axis=1))[0])
        raise FileValuesInvalid(
            f"{what} number {bad} is NaN, infinite or beyond float32. Repair the stage.", where=str(prim.GetPath())
        )
    return found
