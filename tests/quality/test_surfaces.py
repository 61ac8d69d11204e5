"""Normals, tangents, UVs: each defect is found, and what has it not is left in peace."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.quality import Subject
from threed_workers.quality.texturing import uses

from .models import CUBE, CUBE_TRIANGLES, SQUARE, SQUARE_TRIANGLES, SQUARE_UVS, Model, found, mesh, png, textured

UP = np.tile(np.float32([0, 0, 1]), (4, 1))


def test_a_surface_without_normals_is_shaded_flat():
    assert len(found(mesh(SQUARE, SQUARE_TRIANGLES), "NORMALS_MISSING")) == 1
    assert found(mesh(SQUARE, SQUARE_TRIANGLES, NORMAL=UP), "NORMALS_MISSING") == []


def test_an_unlit_surface_and_a_line_need_no_normals():
    model = Model()
    unlit = model.material(extensions={"KHR_materials_unlit": {}})
    model.add(SQUARE, SQUARE_TRIANGLES, unlit).add(SQUARE, np.arange(4))
    model.primitives[1]["mode"] = 1
    assert found(model.finish(), "NORMALS_MISSING") == []


@pytest.mark.parametrize(
    ("normals", "wrong"),
    [
        (UP, 0),
        (UP * np.float32(1.005), 0),
        (UP * np.float32([[1], [1.2], [0], [np.nan]]), 3),
        (np.tile(np.array([0, 0, 123], np.int8), (4, 1)), 0),
        (np.tile(np.array([0, 0, 100], np.int8), (4, 1)), 4),
    ],
    ids=["unit", "nearly", "not", "bytes", "short bytes"],
)
def test_normals_are_measured(normals, wrong):
    document = mesh(SQUARE, SQUARE_TRIANGLES, NORMAL=normals)
    document.json["accessors"][1]["normalized"] = normals.dtype == np.int8
    issues = found(document, "NORMALS_NOT_UNIT")
    assert [int(issue["message"].split()[0]) for issue in issues] == ([wrong] if wrong else [])


def test_normals_beyond_the_limit_are_not_measured_and_said_so():
    document = mesh(SQUARE, SQUARE_TRIANGLES, NORMAL=UP * np.float32(2))
    assert found(document, "NORMALS_NOT_UNIT", normals=3) == []
    assert len(found(document, "NORMALS_NOT_CHECKED", normals=3)) == 1


def test_a_normal_map_wants_tangents():
    def mapped(**attributes):
        model = Model()
        material = model.material(normalTexture={"index": model.texture(png(4, 4))})
        return model.add(SQUARE, SQUARE_TRIANGLES, material, TEXCOORD_0=SQUARE_UVS, **attributes).finish()

    assert [issue["severity"] for issue in found(mapped(), "TANGENTS_MISSING")] == ["HINT"]
    assert found(mapped(TANGENT=np.ones((4, 4), np.float32)), "TANGENTS_MISSING") == []
    assert found(textured(SQUARE_UVS), "TANGENTS_MISSING") == []


@pytest.mark.parametrize(("wanted", "missing"), [({}, 0), ({"texCoord": 1}, 1)])
def test_a_texture_without_its_uv_set_is_found(wanted, missing):
    document = textured(SQUARE_UVS)
    document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] |= wanted
    issues = found(document, "UV_MISSING")
    assert len(issues) == missing
    assert all("TEXCOORD_1" in issue["message"] for issue in issues)


def test_the_uv_set_of_a_texture_transform_counts():
    document = textured(SQUARE_UVS, transform={"texCoord": 3})
    assert "TEXCOORD_3" in found(document, "UV_MISSING")[0]["message"]


def test_the_material_of_a_variant_needs_uvs_too():
    model = Model()
    shiny, plain = model.material(model.texture(png(4, 4))), model.material()
    model.add(SQUARE, SQUARE_TRIANGLES, plain)
    mappings = [{"material": shiny, "variants": [0]}]
    model.primitives[0]["extensions"] = {"KHR_materials_variants": {"mappings": mappings}}
    assert len(found(model.finish(), "UV_MISSING")) == 1


CLAMP = {"wrapS": 33071, "wrapT": 33071}


@pytest.mark.parametrize(
    ("uvs", "sampler", "severities"),
    [
        (SQUARE_UVS, CLAMP, []),
        (SQUARE_UVS * 1.0005, CLAMP, []),
        (SQUARE_UVS * 2, CLAMP, ["WARNING"]),
        (SQUARE_UVS - [0, 0.5], CLAMP, ["WARNING"]),
        (SQUARE_UVS * 2, {}, ["INFO"]),
        (SQUARE_UVS * [2, 1], {"wrapS": 10497, "wrapT": 33071}, ["INFO"]),
        (SQUARE_UVS * [1, 2], {"wrapS": 10497, "wrapT": 33071}, ["WARNING"]),
    ],
)
def test_uvs_beyond_the_picture_smear_where_the_sampler_clamps(uvs, sampler, severities):
    issues = found(textured(uvs, **sampler), "UV_OUT_OF_RANGE")
    assert [issue["severity"] for issue in issues] == severities


def test_a_texture_transform_brings_uvs_back():
    document = textured(SQUARE_UVS * 4 + 1, transform={"scale": [0.25, 0.25], "offset": [-0.25, -0.25]})
    assert found(document, "UV_OUT_OF_RANGE") == []


def test_a_texture_transform_turns_as_its_specification_says():
    # Given the specification's order, offset x rotation x scale, with rotation from V to U
    document = textured(SQUARE_UVS, transform={"offset": [0.5, 0.25], "rotation": np.pi / 2, "scale": [2, 3]})
    (use,) = uses(document, 0)
    # Then (1, 0), scaled to (2, 0), turns to (0, -2), and (0, 1), scaled to (0, 3), to (3, 0)
    assert np.allclose(use.matrix @ [[1, 0], [0, 1], [1, 1]], [[0.5, 3.5], [-1.75, 0.25]])


def test_settings_of_a_wrong_type_count_as_absent():
    document = textured(SQUARE_UVS, transform={"offset": "left", "scale": [1, None], "rotation": [], "texCoord": -1})
    document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = "first"
    (use,) = uses(document, 0)
    assert use.uv_set == 0
    assert use.matrix.tolist() == [[1, 0, 0], [0, 1, 0]]


def atlas(second: np.ndarray):
    """Two squares that share a material, each with its layout."""
    model = Model()
    material = model.material(model.texture(png(8, 8)))
    for uvs in (SQUARE_UVS * 0.5, second):
        model.add(SQUARE, SQUARE_TRIANGLES, material, TEXCOORD_0=uvs.astype(np.float32))
    return model.finish()


def test_islands_that_touch_do_not_overlap():
    assert found(atlas(SQUARE_UVS * 0.5 + [0.5, 0]), "UV_OVERLAPPING") == []


def test_islands_in_one_place_overlap_wholly_and_shifted_ones_in_part():
    same = atlas(SQUARE_UVS * 0.5 + 0.0)
    assert "100 %" in found(same, "UV_OVERLAPPING")[0]["message"]
    (issue,) = found(atlas(SQUARE_UVS * 0.5 + [0.25, 0]), "UV_OVERLAPPING")
    assert "33 %" in issue["message"], "half of each, of one and a half"


def test_a_fine_layout_does_not_overlap_itself():
    # Given a grid of 20,000 triangles, wound either way, that fills the picture
    side = 101
    v, u = np.mgrid[0:side, 0:side] / np.float32(side - 1)
    uvs = np.column_stack([u.ravel(), v.ravel()]).astype(np.float32)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    triangles = np.concatenate(
        [
            np.column_stack([corner, corner + 1, corner + side]),
            np.column_stack([corner + 1, corner + side, corner + side + 1]),
        ]
    )
    model = Model()
    material = model.material(model.texture(png(8, 8)))
    points = np.column_stack([uvs, 0 * uvs[:, :1]])
    document = model.add(points, triangles, material, TEXCOORD_0=uvs).finish()
    # Then no pixel is covered twice
    assert found(document, "UV_OVERLAPPING") == []


def test_tilings_are_not_asked_whether_they_overlap():
    assert found(atlas(SQUARE_UVS * 3.0), "UV_OVERLAPPING") == []


def test_the_same_mesh_shown_again_by_another_primitive_is_no_overlap():
    document = textured(SQUARE_UVS)
    document.json["meshes"].append({"primitives": [dict(document.json["meshes"][0]["primitives"][0])]})
    assert found(document, "UV_OVERLAPPING") == []


def test_layouts_beyond_the_limits_are_not_drawn_and_said_so():
    for limits in ({"uv_triangles": 1}, {"uv_pixels": 1000}):
        assert len(found(textured(SQUARE_UVS), "UV_NOT_CHECKED", **limits)) == 1
    assert found(textured(SQUARE_UVS), "UV_NOT_CHECKED") == []


def test_mirrored_layouts_are_a_hint_with_their_share():
    assert found(textured(SQUARE_UVS), "UV_FLIPPED") == []
    (issue,) = found(textured(1 - SQUARE_UVS * [1, -1] - [0, 1]), "UV_FLIPPED")
    assert (issue["severity"], issue["message"].split("%")[0]) == ("HINT", "100 ")
    (half,) = found(atlas((SQUARE_UVS * [-1, 1] + [1, 0]) * 0.5 + [0.5, 0]), "UV_FLIPPED")
    assert half["message"].startswith("50 %")


def test_the_scale_of_a_node_is_that_of_lengths():
    document = mesh(CUBE, CUBE_TRIANGLES)
    document.json["nodes"] = [
        {"scale": [2, 2, -2], "rotation": [0, 0.6, 0, 0.8], "children": [1]},
        {"mesh": 0, "scale": [3, 3, 3]},
    ]
    document.json["scenes"] = [{"nodes": [0]}]
    ((node, scale),) = Subject(document).draws
    assert node == 1
    assert scale == pytest.approx(6)
