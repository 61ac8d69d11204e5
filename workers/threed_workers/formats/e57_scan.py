"""One scan of an E57: its points, read block by block, and its pose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threed.errors import FileMalformed, FileTruncated, FileValuesInvalid
from threed_workers.document.model import Json
from threed_workers.formats.cloud import BLOCK, Cloud, check_finite, origin_of

_CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
_SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
_COLORS = ("colorRed", "colorGreen", "colorBlue")
_NORMALS = ("nor:normalX", "nor:normalY", "nor:normalZ")
_STATES = ("cartesianInvalidState", "sphericalInvalidState")
# Whole numbers too are read as float64: the library takes a long for four bytes.
_KEPT = {"intensity": np.float32} | dict.fromkeys(("rowIndex", "columnIndex", "returnIndex", "returnCount"), np.float64)
_IGNORED = ("isColorInvalid", "isIntensityInvalid", "isTimeStampInvalid")
_NOTES = ("guid", "description", "sensorVendor", "sensorModel", "sensorSerialNumber", "temperature")


@dataclass(eq=False)
class Scan:
    """`translation` float64 (3,) and `rotation` xyzw of the pose; `count` points in the file, `invalid` of them."""

    cloud: Cloud
    translation: np.ndarray
    rotation: np.ndarray | None
    count: int
    invalid: int = 0
    notes: Json = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def read_scan(file: Any, node: Any, index: int) -> Scan:
    """The scan of a structure in `data3D`. Raises FileTruncated when its points end early."""
    from pye57 import libe57

    where = f"data3D/{index}"
    points, count = node["points"], int(node["points"].childCount())
    prototype = libe57.StructureNode(points.prototype())
    fields = [prototype.get(number).elementName() for number in range(prototype.childCount())]
    axes = next((axes for axes in (_CARTESIAN, _SPHERICAL) if all(axis in fields for axis in axes)), None)
    if axes is None:
        raise FileMalformed("A scan has neither Cartesian nor spherical coordinates.", where=where)
    translation, rotation = _pose(node, where)
    cloud = Cloud(_text(node, "name") or f"scan {index}", np.empty((count, 3), np.float32), np.zeros(3))
    scan = Scan(cloud, translation, rotation, count, notes=_notes(node))
    scan.lost = {
        f"field {one}"[:80]: "It is no vertex attribute that glTF could hold."
        for one in fields
        if one not in (*_CARTESIAN, *_SPHERICAL, *_COLORS, *_NORMALS, *_STATES, *_KEPT, *_IGNORED)
    }
    for group in (_COLORS, _NORMALS):
        if any(one in fields for one in group) and not all(one in fields for one in group):
            scan.lost[f"field {group[0]}"] = "It comes without the others that belong to it."
    if count:
        _fill(scan, file, points, fields, axes, where)
    return scan


def _fill(scan: Scan, file: Any, points: Any, fields: list[str], axes: tuple[str, ...], where: str) -> None:
    from pye57 import libe57

    wanted: dict[str, Any] = dict.fromkeys(axes, np.float64)
    wanted |= {one: np.float64 for group in (_COLORS, _NORMALS) if all(one in fields for one in group) for one in group}
    wanted |= {one: dtype for one, dtype in _KEPT.items() if one in fields}
    state = f"{'cartesian' if axes is _CARTESIAN else 'spherical'}InvalidState"
    wanted |= {state: np.int8} if state in fields else {}
    size = min(BLOCK, scan.count)
    rows, buffers = {}, libe57.VectorSourceDestBuffer()
    for one, dtype in wanted.items():
        rows[one] = np.empty(size, dtype)
        buffers.append(libe57.SourceDestBuffer(file, one, rows[one], size, True, True))
    full = _Full(scan, wanted)
    reader, seen = points.reader(buffers), 0
    while seen < scan.count:
        got = int(reader.read())
        if not got:
            raise FileTruncated(f"A scan has {seen} points, and declares {scan.count}.", where=where)
        full.take({one: values[:got] for one, values in rows.items()}, axes, state, seen, where)
        seen += got
    reader.close()
    full.finish()


class _Full:
    """The arrays of a whole scan."""

    def __init__(self, scan: Scan, wanted: dict[str, Any]):
        self.scan, self.filled = scan, 0
        self.colors = np.empty((scan.count, 3), np.float32) if _COLORS[0] in wanted else None
        self.normals = np.empty((scan.count, 3), np.float32) if _NORMALS[0] in wanted else None
        self.values = {one: np.empty(scan.count, _KEPT[one]) for one in wanted if one in _KEPT}

    def take(self, rows: dict[str, np.ndarray], axes: tuple[str, ...], state: str, seen: int, where: str) -> None:
        """The valid points of a block."""
        valid = rows[state] == 0 if state in rows else np.ones(len(rows[axes[0]]), bool)
        places = np.column_stack([rows[axis][valid] for axis in axes])
        if axes is _SPHERICAL:
            places = _cartesian(places)
        if not self.filled and len(places):
            with np.errstate(all="ignore"):
                self.scan.cloud.origin = origin_of(places.min(0), places.max(0))
        end = self.filled + len(places)
        with np.errstate(all="ignore"):
            self.scan.cloud.points[self.filled : end] = places - self.scan.cloud.origin
        check_finite(self.scan.cloud.points[self.filled : end], seen, where)
        for full, group in ((self.colors, _COLORS), (self.normals, _NORMALS)):
            if full is not None:
                full[self.filled : end] = np.column_stack([rows[one][valid] for one in group])
        for one, values in self.values.items():
            values[self.filled : end] = rows[one][valid]
        self.filled = end

    def finish(self) -> None:
        """Cut to the points that there are, and make what glTF can hold of the rest."""
        cloud, end = self.scan.cloud, self.filled
        self.scan.invalid = self.scan.count - end
        cloud.points = cloud.points[:end]
        if not end:
            return
        if self.normals is not None and np.isfinite(self.normals[:end]).all():
            cloud.normals = self.normals[:end]
        if self.colors is not None:
            cloud.colors, cloud.color_full = _colors(self.colors[:end])
        for one, values in self.values.items():
            values = values[:end]
            key = "_" + one.upper().replace("INDEX", "").replace("RETURNCOUNT", "RETURNS")
            if one == "intensity":
                cloud.attributes[key] = np.nan_to_num(values, posinf=0.0, neginf=0.0)
            elif values.min() >= 0 and values.max() <= 0xFFFF:
                cloud.attributes[key] = values.astype(np.uint16)
            else:
                self.scan.lost[f"field {one}"] = "Whole numbers beyond 65535 do not fit a vertex attribute."


def _cartesian(places: np.ndarray) -> np.ndarray:
    """(range, azimuth, elevation) in metres and radians to x, y, z. (ASTM E2807, section 5.2)"""
    distance, azimuth, elevation = places.T
    with np.errstate(all="ignore"):
        flat = distance * np.cos(elevation)
        return np.column_stack([flat * np.cos(azimuth), flat * np.sin(azimuth), distance * np.sin(elevation)])


def _colors(colors: np.ndarray) -> tuple[np.ndarray, int]:
    """(whole numbers, the number that is full). Files hold 8 bit, 16 bit, or fractions of 1."""
    colors = np.clip(np.nan_to_num(colors), 0, 65535)
    highest = colors.max()
    if highest <= 1 and (colors % 1).any():
        return np.rint(colors * 255).astype(np.int64), 255
    return np.rint(colors).astype(np.int64), 255 if highest <= 255 else 65535


def _pose(node: Any, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """(translation, rotation xyzw or None). Raises FileValuesInvalid for what is no pose."""
    translation, rotation = np.zeros(3), None
    if not node.isDefined("pose"):
        return translation, rotation
    pose = node["pose"]
    if pose.isDefined("translation"):
        translation = np.array([float(pose["translation"][axis].value()) for axis in "xyz"])
    if pose.isDefined("rotation"):
        rotation = np.array([float(pose["rotation"][part].value()) for part in "xyzw"])
        length = np.linalg.norm(rotation)
        if not np.isfinite(length) or not length:
            raise FileValuesInvalid("The rotation of a pose is no quaternion.", where=f"{where}/pose")
        rotation = rotation / length
        rotation = None if np.array_equal(np.abs(rotation), (0, 0, 0, 1)) else rotation
    if not np.isfinite(translation).all() or np.abs(translation).max() > 1e30:
        raise FileValuesInvalid("The translation of a pose is not finite.", where=f"{where}/pose")
    return translation, rotation


def _notes(node: Any) -> Json:
    found: Json = {}
    for key in _NOTES:
        if node.isDefined(key) and hasattr(node[key], "value"):
            value = node[key].value()
            if isinstance(value, str) and value:
                found[key] = value[:1000]
            elif isinstance(value, float) and np.isfinite(value):
                found[key] = value
    return found


def _text(node: Any, key: str) -> str:
    value = node[key].value() if node.isDefined(key) and hasattr(node[key], "value") else ""
    return value[:1000] if isinstance(value, str) else ""
