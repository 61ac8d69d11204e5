"""LAS 1.0 to 1.4 (ASPRS) and its compression LAZ: one cloud of points, with colours and what was measured of each."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTruncated, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue, loss
from threed_workers.document.model import Json
from threed_workers.formats.cloud import (
    BLOCK,
    Cloud,
    add_cloud,
    check_count,
    check_finite,
    origin_of,
    tell_origin,
    upright,
)
from threed_workers.formats.las_reference import Reference, read_reference
from threed_workers.formats.source import Source

name = "las"
media_type = "application/vnd.las"
extensions = (".las", ".laz")
asset_type = "MODEL"

_SHORTEST = 227  # bytes of the header of LAS 1.0 to 1.2
_COMPRESSED = 0x80
_COLORS = ("red", "green", "blue")
_POSITION = ("X", "Y", "Z")
_EXACT = 1 << 24  # whole numbers that float32 holds
_WAVEFORMS = (4, 5, 9, 10)


def recognise(source: Source) -> bool:
    """The first letters are LASF."""
    return source.head.startswith(b"LASF")


def read(source: Source, budget: Budget) -> Document:
    """The points around an origin of their own, standing upright in metres."""
    count, compressed = _check_header(source.data, budget)
    try:
        import laspy
    except ImportError:
        raise FileFeatureUnsupported(
            "No reader of LAS is installed here: laspy. Install it: pip install 'threed[workers]'.", where="byte 0"
        ) from None
    try:
        with laspy.open(source.path, laz_backend=laspy.LazBackend.Lazrs if compressed else None) as file:
            return _document(file, count, budget)
    except (laspy.errors.LaspyException, _compression_error()) as error:
        raise FileMalformed(f"The points cannot be read: {str(error)[:200]}", where="points") from None
    except (struct.error, EOFError):
        raise FileTruncated("The file ends within a record. Upload it whole.", where="records") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise FileMalformed(f"A record breaks the rules of LAS: {str(error)[:200]}", where="records") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # how Rust code ends, which is no Exception
            raise
        raise FileMalformed(f"The points do not decompress: {str(error)[:200]}", where="points") from None


def _compression_error() -> type[Exception]:
    import lazrs

    return lazrs.LazrsError


def _check_header(data: memoryview, budget: Budget) -> tuple[int, bool]:
    """(points, compressed?). What the header says must fit into the file, before anything is read by it."""
    if len(data) < _SHORTEST:
        raise FileTruncated(f"A LAS has at least {_SHORTEST} bytes, and this {len(data)}.", where=f"byte {len(data)}")
    major, minor = data[24], data[25]
    if major != 1 or minor > 4:
        raise FileFeatureUnsupported(f"This is LAS {major}.{minor}; 1.0 to 1.4 are read.", where="byte 24")
    header, start, records = struct.unpack_from("<HII", data, 94)
    point_format, length, count = struct.unpack_from("<BHI", data, 104)
    if minor == 4:
        if len(data) < 375 or header < 375:
            raise FileTruncated("The header of a LAS 1.4 has 375 bytes.", where="byte 94")
        extended, extended_records, count_64 = struct.unpack_from("<QIQ", data, 235)
        count = count_64 or count
        if extended_records and extended + 60 * extended_records > len(data):
            raise FileTruncated("Extended records lie beyond the end. Upload the file whole.", where="byte 235")
    if header < _SHORTEST or start < header or start > len(data) or 54 * records > start - header:
        raise FileMalformed("The header's sizes do not fit together. Export the file again.", where="byte 94")
    compressed = bool(point_format & _COMPRESSED)
    if not compressed and start + count * length > len(data):
        raise FileTruncated(
            f"{count} points of {length} bytes from byte {start} on pass the end, byte {len(data)}.", where="byte 105"
        )
    if compressed:
        _check_chunks(data, start)
    check_count(count, 40, budget, "byte 107")
    return count, compressed


def _check_chunks(data: memoryview, start: int) -> None:
    """LAZ lists its chunks; room for the list is taken before it is read."""
    place = struct.unpack_from("<q", data, start)[0] if start + 8 <= len(data) else 0
    if place < 0 or place + 8 > len(data):
        place = struct.unpack_from("<q", data, len(data) - 8)[0]  # written by a program that could not go back
    if 0 < place <= len(data) - 8 and struct.unpack_from("<I", data, place + 4)[0] > len(data):
        raise FileMalformed("The file lists more chunks than it has bytes. Export it again.", where=f"byte {place}")


def _document(file: Any, count: int, budget: Budget) -> Document:
    header = file.header
    if not (np.isfinite(header.scales).all() and np.isfinite(header.offsets).all()):
        raise FileValuesInvalid("The header's scales or offsets are not finite.", where="byte 131")
    columns = _Columns(header, count)
    for points in file.chunk_iterator(BLOCK):
        columns.take(points)
    builder = Builder()
    reference = read_reference(header)
    cloud, extras, losses = columns.cloud(), columns.constants, columns.losses()
    notes: Json = {"crs": reference.notes} if reference.notes else {}
    notes |= {"point": extras} if extras else {}
    if len(cloud.points):
        upright(builder, [add_cloud(builder, cloud)], reference.unit_m, notes)
    builder.note_source(reference.unit_m, "Z")
    document = builder.finish()
    document.losses += losses + [
        loss(f"record {kind}", number, "Not read.") for kind, number in reference.unread.items()
    ]
    document.issues += _issues(reference, columns)
    tell_origin(document, [cloud.origin])
    return document


def _issues(reference: Reference, columns: _Columns) -> list[Json]:
    found = []
    if reference.is_geographic:
        text = "The horizontal coordinates are degrees, and the heights are not: the model is not to scale."
        found.append(issue("UNITS_GEOGRAPHIC", "WARNING", "", text))
    elif not reference.unit_m_given:
        found.append(issue("UNITS_ASSUMED", "INFO", "", "The file says no unit: metres are assumed."))
    if columns.filled < columns.count:
        text = f"The header says {columns.count} points, and there are {columns.filled}."
        found.append(issue("POINTS_MISSING", "WARNING", "", text))
    if not columns.filled:
        found.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no points."))
    return found


class _Columns:
    """The dimensions of the points, filled block by block."""

    def __init__(self, header: Any, count: int):
        self.count, self.filled = count, 0
        self.scales, self.offsets = np.asarray(header.scales), np.asarray(header.offsets)
        self.origin = origin_of(np.asarray(header.mins, np.float64), np.asarray(header.maxs, np.float64))
        self.points = np.empty((count, 3), np.float32)
        names = list(header.point_format.dimension_names)
        self.has_colors = all(color in names for color in _COLORS)
        self.colors = np.empty((count, 3), np.uint16) if self.has_colors else None
        self.names = [one for one in names if one not in (*_POSITION, *_COLORS)]
        self.has_waveforms = header.point_format.id in _WAVEFORMS
        self.values: dict[str, np.ndarray] = {}
        self.constants: Json = {}
        self.lost: dict[str, str] = {}

    def take(self, points: Any) -> None:
        """The next block."""
        start, end = self.filled, min(self.filled + len(points), self.count)
        size = end - start
        with np.errstate(all="ignore"):
            raw = np.column_stack([np.asarray(points[axis])[:size] for axis in _POSITION])
            places = raw * self.scales + (self.offsets - self.origin)
            self.points[start:end] = places
        check_finite(self.points[start:end], start, "points")
        if self.colors is not None:
            self.colors[start:end] = np.column_stack([np.asarray(points[color])[:size] for color in _COLORS])
        for one in self.names:
            self._keep(one, np.asarray(points[one])[:size], start, end)
        self.filled = end

    def cloud(self) -> Cloud:
        """What was read. Dimensions that are the same for every point have become `constants`."""
        attributes = {}
        for one, values in self.values.items():
            values = values[: self.filled]
            if one in self.lost or not len(values) or not values.any():
                continue
            if (values == values[0]).all():
                self.constants[one] = values[0].tolist()
            else:
                attributes["_" + "".join(sign if sign.isalnum() else "_" for sign in one.upper())] = values
        colors = self.colors[: self.filled] if self.colors is not None else None
        if colors is not None and not colors.any():
            colors = None
        # Many write 8 bit colours into the 16 bit fields, where the format wants them times 256.
        full = 255 if colors is not None and colors.max(initial=0) <= 255 else 65535
        return Cloud("points", self.points[: self.filled], self.origin, colors, full, attributes=attributes)

    def losses(self) -> list[Json]:
        """What vertex attributes cannot hold."""
        found = [loss(f"dimension {one}"[:80], self.filled, reason) for one, reason in self.lost.items()]
        if self.has_waveforms:
            found.append(loss("waveforms", self.filled, "Only points are read."))
        return found

    def _keep(self, one: str, values: np.ndarray, start: int, end: int) -> None:
        """Copy what a glTF accessor can hold; other numbers are lost unless all are zero."""
        if one in self.lost or not values.any():
            return  # the columns begin as zeros
        if values.ndim > 1:
            self.lost[one] = "Several values a point are no vertex attribute."
        elif one == "gps_time" or (values.dtype.kind == "f" and not np.isfinite(values).all()):
            self.lost[one] = "float32 cannot hold these numbers."
        elif (
            values.dtype.itemsize >= 4
            and values.dtype.kind in "iu"
            and np.abs(values.astype(np.float64)).max() > _EXACT
        ):
            self.lost[one] = "Whole numbers of that size do not fit a vertex attribute."
        else:
            dtype = np.float32 if values.dtype.itemsize >= 4 else values.dtype
            if one not in self.values:
                self.values[one] = np.zeros(self.count, dtype)
            self.values[one][start:end] = values
