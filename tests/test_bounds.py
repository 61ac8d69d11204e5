"""The extents of accessors: the same as looking at every number, and a gigabyte is not held for it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from threed_workers.document import Document, bounds, write_glb
from threed_workers.document.companions import mapped

COUNTS = (1, 1023, 1024, 1025, 40_000, (1 << 20) + 5)


def _document(rows: np.ndarray, width: int, offset: int) -> Document:
    """An accessor of `width` columns of interleaved rows, from column `offset` on."""
    kind = {1: "SCALAR", 3: "VEC3"}[width]
    accessor = {"bufferView": 0, "byteOffset": 4 * offset, "componentType": 5126, "count": len(rows), "type": kind}
    view = {"buffer": 0, "byteLength": rows.nbytes}
    if rows.shape[1] > width:
        view["byteStride"] = 4 * rows.shape[1]
    return Document({"bufferViews": [view], "accessors": [accessor]}, [memoryview(rows.tobytes())])


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("columns", "width", "offset"), [(1, 1, 0), (3, 3, 0), (8, 3, 2), (8, 1, 7)])
def test_the_bounds_are_those_of_every_row(count, columns, width, offset):
    # Given rows whose lowest and highest may lie anywhere
    rows = np.random.default_rng(count).normal(size=(count, columns)).astype(np.float32)
    # When their bounds are asked for
    found = bounds(_document(rows, width, offset), 0)
    # Then they are what a look at each of them gives
    wanted = rows[:, offset : offset + width].astype(np.float64)
    assert found.low.tolist() == wanted.min(axis=0).tolist()
    assert found.high.tolist() == wanted.max(axis=0).tolist()
    assert found.finite


@pytest.mark.parametrize("place", [0, 1023, 1024, 5000])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("columns", [3, 8])
def test_one_number_that_is_not_finite_is_seen_wherever_it_is(place, value, columns):
    rows = np.zeros((5001, columns), np.float32)
    rows[place, 1] = value
    assert not bounds(_document(rows, 3, 0), 0).finite


def test_scanning_and_writing_a_large_file_does_not_hold_it(tmp_path):
    # Given a mapped file of 240 MB; its zeros take no disk
    path, size = tmp_path / "large", 240_000_000
    with path.open("wb") as file:
        file.truncate(size)
    accessor = {"bufferView": 0, "componentType": 5126, "count": size // 4, "type": "SCALAR"}
    json = {"buffers": [{"byteLength": size}], "bufferViews": [{"buffer": 0, "byteLength": size}]}
    document = Document(json | {"accessors": [accessor]}, [mapped(path)])
    before = _mapped_bytes()
    # When all of it is scanned and written
    assert bounds(document, 0).high.tolist() == [0]
    after_scan = _mapped_bytes()
    write_glb(document, tmp_path / "copy.glb")
    # Then less than half of it is still there
    assert after_scan - before < size / 2
    assert _mapped_bytes() - before < size / 2
    assert document.buffers[0][-1] == 0


def _mapped_bytes() -> int:
    """Resident memory of this process that mapped files take."""
    (kib,) = re.findall(r"^RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kib) * 1024
