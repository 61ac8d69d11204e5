"""How much one import may take. Every limit that a file can hit is here, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Budget:
    """Limits of one import. A file beyond any of them is refused with FILE_TOO_COMPLEX, before memory is taken.

    They bound what a file may make us do, not how large a file may be: the server limits that.
    """

    # JSON: deeper nesting than any real file has; orjson itself stops at 1024.
    json_bytes: int = 512 * MIB
    # Accessors: the sum of count x size. Views may be shared, so the file's size is no bound.
    accessor_bytes: int = 4 * GIB
    # What the file makes us invent: accessors without a view (zeros by the specification) and sparse ones.
    invented_bytes: int = 256 * MIB
    # What Draco and meshopt streams may decode to.
    decoded_bytes: int = 2 * GIB
    # Nodes. Renderers recurse along the graph, or walk it upwards for every node.
    nodes: int = 1_000_000
    node_depth: int = 1000
    # Vertices drawn, instances counted: 100,000 vertices in 10,000 nodes are a small file and a dead renderer.
    drawn_vertices: int = 1 << 29
    # Pictures: 16384 x 8192, and what it decodes to. `scans` is of progressive JPEG, where each costs a full pass.
    picture_pixels: int = 1 << 27
    picture_bytes: int = 1 * GIB
    picture_scans: int = 100
    pictures_pixels: int = 1 << 30
    # Archives.
    archive_entries: int = 10_000
    archive_bytes: int = 4 * GIB
    archive_ratio: int = 200
    archive_ratio_from: int = 16 * MIB
    # Text formats: a line that long is no line of a model.
    line_bytes: int = 64 * MIB
    # Parts of one OBJ file. More are joined by material.
    parts: int = 10_000
