"""The two steps: formats, limits, fallbacks, thumbnails."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from threed.errors import EngineFailed, EngineUnavailable, FieldInvalid
from threed_workers import engines
from threed_workers.engines import thumbnails
from threed_workers.samples import animated_model, glb_bytes
from threed_workers.samples.shapes import box

from .pieces import RED, decoded, matte, model, rendered, spec, told, wall

NODES = [{"id": "box", "assetId": "red"}]


@pytest.fixture
def raster(able):
    return able("raster")


@pytest.mark.parametrize(
    ("output", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_every_format_has_the_size_that_was_asked_for(raster, tmp_path, output, media_type):
    job = spec(NODES, resolution={"width": 90, "height": 40}, outputFormat=output)
    answer, picture = rendered(tmp_path, job, {"red": RED})
    assert (answer["width_px"], answer["height_px"], answer["media_type"]) == (90, 40, media_type)
    assert picture.shape == (40, 90, 4)
    assert answer["engine_used"] == "raster" and answer["losses"] == []


def test_a_transparent_jpeg_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(FieldInvalid, match="JPEG"):
        rendered(tmp_path, spec(NODES, outputFormat="JPEG", background={"transparent": True}), {"red": RED})


def test_too_many_pixels_are_refused(tmp_path):
    with pytest.raises(FieldInvalid, match="at most 1000 are drawn"):
        rendered(tmp_path, spec(NODES), {"red": RED}, limits={"pixels": 1000})


def test_an_unknown_engine_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(EngineUnavailable, match="There are: raster, path_traced, compat"):
        rendered(tmp_path, spec(NODES, engine="povray"), {"red": RED})


def test_an_engine_that_cannot_run_here_is_refused(tmp_path):
    with pytest.raises(EngineUnavailable, match="threed doctor"):
        rendered(tmp_path, spec(NODES, engine="raster"), {"red": RED}, engines=["compat"])


def broken() -> bytes:
    """A model that Filament refuses: it requires an extension that nobody knows."""
    from threed_workers.budget import Budget
    from threed_workers.document import read_glb

    document = read_glb(memoryview(RED), Budget())
    document.json["materials"][0]["extensions"]["VENDOR_unheard_of"] = {}
    document.json["extensionsUsed"] = ["KHR_materials_unlit", "VENDOR_unheard_of"]
    document.json["extensionsRequired"] = ["VENDOR_unheard_of"]
    return glb_bytes(document)


@pytest.mark.parametrize("second", ["path_traced", "compat"])
def test_when_the_best_engine_fails_the_next_one_draws_and_says_so(raster, able, tmp_path, second):
    able(second)
    answer, picture = rendered(tmp_path, spec(NODES), {"red": broken()}, engines=["raster", second])
    assert answer["engine_used"] == second
    assert answer["losses"][0]["feature"] == "engine raster"
    assert picture[32, 32, 0] > picture[32, 32, 1] + 50
    with pytest.raises(EngineFailed, match="Filament"):
        rendered(tmp_path, spec(NODES, engine="raster"), {"red": broken()})


def test_a_model_that_breaks_every_rule_is_an_engine_s_failure(tmp_path):
    from threed_workers.document import Document

    bad = Document({"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 7, "scale": "big"}]})
    with pytest.raises(EngineFailed, match="could not be"):
        rendered(tmp_path, spec(NODES), {"red": glb_bytes(bad)})


def test_progress_only_grows(raster, tmp_path):
    (tmp_path / "red.glb").write_bytes(RED)
    _, events = told({"spec": spec(NODES), "models": {"red": "red.glb"}}, tmp_path)
    assert [event["phase"] for event in events if "phase" in event] == ["loading", "rendering"]
    progress = [event["progress"] for event in events if "progress" in event]
    assert progress == sorted(progress) and 0 <= progress[0] and progress[-1] <= 1


def test_frames_that_are_asked_for_are_drawn_in_one_session(raster, tmp_path):
    (tmp_path / "red.glb").write_bytes(RED)
    job = spec(NODES, turntable={"frames": 12}, outputFormat="MP4", background={"transparent": True})
    frames, events = told({"spec": job, "models": {"red": "red.glb"}, "frames": [3, 4, 7]}, tmp_path)
    assert [(each["frame"], each["file"]) for each in frames] == [
        (number, f"picture-{number}.png") for number in (3, 4, 7)
    ]
    first, second = (decoded((tmp_path / each["file"]).read_bytes()) for each in frames[:2])
    assert first.shape == (64, 64, 4) and not np.array_equal(first, second)
    progress = [event["progress"] for event in events if "progress" in event]
    assert progress == sorted(progress) and len(set(progress)) == 4


def test_what_raster_does_not_know_is_said(raster, tmp_path):
    answer, _ = rendered(tmp_path, spec(NODES, bitDepth=16), {"red": RED})
    assert [lost["feature"] for lost in answer["losses"]] == ["bit_depth"]
    with pytest.raises(FieldInvalid, match="path_traced"):
        rendered(tmp_path, spec(NODES, outputFormat="EXR", engine="raster"), {"red": RED})


def test_a_traced_picture_has_sixteen_bits_layers_and_the_region_that_was_asked_for(able, tmp_path):
    # Given a red wall that is path traced
    job = {"engine": able("path_traced"), "samples": 4, "aovs": ["DEPTH", "OBJECT_ID"], "bitDepth": 16}
    whole, picture = rendered(tmp_path, spec(NODES, **job), {"red": RED})
    assert [loss["feature"] for loss in whole["losses"]] == []
    assert (tmp_path / whole["file"]).read_bytes()[24] == 16  # the bit depth of a PNG's header
    assert [(layer["layer"], layer["media_type"]) for layer in whole["layers"]] == [
        ("depth", "image/x-exr"),
        ("object_id", "image/png"),
    ]
    assert [each["node"] for each in whole["objects"]] == [NODES[0]["id"]]
    # When only a part of it is drawn
    region = {"x": 16, "y": 8, "width": 24, "height": 32}
    part, cut = rendered(tmp_path, spec(NODES, region=region, **job), {"red": RED})
    # Then that is what the whole shows there
    assert (part["width_px"], part["height_px"], cut.shape) == (24, 32, (32, 24, 4))
    assert np.abs(cut.astype(int) - picture[8:40, 16:40].astype(int)).mean() < 6


def thumbnails_of(folder, data: bytes) -> dict:
    (folder / "model.glb").write_bytes(data)
    return thumbnails.thumbnails({"model": "model.glb"}, folder, lambda event: None)


def test_thumbnails_come_in_three_sizes_and_two_formats(raster, tmp_path):
    made = thumbnails_of(tmp_path, animated_model())
    found = {(each["long_edge_px"], each["media_type"]) for each in made["thumbnails"]}
    assert found == {(edge, kind) for edge in (256, 512, 1024) for kind in ("image/png", "image/webp")}
    for each in made["thumbnails"]:
        picture = decoded((tmp_path / each["file"]).read_bytes())
        assert picture.shape == (each["long_edge_px"], each["long_edge_px"], 4)
        assert picture[0, 0, 3] == 0 and picture[..., 3].max() == 255
    assert made["engine_used"] == "raster" and made["losses"] == []


def test_a_surface_seen_from_behind_is_seen_from_the_other_side(raster, tmp_path):
    made = thumbnails_of(tmp_path, model(wall(), matte(0.5), node={"rotation": [0, 1, 0, 0]}))
    picture = decoded((tmp_path / made["thumbnails"][0]["file"]).read_bytes())
    assert (picture[..., 3] > 0).mean() > 0.2


@pytest.mark.parametrize("mode", [0, 1])
def test_thumbnails_of_points_and_lines_show_them_even_when_small(raster, tmp_path, mode):
    made = thumbnails_of(tmp_path, model(box(1), matte(0.1), mode=mode))
    small = next(each for each in made["thumbnails"] if each["long_edge_px"] == 256)
    assert decoded((tmp_path / small["file"]).read_bytes())[..., 3].max() > 200


def test_a_model_without_geometry_has_no_thumbnails_and_says_why(tmp_path):
    from threed_workers.document import Document

    made = thumbnails_of(tmp_path, glb_bytes(Document({"asset": {"version": "2.0"}, "scenes": [{}], "scene": 0})))
    assert made["thumbnails"] == [] and made["losses"][0]["feature"] == "thumbnails"


def test_an_animated_model_is_shown_at_its_first_moment(raster, tmp_path):
    # Given a box whose first key is a tall one
    from threed_workers.budget import Budget
    from threed_workers.document import Builder, read_glb
    from threed_workers.engines.animation import read_animation
    from threed_workers.engines.pose import moved

    builder = Builder("tests")
    times = builder.accessor(np.array([0, 1], np.float32), bounds=True)
    sizes = builder.accessor(np.array([[1, 4, 1], [1, 1, 1]], np.float32))
    builder.add("nodes", {"name": "box"})
    channel = {"sampler": 0, "target": {"node": 0, "path": "scale"}}
    builder.add("animations", {"samplers": [{"input": times, "output": sizes}], "channels": [channel]})
    document = read_glb(memoryview(glb_bytes(builder.finish())), Budget())
    # Then that is its pose, and the document that was read stays as it was
    posed = moved(document, read_animation(document, 0), 0.0)
    assert posed.json["nodes"][0]["scale"] == [1, 4, 1]
    assert "scale" not in document.json["nodes"][0]


def test_the_probe_answers_for_every_engine():
    done = subprocess.run([sys.executable, "-m", "threed_workers.engines.probe"], capture_output=True, check=True)
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == [engine.name for engine in engines.ALL]
    assert all(row["available"] or row["reason"] for row in rows)


def test_importing_the_engines_imports_no_renderer():
    code = "import sys, threed_workers.engines; print({'filly', 'pyrender', 'OpenGL', 'trimesh'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"
