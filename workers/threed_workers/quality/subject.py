"""What the checks look at: a document, the limits, and what more than one of them needs to know."""

from __future__ import annotations

from functools import cached_property

from threed.errors import FileRefused
from threed_workers.document import Document
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.inspection import triangles_of
from threed_workers.picture import Picture, probe
from threed_workers.quality.limits import Limits
from threed_workers.quality.topology import Topology, topology
from threed_workers.quality.triangles import surface, weight


class Subject:
    """A checked document under examination. It must not change meanwhile."""

    def __init__(self, document: Document, limits: Limits = Limits(), file_bytes: int | None = None):  # noqa: B008 frozen
        self.document = document
        self.limits = limits
        self.file_bytes = file_bytes
        self._pictures: dict[int, Picture | None] = {}

    @cached_property
    def triangles(self) -> list[int]:
        """How many triangles each mesh has."""
        meshes = self.document.all("meshes")
        return [sum(triangles_of(self.document, primitive) for primitive in mesh["primitives"]) for mesh in meshes]

    @cached_property
    def weights(self) -> list[int]:
        """What looking at each mesh costs, in triangles; 0 for one without a surface."""
        meshes = self.document.all("meshes")
        return [sum(weight(self.document, primitive) for primitive in mesh["primitives"]) for mesh in meshes]

    @cached_property
    def topologies(self) -> dict[int, Topology]:
        """By mesh, in their order, as long as the limits last. Only what was found is kept, so memory is one mesh's."""
        found: dict[int, Topology] = {}
        left = self.limits.topology_triangles
        for number, mesh in enumerate(self.document.all("meshes")):
            cost = self.weights[number]
            if 0 < cost <= min(left, self.limits.mesh_triangles):
                left -= cost
                found[number] = topology(surface(self.document, mesh))
        return found

    @cached_property
    def draws(self) -> list[tuple[int, float]]:
        """(node, scale) of each node of the default scene with a mesh; scale is how much longer a metre is there."""
        order, matrices = world_matrices(self.document, scene_roots(self.document))
        nodes = self.document.all("nodes")
        places = [place for place, number in enumerate(order) if "mesh" in nodes[number]]
        return [(order[place], _scale(matrices[place])) for place in places]

    def picture(self, image: int) -> Picture | None:
        """What the header of a picture says; None for one of an unknown format, or whose header is broken."""
        if image not in self._pictures:
            try:
                self._pictures[image] = probe(self.document.picture(image), f"/images/{image}")
            except FileRefused:
                self._pictures[image] = None
        return self._pictures[image]


def _scale(matrix: object) -> float:
    a, b, c = (row[:3] for row in matrix[:3].tolist())  # type: ignore[index]
    cross = (b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0])
    return abs(sum(x * y for x, y in zip(a, cross, strict=True))) ** (1 / 3)
