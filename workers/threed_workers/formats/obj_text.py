"""The text of an OBJ file as arrays.

Files are millions of short lines of four kinds, in long runs of one kind. Runs are found by numpy in the bytes and
turned into numbers as a whole; only lines that are unlike their neighbours are looked at one by one.

Tried on 1M triangles (101 MB): a Python loop over the lines, 11.6 s and 1.25 GB; runs and np.fromstring, 5.1 s and
0.9 GB; runs in blocks that stay in the cache, with the numbers of `number_lines`: this one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.formats.number_lines import Numbers, blocks, line_ends, per_line, signs_of, word_ends

_FREE_FORM = frozenset(b"cstype curv curv2 surf vp parm trim scrv bzp bsp cdc".split())
_TABLES = {b"v": (3, 8), b"vt": (1, 3), b"vn": (3, 3)}  # fewest and most numbers of a line
_ELEMENTS = (b"f", b"l", b"p")
_FEW = 16  # lines below which setting numpy up costs more than a loop
_BLANK, _LINE_END, _SLASH = 32, 10, 47
_FARTHEST = 2**31 - 1  # an index that points at nothing for sure: no GLB holds so many vertices


class Run(NamedTuple):
    """`count` lines from line `number` on, whose first word is `word`; `text` is all of them."""

    number: int
    count: int
    word: bytes
    text: bytes


class Elements(NamedTuple):
    """Corners per element int32 (e,), and corners int32 (c, 3): position, uv, normal from 0, -1 for none."""

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
            return np.zeros(0, np.int32), np.zeros((0, 3), np.int32)
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
    title, material, joined, numbers = "", "", 0, Numbers()
    for run in _runs(data, budget):
        if run.word in tables:
            rows = _numbers(run, numbers)
            tables[run.word].append(rows)
            counts[run.word] += len(rows)
        elif run.word in _ELEMENTS:
            key = (title, material)
            if key not in parts and len(parts) >= budget.parts:
                key, joined = ("", ""), joined + 1
            part = parts.setdefault(key, Part(*key))
            part.elements[run.word].append(_elements(run, tuple(counts.values()), numbers))
        elif run.word in (b"o", b"g"):
            title = _rest(run)[:1000]
        elif run.word == b"usemtl":
            material = _rest(run)[:1000]
        elif run.word == b"mtllib":
            libraries.append((run.number, _rest(run)))
        elif run.word in _FREE_FORM:
            skipped[f"{run.word.decode()} statements"] += run.count
    dangling = sum(_check_indices(run, tuple(counts.values())) for part in parts.values() for run in _all(part))
    return Text(
        _joined(tables[b"v"], 0, 3),
        _colors(tables[b"v"]),
        _finite(_joined(tables.pop(b"vt"), 0, 2)),
        _finite(_joined(tables.pop(b"vn"), 0, 3)),
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
    number = 1
    for block in blocks(data, budget, continued=True):
        text = block.text
        if b"\\" in text:  # continued lines; the pieces keep their length, so that nothing else has to move
            text = text.replace(b"\\\r\n", b"   ").replace(b"\\\n", b"  ")
        signs = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(signs == _LINE_END) + 1
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else np.zeros(0, np.int64)
        kinds = _kinds(signs, starts)
        edges = np.flatnonzero(np.diff(kinds) | (kinds[1:] == 0)) + 1
        bounds = [0, *edges.tolist(), len(starts)] if len(starts) else []
        for first, stop in pairwise(bounds):
            piece = text[starts[first] : ends[stop - 1]]
            words = piece[:4096].split(None, 1)
            if words and not words[0].startswith(b"#"):
                yield Run(number + first, stop - first, words[0], piece)
        number += len(ends) if text is block.text else block.text.count(b"\n")


def _kinds(signs: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """1 v, 2 vt, 3 vn, 4 f for lines that begin so, and 0 for all others, int8."""
    padded = np.concatenate([signs, np.full(3, _LINE_END, np.uint8)])
    first, second, third = (padded[starts + n] for n in range(3))
    blank, then_blank = (second == 32) | (second == 9), (third == 32) | (third == 9)
    kinds = np.zeros(len(starts), np.int8)
    kinds[(first == ord("v")) & blank] = 1
    kinds[(first == ord("v")) & (second == ord("t")) & then_blank] = 2
    kinds[(first == ord("v")) & (second == ord("n")) & then_blank] = 3
    kinds[(first == ord("f")) & blank] = 4
    return kinds


class _Words(NamedTuple):
    """The characters of a run without its first words; where its words end; how many words each line has."""

    signs: np.ndarray
    ends: np.ndarray
    sizes: np.ndarray


def _words(run: Run) -> _Words | None:
    """None where a line does not begin with the run's word."""
    signs, ends = signs_of(run.text), line_ends(run.text)
    starts = np.concatenate([[0], ends[:-1] + 1])
    for place, letter in enumerate(run.word):
        if (signs[starts + place] != letter).any():
            return None
        signs[starts + place] = _BLANK
    marks = word_ends(signs)
    return _Words(signs, marks, per_line(marks, ends))


