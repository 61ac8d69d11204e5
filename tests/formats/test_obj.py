"""What OBJ and its material library say, and what becomes of it."""

from __future__ import annotations

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.default_material import MATTE
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.samples import sample, zipped

from .suite import BUDGET, taken_in

SQUARE = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def imported(tmp_path, data: bytes):
    report = taken_in(tmp_path, data)
    return report, read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)


def test_materials_and_textures_come_along(tmp_path):
    report, document = imported(tmp_path, sample("obj.zip"))
    wood, steel = document.json["materials"]
    assert wood["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert steel["pbrMetallicRoughness"] == {
        "baseColorFactor": [0.6, 0.6, 0.6, 0.5],
        "metallicFactor": 1.0,
        "roughnessFactor": 0.3,
    }
    assert steel["alphaMode"] == "BLEND"
    assert bytes(document.picture(0)) == sample("png")
    assert [issue["code"] for issue in report["issues"]] == ["UNITS_ASSUMED"]


def test_a_library_that_is_missing_is_a_warning(tmp_path):
    report, document = imported(tmp_path, sample("obj"))
    assert document.json["materials"] == [MATTE]
    assert "COMPANION_MISSING" in [issue["code"] for issue in report["issues"]]


@pytest.mark.parametrize(
    "name", ["C:\\\\art\\\\wood.png", "/home/me/wood.png", "../../wood.png", "wood.png", "./WOOD.png"]
)
def test_a_texture_is_found_by_the_last_part_of_its_path(tmp_path, name):
    mtl = f"newmtl a\nmap_Kd {name}\n".encode()
    obj = b"mtllib a.mtl\n" + SQUARE + b"usemtl a\nf 1 2 3\n"
    _, document = imported(tmp_path, zipped({"a.obj": obj, "a.mtl": mtl, "tex/wood.png": sample("png")}))
    assert document.json["textures"] == [{"source": 0}]


@pytest.mark.parametrize(
    ("faces", "triangles"),
    [
        (b"f 1 2 3 4\n", [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0]]),
        (b"f -4 -3 -2\n", [[0, 0, 0], [1, 0, 0], [1, 1, 0]]),
        (b"f 1// 2// 3//\n", [[0, 0, 0], [1, 0, 0], [1, 1, 0]]),
        (b"f 1 2 \\\n 3\n", [[0, 0, 0], [1, 0, 0], [1, 1, 0]]),
        (b"f 1 2 3 # done\r\n", [[0, 0, 0], [1, 0, 0], [1, 1, 0]]),
    ],
)
def test_faces_are_read_in_every_way_of_writing(tmp_path, faces, triangles):
    _, document = imported(tmp_path, SQUARE + faces)
    primitive = document.json["meshes"][0]["primitives"][0]
    corners = read(document, primitive["attributes"]["POSITION"])[read(document, primitive["indices"]).reshape(-1)]
    assert corners.tolist() == triangles


@pytest.mark.parametrize("faces", [b"f 1/1 2/2 3/3\n", b"f 1/1/1 2/2/1 3/3/1\n"])
@pytest.mark.parametrize("times", [1, 40])
def test_few_lines_and_many_lines_read_alike(tmp_path, faces, times):
    # Given the same face once (read line by line) or many times (read as a run)
    rest = b"vt 0 0\nvt 1 0\nvt 1 0.25\nvn 0 0 2\n"
    _, document = imported(tmp_path, SQUARE + rest + faces * times)
    primitive = document.json["meshes"][0]["primitives"][0]
    uvs = read_floats(document, primitive["attributes"]["TEXCOORD_0"])
    assert uvs.tolist() == [[0, 1], [1, 1], [1, 0.75]]
    assert read_floats(document, primitive["attributes"]["NORMAL"]).tolist() == [[0, 0, 1]] * 3
    assert document.json["accessors"][primitive["indices"]]["count"] == 3 * times


@pytest.mark.parametrize("form", ["{0}", "{0}/{0}", "{0}//{0}", "{0}/{0}/{0}"])
@pytest.mark.parametrize("backwards", [False, True])
def test_long_files_are_read_as_short_ones(tmp_path, form, backwards):
    # Given more lines than are read at once, some of which go on in the next line, faces of 3 or 4 corners
    random = np.random.default_rng(8)
    points = random.random((20_000, 3)).astype(np.float32)
    sizes = random.integers(3, 5, 40_000)
    faces = [random.integers(0, len(points), size) for size in sizes]
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}\nvt {x:.9g} {y:.9g}\nvn 0 0 1" for x, y, z in points.tolist()]
    shift = -len(points) if backwards else 1
    lines += ["f " + " ".join(form.format(corner + shift) for corner in face) for face in faces]
    lines[-3] = lines[-3].replace(" ", " \\\n ")
    # When it is read
    _, document = imported(tmp_path, "\n".join(lines).encode())
    # Then every corner is where it was written
    primitive = document.json["meshes"][0]["primitives"][0]
    indices = read(document, primitive["indices"]).reshape(-1)
    corners = read(document, primitive["attributes"]["POSITION"])[indices]
    assert len(corners) == 3 * (sizes - 2).sum()
    assert set(map(bytes, corners)) == set(map(bytes, points[np.concatenate(faces)]))
    first = corners[: 3 * (sizes[0] - 2)]
    assert set(map(bytes, first)) == set(map(bytes, points[faces[0]]))


