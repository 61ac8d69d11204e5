"""What an upload says about units, axes, targets and strictness, over each door of upload."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.end_to_end.job import upload

from threed.v1.assets_pb2 import Asset
from threed_workers.samples.files import glb_bytes, sample, triangle


def finished(door, asset: Asset) -> Asset:
    *_, last = door.watch("WatchAsset", asset_id=asset.asset_id)
    return last.asset


def test_a_unit_and_an_axis_can_be_said_at_upload(door):
    # Given a file whose format says neither
    plain = finished(door, upload(door, sample("obj"), "box.obj"))
    high = [b - a for a, b in zip(plain.model.bounding_box.min, plain.model.bounding_box.max, strict=True)]
    # When it is uploaded again as millimetres with Z up
    options = {"unit_m": 0.001, "up_axis": "Z"}
    asset = finished(door, upload(door, sample("obj"), "box.obj", import_options=options))
    # Then it is smaller and stands up, and the asset says how it was read
    assert asset.status == Asset.VALIDATED, asset.error
    size = [b - a for a, b in zip(asset.model.bounding_box.min, asset.model.bounding_box.max, strict=True)]
    assert size == pytest.approx([high[0] / 1000, high[2] / 1000, high[1] / 1000], rel=1e-5)
    assert (asset.import_options.unit_m, asset.import_options.up_axis) == (0.001, asset.import_options.Z)


def test_a_target_profile_adds_what_is_beyond_its_thresholds(rest):
    # Given a model of 101 draw calls, where the web wants at most 100
    document = triangle()
    document.json["nodes"] += [{"mesh": 0, "translation": [number, 0, 0]} for number in range(1, 101)]
    document.json["scenes"][0]["nodes"] = list(range(101))
    data = glb_bytes(document)
    # When it is uploaded for nothing in particular, and for the web
    plain = finished(rest, upload(rest, data, "many.glb"))
    asset = finished(rest, upload(rest, data, "many.glb", import_options={"target_profile": "web"}))
    # Then only the second is told so
    assert (plain.status, asset.status) == (Asset.VALIDATED, Asset.VALIDATED)
    assert not any(one.code.startswith("OVER_BUDGET") for one in plain.validation.issues)
    assert [one.code for one in asset.validation.issues if one.code.startswith("OVER_BUDGET")] == [
        "OVER_BUDGET_DRAW_CALLS"
    ]
    assert asset.import_options.target_profile == "web"


def test_strict_means_that_an_error_fails_the_asset(door):
    # Given a glTF that breaks a rule that harms nobody, so that it is taken by default
    text = json.loads(sample("gltf"))
    text["nodes"].append({"name": "loner", "matrix": [1, 0, 0, 0] * 4, "rotation": [0, 0, 0, 1]})
    data = json.dumps(text).encode()
    taken = finished(door, upload(door, data, "a.gltf"))
    assert taken.status == Asset.VALIDATED and taken.validation.error_count > 0, taken.error
    # When it is to be judged strictly
    refused = finished(door, upload(door, data, "a.gltf", import_options={"strictness": "STRICT"}))
    # Then it is FAILED, with the report and the first error by name
    assert refused.status == Asset.FAILED
    assert refused.validation.error_count == taken.validation.error_count
    first = next(one for one in refused.validation.issues if one.severity == one.ERROR)
    assert first.code in refused.error.message
    assert "VALIDATION_FAILED" in str(refused.error)


def test_a_resumable_upload_keeps_its_options(door):
    options = {"unit_m": 0.01, "strictness": "STRICT"}
    began = door("CreateUpload", upload={"filename": "box.stl", "import_options": options})
    assert began.import_options.unit_m == 0.01
    data = sample("stl")
    door("UploadChunk", upload_id=began.upload_id, offset=0, media={"data": data})
    asset = finished(door, door("FinalizeUpload", upload_id=began.upload_id))
    assert asset.import_options == began.import_options


def test_the_command_line_says_them_too(stack, tmp_path):
    path = tmp_path / "box.stl"
    path.write_bytes(sample("stl"))
    command = [sys.executable, "-m", "threed", "upload", str(path), "--unit", "mm", "--up", "z", "--json"]
    options = ["--url", stack.url, "--token", stack.token()]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["importOptions"] == {"unitM": 0.001, "upAxis": "Z"}
