"""Is the surface of every mesh closed?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.wording import counted, near


def check_watertight(subject: Subject) -> Iterator[Json]:
    """MESH_NOT_WATERTIGHT: edges of only one triangle. Also says which meshes were too large for topology."""
    for number, found in subject.topologies.items():
        if found.boundary.count:
            yield issue(
                "MESH_NOT_WATERTIGHT",
                "INFO",
                f"/meshes/{number}",
                f"{counted(found.boundary.count, 'edge has', 'edges have')} a triangle on one side only, of "
                f"{found.edges} edges: the surface is open.{near(found.boundary)} Close it where it should enclose a "
                "volume, and give corners that meet the same position, bit for bit.",
            )
    skipped = [n for n, cost in enumerate(subject.weights) if cost and n not in subject.topologies]
    if skipped:
        yield issue(
            "MESH_TOPOLOGY_NOT_CHECKED",
            "INFO",
            f"/meshes/{skipped[0]}",
            f"{counted(len(skipped), 'mesh was', 'meshes were')} not looked at: topology is checked for "
            f"{subject.limits.mesh_triangles} triangles of one mesh and {subject.limits.topology_triangles} of all. "
            "Simplify or split the model.",
        )
