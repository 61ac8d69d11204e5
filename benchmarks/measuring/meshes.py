"""Meshes to import: a terrain, whose triangles share their corners, and a soup of triangles that share none.

Written as STL, PLY and OBJ of about the size that is asked for. Block by block: a hundred megabytes of text need little
memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

_BLOCK = 1 << 15  # rows
_TRIED = 100_000  # triangles, enough to see how long a file will be
_STL_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_PLY_VERTEX = np.dtype([("position", "<f4", 3), ("normal", "<f4", 3)])
_PLY_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


class Mesh(NamedTuple):
    """points, normals float32 (n, 3) and uvs float32 (n, 2); triangles int32 (t, 3)."""

    points: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    triangles: np.ndarray


def terrain(triangles: int) -> Mesh:
    """A height field of about that many triangles, a metre wide in a million of them, with normals and uvs."""
    side = round((triangles / 2) ** 0.5) + 1
    u, v = np.meshgrid(np.linspace(0, 1, side, dtype=np.float32), np.linspace(0, 1, side, dtype=np.float32))
    waves = [(np.float32(k), np.float32(0.02 / k**0.7)) for k in (3, 11, 41, 173)]
    height = sum(a * np.sin(k * 6 * u + k) * np.cos(k * 5 * v) for k, a in waves)
    slope_u = sum(a * k * 6 * np.cos(k * 6 * u + k) * np.cos(k * 5 * v) for k, a in waves)
    slope_v = sum(-a * k * 5 * np.sin(k * 6 * u + k) * np.sin(k * 5 * v) for k, a in waves)
    normals = np.stack([-slope_u, -slope_v, np.ones_like(u)], -1).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    corner = (np.arange(side - 1, dtype=np.int32)[:, None] * side + np.arange(side - 1, dtype=np.int32)).reshape(-1, 1)
    faces = (corner + np.array([0, 1, side, side, 1, side + 1], np.int32)).reshape(-1, 3)
    points = np.stack([u, v, height], -1).reshape(-1, 3)
    return Mesh(points.astype(np.float32), normals.astype(np.float32), np.stack([u, v], -1).reshape(-1, 2), faces)


def soup(triangles: int) -> Mesh:
    """That many small triangles anywhere in a cube, each with three corners of its own."""
    random = np.random.default_rng(11)
    centers = random.uniform(-1, 1, (triangles, 1, 3)).astype(np.float32)
    corners = centers + random.uniform(-0.01, 0.01, (triangles, 3, 3)).astype(np.float32)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-20)
    uvs = random.uniform(0, 1, (3 * triangles, 2)).astype(np.float32)
    numbers = np.arange(3 * triangles, dtype=np.int32).reshape(-1, 3)
    return Mesh(corners.reshape(-1, 3), np.repeat(flat, 3, axis=0).astype(np.float32), uvs, numbers)


MODELS: dict[str, Callable[[int], Mesh]] = {"terrain": terrain, "soup": soup}


def write(form: str, model: str, size: int, path: Path) -> int:
    """Write `model` in `form` (a key of FORMS) with about `size` bytes. Returns the number of triangles."""
    make, put = MODELS[model], FORMS[form]
    count = 2000
    for _ in range(3):  # how long the numbers of a text are shows when they are written
        with path.open("wb") as file:
            put(file, make(min(count, _TRIED)))
            count = max(1000, round(min(count, _TRIED) * size / file.tell()))
    with path.open("wb") as file:
        mesh = make(count)
        put(file, mesh)
    return len(mesh.triangles)


def _stl_records(mesh: Mesh) -> Iterator[np.ndarray]:
    for start in range(0, len(mesh.triangles), _BLOCK):
        corners = mesh.points[mesh.triangles[start : start + _BLOCK]]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        records = np.zeros(len(corners), _STL_RECORD)
        records["normal"] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-30)
        records["corners"] = corners
        yield records


def _stl_binary(file: BinaryIO, mesh: Mesh) -> None:
    file.write(bytes(80) + np.uint32(len(mesh.triangles)).tobytes())
    for records in _stl_records(mesh):
        file.write(records.tobytes())


def _stl_text(file: BinaryIO, mesh: Mesh) -> None:
    vertex = "      vertex %.7g %.7g %.7g\n"
    facet = f"  facet normal %.7g %.7g %.7g\n    outer loop\n{vertex * 3}    endloop\n  endfacet\n"
    file.write(b"solid model\n")
    for records in _stl_records(mesh):
        rows = np.concatenate([records["normal"], records["corners"].reshape(-1, 9)], axis=1)
        _lines(file, facet, rows)
    file.write(b"endsolid model\n")


def _ply_head(encoding: str, mesh: Mesh) -> bytes:
    properties = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    faces = f"element face {len(mesh.triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    return f"ply\nformat {encoding} 1.0\nelement vertex {len(mesh.points)}\n{properties}{faces}".encode()


def _ply_binary(file: BinaryIO, mesh: Mesh) -> None:
    vertices, faces = np.empty(len(mesh.points), _PLY_VERTEX), np.empty(len(mesh.triangles), _PLY_FACE)
    vertices["position"], vertices["normal"] = mesh.points, mesh.normals
    faces["count"], faces["corners"] = 3, mesh.triangles
    file.write(_ply_head("binary_little_endian", mesh))
    vertices.tofile(file)
    faces.tofile(file)


def _ply_text(file: BinaryIO, mesh: Mesh) -> None:
    file.write(_ply_head("ascii", mesh))
    _lines(file, "%.7g %.7g %.7g %.7g %.7g %.7g\n", mesh.points, mesh.normals)
    _lines(file, "3 %d %d %d\n", mesh.triangles)


def _obj(file: BinaryIO, mesh: Mesh) -> None:
    file.write(b"o model\n")
    _lines(file, "v %.7g %.7g %.7g\n", mesh.points)
    _lines(file, "vt %.6g %.6g\n", mesh.uvs)
    _lines(file, "vn %.6g %.6g %.6g\n", mesh.normals)
    _lines(file, "f %d/%d/%d %d/%d/%d %d/%d/%d\n", np.repeat(mesh.triangles + 1, 3, axis=1))


FORMS: dict[str, Callable[[BinaryIO, Mesh], None]] = {
    "stl": _stl_binary,
    "stl text": _stl_text,
    "ply": _ply_binary,
    "ply text": _ply_text,
    "obj": _obj,
}


def _lines(file: BinaryIO, line: str, *columns: np.ndarray) -> None:
    for start in range(0, len(columns[0]), _BLOCK):
        rows = np.hstack([column[start : start + _BLOCK] for column in columns])
        file.write((line * len(rows) % tuple(rows.reshape(-1).tolist())).encode())
