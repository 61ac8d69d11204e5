"""Do neighbouring triangles agree which side is outside?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.wording import counted, near


def check_winding(subject: Subject) -> Iterator[Json]:
    """MESH_INCONSISTENT_WINDING: both triangles of an edge run along it in the same direction."""
    for number, found in subject.topologies.items():
        if found.twisted.count:
            yield issue(
                "MESH_INCONSISTENT_WINDING",
                "WARNING",
                f"/meshes/{number}",
                f"{counted(found.twisted.count, 'edge lies', 'edges lie')} between triangles that face opposite sides, "
                f"of {found.edges} edges: one of each two is invisible, or lit from the wrong side."
                f"{near(found.twisted)} Turn triangles so that they are counter-clockwise from outside.",
            )