def test_corners_of_mixed_form_do_not_confuse_a_run(tmp_path):
    # Given lines whose slashes add up to one per corner, in two different ways
    data = SQUARE + b"vt 0 0\nvt 1 1\nvn 0 0 1\n" + b"f 1/1/1 2 3/2/1 4\n" * 30
    _, document = imported(tmp_path, data)
    primitive = document.json["meshes"][0]["primitives"][0]
    points = read(document, primitive["attributes"]["POSITION"])
    assert set(map(tuple, points.tolist())) == {(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)}


def test_vertex_colors_are_read_where_they_are(tmp_path):
    data = b"v 0 0 0 1 0 0\nv 1 0 0\nv 0 1 0 0 0 1\nf 1 2 3\n"
    _, document = imported(tmp_path, data)
    primitive = document.json["meshes"][0]["primitives"][0]
    colors = read_floats(document, primitive["attributes"]["COLOR_0"])
    assert {tuple(color) for color in colors.tolist()} == {(1, 0, 0, 1), (1, 1, 1, 1), (0, 0, 1, 1)}


def test_lines_and_points_are_drawn_as_such(tmp_path):
    _, document = imported(tmp_path, SQUARE + b"l 1 2 3\nl 3 4\np 1 4\n")
    modes = {primitive["mode"]: primitive for primitive in document.json["meshes"][0]["primitives"]}
    lines = modes[1]
    corners = read(document, lines["attributes"]["POSITION"])[read(document, lines["indices"]).reshape(-1)]
    assert corners[:, :2].tolist() == [[0, 0], [1, 0], [1, 0], [1, 1], [1, 1], [0, 1]]
    assert document.json["accessors"][modes[0]["indices"]]["count"] == 2


def test_vertices_alone_are_a_cloud(tmp_path):
    report, document = imported(tmp_path, SQUARE)
    assert document.json["meshes"][0]["primitives"][0]["mode"] == 0
    assert report["model"]["vertex_count"] == 4


def test_normals_that_are_missing_are_made(tmp_path):
    _, document = imported(tmp_path, SQUARE + b"f 1 2 3 4\n")
    primitive = document.json["meshes"][0]["primitives"][0]
    assert np.allclose(read_floats(document, primitive["attributes"]["NORMAL"]), [0, 0, 1])


def test_free_form_surfaces_are_listed_as_lost(tmp_path):
    report, _ = imported(tmp_path, SQUARE + b"f 1 2 3\ncstype bezier\ncurv 0 1 1 2\n")
    assert {loss["feature"]: loss["count"] for loss in report["losses"]} == {
        "cstype statements": 1,
        "curv statements": 1,
    }


@pytest.mark.parametrize(
    ("data", "reason", "where"),
    [
        (SQUARE + b"f 0 1 2\n", "FILE_VALUES_INVALID", "line 5"),
        (SQUARE + b"f 1 2 3\n" * 30 + b"f 1 2 9\n", "FILE_VALUES_INVALID", "line 35"),
        (SQUARE + b"f 1 2 -9\n", "FILE_VALUES_INVALID", "line 5"),
        (SQUARE + b"f 1 2 x\n", "FILE_MALFORMED", "line 5"),
        (SQUARE + b"f 1 2 3\n" * 30 + b"f 1 2 3.5\n", "FILE_MALFORMED", "line 35"),
        (SQUARE + b"f 1 2 3\n" * 30 + b"f 1 2 [3]\n", "FILE_MALFORMED", "line 35"),
        (b"v 0 0 0\n" * 40 + b"v 0 [1] 0\n", "FILE_MALFORMED", "line 41"),
        (b"v 0 0 0\n" * 40 + b"v 0 1 0v\n", "FILE_MALFORMED", "line 41"),
        (SQUARE + b"f 1 2 99999999999999999999\n", "FILE_VALUES_INVALID", "line 5"),
        (b"v 0 0 0\nv 1 0\nv 0 0 0\n", "FILE_MALFORMED", "line 2"),
        (b"v 0 0 0\nv 1 0 x\n", "FILE_MALFORMED", "line 2"),
        (b"v 0 0 0\n" * 40 + b"v 0 nan 0\n", "FILE_VALUES_INVALID", "line 41"),
        (b"v 0 0 1e39\n", "FILE_VALUES_INVALID", "line 1"),
    ],
)
def test_a_broken_line_is_named(tmp_path, data, reason, where):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, data)
    assert (caught.value.reason, caught.value.metadata["where"]) == (reason, where)
