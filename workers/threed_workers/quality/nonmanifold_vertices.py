"""Does the surface hang together by single points?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.wording import counted, near


def check_nonmanifold_vertices(subject: Subject) -> Iterator[Json]:
    """MESH_NON_MANIFOLD_VERTICES: fans of triangles that share a vertex and no edge."""
    for number, found in subject.topologies.items():
        if found.pinched.count:
            yield issue(
                "MESH_NON_MANIFOLD_VERTICES",
                "INFO",
                f"/meshes/{number}",
                f"{counted(found.pinched.count, 'vertex joins', 'vertices join')} parts of the surface that share no "
                f"edge there.{near(found.pinched)} Move the parts apart, or join them along an edge.",
            )
