"""USD's shapes that are given by numbers, as triangles: all but cube and plane are a profile turned around an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.formats.usd_conversion import Conversion, value
from threed_workers.formats.usd_mesh import Surface
from threed_workers.formats.usd_primvars import Column, read_primvars

# 64 around: the outline of a sphere is within 0.12 % of its radius.
_AROUND, _ALONG = 64, 16
_AXES = {"X": (1, 2, 0), "Y": (2, 0, 1), "Z": (0, 1, 2)}  # where the (x, y, z) of a shape around Z go
Profile = list[tuple[float, float, float, float]]  # radius, height, and the normal's two parts, from the bottom up


def gprim(prim: Any, conversion: Conversion) -> Surface | None:
    """The surface of a Cube, Plane, Sphere, Cylinder, Cone or Capsule; None where a size is not usable."""
    kind = prim.GetTypeName().removesuffix("_1")
    sizes = {name: value(prim.GetAttribute(name), conversion) for name in _SIZES[kind]}
    numbers = [float(size) for size in sizes.values() if size is not None]
    if not np.isfinite(numbers).all() or min(numbers, default=0.0) < 0:
        conversion.warn("SHAPE_INVALID", prim, "A size is negative or not finite; the shape is left out.")
        return None
    points, normals, triangles = _SHAPES[kind](**{name: size for name, size in sizes.items() if size is not None})
    axis = str(value(prim.GetAttribute("axis"), conversion, "Z")) if kind not in ("Cube", "Sphere") else "Z"
    order = np.argsort(_AXES.get(axis, _AXES["Z"]))
    points, normals = points[:, order].astype(np.float32), normals[:, order].astype(np.float32)
    counts = {"constant": 1, "uniform": len(triangles), "faceVarying": triangles.size, "vertex": len(points)}
    primvars = read_primvars(
        prim, counts | dict.fromkeys(("uniform", "faceVarying", "vertex", "varying"), 1 << 62), conversion
    )
    primvars.normals = Column(normals, "vertex")
    conversion.spend(len(points), 0, prim)
    conversion.lose("exact shapes", f"Shapes given by numbers come in as triangles, {_AROUND} around.")
    flat = triangles.reshape(-1)
    corners = np.arange(triangles.size).reshape(-1, 3)
    return Surface(prim, points, flat, np.repeat(np.arange(len(triangles)), 3), corners, primvars)


def _cube(size: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, normals, triangles = [], [], []
    for axis in range(3):
        for sign in (1.0, -1.0):
            normal = np.roll([sign, 0.0, 0.0], axis)
            right = np.roll([0.0, 1.0, 0.0], axis)
            up = np.cross(normal, right)
            triangles += [[len(points) + corner for corner in three] for three in ((0, 1, 2), (0, 2, 3))]
            points += [normal + x * right + y * up for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            normals += [normal] * 4
    return np.array(points) * size / 2, np.array(normals), np.array(triangles)


def _plane(width: float = 2.0, length: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * [width / 2, length / 2, 0]
    return points, np.tile([0.0, 0.0, 1.0], (4, 1)), np.array([[0, 1, 2], [0, 2, 3]])


def _sphere(radius: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return _turned([_arc(radius, 0.0, -90, 90)])


def _capsule(
    radius: float | None = None, height: float = 1.0, radiusBottom: float | None = None, radiusTop: float | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bottom, top = _ends(radius, radiusBottom, radiusTop, 0.5)
    # The straight part touches both balls, so it leaves them where their normals are its own.
    lean = np.degrees(np.arcsin(np.clip((bottom - top) / height, -1, 1))) if height > 0 else 0.0
    return _turned([_arc(bottom, -height / 2, -90, lean) + _arc(top, height / 2, lean, 90)])


def _cylinder(
    radius: float | None = None, height: float = 2.0, radiusBottom: float | None = None, radiusTop: float | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bottom, top = _ends(radius, radiusBottom, radiusTop, 1.0)
    slope = np.array([height, bottom - top])
    slope = slope / (np.linalg.norm(slope) or 1.0)
    low, high = -height / 2, height / 2
    return _turned(
        [
            [(0.0, low, 0.0, -1.0), (bottom, low, 0.0, -1.0)],
            [(bottom, low, *slope), (top, high, *slope)],
            [(top, high, 0.0, 1.0), (0.0, high, 0.0, 1.0)],
        ]
    )


def _cone(radius: float = 1.0, height: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return _cylinder(None, height, radius, 0.0)


def _ends(radius: float | None, bottom: float | None, top: float | None, default: float) -> tuple[float, float]:
    radius = default if radius is None else radius
    return (radius if bottom is None else bottom), (radius if top is None else top)


def _arc(radius: float, height: float, start_deg: float, end_deg: float) -> Profile:
    angles = np.radians(np.linspace(start_deg, end_deg, _ALONG + 1))
    found = [(radius * np.cos(a), height + radius * np.sin(a), np.cos(a), np.sin(a)) for a in angles]
    return [(max(r, 0.0) if abs(r) > 1e-12 * radius else 0.0, z, n, m) for r, z, n, m in found]


def _turned(profiles: list[Profile]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Profiles turned around Z: points, normals, and triangles that have an area."""
    points, normals, triangles = [], [], []
    around = np.arange(_AROUND + 1) * (2 * np.pi / _AROUND)
    cosine, sine = np.cos(around), np.sin(around)
    cosine[-1], sine[-1] = 1.0, 0.0
    start = 0
    for profile in profiles:
        for radius, height, outward, upward in profile:
            points.append(np.column_stack([radius * cosine, radius * sine, np.full(len(around), height)]))
            normals.append(np.column_stack([outward * cosine, outward * sine, np.full(len(around), upward)]))
        for row in range(len(profile) - 1):
            lower = start + row * (_AROUND + 1) + np.arange(_AROUND)
            upper = lower + _AROUND + 1
            if profile[row][0] > 0:
                triangles.append(np.column_stack([lower, lower + 1, upper + 1 if profile[row + 1][0] > 0 else upper]))
            if profile[row + 1][0] > 0:
                triangles.append(np.column_stack([lower, upper + 1, upper]))
        start += len(profile) * (_AROUND + 1)
    faces = np.concatenate(triangles) if triangles else np.zeros((0, 3), np.int64)
    return np.concatenate(points), np.concatenate(normals), faces


_SHAPES = {
    "Cube": _cube, "Plane": _plane, "Sphere": _sphere, "Cylinder": _cylinder, "Cone": _cone, "Capsule": _capsule,
}  # fmt: skip
_SIZES = {
    "Cube": ("size",),
    "Plane": ("width", "length"),
    "Sphere": ("radius",),
    "Cylinder": ("radius", "height", "radiusBottom", "radiusTop"),
    "Cone": ("radius", "height"),
    "Capsule": ("radius", "height", "radiusBottom", "radiusTop"),
}
GPRIMS = frozenset([*_SHAPES, "Cylinder_1", "Capsule_1"])
