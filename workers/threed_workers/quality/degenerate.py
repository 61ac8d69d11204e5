"""Are there triangles without an area?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.wording import counted, near


def check_degenerate(subject: Subject) -> Iterator[Json]:
    """MESH_DEGENERATE_TRIANGLES, one for corners that coincide and one for corners in a line."""
    for number, found in subject.topologies.items():
        for kind, why, remedy in (
            (found.collapsed, "with two corners in one place", "Remove them: they draw nothing."),
            (found.flat, "with three corners in a line", "Collapse them: they have no normal, and may shimmer."),
        ):
            if kind.count:
                yield issue(
                    "MESH_DEGENERATE_TRIANGLES",
                    "INFO",
                    f"/meshes/{number}",
                    f"{counted(kind.count, 'triangle', 'triangles')} {why}, of {found.triangles}.{near(kind)} {remedy}",
                )
