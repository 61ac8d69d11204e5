"""Are there triangles twice?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.wording import counted, near


def check_duplicates(subject: Subject) -> Iterator[Json]:
    """MESH_DUPLICATE_TRIANGLES: same corners, same winding. Back to back triangles are a way to draw both sides."""
    for number, found in subject.topologies.items():
        if found.duplicates.count:
            yield issue(
                "MESH_DUPLICATE_TRIANGLES",
                "WARNING",
                f"/meshes/{number}",
                f"{counted(found.duplicates.count, 'triangle is', 'triangles are')} there once more, of "
                f"{found.triangles}: they flicker, and cost twice.{near(found.duplicates)} Remove the copies.",
            )
