"""Real files: every model that is said to be valid comes in, and keeps what it had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from threed.errors import FileRefused
from threed_workers.document import Companions, read_glb, read_gltf
from threed_workers.document.companions import mapped
from threed_workers.samples import zipped

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator  # noqa: F401 a fixture

MODELS = Path(__file__).parents[3] / "shared/models"
MANIFEST = MODELS / "manifest.json"
pytestmark = pytest.mark.skipif(not MANIFEST.exists(), reason="the model files are not beside this checkout")

READ = (
    "glb",
    "gltf",
    "obj",
    "stl",
    "ply",
    "off",
    "3mf",
    "amf",
    "dae",
    "zae",
    "3ds",
    "x3d",
    "wrl",
    "step",
    "usdc",
    "hdr",
)
BESIDE = (".bin", ".png", ".jpg", ".jpeg", ".webp", ".mtl", ".ktx2", ".tga", ".bmp")
# Called valid, and refused all the same: each with the reason that the refusal must give.
REFUSED = {
    "KhronosGroup_glTF-Validator/test/base/data/asset/min_version_valid.gltf": "FILE_FEATURE_UNSUPPORTED",  # needs 2.1
    "google_draco/testdata/float_inf_point_cloud.ply": "FILE_VALUES_INVALID",  # infinite positions
}
# Called valid, and changed in what they say, each with the issue that tells so.
MENDED = {
    "KhronosGroup_glTF-Validator/test/base/data/root/unused_objects.gltf": "BUFFER_WITHOUT_BYTES",
    "bevyengine_bevy/assets/models/AnisotropyBarnLamp/AnisotropyBarnLamp.gltf": "TEXTURE_SOURCE_MOVED",
}


def _entries(*kinds: str) -> list[dict]:
    if not MANIFEST.exists():
        return []
    entries = json.loads(MANIFEST.read_text())["entries"]
    return [entry for entry in entries if entry["format"] in READ and entry["expected"]["kind"] in kinds]


def _uploaded(entry: dict) -> bytes:
    """The file as a user would send it: with its companions in a zip, where it has some."""
    path = MODELS / entry["file"]
    if entry["format"] not in ("gltf", "obj", "dae", "3ds", "x3d", "wrl"):
        return path.read_bytes()
    beside = [file for file in sorted(path.parent.rglob("*")) if file.is_file() and file.suffix.lower() in BESIDE]
    files = {path.name: path.read_bytes()}
    return zipped(files | {str(file.relative_to(path.parent)): file.read_bytes() for file in beside[:200]})


@pytest.mark.parametrize("entry", _entries("valid", "environment"), ids=lambda entry: entry["file"])
def test_a_valid_model_comes_in(entry, tmp_path):
    if entry["file"] in REFUSED:
        with pytest.raises(FileRefused) as caught:
            taken_in(tmp_path, _uploaded(entry))
        assert caught.value.reason == REFUSED[entry["file"]]
        return
    report = taken_in(tmp_path, _uploaded(entry), Path(entry["file"]).name)
    counts = entry["expected"].get("counts") or {}
    for theirs, ours in (("totalVertexCount", "vertex_count"), ("totalTriangleCount", "triangle_count")):
        if counts.get(theirs) is not None:
            assert report["model"][ours] == counts[theirs]


@pytest.mark.parametrize("entry", _entries("invalid", "survive"), ids=lambda entry: entry["file"])
def test_an_invalid_model_comes_in_or_is_refused_with_a_place(entry, tmp_path):
    try:
        taken_in(tmp_path, _uploaded(entry), Path(entry["file"]).name)
    except FileRefused as refusal:
        assert refusal.metadata["where"]
        assert "no check foresaw" not in refusal.message


GLTF = [entry for entry in _entries("valid") if entry["format"] in ("glb", "gltf") and entry["file"] not in REFUSED]


@pytest.mark.skipif(bool(missing()), reason="the Khronos validator is not installed")
@pytest.mark.parametrize("entry", GLTF, ids=lambda entry: entry["file"])
def test_what_is_written_of_a_valid_gltf_is_valid(entry, validator, tmp_path):  # noqa: F811
    report = taken_in(tmp_path, _uploaded(entry), Path(entry["file"]).name)
    assert_valid(validator, report["folder"] / "normalized.glb")
    if entry["file"] in MENDED:
        assert MENDED[entry["file"]] in {found["code"] for found in report["issues"]}


UNCHANGED = [entry for entry in GLTF if entry["file"] not in MENDED]


@pytest.mark.parametrize("entry", UNCHANGED, ids=lambda entry: entry["file"])
def test_a_gltf_keeps_everything_but_its_addresses(entry, tmp_path):
    # Given a document and what the import wrote of it
    path = MODELS / entry["file"]
    around = Companions({str(file.relative_to(path.parent)): file for file in path.parent.rglob("*") if file.is_file()})
    reader = read_glb if entry["format"] == "glb" else read_gltf
    before = reader(mapped(path), BUDGET, around)
    folder = taken_in(tmp_path, _uploaded(entry))["folder"]
    after = read_glb(mapped(folder / "normalized.glb"), BUDGET)
    # Then every key is there, but for where the bytes lie
    views = len(before.all("bufferViews"))
    assert _without_addresses(before.json) == _without_addresses(after.json, views)
    # And the bytes of every view and picture are the same
    for number, view in enumerate(before.all("bufferViews")):
        if before.buffers[view["buffer"]] is not None:
            assert before.view(number) == after.view(number)
    for number in range(len(before.all("images"))):
        assert before.picture(number) == after.picture(number)


def _without_addresses(root: dict, views: int | None = None) -> dict:
    """The JSON without what packing may change; `views` leaves out the views that packing added for pictures."""
    kept = json.loads(json.dumps(root))
    kept.pop("buffers", None)
    for image in kept.get("images", []):
        for key in ("uri", "bufferView", "mimeType"):
            image.pop(key, None)
    kept["bufferViews"] = kept.get("bufferViews", [])[:views]
    for view in kept["bufferViews"]:
        stream = (view.get("extensions") or {}).get("EXT_meshopt_compression", {})
        for place in (view, stream):
            place.pop("buffer", None)
            place.pop("byteOffset", None)
    return kept
