"""Clouds of points, as scanners measure them, to glTF: far from the origin, in 64 bit, with +Z up.

float32 holds 7 digits, and a survey counts millimetres from the equator. So a cloud far away is written around an
origin of its own, in whole units, and its node brings it back: the numbers are exact, and what draws in float32 may
still leave out the node.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue
from threed_workers.document.model import Json
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.normals import unit_normals

BLOCK = 1 << 20  # points that are read at a time
# float32 has 24 bits. What lies nearer keeps a tenth of a millimetre, or a 10,000th of its own size.
_FAR = 1000.0
Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


@dataclass(eq=False)
class Cloud:
    """`points` float32 (n, 3) from `origin` float64 (3,); `colors` sRGB, whole numbers of `color_full`, or None.

    `attributes` by glTF name ("_INTENSITY"), each of a glTF component type and n rows.
    """

    name: str
    points: np.ndarray
    origin: np.ndarray
    colors: np.ndarray | None = None
    color_full: int = 255
    normals: np.ndarray | None = None
    attributes: dict[str, np.ndarray] = field(default_factory=dict)


def check_count(count: int, bytes_each: int, budget: Budget, where: str) -> None:
    """Raises FileTooComplex for more points than the budget has room for, before there are any."""
    most = min(budget.drawn_vertices, budget.accessor_bytes // bytes_each)
    if not 0 <= count <= most:
        raise FileTooComplex(
            f"{count} points are declared, and {most} of {bytes_each} bytes are the limit. Thin the cloud out.",
            where=where,
        )


def origin_of(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where to count from, for points between `low` and `high`: zero for those that are near it."""
    with np.errstate(all="ignore"):
        middle, size = (low + high) / 2, (high - low).max()
    if not np.isfinite(middle).all() or not np.isfinite(size) or np.abs(middle).max() <= max(_FAR, 2 * size):
        return np.zeros(3)
    return np.floor(middle)


def check_finite(points: np.ndarray, start: int, where: str) -> None:
    """Raises FileValuesInvalid with the number of the first point that is nowhere."""
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        bad = start + int(np.flatnonzero(~finite)[0])
        raise FileValuesInvalid(f"Point {bad} is NaN, infinite or beyond float32. Repair the cloud.", where=where)


def add_cloud(builder: Builder, cloud: Cloud) -> int:
    """A node that shows the cloud around its origin. The caller puts it where it is."""
    attributes = {"POSITION": builder.positions(cloud.points)}
    if cloud.normals is not None:
        attributes["NORMAL"] = builder.attribute(unit_normals(cloud.normals))
    if cloud.colors is not None:
        attributes["COLOR_0"] = builder.attribute(_linear(cloud.colors, cloud.color_full), normalized=True)
    for key, values in cloud.attributes.items():
        attributes[key] = builder.attribute(values)
    mesh = builder.add("meshes", {"name": cloud.name, "primitives": [{"mode": 0, "attributes": attributes}]})
    node: Json = {"name": cloud.name, "mesh": mesh}
    if cloud.origin.any():
        node |= {"translation": cloud.origin.tolist(), "extras": {"origin": cloud.origin.tolist()}}
    return builder.add("nodes", node)


def upright(builder: Builder, children: list[int], unit_m: float = 1.0, extras: Json | None = None) -> None:
    """A node above everything: +Z up to +Y up, and the file's unit to metres."""
    turned = Z_UP.copy()
    turned[:3] *= unit_m
    node: Json = {"name": "+Z up", "matrix": turned.T.reshape(-1).tolist(), "children": children}
    builder.add("nodes", node | ({"extras": extras} if extras else {}))


def tell_origin(document: Document, origins: list[np.ndarray]) -> None:
    """Say that a cloud is far away, where one is."""
    far = [origin for origin in origins if origin.any()]
    if far:
        at = ", ".join(f"{part:.0f}" for part in far[0])
        text = f"The points lie around ({at}) of the file's own axes and are counted from there; their node brings "
        text += "them back, which float32 cannot do exactly. Leave its translation out to draw them near the origin."
        document.issues.append(issue("ORIGIN_SHIFTED", "INFO", "/nodes", text))


def _linear(colors: np.ndarray, full: int) -> np.ndarray:
    """uint16 (n, 4), linear, by a table: a cloud has more points than there are colours."""
    levels = np.arange(full + 1) / full
    table = linear_from_srgb(np.column_stack([levels] * 3))[:, 0]
    found = np.full((len(colors), 4), 65535, np.uint16)
    found[:, :3] = table[np.clip(colors, 0, full)]
    return found
