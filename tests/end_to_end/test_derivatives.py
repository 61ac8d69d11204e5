"""Derivatives, from the outside: recipes and presets on a real stack, by gRPC, by REST and by the command line."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from tests.end_to_end.doors import get
from tests.end_to_end.job import model, picture, ready, rendered

from threed.services.presets import PRESETS
from threed.v1.derivatives_pb2 import Derivative
from threed.v1.recipes_pb2 import ExportFormat
from threed_workers.budget import Budget
from threed_workers.document import read_glb
from threed_workers.inventory import inventory
from threed_workers.textures import ktx2


@pytest.fixture(scope="session")
def asset(project):
    """The textured, animated sample, uploaded and checked."""
    return project.asset


def derived(door, asset, **fields) -> Derivative:
    """Create a derivative, and watch it to its end."""
    made = door("CreateDerivative", asset_id=asset.asset_id, derivative=fields)
    *_, last = door.watch("WatchDerivative", asset_id=asset.asset_id, derivative_id=made.derivative_id)
    return last.derivative


def files(door, made: Derivative) -> dict[str, bytes]:
    """Every file of a completed derivative, by its format, read by signed URLs without a token."""
    found = {}
    for file in made.files:
        names = {"asset_id": made.asset_id, "derivative_id": made.derivative_id, "format": file.format}
        answer = get(door("GetDerivativeDownloadUrl", **names).url)
        assert (answer.status, answer.headers["content-type"]) == (200, file.media_type)
        assert (len(answer.body), hashlib.sha256(answer.body).hexdigest()) == (file.size_bytes, file.sha256)
        found[ExportFormat.Name(file.format)] = answer.body
    return found


def traced(door, **source) -> np.ndarray:
    """A path traced picture, int (h, w, channels), of which nothing of its textures is lost."""
    job = rendered(door, **source, engine="path_traced", samples=4)
    assert "textures" not in {loss.feature for loss in job.losses}
    return np.asarray(picture(door, job)).astype(int)


def test_a_recipe_is_carried_out_step_by_step(door, asset):
    # Given a recipe that nobody asked for before
    tolerance = 0.0001 if door.name == "rest" else 0.0002
    steps = [{"dedup": {}}, {"weld": {}}, {"resample": {"tolerance": tolerance}}]
    made = door("CreateDerivative", asset_id=asset.asset_id, derivative={"recipe": {"steps": steps}})
    # When it is watched
    seen = list(door.watch("WatchDerivative", asset_id=asset.asset_id, derivative_id=made.derivative_id))
    # Then it says what it did, and by what
    last = seen[-1].derivative
    assert last.status == Derivative.COMPLETED, last.error
    assert [each.sequence for each in seen] == sorted({each.sequence for each in seen})
    assert (last.validation.validator, last.validation.error_count) == ("khronos-gltf-validator", 0)
    normalized = next(file for file in asset.files if file.kind == file.NORMALIZED)
    assert last.provenance.source_sha256 == normalized.sha256 and len(last.provenance.recipe_sha256) == 64
    assert [tool.name for tool in last.provenance.tools] == ["threed"]
    # And the file is what the report says
    glb = files(door, last)["EXPORT_GLB"]
    counts = inventory(read_glb(memoryview(glb), Budget()))
    told = dict(last.loss_report.after)
    assert {name: value for name, value in counts.items() if isinstance(value, int)} == told
    assert counts["triangles"] == asset.model.triangle_count and counts["animations"] == asset.model.animation_count


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_gives_what_it_promises(rest, asset, preset):
    made = derived(rest, asset, preset=preset)
    assert made.status == Derivative.COMPLETED, made.error
    assert {one.severity for one in made.loss_report.differences} <= {1}, made.loss_report.differences
    found = files(rest, made)
    assert list(found) == [ExportFormat.Name(format) for format in PRESETS[preset].export_formats]
    normalized = next(file for file in asset.files if file.kind == file.NORMALIZED)
    if preset in ("web", "mobile", "preview"):
        assert len(found["EXPORT_GLB"]) < 0.5 * normalized.size_bytes
    if preset == "ar":
        with zipfile.ZipFile(io.BytesIO(found["EXPORT_USDZ"])) as package:
            assert package.namelist()[0].endswith((".usdc", ".usda"))


@pytest.mark.skipif(bool(ktx2.available()), reason=ktx2.available())
def test_pictures_become_ktx2_by_a_program_in_the_same_confinement(rest, asset):
    steps = [{"texture_resize": {"max_px": 64}}, {"texture_encode": {"encoding": "KTX2"}}]
    made = derived(rest, asset, recipe={"steps": steps, "export_formats": ["EXPORT_GLB", "EXPORT_OBJ"]})
    assert made.status == Derivative.COMPLETED, made.error
    found = files(rest, made)
    document = read_glb(memoryview(found["EXPORT_GLB"]), Budget())
    assert {image["mimeType"] for image in document.all("images")} == {"image/ktx2"}
    assert "KHR_texture_basisu" in document.json["extensionsRequired"]
    # And where a format holds none, they are pictures again
    with zipfile.ZipFile(io.BytesIO(found["EXPORT_OBJ"])) as archive:
        assert any(name.endswith(".png") for name in archive.namelist())
    # And an engine that reads none of it draws what it draws of the original
    other = ready(rest, found["EXPORT_GLB"], "with ktx2.glb")
    as_it_was = traced(rest, asset_id=asset.asset_id)
    for source in ({"asset_id": asset.asset_id, "derivative_id": made.derivative_id}, {"asset_id": other.asset_id}):
        assert np.abs(traced(rest, **source) - as_it_was).mean() < 3
    # And what came with KTX2 can leave it
    made = derived(rest, other, recipe={"steps": [{"texture_encode": {"encoding": "WEBP"}}]})
    assert made.status == Derivative.COMPLETED, made.error
    document = read_glb(memoryview(files(rest, made)["EXPORT_GLB"]), Budget())
    assert {image["mimeType"] for image in document.all("images")} == {"image/webp"}


def test_levels_of_detail_are_files_that_were_judged_each(door, asset):
    # Given a recipe that splits a model in three, and asks how like the original the finest is
    ratios = [0.5, 0.2] if door.name == "rest" else [0.5, 0.25]
    steps = [{"lod": {"ratios": ratios, "error": 1.0, "output": "FILES"}}, {"meshopt": {}}]
    recipe = {"steps": steps, "export_formats": ["EXPORT_GLB", "EXPORT_STL"], "proof": {"min_ssim": 0.9}}
    made = derived(door, asset, recipe=recipe)
    assert made.status == Derivative.COMPLETED, made.error
    # Then there is a file of each level in each format, finest first
    places = [(file.lod_level, ExportFormat.Name(file.format)) for file in made.files]
    assert places == [(level, format) for level in range(3) for format in ("EXPORT_GLB", "EXPORT_STL")]
    counts = [file.triangle_count for file in made.files[::2]]
    assert counts[0] == asset.model.triangle_count > counts[1] > counts[2]
    assert made.visual_proof.min_ssim > 0.99, "of the finest, which has lost nothing"
    for file in made.files[::2]:
        names = {"asset_id": made.asset_id, "derivative_id": made.derivative_id, "lod_level": file.lod_level}
        url = door("GetDerivativeDownloadUrl", **names)
        answer = get(url.url)
        assert hashlib.sha256(answer.body).hexdigest() == file.sha256 == url.sha256
        assert inventory(read_glb(memoryview(answer.body), Budget()))["triangles"] == file.triangle_count
    # And the same again is handed out again, level by level
    again = derived(door, asset, recipe=recipe)
    assert again.cached and again.files == made.files


def test_a_plan_says_what_it_would_take(door, asset):
    # Given what the import counted in the sample
    assert asset.model.accessor_bytes > 100_000 and asset.model.image_pixel_count > 0
    # When a preset is planned
    wanted = {"asset_id": asset.asset_id, "derivative": {"preset": "web"}}
    planned = door("CreateDerivative", **wanted, validate_only=True, no_cache=True)
    # Then nothing is made, and the plan has every part, within what the worker has
    assert not planned.derivative_id and not planned.plan.cached
    assert {"reading", "meshopt", "export_glb", "proving"} <= {step.name for step in planned.plan.steps}
    assert 64 << 20 < planned.plan.memory_bytes < planned.plan.memory_limit_bytes
    # And the derivative has it too
    made = derived(door, asset, preset="web")
    assert [step.name for step in made.plan.steps] == [step.name for step in planned.plan.steps]
    assert made.plan.memory_bytes == planned.plan.memory_bytes


def test_the_same_is_not_made_twice(rest, asset):
    recipe = {"steps": [{"weld": {}}, {"prune": {}}]}
    first = derived(rest, asset, recipe=recipe)
    again = derived(rest, asset, recipe=recipe)
    assert again.cached and again.derivative_id != first.derivative_id
    assert files(rest, again) == files(rest, first)


def test_a_loss_that_no_step_names_can_be_forbidden(rest, asset):
    """STL holds no animation; what an export lacks is told with its file, and what a step does it names."""
    recipe = {"steps": [{"remove": {"features": ["ANIMATIONS"]}}], "loss_policy": "LOSS_FAIL"}
    made = derived(rest, asset, recipe=recipe | {"export_formats": ["EXPORT_STL"]})
    assert made.status == Derivative.COMPLETED, made.error
    named = {one.feature: one.reason for one in made.loss_report.differences}
    assert "remove" in named["animations"]
    assert "materials" in {loss.feature for loss in made.files[0].losses}


def test_a_step_that_does_not_fit_the_model_fails_with_its_place(rest):
    plain = ready(rest, model("without animation"))
    made = derived(rest, plain, recipe={"steps": [{"trim": {"animations": ["walk"]}}]})
    assert made.status == Derivative.FAILED
    assert "Step 0, trim" in made.error.message, made.error.message


def test_it_is_cancelled_while_it_waits_or_runs(rest, asset):
    made = rest("CreateDerivative", asset_id=asset.asset_id, derivative={"preset": "ar"}, no_cache=True)
    names = {"asset_id": asset.asset_id, "derivative_id": made.derivative_id}
    rest("CancelDerivative", **names)
    *_, last = rest.watch("WatchDerivative", **names)
    assert last.derivative.status == Derivative.CANCELLED
    rest("DeleteDerivative", **names)


def test_the_command_line_derives(stack, asset, tmp_path):
    environment = os.environ | {"THREED_URL": stack.url, "THREED_TOKEN": stack.token()}

    def threed(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "threed", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    # By a preset
    done = threed("derive", asset.asset_id, "--preset", "preview", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    written = tmp_path / "showpiece-preview.glb"
    assert written.read_bytes()[:4] == b"glTF" and str(written) in done.stdout
    # By a recipe of one's own
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"steps": [{"weld": {}}]}))
    done = threed("derive", asset.asset_id, "--recipe", str(recipe), "--to", "ply", "-o", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "COMPLETED"
    assert (tmp_path / "showpiece-derived.ply").read_bytes().startswith(b"ply\n")
    # In levels of detail
    recipe.write_text(json.dumps({"steps": [{"lod": {"ratios": [0.5], "error": 1, "output": "FILES"}}]}))
    done = threed("derive", asset.asset_id, "--recipe", str(recipe), "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    sizes = [(tmp_path / f"showpiece-derived{level}.glb").stat().st_size for level in ("", ".lod1")]
    assert 0 < sizes[1] < sizes[0]
    # As a plan only
    done = threed("derive", asset.asset_id, "--preset", "web", "--plan")
    assert [next(iter(step)) for step in json.loads(done.stdout)["steps"]][-1] == "meshopt"
    assert "proving" in done.stderr and "of one core" in done.stderr
    # And with a recipe that is none
    recipe.write_text(json.dumps({"stepz": []}))
    done = threed("derive", asset.asset_id, "--recipe", str(recipe))
    assert done.returncode == 1 and "stepz" in done.stderr
