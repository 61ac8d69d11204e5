"""The numbers of an OFF file: vertices and faces, from text or binary."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileTruncated, FileValuesInvalid
from threed_workers.budget import Budget

_HEADER = re.compile(
    rb"(?:\s*#[^\n]*\n)*\s*(?P<st>ST)?(?P<c>C)?(?P<n>N)?(?P<four>4)?(?P<any>n)?OFF[ \t]*(?P<binary>BINARY[ \t]*\r?\n)?"
)
_MOST_DIMENSIONS = 64


@dataclass(frozen=True)
class Header:
    """What a vertex has, by the letters of the keyword."""

    has_uvs: bool
    has_colors: bool
    has_normals: bool
    is_homogeneous: bool
    dimensions: int

    @property
    def least(self) -> int:
        """Numbers of a vertex without its colour."""
        return self.dimensions + 3 * self.has_normals + 2 * self.has_uvs


@dataclass
class Faces:
    """`sizes` (f,) and `corners`, int64, face after face; `colors` float64 (f, 4), `color_sizes` of 4 given."""

    sizes: np.ndarray
    corners: np.ndarray
    colors: np.ndarray
    color_sizes: np.ndarray


@dataclass
class Table:
    """float64 columns of the vertices; None for what they do not have. `unused` columns are of no known meaning."""

    header: Header
    points: np.ndarray
    normals: np.ndarray | None
    colors: np.ndarray | None
    uvs: np.ndarray | None
    faces: Faces
    unused: int


def read_table(data: memoryview, budget: Budget) -> Table:
    """Raises FileMalformed, FileTruncated or FileValuesInvalid, naming the line, byte, vertex or face."""
    found = _HEADER.match(data[: 1 << 16])
    if found is None:
        raise FileMalformed("The file does not begin with OFF.", where="line 1")
    reader = _Binary(data, found) if found["binary"] else _Text(data, found, budget)
    table = reader.table()
    corners = table.faces.corners
    wrong = (corners < 0) | (corners >= len(table.points))
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        face = int(np.searchsorted(np.cumsum(table.faces.sizes), place, side="right"))
        message = f"A face uses vertex {int(corners[place])}, and there are {len(table.points)}."
        raise FileValuesInvalid(message, where=f"face {face}")
    return table


def _header(found: re.Match[bytes], dimensions: int) -> Header:
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise FileMalformed(f"Points have {dimensions} dimensions.", where="header")
    is_homogeneous = found["four"] is not None
    has = (found[letter] is not None for letter in ("st", "c", "n"))
    return Header(*has, is_homogeneous, dimensions + is_homogeneous)


def _split(header: Header, rows: np.ndarray, faces: Faces) -> Table:
    """Columns in the order of the format: coordinates, normal, colour, texture coordinates."""
    at = header.dimensions
    normals = rows[:, at : at + 3] if header.has_normals else None
    at += 3 * header.has_normals
    end = rows.shape[1] - 2 * header.has_uvs if header.has_colors else at
    colors = rows[:, at:end] if header.has_colors else None
    uvs = rows[:, end : end + 2] if header.has_uvs else None
    unused = rows.shape[1] - end - 2 * header.has_uvs
    return Table(header, rows[:, : header.dimensions], normals, colors, uvs, faces, unused)


class _Text:
    """A line for each vertex and face, as every writer does; comments go to the end of their line."""

    def __init__(self, data: memoryview, found: re.Match[bytes], budget: Budget):
        self.found = found
        text = bytes(data[found.end() :])
        if b"#" in text:
            text = re.sub(rb"#[^\n]*", b"", text)
        first = found[0].count(b"\n") + 1
        self.rows = [(number, line) for number, line in enumerate(text.splitlines(), first) if line.strip()]
        if any(len(line) > budget.line_bytes for _, line in self.rows):
            raise FileTooComplex(f"A line has more than {budget.line_bytes} bytes.", where="line")

    def table(self) -> Table:
        at = 0
        dimensions = 3
        if self.found["any"]:
            (dimensions,) = self.counts(at, 1)
            at += 1
        counts = self.counts(at, 2)
        header = _header(self.found, dimensions)
        vertices, faces = (self.lines(start, count, what) for start, count, what in _blocks(at + 1, *counts))
        return _split(header, self.vertices(header, vertices), self.faces(faces))

    def counts(self, at: int, least: int) -> list[int]:
        """Whole numbers of the line; the number of edges, which nobody needs, may be missing."""
        number, line = self.rows[at] if at < len(self.rows) else (0, b"")
        words = line.split()[: least + 1]
        if len(words) < least or not all(re.fullmatch(rb"[0-9]{1,18}", word) for word in words[:least]):
            raise FileMalformed(
                "The counts of vertices and faces are missing.", where=f"line {number or 'after the end'}"
            )
        return [int(word) for word in words[:least]]

    def lines(self, start: int, count: int, what: str) -> list[tuple[int, bytes]]:
        if start + count > len(self.rows):
            have = max(len(self.rows) - start, 0)
            message = f"The header says {count} {what}, and the file ends after {have}. Send it whole."
            raise FileTruncated(message, where=f"line {self.rows[-1][0] if self.rows else 1}")
        return self.rows[start : start + count]

    def vertices(self, header: Header, lines: list[tuple[int, bytes]]) -> np.ndarray:
        if not lines:
            return np.zeros((0, header.least))
        width = len(lines[0][1].split())
        allowed = (header.least + 3, header.least + 4) if header.has_colors else (header.least,)
        if width not in allowed and not (width > header.least and not header.has_colors):
            message = f"A vertex has {width} numbers, and the header asks for {allowed[0]}."
            raise FileMalformed(message, where=f"line {lines[0][0]}")
        values, widths = _numbers(lines)
        odd = np.flatnonzero(widths != width)
        if len(odd):
            message = f"A vertex has {widths[odd[0]]} numbers, and the one before it {width}."
            raise FileMalformed(message, where=f"line {lines[odd[0]][0]}")
        return values.reshape(-1, width)

    def faces(self, lines: list[tuple[int, bytes]]) -> Faces:
        """The count, the corners, and whatever follows on the line is a colour."""
        values, widths = _numbers(lines)
        starts = np.cumsum(widths) - widths
        sizes = values[starts]
        bad = ~((sizes >= 0) & (sizes <= widths - 1) & (sizes == np.floor(sizes)))
        if bad.any():
            place = int(np.flatnonzero(bad)[0])
            message = f"A face says that it has {sizes[place]:g} corners, and its line has {widths[place] - 1} numbers."
            raise FileMalformed(message, where=f"line {lines[place][0]}")
        sizes = sizes.astype(np.int64)
        corners = values[_ranges(starts + 1, sizes)]
        if not (np.abs(corners) < 2**53).all() or (corners != np.floor(corners)).any():
            raise FileMalformed("A corner of a face is not a whole number.", where="faces")
        color_sizes = np.minimum(widths - 1 - sizes, 4)
        colors = np.zeros((len(lines), 4))
        for place in range(4):
            has = color_sizes > place
            colors[has, place] = values[(starts + 1 + sizes + place)[has]]
        return Faces(sizes, corners.astype(np.int64), colors, color_sizes)


class _Binary:
    """Big endian: whole numbers and floats of 4 bytes."""

    def __init__(self, data: memoryview, found: re.Match[bytes]):
        self.data, self.found, self.at = data, found, found.end()

    def table(self) -> Table:
        dimensions = int(self.integers(1)[0]) if self.found["any"] else 3
        header = _header(self.found, dimensions)
        vertices, faces, _ = (int(number) for number in self.integers(3))
        if vertices < 0 or faces < 0:
            raise FileMalformed("The counts of vertices and faces are below 0.", where="header")
        width = header.least + 4 * header.has_colors
        rows = self.floats(vertices * width).reshape(-1, width)
        return _split(header, rows, self.faces(faces))

    def faces(self, count: int) -> Faces:
        """Each has its corners, and then its colour: a count, and that many floats."""
        if count > (len(self.data) - self.at) // 8:
            self.cut()
        sizes, color_sizes = np.zeros(count, np.int64), np.zeros(count, np.int64)
        colors = np.zeros((count, 4))
        corners = []
        for place in range(count):
            sizes[place] = size = self.count(place)
            corners.append(self.integers(size))
            color_sizes[place] = size = self.count(place)
            floats = self.floats(size)[:4]
            colors[place, : len(floats)] = floats
        joined = np.concatenate(corners).astype(np.int64) if corners else np.zeros(0, np.int64)
        return Faces(sizes, joined, colors, np.minimum(color_sizes, 4))

    def count(self, face: int) -> int:
        if self.at + 4 > len(self.data):
            self.cut()
        (found,) = struct.unpack_from(">i", self.data, self.at)
        if found < 0:
            raise FileMalformed(f"A face has {found} corners or colours.", where=f"face {face}")
        self.at += 4
        return found

    def integers(self, count: int) -> np.ndarray:
        return self.words(count).view(">i4")

    def floats(self, count: int) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # signalling NaNs
            return self.words(count).view(">f4").astype(np.float64)

    def words(self, count: int) -> np.ndarray:
        if self.at + 4 * count > len(self.data):
            self.cut()
        found = np.frombuffer(self.data, ">u4", count, self.at)
        self.at += 4 * count
        return found

    def cut(self) -> None:
        raise FileTruncated("The file ends before its counts say so. Send it whole.", where=f"byte {len(self.data)}")


def _blocks(start: int, vertices: int, faces: int) -> tuple[tuple[int, int, str], tuple[int, int, str]]:
    return (start, vertices, "vertices"), (start + vertices, faces, "faces")


def _numbers(lines: list[tuple[int, bytes]]) -> tuple[np.ndarray, np.ndarray]:
    """All numbers, float64, and how many each line has."""
    widths = np.fromiter((len(line.split()) for _, line in lines), np.int64, len(lines))
    total = int(widths.sum())
    words = (word for _, line in lines for word in line.split())
    try:
        return np.fromiter(map(float, words), np.float64, total), widths
    except ValueError:
        number = next(number for number, line in lines if not _is_numbers(line))
        raise FileMalformed("Something stands where a number should be.", where=f"line {number}") from None


def _is_numbers(line: bytes) -> bool:
    try:
        list(map(float, line.split()))
    except ValueError:
        return False
    return True


def _ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The numbers of `sizes` rows from each of `starts`, one range after the other."""
    before = np.cumsum(sizes) - sizes
    return np.repeat(starts - before, sizes) + np.arange(int(sizes.sum()))
