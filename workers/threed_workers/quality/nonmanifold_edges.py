"""Do more than two triangles meet in an edge?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.wording import counted, near


def check_nonmanifold_edges(subject: Subject) -> Iterator[Json]:
    """MESH_NON_MANIFOLD_EDGES."""
    for number, found in subject.topologies.items():
        if found.crowded.count:
            yield issue(
                "MESH_NON_MANIFOLD_EDGES",
                "WARNING",
                f"/meshes/{number}",
                f"{counted(found.crowded.count, 'edge has', 'edges have')} more than two triangles, of {found.edges} "
                f"edges: there is no inside.{near(found.crowded)} Remove inner walls, and separate parts that touch.",
            )
