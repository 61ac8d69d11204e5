"""Levels of detail as files: one document a level, and every step and export after it for each of them."""

from __future__ import annotations

import pytest
from google.protobuf import json_format

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers import deriving
from threed_workers.document import read_glb, write_glb
from threed_workers.inventory import inventory
from threed_workers.samples.rich import rich_model
from threed_workers.transforms import lod

from .carried_out import BUDGET, options, reread
from .drawn import corners
from .test_vertices import ball

FILES = recipes_pb2.Lod.FILES


def derived(folder, *steps: dict, document=None, **recipe) -> dict:
    """What a recipe makes of a model (by default with a bit of everything), in this folder."""
    write_glb(document or rich_model(), folder / "source.glb")
    wanted = recipes_pb2.Recipe(steps=[recipes_pb2.Step(**step) for step in steps], **recipe)
    return deriving.derive({"source": "source.glb", "recipe": json_format.MessageToDict(wanted)}, folder, print)


def test_every_level_is_a_document_of_its_own():
    # Given a ball
    document = reread(ball())
    count, vertices = inventory(document)["triangles"], inventory(document)["vertices"]
    # When it is split in three
    whole, half, tenth = lod.split(document, options("lod", ratios=[0.5, 0.1], error=0.5, output=FILES))
    # Then the finest is the ball, and the others have fewer triangles and the vertices of those alone
    assert (corners(whole) == corners(ball())).all()
    counts = [inventory(reread(level)) for level in (whole, half, tenth)]
    assert counts[0]["triangles"] == count
    assert 0.3 * count < counts[1]["triangles"] <= 0.5 * count + 1
    assert counts[2]["triangles"] <= 0.1 * count + 1
    assert vertices == counts[0]["vertices"] > counts[1]["vertices"] > counts[2]["vertices"]
    # and none of them refers to another
    assert not any("MSFT_lod" in (node.get("extensions") or {}) for node in half.json["nodes"])


def test_a_level_that_would_be_no_coarser_is_left_out_and_told():
    # Given a ball that may not deviate at all
    document = reread(ball())
    levels = lod.split(document, options("lod", ratios=[0.5, 0.25], error=1e-9, output=FILES))
    assert len(levels) == 1
    assert [issue["code"] for issue in levels[0].issues] == ["LOD_LEFT_OUT"]


def test_ratios_of_files_must_fall():
    with pytest.raises(RecipeInvalid, match="fall"):
        lod.split(reread(ball()), options("lod", ratios=[0.5, 0.5], output=FILES))


def test_what_follows_is_carried_out_on_every_level(tmp_path):
    # Given a recipe that splits a model, and then quantizes it
    split = {"lod": {"ratios": [0.5, 0.2], "error": 0.5, "output": FILES}}
    formats = [recipes_pb2.EXPORT_GLB, recipes_pb2.EXPORT_STL]
    made = derived(tmp_path, {"weld": {}}, split, {"quantize": {}}, export_formats=formats)
    # Then there is a GLB to judge of each level, and each level is there in each format
    assert made["gates"] == ["derived.glb", "derived_lod1.glb", "derived_lod2.glb"]
    assert [(file["lod_level"], file["format"]) for file in made["files"]] == [
        (level, format) for level in range(3) for format in ("EXPORT_GLB", "EXPORT_STL")
    ]
    counts = []
    for gate in made["gates"]:
        document = reread(read_glb(memoryview((tmp_path / gate).read_bytes()), BUDGET))
        assert "KHR_mesh_quantization" in document.json["extensionsUsed"]
        counts.append(inventory(document)["triangles"])
    assert counts[0] > counts[1] > counts[2]
    assert [file["triangle_count"] for file in made["files"][::2]] == counts
    assert all((tmp_path / file["file"]).stat().st_size for file in made["files"])
    # and the loss report is of the finest
    assert made["loss_report"]["after"]["triangles"] == counts[0]


def test_without_files_there_is_one_level(tmp_path):
    made = derived(tmp_path, {"lod": {"ratios": [0.5], "error": 0.5}}, export_formats=[recipes_pb2.EXPORT_GLB])
    assert made["gates"] == ["derived.glb"]
    (file,) = made["files"]
    assert (file["lod_level"], file["triangle_count"]) == (0, made["loss_report"]["after"]["triangles"])


def test_fewer_triangles_of_a_coarser_level_are_no_loss(tmp_path):
    split = {"lod": {"ratios": [0.5], "error": 0.5, "output": FILES}}
    made = derived(tmp_path, split, loss_policy=recipes_pb2.LOSS_FAIL)
    assert len(made["gates"]) == 2
