"""What OFF files say, and what becomes of it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.samples import sample, zipped

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator  # noqa: F401

SQUARE = b"0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


def imported(tmp_path, data: bytes):
    report = taken_in(tmp_path, data)
    return report, read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)


def corners(document, name: str, place: int = 0) -> np.ndarray:
    """The attribute at every corner of a primitive."""
    primitive = document.json["meshes"][0]["primitives"][place]
    values = read_floats(document, primitive["attributes"][name])
    return values[read(document, primitive["indices"]).reshape(-1)] if "indices" in primitive else values


@pytest.mark.parametrize(
    "head",
    [
        b"OFF\n4 1 0\n",
        b"OFF 4 1 4\n",
        b"OFF4 1 4\n",
        b"# a comment\n\nOFF # another\n\n4 1 # no edges\n\n",
        b"OFF\r\n4 1 0\r\n",
    ],
)
def test_headers_are_read_however_they_are_written(tmp_path, head):
    report, document = imported(tmp_path, head + SQUARE + b"4 0 1 2 3\n")
    assert (report["model"]["vertex_count"], report["model"]["triangle_count"]) == (4, 2)
    assert corners(document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert [entry["code"] for entry in report["issues"]] == ["UNITS_ASSUMED"]


def test_polygons_of_any_size_become_triangles(tmp_path):
    report, _ = imported(tmp_path, b"OFF\n5 2 0\n" + SQUARE + b"2 0.5 0\n5 0 1 4 2 3\n3 0 1 2\n")
    assert report["model"]["triangle_count"] == 4


def test_short_faces_are_points_and_lines(tmp_path):
    _, document = imported(tmp_path, b"OFF\n4 3 0\n" + SQUARE + b"2 0 1\n1 2\n0\n")
    assert [primitive["mode"] for primitive in document.json["meshes"][0]["primitives"]] == [1, 0]
    assert corners(document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0]]


def test_points_without_faces_are_a_cloud(tmp_path):
    report, document = imported(tmp_path, b"COFF\n2 0 0\n0 0 0 255 0 0 255\n1 1 1 0 0 255 255\n")
    assert (report["model"]["vertex_count"], document.json["meshes"][0]["primitives"][0]["mode"]) == (2, 0)
    assert corners(document, "COLOR_0").tolist() == [[1, 0, 0, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (b"NOFF", b"0 0 1", {"NORMAL": [0, 0, 1]}),
        (b"COFF", b"1 0 0 0.5", {"COLOR_0": [1, 0, 0, 0.5]}),
        (b"COFF", b"255 0 0", {"COLOR_0": [1, 0, 0, 1]}),
        (b"CNOFF", b"0 1 0 255 255 255 255", {"NORMAL": [0, 1, 0], "COLOR_0": [1, 1, 1, 1]}),
        (b"STOFF", b"0.25 0.75", {"TEXCOORD_0": [0.25, 0.25]}),
        (b"STCNOFF", b"1 0 0 0 0 0 1 0.5 1", {"NORMAL": [1, 0, 0], "COLOR_0": [0, 0, 0, 1], "TEXCOORD_0": [0.5, 0]}),
    ],
)
def test_letters_say_what_a_vertex_has(tmp_path, header, row, expected):
    rows = b"".join(line + b" " + row + b"\n" for line in SQUARE.splitlines())
    _, document = imported(tmp_path, header + b"\n4 1 0\n" + rows + b"4 0 1 2 3\n")
    for name, value in expected.items():
        assert np.allclose(corners(document, name), value, atol=1e-4), name


def test_homogeneous_points_are_divided(tmp_path):
    _, document = imported(tmp_path, b"4OFF\n3 1 0\n0 0 0 1\n2 0 0 2\n0 4 0 4\n3 0 1 2\n")
    assert corners(document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_of_many_dimensions_three_are_kept(tmp_path):
    report, document = imported(tmp_path, b"nOFF\n5\n3 1 0\n0 0 0 9 9\n1 0 0 9 9\n0 1 0 9 9\n3 0 1 2\n")
    assert corners(document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert [(entry["feature"], entry["count"]) for entry in report["losses"]] == [("dimensions beyond the third", 2)]


def test_faces_have_colours_as_fractions_or_as_bytes_or_none(tmp_path):
    for faces in (b"3 0 1 2 1 0 0 0.5\n3 0 2 3\n", b"3 0 1 2 255 0 0 127.5\n3 0 2 3\n"):
        _, document = imported(tmp_path, b"OFF\n4 2 0\n" + SQUARE + faces)
        expected = [[1, 0, 0, 0.5]] * 3 + [[1, 1, 1, 1]] * 3
        assert np.allclose(corners(document, "COLOR_0"), expected, atol=1e-4)
        assert len(read(document, 0)) == 6, "no vertex is of two colours"


def test_colours_of_a_map_are_losses(tmp_path):
    report, _ = imported(tmp_path, b"OFF\n4 2 0\n" + SQUARE + b"3 0 1 2 7\n3 0 2 3 -1\n")
    assert [(entry["feature"], entry["count"]) for entry in report["losses"]] == [("colormap indices", 2)]


def test_columns_that_no_letter_explains_are_losses(tmp_path):
    report, _ = imported(tmp_path, b"OFF\n3 1 0\n0 0 0 5 6\n1 0 0 5 6\n0 1 0 5 6\n3 0 1 2\n")
    assert [(entry["feature"], entry["count"]) for entry in report["losses"]] == [("vertex columns", 2)]


def test_binary_is_read(tmp_path):
    _, document = imported(tmp_path, sample("off.binary"))
    assert corners(document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert corners(document, "COLOR_0")[:3].tolist() == [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("data", "reason", "where"),
    [
        (b"OFF\n", "FILE_MALFORMED", "line after the end"),
        (b"OFF\n4\n", "FILE_MALFORMED", "line 2"),
        (b"OFF\n4 1 0\n0 0 0\n", "FILE_TRUNCATED", "line 3"),
        (b"OFF\n2000000000 1 0\n0 0 0\n", "FILE_TRUNCATED", "line 3"),
        (b"OFF\n2 0 0\n0 0 0\n0 0\n", "FILE_MALFORMED", "line 4"),
        (b"OFF\n1 0 0\n0 0\n", "FILE_MALFORMED", "line 3"),
        (b"OFF\n1 0 0\n0 0 zero\n", "FILE_MALFORMED", "line 3"),
        (b"OFF\n2 0 0\n0 0 0\n0 0 inf\n", "FILE_VALUES_INVALID", "vertex 1"),
        (b"4OFF\n1 0 0\n1 0 0 0\n", "FILE_VALUES_INVALID", "vertex 0"),
        (b"OFF\n1 1 0\n0 0 0\n3 0 0\n", "FILE_MALFORMED", "line 4"),
        (b"OFF\n1 1 0\n0 0 0\n-1\n", "FILE_MALFORMED", "line 4"),
        (b"OFF\n1 1 0\n0 0 0\n3 0 0 0.5\n", "FILE_MALFORMED", "faces"),
        (b"OFF\n1 1 0\n0 0 0\n3 0 0 1\n", "FILE_VALUES_INVALID", "face 0"),
        (b"OFF\n1 1 0\n0 0 0\n3 0 0 -1\n", "FILE_VALUES_INVALID", "face 0"),
        (b"nOFF\n0\n1 1 0\n", "FILE_MALFORMED", "header"),
        (b"OFF BINARY\n" + struct.pack(">3i", 1 << 30, 0, 0), "FILE_TRUNCATED", "byte 23"),
        (b"OFF BINARY\n" + struct.pack(">3i", 0, 1 << 30, 0), "FILE_TRUNCATED", "byte 23"),
        (b"OFF BINARY\n" + struct.pack(">5i", 0, 1, 0, -5, 0), "FILE_MALFORMED", "face 0"),
    ],
)
def test_what_is_broken_is_refused_with_its_place(tmp_path, data, reason, where):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, data)
    assert (caught.value.reason, caught.value.metadata["where"]) == (reason, where)


@pytest.mark.skipif(missing() is not None, reason="the Khronos validator is not installed")
@pytest.mark.parametrize("name", ["off", "off.binary"])
def test_what_comes_out_is_valid(tmp_path, validator, name):  # noqa: F811
    assert_valid(validator, taken_in(tmp_path, sample(name))["folder"] / "normalized.glb")


def test_an_off_in_a_zip_is_found(tmp_path):
    assert taken_in(tmp_path, zipped({"a.off": sample("off")}))["file_format"] == "off"


# ---------------------------------------------------------------- real files

MODELS = Path(__file__).parents[3] / "shared/models"
MANIFEST = MODELS / "manifest.json"
REAL = [
    pytest.param(MODELS / entry["file"], entry["expected"]["kind"], id=entry["file"])
    for entry in (json.loads(MANIFEST.read_text())["entries"] if MANIFEST.exists() else [])
    if entry["format"] == "off"
]


@pytest.mark.parametrize(("path", "kind"), REAL)
def test_a_real_file_comes_in_as_its_header_says(tmp_path, validator, path, kind):  # noqa: F811
    if kind == "invalid":
        with pytest.raises(FileRefused):
            taken_in(tmp_path, path.read_bytes())
        return
    report = taken_in(tmp_path, path.read_bytes())
    counts = next(line.split() for line in path.read_text().splitlines()[1:] if line.strip() and line[0] != "#")
    assert report["model"]["triangle_count"] == {"3796": 3796, "6": 12}[counts[1]]
    if missing() is None:
        assert_valid(validator, report["folder"] / "normalized.glb")
