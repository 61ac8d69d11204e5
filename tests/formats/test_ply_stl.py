"""What PLY and STL say, and what becomes of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from threed.errors import FileRefused, FileTruncated
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.formats.ply_table import parse_header, read_tables
from threed_workers.samples import sample

from .suite import BUDGET, taken_in

XYZ = "property float x\nproperty float y\nproperty float z\n"


def imported(tmp_path, data: bytes):
    report = taken_in(tmp_path, data)
    return report, read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)


def test_text_and_binary_are_the_same_model(tmp_path):
    (a, first), (b, second) = imported(tmp_path, sample("ply")), imported(tmp_path, sample("ply.text"))
    assert a["model"] == b["model"]
    assert first.json == second.json
    assert bytes(first.buffers[0]) == bytes(second.buffers[0])


def test_both_byte_orders_are_read(tmp_path):
    head = f"ply\nformat binary_big_endian 1.0\nelement vertex 3\n{XYZ}end_header\n".encode()
    _, document = imported(tmp_path, head + struct.pack(">9f", *range(9)))
    assert read(document, 0).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_faces_of_different_sizes_are_read(tmp_path):
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 5\n{XYZ}element face 2\n"
    head += "property list uchar int vertex_indices\nend_header\n"
    body = struct.pack("<15f", *np.random.default_rng(2).random(15))
    body += struct.pack("<B3i", 3, 0, 1, 2) + struct.pack("<B4i", 4, 1, 2, 3, 4)
    report, _ = imported(tmp_path, head.encode() + body)
    assert report["model"]["triangle_count"] == 3


def test_points_without_faces_are_a_cloud(tmp_path):
    head = f"ply\nformat ascii 1.0\nelement vertex 2\n{XYZ}property uchar red\nproperty uchar green\n"
    _, document = imported(
        tmp_path, (head + "property uchar blue\nend_header\n0 0 0 255 0 0\n1 1 1 0 0 255\n").encode()
    )
    primitive = document.json["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    assert read_floats(document, primitive["attributes"]["COLOR_0"]).tolist() == [[1, 0, 0, 1], [0, 0, 1, 1]]


def test_gaussian_splats_come_in_as_points_and_say_what_that_loses(tmp_path):
    names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", "rot_0"]
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 2\n"
    head += "".join(f"property float {name}\n" for name in names) + "end_header\n"
    report, document = imported(tmp_path, head.encode() + struct.pack("<22f", *([0.0] * 22)))
    assert document.json["meshes"][0]["primitives"][0]["mode"] == 0
    assert [(loss["feature"], loss["count"]) for loss in report["losses"]] == [("gaussian splats", 2)]


def test_a_face_of_a_vertex_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, sample("ply.text").replace(b"4 0 1 2 3", b"4 0 1 2 9"))
    assert (caught.value.reason, caught.value.metadata["where"]) == ("FILE_VALUES_INVALID", "face 0")


FACES = "property uchar red\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\n"


def test_text_rows_of_any_lists_are_what_binary_rows_are(tmp_path):
    # Given triangles, quads and pentagons between other properties, in more rows than are read at once
    random = np.random.default_rng(5)
    points = random.random((1000, 3)).astype(np.float32)
    sizes = random.integers(3, 6, 30_000)
    faces = [(int(red), random.permutation(1000)[:size]) for red, size in zip(sizes * 40, sizes, strict=True)]
    head = f"ply\nformat ENCODING 1.0\nelement vertex 1000\n{XYZ}element face {len(faces)}\n{FACES}end_header\n"
    text = "".join(f"{x:.9g} {y:.9g} {z:.9g}\n" for x, y, z in points.tolist())
    text += "\n".join(f"{red} {len(face)} {' '.join(map(str, face))} 0" for red, face in faces)
    body = points.tobytes()
    for red, face in faces:
        body += struct.pack(f"<2B{len(face)}iB", red, len(face), *face, 0)
    # When both are taken in
    (tmp_path / "text").mkdir()
    (tmp_path / "binary").mkdir()
    _, one = imported(tmp_path / "text", (head.replace("ENCODING", "ascii") + text).encode())
    _, other = imported(tmp_path / "binary", head.replace("ENCODING", "binary_little_endian").encode() + body)
    # Then they are the same
    assert one.json == other.json
    assert bytes(one.buffers[0]) == bytes(other.buffers[0])


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(("length", "letter"), [("char", "b"), ("uchar", "B"), ("ushort", "H"), ("int", "i")])
def test_rows_of_several_lists_are_taken_apart(order, length, letter):
    # Given rows in which nothing is where it was in the row before
    sign = {"little": "<", "big": ">"}[order]
    random = np.random.default_rng(6)
    rows = [(n, random.integers(0, 99, n % 5).tolist(), n % 7, random.random(n % 3).tolist()) for n in range(40)]
    head = f"ply\nformat binary_{order}_endian 1.0\nelement face 40\nproperty short a\nproperty list {length} int b\n"
    head += f"property uchar c\nproperty list {length} double d\nend_header\n"
    body = b"".join(
        struct.pack(f"{sign}h{letter}{len(b)}iB{letter}{len(d)}d", a, len(b), *b, c, len(d), *d) for a, b, c, d in rows
    )
    data = memoryview(head.encode() + body)
    # When they are read
    table = read_tables(data, parse_header(data), BUDGET)["face"]
    # Then every column and list has its own, and a file that ends before is refused
    assert table.columns["a"].tolist() == [row[0] for row in rows]
    assert table.columns["c"].tolist() == [row[2] for row in rows]
    for name, place in (("b", 1), ("d", 3)):
        lengths, values = table.lists[name]
        assert lengths.tolist() == [len(row[place]) for row in rows]
        assert values.tolist() == [value for row in rows for value in row[place]]
    with pytest.raises(FileTruncated):
        read_tables(data[:-1], parse_header(data), BUDGET)


@pytest.mark.parametrize(
    ("rows", "reason", "where"),
    [
        ("0 0 0\n0 x 0\n0 1 0\n3 0 1 2\n", "FILE_MALFORMED", "vertex 1"),
        ("0 0 0\n0 1_0 0\n0 1 0\n3 0 1 2\n", "FILE_MALFORMED", "vertex 1"),
        ("0 0 0\n0 1\n0 1 0\n3 0 1 2\n", "FILE_TRUNCATED", "row 1"),
        ("0 0 0\n1 0 0\n0 1 0\n3 0 1\n", "FILE_TRUNCATED", "row 0"),
        ("0 0 0\n1 0 0\n0 1 0\n2.5 0 1 2\n", "FILE_MALFORMED", "face 0"),
        ("0 0 0\n1 0 0\n0 1 0\n-1 0 1 2\n", "FILE_MALFORMED", "face 0"),
        ("0 0 0\n1 0 0\n0 1 0\n3 0 1 99999999999\n", "FILE_MALFORMED", "property vertex_indices"),
        ("0 0 0\n1 0 0\n0 1 nan\n3 0 1 2\n", "FILE_VALUES_INVALID", "vertex 2"),
        ("0 0 0\n1 0 0\n0 1 0\n", "FILE_TRUNCATED", "row 3"),
    ],
)
def test_a_broken_row_of_text_is_named(tmp_path, rows, reason, where):
    head = f"ply\nformat ascii 1.0\nelement vertex 3\n{XYZ}element face 1\n"
    head += "property list uchar int vertex_indices\nend_header\n"
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, (head + rows).encode())
    assert (caught.value.reason, caught.value.metadata["where"]) == (reason, where)


def test_words_after_the_last_property_are_not_read(tmp_path):
    head = f"ply\nformat ascii 1.0\nelement vertex 2\n{XYZ}end_header\n"
    _, document = imported(tmp_path, (head + "0 0 0 and more\n\n1 2 3\n").encode())
    assert read(document, 0).tolist() == [[0, 0, 0], [1, 2, 3]]


# ---------------------------------------------------------------- STL


def test_an_stl_stands_upright_in_metres(tmp_path):
    # Given 10 millimetres along +X and +Y, and +Z up
    report, _ = imported(tmp_path, sample("stl"))
    # Then the model is 10 millimetres in metres, and what was +Z is +Y
    assert np.allclose(report["model"]["bounding_box"]["max"], [0.01, 0.01, 0], atol=1e-9)
    assert np.allclose(report["model"]["bounding_box"]["min"], [0, 0, -0.01], atol=1e-9)
    assert [issue["code"] for issue in report["issues"]] == ["UNITS_ASSUMED"]


def test_a_binary_stl_may_begin_like_a_text(tmp_path):
    data = b"solid facet".ljust(80, b" ") + sample("stl")[80:]
    report, _ = imported(tmp_path, data)
    assert report["model"]["triangle_count"] == 2


def test_every_solid_is_a_mesh_of_its_name(tmp_path):
    second = sample("stl.text").replace(b" one", b" two")
    _, document = imported(tmp_path, sample("stl.text") + second)
    assert [mesh["name"] for mesh in document.json["meshes"]] == ["one", "two"]


def facets(count: int) -> tuple[np.ndarray, bytes]:
    """float32 (count, 3, 3), and the same as the text of a solid."""
    corners = np.random.default_rng(3).uniform(-9, 9, (count, 3, 3)).astype(np.float32)
    vertex = "vertex %.9g %.9g %.9g\n"
    facet = f"facet normal 0 0 1\nouter loop\n{vertex * 3}endloop\nendfacet\n"
    text = facet * count % tuple(corners.reshape(-1).tolist())
    return corners, f"solid two words\n{text}endsolid two words\n".encode()


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text,
        lambda text: text.upper().replace(b"TWO WORDS", b"two words"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.replace(b"\n", b" \n\n\t"),
        lambda text: text.replace(b"facet normal", b"facet   normal"),
        lambda text: text.replace(b"vertex ", b"vertex  "),
        lambda text: text.replace(b"normal 0 0 1", b"normal 1.#QNAN 0 0", 7),
        lambda text: text.replace(b"outer loop\n", b"").replace(b"endloop\n", b""),
        lambda text: text.replace(b"endfacet\n", b"endfacet\n\n", 3),
        lambda text: text[: text.rindex(b" two words")],
    ],
)
def test_facets_are_read_in_every_way_of_writing(tmp_path, spelled):
    # Given more facets than are read at once
    corners, text = facets(5000)
    # When they are spelled as somebody may spell them
    _, document = imported(tmp_path, spelled(text))
    # Then nothing but the spelling differs
    assert [mesh["name"] for mesh in document.json["meshes"]] == ["two words"]
    assert np.array_equal(read(document, 0), corners.reshape(-1, 3))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"vertex", b"vertex 1", "FILE_MALFORMED"),
        (b"vertex", b"vertex x", "FILE_MALFORMED"),
        (b"vertex ", b"vertex x", "FILE_MALFORMED"),
        (b"vertex", b"vertexx", "FILE_MALFORMED"),
        (b"vertex", b"point", "FILE_MALFORMED"),
        (b"endfacet", b"endfacets", "FILE_MALFORMED"),
        (b"facet normal", b"solid", "FILE_MALFORMED"),
        (b"vertex ", b"vertex 1e39 1 1\nvertex ", "FILE_MALFORMED"),
        (b"endsolid", b"", "FILE_MALFORMED"),
        (b"vertex ", b"vertex 1\r", "FILE_MALFORMED"),
        (b"vertex ", b"vertex \0", "FILE_MALFORMED"),
    ],
)
def test_a_strange_line_among_thousands_is_named(tmp_path, old, new, reason):
    # Given the last of its kind changed
    _, text = facets(5000)
    place = text.rindex(old)
    broken = text[:place] + new + text[place + len(old) :]
    # Then the line is named: its own, or that of the facet's end
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, broken)
    line = text[:place].count(b"\n") + 1
    assert caught.value.reason == reason
    assert line <= int(caught.value.metadata["where"].removeprefix("line ")) <= line + 6


def test_a_solid_that_is_cut_off_is_refused(tmp_path):
    _, text = facets(5000)
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, text[: text.rindex(b"endsolid")])
    assert caught.value.reason == "FILE_TRUNCATED"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b"vertex 10 0 0", b"vertex 10 0", "line 5"),
        (b"vertex 10 0 0", b"vertex 10 0 x", "line 5"),
        (b"endloop", b"endlop", "line 7"),
        (b"vertex 10 0 0\n", b"", "line 7"),
    ],
)
def test_a_broken_line_of_a_text_stl_is_named(tmp_path, old, new, where):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, sample("stl.text").replace(old, new))
    assert (caught.value.reason, caught.value.metadata["where"]) == ("FILE_MALFORMED", where)
