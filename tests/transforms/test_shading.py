"""Normals and tangents: against closed forms, and against the reference's answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from threed_workers.document import Builder, Document, read, read_floats
from threed_workers.samples.rich import rich_model
from threed_workers.samples.shapes import box, sphere, torus
from threed_workers.transforms._mikktspace import corner_tangents

from .carried_out import carried_out

NORMAL_MAP = {"normalTexture": {"index": 0}}
# One 1 x 1 PNG.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090775"
    "3de0000000c4944415408d763f8ffff3f0005fe02fedccc59e70000000049454e44ae426082"
)


def model(points, triangles, material=None, mode=4, **attributes) -> Document:
    """A mesh of one primitive; `attributes` by name, float32."""
    builder = Builder()
    builder.add("textures", {"source": builder.picture(PNG, "image/png")})
    builder.add("materials", material or {})
    made = {"POSITION": builder.positions(np.asarray(points))}
    made |= {name: builder.attribute(np.asarray(values, np.float32)) for name, values in attributes.items()}
    primitive = {"attributes": made, "indices": builder.indices(np.asarray(triangles), len(points)), "mode": mode}
    primitive["material"] = 0
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def drawn(document: Document, name: str) -> np.ndarray:
    """The attribute at every corner, in the order of drawing."""
    primitive = document.json["meshes"][0]["primitives"][0]
    assert primitive.get("mode", 4) == 4
    return read_floats(document, primitive["attributes"][name])[read(document, primitive["indices"]).reshape(-1)]


# ---------------------------------------------------------------- tangents


@pytest.mark.parametrize("shape", [box(1.0), sphere(40, 20), torus(1.0, 0.3, 40, 20)], ids=["box", "sphere", "torus"])
def test_tangents_follow_u_and_bitangents_go_up_the_picture(shape):
    # Given a shape whose tangents are known
    points, normals, uvs, tangents, triangles = shape
    found = corner_tangents(*(part.astype(np.float32) for part in (points, normals, uvs)), triangles)
    wanted = tangents[triangles.reshape(-1)]
    # Then they are the same, but for how far a coarse mesh is from round
    assert np.einsum("ij,ij->i", found[:, :3], wanted[:, :3]).min() > 0.97
    assert (found[:, 3] == wanted[:, 3]).all()


def test_tangents_are_of_unit_length_and_across_the_normal():
    points, _, uvs, _, triangles = sphere(20, 10)
    normals = np.random.default_rng(0).normal(size=points.shape)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    found = corner_tangents(*(part.astype(np.float32) for part in (points, normals, uvs)), triangles)
    assert np.allclose(np.linalg.norm(found[:, :3], axis=1), 1, atol=1e-5)
    assert np.abs(np.einsum("ij,ij->i", found[:, :3], normals[triangles.reshape(-1)])).max() < 1e-5


def test_the_answers_of_the_reference():
    # Given two triangles of other angles at an edge, bent; the answers are those of mikktspace 1.1.1 (npm), w negated
    points = np.float32([[0, 0, 0], [2, 0, 0], [1, 1, 0.5], [0, 3, 0]])
    normals = np.float32([[0, 0, 1], [0, 0.6, 0.8], [0.6, 0, 0.8], [0, 0, 1]])
    uvs = np.float32([[0, 0], [1, 0.25], [0.5, 1], [0, 0.75]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    found = corner_tangents(points, normals, uvs, triangles)
    one, middle = [0.767752, -0.640747, 0, -1], [0.431934, -0.841718, -0.323951, -1]
    wanted = [one, [0.997459, -0.056998, 0.042748, -1], middle, one, middle, [0.316228, -0.948683, 0, -1]]
    assert np.allclose(found, wanted, atol=1e-5)


def test_mirrored_halves_do_not_share_tangents():
    # Given a strip of two quads whose texture is mirrored at the middle
    points = [[x, y, 0] for x in (-1, 0, 1) for y in (0, 1)]
    uvs = [[abs(x), 1 - y] for x, y, _ in points]
    triangles = [[0, 2, 1], [1, 2, 3], [2, 4, 3], [3, 4, 5]]
    normals = [[0, 0, 1]] * 6
    made = carried_out("tangents", model(points, triangles, NORMAL_MAP, NORMAL=normals, TEXCOORD_0=uvs))
    # Then the left half points left, the right half right, and the vertices between them are split
    tangents = drawn(made, "TANGENT")
    assert np.allclose(tangents[:6], [-1, 0, 0, -1]) and np.allclose(tangents[6:], [1, 0, 0, 1])
    assert made.json["accessors"][made.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["count"] == 8


def test_triangles_without_an_area_or_without_a_texture_get_something_usable():
    points = np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]])
    normals = np.tile(np.float32([0, 0, 1]), (4, 1))
    triangles = np.array([[0, 1, 2], [0, 3, 1], [1, 1, 2]])
    for uvs in (np.zeros((4, 2), np.float32), np.float32([[0, 1], [1, 1], [0, 0], [0, 1]])):
        found = corner_tangents(points, normals, uvs, triangles)
        assert np.allclose(np.linalg.norm(found[:, :3], axis=1), 1)
        assert np.allclose(found[:, 2], 0)


def test_only_materials_that_need_tangents_get_them():
    points, normals, uvs, _, triangles = box(0.5)
    document = model(points, triangles, {}, NORMAL=normals, TEXCOORD_0=uvs)
    assert "TANGENT" not in carried_out("tangents", document).json["meshes"][0]["primitives"][0]["attributes"]


def test_tangents_that_are_there_stay_unless_they_are_to_be_overwritten():
    points, normals, uvs, tangents, triangles = box(0.5)
    wrong = np.tile([0.0, 0.0, 1.0, 1.0], (24, 1))
    document = model(points, triangles, NORMAL_MAP, NORMAL=normals, TEXCOORD_0=uvs, TANGENT=wrong)
    assert np.allclose(drawn(carried_out("tangents", document), "TANGENT"), wrong[0])
    assert np.allclose(
        drawn(carried_out("tangents", document, overwrite=True), "TANGENT"), tangents[triangles.reshape(-1)], atol=1e-6
    )


def test_without_normals_there_are_no_tangents_and_an_issue_says_so():
    points, _, uvs, _, triangles = box(0.5)
    made = carried_out("tangents", model(points, triangles, NORMAL_MAP, TEXCOORD_0=uvs))
    assert [found["code"] for found in made.issues] == ["TANGENTS_NOT_MADE"]


def test_the_uv_set_of_the_normal_map_counts():
    points, normals, uvs, tangents, triangles = box(0.5)
    material = {"normalTexture": {"index": 0, "texCoord": 1}}
    turned = uvs[:, ::-1]
    document = model(points, triangles, material, NORMAL=normals, TEXCOORD_0=turned, TEXCOORD_1=uvs)
    assert np.allclose(drawn(carried_out("tangents", document), "TANGENT"), tangents[triangles.reshape(-1)], atol=1e-6)


# ---------------------------------------------------------------- normals


def test_a_box_of_eight_points_gets_flat_faces():
    # Given a box whose faces share their corners
    points, normals, _, _, triangles = box(1.0)
    unique, place = np.unique(points, axis=0, return_inverse=True)
    made = carried_out("normals", model(unique, place.reshape(-1)[triangles]))
    # Then every face has its own normal, by 24 vertices
    assert np.allclose(drawn(made, "NORMAL"), normals[triangles.reshape(-1)], atol=1e-6)
    assert made.json["accessors"][made.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["count"] == 24


def test_a_wide_crease_angle_makes_a_box_round():
    points, _, _, _, triangles = box(1.0)
    made = carried_out("normals", model(points, triangles), crease_angle=math.pi)
    found = drawn(made, "NORMAL")
    assert (np.sign(found) == np.sign(points[triangles.reshape(-1)])).all(), "each points out of its corner"


def test_a_seam_of_the_texture_does_not_show():
    # Given a sphere whose first and last columns are in one place, with other texture coordinates
    points, _, uvs, _, triangles = sphere(40, 20)
    made = carried_out("normals", model(points, triangles, TEXCOORD_0=uvs))
    found = drawn(made, "NORMAL")
    assert np.einsum("ij,ij->i", found, points[triangles.reshape(-1)]).min() > 0.99
    assert np.allclose(drawn(made, "TEXCOORD_0"), uvs[triangles.reshape(-1)])


@pytest.mark.parametrize("mode", [5, 6])
def test_strips_and_fans_become_triangles_that_look_the_same_way(mode):
    order = [0, 1, 2, 3] if mode == 5 else [0, 1, 3, 2]
    points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]
    made = carried_out("normals", model(points, order, mode=mode))
    assert np.allclose(drawn(made, "NORMAL"), [0, 0, 1])
    assert len(drawn(made, "NORMAL")) == 6


def test_normals_that_are_there_stay():
    points, _, _, _, triangles = box(1.0)
    wrong = np.tile([0.0, 1.0, 0.0], (24, 1))
    document = model(points, triangles, NORMAL=wrong)
    assert np.allclose(drawn(carried_out("normals", document), "NORMAL"), wrong[0])


def test_morphed_normals_follow_the_new_ones():
    made = carried_out("normals", rich_model(), overwrite=True)
    face = made.json["meshes"][1]["primitives"][0]
    # The first target blows the sphere up, which turns no normal
    assert np.abs(read_floats(made, face["targets"][0]["NORMAL"])).max() < 1e-4
    assert "NORMAL" not in face["targets"][1]
    assert read_floats(made, face["attributes"]["_TEMPERATURE"]).min() >= 250


@pytest.mark.parametrize("step", ["normals", "tangents"])
def test_the_rich_model_keeps_what_the_step_does_not_name(step):
    before = rich_model().json
    made = carried_out(step, rich_model(), overwrite=True).json
    for kind in ("materials", "nodes", "scenes", "extensions", "textures"):
        assert made[kind] == before[kind]
    for mesh, old in zip(made["meshes"], before["meshes"], strict=True):
        for primitive, was in zip(mesh["primitives"], old["primitives"], strict=True):
            assert set(was["attributes"]) <= set(primitive["attributes"])
            assert len(primitive.get("targets", [])) == len(was.get("targets", []))
