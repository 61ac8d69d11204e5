"""The text of an OBJ file as arrays.

Files are millions of short lines of four kinds, in long runs of one kind. Runs are found by numpy in the bytes and
turned into numbers as a whole; only lines that are unlike their neighbours are looked at one by one.

Tried on 1M triangles (101 MB): a Python loop over the lines, 11.6 s and 1.25 GB; runs, 5.1 s and 0.9 GB: this one.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget

_FREE_FORM = frozenset(b"cstype curv curv2 surf vp parm trim scrv bzp bsp cdc".split())
_TABLES = {b"v": (3, 8), b"vt": (1, 3), b"vn": (3, 3)}  # fewest and most numbers of a line
_ELEMENTS = (b"f", b"l", b"p")
_RUN = 1 << 16  # lines
_FEW = 16  # lines below which setting numpy up costs more than a loop


class Run(NamedTuple):
    """`count` lines from line `number` on, whose first word is `word`; `text` is all of them."""

    number: int
    count: int
    word: bytes
    text: bytes


class Elements(NamedTuple):
    """Corners per element (e,), and corners int64 (c, 3): position, uv, normal from 0, -1 for none."""

    number: int
    sizes: np.ndarray
    corners: np.ndarray


@dataclass
class Part:
    """The elements of one object and one material: faces, lines and points, in runs."""

    title: str
    material: str
    elements: dict[bytes, list[Elements]] = field(default_factory=lambda: {word: [] for word in _ELEMENTS})

    def line_pairs(self) -> np.ndarray:
        """Vertex numbers, two for each piece of a line."""
        sizes, corners = self.joined(b"l")
        vertices = corners[:, 0]
        last = np.zeros(len(vertices) + 1, bool)
        last[np.cumsum(sizes)] = True  # a piece does not go from the end of one line to the start of the next
        starts = np.flatnonzero(~last[1 : len(vertices)])
        return np.column_stack([vertices[starts], vertices[starts + 1]]).reshape(-1)

    def joined(self, word: bytes) -> tuple[np.ndarray, np.ndarray]:
        """(sizes, corners) of all elements of that kind."""
        runs = self.elements[word]
        if not runs:
            return np.zeros(0, np.int64), np.zeros((0, 3), np.int64)
        return np.concatenate([run.sizes for run in runs]), np.concatenate([run.corners for run in runs])


@dataclass
class Text:
    """points float32 (n, 3); colors (n, 3) as written, sRGB, or None; uvs float32 (m, 2); normals float32 (k, 3).

    `skipped` counts statements that are not read; `joined_parts` the groups beyond the budget; `dangling` the corners
    whose uv or normal does not exist.
    """

    points: np.ndarray
    colors: np.ndarray | None
    uvs: np.ndarray
    normals: np.ndarray
    parts: list[Part]
    libraries: list[tuple[int, str]]
    skipped: Counter[str]
    joined_parts: int
    dangling: int


def read_text(data: memoryview, budget: Budget) -> Text:
    """The whole file. Raises with the line's number."""
    tables: dict[bytes, list[np.ndarray]] = {word: [] for word in _TABLES}
    counts = dict.fromkeys(_TABLES, 0)
    parts: dict[tuple[str, str], Part] = {}
    libraries: list[tuple[int, str]] = []
    skipped: Counter[str] = Counter()
    title, material, joined = "", "", 0
    for run in _runs(data, budget):
        if run.word in tables:
            rows = _numbers(run)
            tables[run.word].append(rows)
            counts[run.word] += len(rows)
        elif run.word in _ELEMENTS:
            key = (title, material)
            if key not in parts and len(parts) >= budget.parts:
                key, joined = ("", ""), joined + 1
            part = parts.setdefault(key, Part(*key))
            part.elements[run.word].append(_elements(run, tuple(counts.values())))
        elif run.word in (b"o", b"g"):
            title = _rest(run)[:1000]
        elif run.word == b"usemtl":
            material = _rest(run)[:1000]
        elif run.word == b"mtllib":
            libraries.append((run.number, _rest(run)))
        elif run.word in _FREE_FORM:
            skipped[f"{run.word.decode()} statements"] += run.count
    points = _joined(tables[b"v"], 3)
    dangling = sum(_check_indices(run, tuple(counts.values())) for part in parts.values() for run in _all(part))
    return Text(
        points[:, :3].astype(np.float32),
        np.where(np.isfinite(points[:, 3:6]), points[:, 3:6], 1.0) if points.shape[1] >= 6 else None,
        _finite(_joined(tables[b"vt"], 2)[:, :2]),
        _finite(_joined(tables[b"vn"], 3)),
        list(parts.values()),
        libraries,
        skipped,
        joined,
        dangling,
    )


