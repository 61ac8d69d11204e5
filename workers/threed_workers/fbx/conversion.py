"""What the parts of one FBX import share."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions
from threed_workers.fbx.node import Ledger
from threed_workers.fbx.objects import Object, Objects
from threed_workers.fbx.takes import Take
from threed_workers.fbx.transforms import Local
from threed_workers.fbx.units import Units
from threed_workers.formats.findings import Findings


@dataclass
class Conversion:
    """`nodes` and `locals` by the id of a Model; `scaled`: the nodes that hold the scale of some (hierarchy.py).

    `mesh_nodes`: where the mesh of a Model and Geometry ended up.
    """

    objects: Objects
    units: Units
    companions: Companions
    budget: Budget
    ledger: Ledger
    findings: Findings
    builder: Builder = field(default_factory=Builder)
    nodes: dict[Hashable, int] = field(default_factory=dict)
    locals: dict[Hashable, Local] = field(default_factory=dict)
    scaled: dict[Hashable, int] = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)
    mesh_nodes: dict[tuple[Hashable, Hashable], int] = field(default_factory=dict)

    def inner(self, model: Object) -> int:
        """The node that what is in a Model is scaled by."""
        return self.scaled.get(model.id, self.nodes[model.id])

    def lose(self, feature: str, reason: str, count: int = 1) -> None:
        """Count what glTF cannot hold, or this reader does not carry over."""
        self.findings.lose(feature, reason, count)

    def doubt(self, code: str, about: Object, message: str, severity: str = "WARNING") -> None:
        """Note something odd about an object."""
        self.findings.add(code, severity, about.where, f"{about.kind} {about.name[:60]!r}: {message}")

    def metres(self, values: np.ndarray) -> np.ndarray:
        return values * self.units.metre
