"""What PLY and STL say, and what becomes of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
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


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b"vertex 10 0 0", b"vertex 10 0", "line 5"),
        (b"endloop", b"endlop", "line 7"),
        (b"vertex 10 0 0\n", b"", "line 7"),
    ],
)
def test_a_broken_line_of_a_text_stl_is_named(tmp_path, old, new, where):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, sample("stl.text").replace(old, new))
    assert (caught.value.reason, caught.value.metadata["where"]) == ("FILE_MALFORMED", where)