def _all(part: Part) -> list[Elements]:
    return [run for runs in part.elements.values() for run in runs]


def _rest(run: Run) -> str:
    words = run.text.split(None, 1)
    return words[1].decode("utf-8", "replace").strip() if len(words) == 2 else ""


# ---------------------------------------------------------------- lines


def _runs(data: memoryview, budget: Budget) -> Iterator[Run]:
    """The lines in order, neighbours of one frequent kind together."""
    content = bytes(data)
    if b"\\" in content:  # continued lines; the pieces keep their length, so that nothing else has to move
        content = content.replace(b"\\\r\n", b"   ").replace(b"\\\n", b"  ")
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    signs = np.frombuffer(content, np.uint8)
    ends = np.append(np.flatnonzero(signs == 10), len(signs))
    starts = np.concatenate([[0], ends[:-1] + 1])
    if len(ends) and int((ends - starts).max()) > budget.line_bytes:
        raise FileTooComplex(f"A line is longer than {budget.line_bytes} bytes.", where="the longest line")
    kinds = _kinds(signs, starts)
    edges = np.flatnonzero(np.diff(kinds) | (kinds[1:] == 0)) + 1
    for first, stop in zip(np.concatenate([[0], edges]), np.append(edges, len(starts)), strict=True):
        for low in range(first, stop, _RUN):
            high = min(low + _RUN, stop)
            text = content[starts[low] : ends[high - 1]]
            words = text[:4096].split(None, 1)
            if words and not words[0].startswith(b"#"):
                yield Run(int(low) + 1, int(high - low), words[0], text)