# ---------------------------------------------------------------- vertices


def _numbers(run: Run, numbers: Numbers) -> np.ndarray:
    """float32 (lines, numbers), NaN where a line is shorter than others."""
    least, most = _TABLES[run.word]
    rows = _uniform(run, numbers) if run.count >= _FEW else None
    if rows is None or not least <= rows.shape[1] <= most:
        rows = _one_by_one(run, least, most)
    with np.errstate(over="ignore"):
        rows = rows.astype(np.float32)
    _check_finite(run, rows)
    return rows


def _uniform(run: Run, numbers: Numbers) -> np.ndarray | None:
    """The numbers, where every line has as many; otherwise None."""
    words = _words(run)
    if words is None or words.sizes[0] < 1 or (words.sizes != words.sizes[0]).any():
        return None
    values = numbers.floats(words.signs, words.ends)
    if values is None or len(values) != words.sizes.sum():
        return None
    return values.reshape(run.count, words.sizes[0])


def _one_by_one(run: Run, least: int, most: int) -> np.ndarray:
    lines = run.text.split(b"\n")[: run.count]
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
    finite = np.isfinite(rows[:, :3])
    if not finite.all():
        raise FileValuesInvalid(
            "A vertex is NaN, infinite or beyond float32. Repair the mesh.",
            where=f"line {run.number + int(np.flatnonzero(~finite.all(axis=1))[0])}",
        )


def _joined(blocks: list[np.ndarray], start: int, stop: int) -> np.ndarray:
    """Columns [start, stop) of the blocks as one table, float32; NaN where a block is narrower."""
    out = np.full((sum(map(len, blocks)), stop - start), np.nan, np.float32)
    place = 0
    for block in blocks:
        picked = block[:, start:stop]
        out[place : place + len(block), : picked.shape[1]] = picked
        place += len(block)
    return out


def _finite(values: np.ndarray) -> np.ndarray:
    """The same array, its numbers within 1e30, and 0 for what is none."""
    np.clip(values, -1e30, 1e30, out=values)
    return np.nan_to_num(values, copy=False, nan=0.0)


def _colors(blocks: list[np.ndarray]) -> np.ndarray | None:
    """float32 (n, 3), white where a line has none; None when none has one."""
    if not any(block.shape[1] >= 6 for block in blocks):
        return None
    return np.nan_to_num(_joined(blocks, 3, 6), copy=False, nan=1.0, posinf=1.0, neginf=1.0)


# ---------------------------------------------------------------- faces, lines, points


def _elements(run: Run, counts: tuple[int, ...], numbers: Numbers) -> Elements:
    """The corners of a run; `counts` vertices, uvs and normals came before, which negative numbers count back from."""
    found = _alike(run, numbers)
    if found is None:
        rows = [_corners(line, run.number + place) for place, line in enumerate(run.text.split(b"\n")[: run.count])]
        found = np.array(list(map(len, rows)), np.int64), np.array(list(chain.from_iterable(rows)), np.int64)
    sizes, written = found[0], found[1].reshape(-1, 3)
    # Written from 1, or from -1 backwards. 0 stands for nothing here, and _corners refuses it where it is written.
    corners = written - 1
    backwards = written < 0
    if backwards.any():
        corners = np.where(backwards, np.array(counts) + written, corners)
        corners[backwards & (corners < 0)] = -2  # before the first one
    return Elements(run.number, sizes.astype(np.int32), np.minimum(corners, _FARTHEST).astype(np.int32))


def _alike(run: Run, numbers: Numbers) -> tuple[np.ndarray, np.ndarray] | None:
    """(sizes, numbers (c, 3) as written), where every corner is written alike; otherwise None."""
    if run.count < _FEW or b"#" in run.text:
        return None
    words = _words(run)
    if words is None:
        return None
    corners = int(words.sizes.sum())
    if not corners:
        return words.sizes, np.zeros((0, 3), np.int64)
    signs, ends, each = words.signs, words.ends, 1
    if b"/" in run.text:
        slashes = signs == _SLASH
        gaps = signs[ends | slashes] == _SLASH
        each, rest = divmod(len(gaps), corners)
        gaps = gaps.reshape(corners, each) if not rest else None
        if gaps is None or each > 3 or gaps[:, -1].any() or not gaps[:, :-1].all():
            return None
        signs[slashes] = _BLANK
        ends = word_ends(signs)
    values = numbers.whole(signs, ends)
    if values is None or not values.all():
        return None
    if len(values) == 3 * corners and each == 3:
        return words.sizes, values.reshape(corners, 3)
    columns = list(range(each))
    if each == 3 and run.text.count(b"//") == corners:
        columns = [0, 2]
    if len(values) != corners * len(columns):
        return None
    written = np.zeros((corners, 3), np.int64)
    written[:, columns] = values.reshape(corners, len(columns))
    return words.sizes, written


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
