"""The metadata of models, against numbers that are known."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed_workers.budget import Budget
from threed_workers.document import Builder, read_glb
from threed_workers.document.checks import check
from threed_workers.inspection import inspect
from threed_workers.samples import animated_model, triangle

BUDGET = Budget()


def test_the_showpiece_is_what_it_was_made_of():
    document = read_glb(memoryview(animated_model()), BUDGET)
    check(document, BUDGET)
    facts = inspect(document)
    expected = {"mesh_count": 8, "material_count": 8, "texture_count": 3, "image_count": 3, "node_count": 10}
    expected |= {"animation_count": 1, "animation_duration_s": 4.0, "uv_set_count": 1, "scene_count": 1}
    assert {key: facts[key] for key in expected} == expected
    assert facts["animations"] == [{"name": name, "duration_s": 4.0} for name in facts["animation_names"]]
    assert facts["variant_names"] == []
    assert facts["has_normals"] and facts["has_tangents"] and not facts["has_skins"]
    assert np.allclose(facts["bounding_box"]["max"], [1.62, 1.74, 1.62], atol=1e-5)
    assert document.issues == []


def test_every_animation_has_a_length_of_its_own_and_every_variant_its_name():
    # Given an animation of 2 s, and one without a name that ends at 0.5 s
    builder = Builder()
    node = builder.add("nodes", {})
    for name, end in (("Walk", 2.0), (None, 0.5)):
        times = builder.accessor(np.array([0.0, end], np.float32), bounds=True)
        values = builder.accessor(np.zeros((2, 3), np.float32))
        channel = {"sampler": 0, "target": {"node": node, "path": "translation"}}
        animation = {"samplers": [{"input": times, "output": values}], "channels": [channel]}
        builder.add("animations", animation | ({"name": name} if name else {}))
    variants = [{"name": "red"}, {"name": "blue"}]
    builder.json["extensions"] = {"KHR_materials_variants": {"variants": variants}}
    # Then both are known
    facts = inspect(builder.finish())
    assert facts["animations"] == [{"name": "Walk", "duration_s": 2.0}, {"name": "", "duration_s": 0.5}]
    assert (facts["animation_names"], facts["animation_duration_s"]) == (["Walk", ""], 2.0)
    assert (facts["variant_names"], facts["variant_count"]) == (["red", "blue"], 2)


def test_counts_are_of_the_file_and_drawn_counts_of_the_scene():
    # Given one triangle that three nodes show, one of them outside the scene
    document = triangle()
    document.json["nodes"] = [{"mesh": 0}, {"mesh": 0}, {"mesh": 0}]
    document.json["scenes"] = [{"nodes": [0, 1]}]
    facts = inspect(document)
    assert (facts["vertex_count"], facts["triangle_count"]) == (3, 1)
    assert (facts["drawn_vertex_count"], facts["drawn_triangle_count"]) == (6, 2)


@pytest.mark.parametrize(("mode", "triangles"), [(0, 0), (1, 0), (3, 0), (4, 1), (5, 3), (6, 3)])
def test_triangles_are_counted_by_mode(mode, triangles):
    builder = Builder()
    position = builder.positions(np.random.default_rng(1).random((5, 3), np.float32))
    mesh = builder.add("meshes", {"primitives": [{"attributes": {"POSITION": position}, "mode": mode}]})
    builder.add("nodes", {"mesh": mesh})
    assert inspect(builder.finish())["triangle_count"] == triangles


def test_bounds_are_looked_up_and_not_believed():
    document = triangle()
    document.json["accessors"][0] |= {"min": [-99, -99, -99], "max": [99, 99, 99]}
    assert inspect(document)["bounding_box"] == {"min": [0, 0, 0], "max": [1, 1, 0]}


def test_an_empty_scene_has_no_box():
    facts = inspect(Builder().finish())
    assert facts["bounding_box"] is None
    assert facts["drawn_triangle_count"] == 0


def test_a_box_that_is_not_finite_is_none():
    document = triangle()
    document.json["nodes"] = [{"scale": [1e200] * 3, "children": [1]}, {"scale": [1e200] * 3, "mesh": 0}]
    document.json["scenes"] = [{"nodes": [0]}]
    assert inspect(document)["bounding_box"] is None


def test_instances_are_drawn_each():
    builder = Builder()
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    mesh = {"primitives": [{"attributes": {"POSITION": builder.positions(points)}}]}
    places = builder.accessor(np.array([[0, 0, 0], [10, 0, 0]], np.float32))
    instancing = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": places}}}
    builder.add("nodes", {"mesh": builder.add("meshes", mesh), "extensions": instancing})
    facts = inspect(builder.finish())
    assert facts["drawn_triangle_count"] == 2
    assert facts["bounding_box"]["max"] == [11, 1, 0]


def test_text_from_the_file_is_short_and_holds_no_nul():
    document = triangle()
    document.json["asset"]["generator"] = "a\0b" + "x" * 5000
    assert inspect(document)["generator"].startswith("a\N{REPLACEMENT CHARACTER}b")
    assert len(inspect(document)["generator"]) == 1000


def test_amounts_are_of_the_accessors_and_the_pictures_as_they_decode():
    # Given two primitives of 4 and 3 vertices, and a PNG and an AVIF of known sizes
    builder = Builder()
    places = [builder.positions(np.zeros((count, 3), np.float32)) for count in (4, 3)]
    corners = builder.indices(np.array([0, 1, 2]), 4)
    primitives = [{"attributes": {"POSITION": places[0]}, "indices": corners}, {"attributes": {"POSITION": places[1]}}]
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": primitives})})
    pictures = [_encoded((8, 4), "PNG"), _encoded((16, 16), "AVIF"), b"of no format"]
    for data in pictures:
        builder.picture(data, "image/png")
    # When they are looked at
    facts = inspect(builder.finish())
    # Then what each decodes to is known
    assert facts["accessor_bytes"] == 7 * 12 + 3 * 2
    assert facts["largest_primitive_vertex_count"] == 4
    assert facts["image_bytes"] == sum(map(len, pictures))
    assert (facts["image_pixel_count"], facts["largest_image_pixel_count"]) == (8 * 4 + 16 * 16, 16 * 16)


def _encoded(size: tuple[int, int], format: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, format)
    return out.getvalue()
