"""What every export must do. A new one adds itself to `EXPORTS`, and no tests here."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder
from threed_workers.document.placements import placements
from threed_workers.exports import EXPORTS
from threed_workers.exports.export import Names, plain
from threed_workers.sandbox import Limits, Zygote

from .pieces import colored, every_mode, furnished, instanced, losses, mirrored_cubes, morphed, showpiece, skinned

MODELS = (showpiece, mirrored_cubes, morphed, skinned, instanced, every_mode, colored, furnished)
every_export = pytest.mark.parametrize("name", EXPORTS)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


@every_export
def test_an_export_describes_itself(name):
    export = EXPORTS[name]
    assert export.name == name
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", export.media_type)
    assert re.fullmatch(r"[a-z0-9]+", export.extension)


@every_export
@every_model
def test_an_export_writes_one_file_and_leaves_nothing_beside_it(name, model, tmp_path):
    # Given a document
    document = model()
    before = copy.deepcopy(document.json)
    # When it is written
    made = EXPORTS[name].write(document, tmp_path, "model")
    # Then there is the file that is named and no other, and the document is what it was
    assert [path.name for path in tmp_path.iterdir()] == [made.file] == [f"model.{EXPORTS[name].extension}"]
    assert (tmp_path / made.file).stat().st_size > 0
    assert made.media_type == EXPORTS[name].media_type
    assert document.json == before
    # And what is lost can be told
    json.dumps(made.losses, allow_nan=False)
    assert all(count > 0 for count in losses(made).values())


@every_export
def test_the_same_document_gives_the_same_bytes(name, tmp_path):
    written = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        made = EXPORTS[name].write(showpiece(), folder, "model")
        written.append((folder / made.file).read_bytes())
    assert written[0] == written[1]


@every_export
def test_a_document_without_geometry_can_be_written(name, tmp_path):
    made = EXPORTS[name].write(Builder("tests").finish(), tmp_path, "model")
    assert (tmp_path / made.file).exists()
    assert losses(made) == {}


@pytest.mark.parametrize("name", ["glb", "gltf"])
def test_gltf_loses_nothing(name, tmp_path):
    assert losses(EXPORTS[name].write(furnished(), tmp_path, "model")) == {}


@pytest.mark.parametrize("name", ["obj", "stl", "ply", "points", "3mf"])
def test_what_a_mesh_format_cannot_hold_is_counted(name, tmp_path):
    found = losses(EXPORTS[name].write(furnished(), tmp_path, "model"))
    expected = {"cameras": 1, "KHR_lights_punctual": 1, "ACME_smell": 1, "extras": 1, "scenes": 1}
    assert {feature: found.get(feature) for feature in expected} == expected
    assert found["nodes outside of the scene"] == 1


def test_usdz_keeps_the_camera_and_counts_the_rest(tmp_path):
    found = losses(EXPORTS["usdz"].write(furnished(), tmp_path, "model"))
    assert "cameras" not in found
    assert (found["KHR_lights_punctual"], found["scenes"], found["extras"]) == (1, 1, 1)


@pytest.mark.parametrize("name", ["obj", "stl", "ply", "points", "3mf"])
def test_motion_is_a_loss_of_still_formats(name, tmp_path):
    assert losses(EXPORTS[name].write(skinned(), tmp_path, "model")).items() >= {"animations": 1, "skins": 1}.items()
    assert losses(EXPORTS[name].write(morphed(), tmp_path, "model"))["morph targets"] == 1


def test_more_than_the_budget_is_refused():
    with pytest.raises(FileTooComplex) as caught:
        list(placements(instanced(), Budget(drawn_vertices=107)))
    assert caught.value.metadata["where"] == "/nodes"
    assert len(list(placements(instanced(), Budget(drawn_vertices=108)))) == 3, "3 cubes of 36 indices"


@pytest.mark.parametrize("name", ["obj", "stl", "ply", "points"])
def test_a_vertex_beyond_all_bounds_is_refused(name, tmp_path):
    document = mirrored_cubes()
    document.json["nodes"][1]["translation"] = [1e38, 0, 0]
    with pytest.raises(FileValuesInvalid) as caught:
        EXPORTS[name].write(document, tmp_path, "model")
    assert caught.value.metadata["where"] == "/nodes/1"


def test_every_export_can_be_written_in_confinement(tmp_path):
    # Given a confined child: no network, no file but its own, bounded memory and threads
    made = tmp_path / "private"
    made.mkdir()
    with Zygote(preload=["numpy"], module_dirs=[Path(__file__).parent]) as zygote:
        # When it writes the sample in every format
        with zygote.start("confined:write_everything", {}, made, Limits(wall_s=120)) as child:
            answer = child.result()
    # Then each file is there
    assert answer["files"].keys() == EXPORTS.keys()
    assert all((made / file).stat().st_size > 0 for file in answer["files"].values())


def test_names_are_plain_and_unique():
    names = Names()
    assert [names.unique(text, "part") for text in ("a b", "a/b", "A_B", "", None, "../..")] == [
        "a_b",
        "a_b_2",
        "A_B_3",
        "part",
        "part_2",
        "part_3",
    ]
    assert plain("x" * 500) == "x" * 80