def _kinds(signs: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """1 v, 2 vt, 3 vn, 4 f for lines that begin so, and 0 for all others, int8."""
    padded = np.concatenate([signs, np.full(3, 10, np.uint8)])
    first, second, third = (padded[np.minimum(starts, len(signs)) + n] for n in range(3))
    blank, then_blank = (second == 32) | (second == 9), (third == 32) | (third == 9)
    kinds = np.zeros(len(starts), np.int8)
    kinds[(first == ord("v")) & blank] = 1
    kinds[(first == ord("v")) & (second == ord("t")) & then_blank] = 2
    kinds[(first == ord("v")) & (second == ord("n")) & then_blank] = 3
    kinds[(first == ord("f")) & blank] = 4
    return kinds


def _words_per_line(text: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(words of each line, where each word begins)."""
    signs = np.frombuffer(text, np.uint8)
    solid = signs > 32
    begins = np.flatnonzero(solid & ~np.concatenate([[False], solid[:-1]]))
    breaks = np.flatnonzero(signs == 10)
    return np.diff(np.searchsorted(begins, np.concatenate([[-1], breaks, [len(signs)]]))), begins


def _parsed(text: bytes, dtype: type) -> np.ndarray | None:
    """Every number of the text, or None when something in it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


# ---------------------------------------------------------------- vertices


def _numbers(run: Run) -> np.ndarray:
    """float64 (lines, numbers), NaN where a line is shorter than others."""
    least, most = _TABLES[run.word]
    rows = _uniform(run) if run.count >= _FEW else None
    if rows is None or not least <= rows.shape[1] <= most:
        rows = _one_by_one(run, least, most)
    _check_finite(run, rows)
    return rows


def _uniform(run: Run) -> np.ndarray | None:
    """The numbers, where every line has as many; otherwise None."""
    sizes, _ = _words_per_line(run.text)
    width = int(sizes[0]) - 1
    if (sizes != sizes[0]).any() or width < 1:
        return None
    values = _parsed(run.text.replace(run.word, b" "), np.float64)
    return values.reshape(run.count, width) if values is not None and len(values) == width * run.count else None


def _one_by_one(run: Run, least: int, most: int) -> np.ndarray:
    lines = run.text.split(b"\n")
    widest = least
    rows = np.full((len(lines), most), np.nan)
    for place, line in enumerate(lines):
        words = line.split(b"#", 1)[0].split()[1 : most + 1]
        if len(words) < least:
            raise FileMalformed(
                f"A {run.word.decode()} line has {len(words)} numbers; {least} are needed.",
                where=f"line {run.number + place}",
            )
        widest = max(widest, len(words))
        try:
            rows[place, : len(words)] = [float(word) for word in words]
        except ValueError:
            raise FileMalformed("A coordinate is no number.", where=f"line {run.number + place}") from None
    return rows[:, :widest]


def _check_finite(run: Run, rows: np.ndarray) -> None:
    if run.word != b"v":
        return
    with np.errstate(over="ignore"):
        finite = np.isfinite(rows[:, :3].astype(np.float32)).all(axis=1)
    if not finite.all():
        raise FileValuesInvalid(
            "A vertex is NaN, infinite or beyond float32. Repair the mesh.",
            where=f"line {run.number + int(np.flatnonzero(~finite)[0])}",
        )


def _joined(blocks: list[np.ndarray], least: int) -> np.ndarray:
    """The blocks as one table, float64, at least `least` wide; NaN where a block is narrower."""
    width = max([least, *(block.shape[1] for block in blocks)])
    out = np.full((sum(map(len, blocks)), width), np.nan)
    place = 0
    for block in blocks:
        out[place : place + len(block), : block.shape[1]] = block
        place += len(block)
    return out


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.clip(values, -1e30, 1e30), nan=0.0).astype(np.float32)


# ---------------------------------------------------------------- faces, lines, points


def _elements(run: Run, counts: tuple[int, ...]) -> Elements:
    """The corners of a run; `counts` vertices, uvs and normals came before, which negative numbers count back from."""
    found = _alike(run)
    if found is None:
        rows = [_corners(line, run.number + place) for place, line in enumerate(run.text.split(b"\n"))]
        found = np.array(list(map(len, rows)), np.int64), np.array(list(chain.from_iterable(rows)), np.int64)
    sizes, written = found[0], found[1].reshape(-1, 3)
    # Written from 1, or from -1 backwards. 0 stands for nothing here, and _corners refuses it where it is written.
    corners = np.where(written > 0, written - 1, np.where(written < 0, np.array(counts) + written, -1))
    corners[(written < 0) & (corners < 0)] = -2  # before the first one
    return Elements(run.number, sizes, corners)


def _alike(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """(sizes, numbers (c, 3) as written), where every corner is written alike; otherwise None."""
    if run.count < _FEW or b"#" in run.text:
        return None
    sizes, begins = _words_per_line(run.text)
    sizes = sizes - 1
    first_of_line = np.zeros(len(begins), bool)
    first_of_line[np.cumsum(sizes + 1) - sizes - 1] = True
    words = int(sizes.sum())
    if not words:
        return sizes, np.zeros((0, 3), np.int64)
    slashes = np.add.reduceat(np.frombuffer(run.text, np.uint8) == 47, begins, dtype=np.int64)[~first_of_line]
    doubles = run.text.count(b"//")
    if (slashes != slashes[0]).any() or slashes[0] > 2 or doubles not in (0, words):
        return None
    columns = [0, 2] if doubles else list(range(int(slashes[0]) + 1))
    values = _parsed(run.text.replace(run.word, b" ").replace(b"/", b" "), np.int64)
    if values is None or len(values) != words * len(columns) or (values == 0).any():
        return None
    written = np.zeros((words, 3), np.int64)
    written[:, columns] = values.reshape(words, len(columns))
    return sizes, written


def _corners(line: bytes, number: int) -> list[list[int]]:
    """The corners of one line as written."""
    corners = []
    for word in line.split(b"#", 1)[0].split()[1:]:
        corner = [0, 0, 0]
        for place, digits in enumerate(word.split(b"/")[:3]):
            try:
                corner[place] = int(digits) if digits else 0
            except ValueError:
                raise FileMalformed(f"An index is no number: {word[:30]!r}.", where=f"line {number}") from None
            if not -(2**40) < corner[place] < 2**40:
                raise FileValuesInvalid(f"The index {word[:30]!r} points at nothing.", where=f"line {number}")
        if corner[0] == 0:
            raise FileValuesInvalid(
                f"A corner has no vertex: {word[:30]!r}. They count from 1.", where=f"line {number}"
            )
        corners.append(corner)
    return corners


def _check_indices(run: Elements, limits: tuple[int, ...]) -> int:
    """Raises for a corner without its vertex; takes away uvs and normals that do not exist, and counts those."""
    wrong = (run.corners >= np.array(limits)) | (run.corners < -1)
    if wrong[:, 0].any():
        corner = int(np.flatnonzero(wrong[:, 0])[0])
        line = run.number + int(np.searchsorted(np.cumsum(run.sizes), corner, side="right"))
        raise FileValuesInvalid(
            f"An index points at nothing; there are {limits[0]} vertices. They count from 1.", where=f"line {line}"
        )
    run.corners[wrong] = -1
    return int(wrong.sum())
