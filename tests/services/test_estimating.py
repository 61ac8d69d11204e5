"""The estimates themselves; benchmarks/estimates.py compares them with what is measured."""

from __future__ import annotations

import pytest
from google.protobuf import json_format

from threed.services import estimating
from threed.services.costs import BASE_BYTES, COSTS
from threed.services.presets import PRESETS
from threed.v1.assets_pb2 import Model
from threed.v1.recipes_pb2 import ExportFormat, Recipe, Step, TextureEncode

GIB = 1 << 30
MESH = Model(vertex_count=500_000, triangle_count=1_000_000, accessor_bytes=28_000_000)
STEPS = [field.name for field in Step.DESCRIPTOR.oneofs_by_name["step"].fields]


def planned(recipe: dict, model: Model = MESH, size: int = 28_000_000):
    return estimating.plan(model, size, json_format.ParseDict(recipe, Recipe()), 4 * GIB)


def memory(recipe: dict, model: Model = MESH) -> dict[str, int]:
    return {step.name: step.memory_bytes for step in planned(recipe, model).steps}


@pytest.mark.parametrize("row", [*STEPS, *(name.lower() for name in ExportFormat.keys()[1:])])
def test_every_step_and_every_export_has_a_row(row):
    assert row in COSTS, f"measure {row} by benchmarks/estimates.py, and add its row to services/costs.py"


def test_every_row_is_of_something_that_is_done():
    always = {"reading", "writing", "validating", "proving"}
    encodings = {f"texture_encode {name}" for name in TextureEncode.Encoding.keys()}
    assert set(COSTS) <= {*STEPS, *(name.lower() for name in ExportFormat.keys()), *always, *encodings}


def test_encodings_that_take_longer_have_their_own_row():
    pictures = Model(image_count=1, image_pixel_count=1 << 22, largest_image_pixel_count=1 << 22, accessor_bytes=1)
    seconds = {
        name: planned({"steps": [{"texture_encode": {"encoding": name}}]}, pictures).steps[1].seconds
        for name in ("WEBP", "KTX2_UASTC")
    }
    assert seconds["KTX2_UASTC"] > 20 * seconds["WEBP"]


def test_a_step_works_on_what_the_one_before_left():
    whole, half = ({"steps": [{"simplify": {"ratio": ratio}}, {"normals": {}}]} for ratio in (1.0, 0.5))
    assert memory(half)["simplify"] == memory(whole)["simplify"]
    assert memory(half)["normals"] < 0.75 * memory(whole)["normals"]
    resized = {"steps": [{"texture_resize": {"max_px": 1024}}, {"texture_encode": {"encoding": "WEBP"}}]}
    pictures = Model(image_count=1, image_pixel_count=1 << 26, largest_image_pixel_count=1 << 26, accessor_bytes=1)
    assert memory(resized, pictures)["texture_encode"] < 0.2 * memory(resized, pictures)["texture_resize"]


def test_levels_in_files_are_made_one_by_one():
    recipe = {"steps": [{"lod": {"ratios": [0.5, 0.25], "output": "FILES"}}, {"quantize": {}}, {"meshopt": {}}]}
    files = planned(recipe)
    recipe["steps"][0]["lod"].pop("output")
    inside = planned(recipe)
    # Each level is compressed and written by itself
    assert files.steps[2].seconds > 1.5 * inside.steps[2].seconds
    assert files.steps[1].memory_bytes == inside.steps[1].memory_bytes
    assert files.steps[3].memory_bytes > inside.steps[3].memory_bytes


def test_triangles_without_indices_are_reordered_once_they_are_welded():
    soup = Model(vertex_count=3_000_000, triangle_count=1_000_000, accessor_bytes=96_000_000)
    plain = planned({"steps": [{"reorder": {}}]}, soup)
    assert (plain.steps[1].seconds, plain.steps[1].memory_bytes) == (0.0, plain.steps[0].memory_bytes)
    assert planned({"steps": [{"weld": {}}, {"reorder": {}}]}, soup).steps[2].seconds > 0.1


def test_many_small_parts_take_less_than_one_large_one():
    parts = Model(largest_primitive_vertex_count=5_000, primitive_count=100)
    parts.MergeFrom(MESH)
    recipe = {"steps": [{"simplify": {"ratio": 0.5}}]}
    assert memory(recipe, parts)["simplify"] - BASE_BYTES < 0.1 * (memory(recipe)["simplify"] - BASE_BYTES)
    # But one after the other joins them
    recipe["steps"].insert(0, {"join": {}})
    assert memory(recipe, parts)["simplify"] > memory({"steps": [{"simplify": {"ratio": 0.5}}]})["simplify"]


def test_what_is_not_there_costs_nothing():
    recipe = {"steps": [{"tangents": {}}, {"texture_resize": {"max_px": 64}}, {"trim": {}}]}
    told = planned(recipe)
    assert {step.memory_bytes for step in told.steps[1:4]} == {told.steps[0].memory_bytes}
    assert {step.seconds for step in told.steps[1:4]} == {0.0}


def test_compressed_models_are_held_decoded():
    packed = Model(
        **{field.name: value for field, value in MESH.ListFields()}, extensions_used=["EXT_meshopt_compression"]
    )
    assert memory({"steps": [{"weld": {}}]}, packed)["weld"] >= memory({"steps": [{"weld": {}}]})["weld"] + 28_000_000


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_on_ordinary_models_are_not_refused(preset):
    # Given three million triangles and eight pictures of 4096 pixels
    model = Model(vertex_count=1_500_000, triangle_count=3_000_000, accessor_bytes=84_000_000, node_count=500)
    model.MergeFrom(Model(image_count=8, image_pixel_count=8 << 24, largest_image_pixel_count=1 << 24))
    # When a preset is planned with the memory that a worker has by default
    told = estimating.plan(model, 150_000_000, PRESETS[preset], 4 * GIB)
    # Then it fits
    estimating.check(told)
    assert told.memory_bytes < told.memory_limit_bytes
