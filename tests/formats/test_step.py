"""What a STEP file says, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.document import read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.formats.step_text import check_text
from threed_workers.samples import sample
from threed_workers.validator import Validator, missing

from .suite import BUDGET, taken_in

pytest.importorskip("cascadio", reason="cascadio is not installed")
SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    made = Validator(tmp_path_factory.mktemp("validator"))
    yield made
    made.close()


def errors_of(validator: Validator, path: Path) -> list:
    """What the Khronos validator calls errors; nothing where it is not installed."""
    if missing() is not None:
        return []
    (validator._scratch / "model.glb").write_bytes(path.read_bytes())
    found = validator.validate(validator._scratch / "model.glb")
    return [entry for entry in found["issues"]["messages"] if entry["severity"] == 0]


def test_a_solid_stands_upright_in_metres_in_its_color(tmp_path, validator):
    # Given a block of 20 x 30 x 40 millimetres with +Z up
    report = taken_in(tmp_path, sample("step"))
    # Then it is in metres, and what was +Z is +Y
    assert report["model"]["bounding_box"] == {
        "min": pytest.approx([0, 0, -0.03], abs=1e-8),
        "max": pytest.approx([0.02, 0.04, 0], abs=1e-8),
    }
    assert report["model"]["triangle_count"] == 12
    # And it has its name and its colour, and faces outwards
    document = read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)
    assert [node["name"] for node in document.json["nodes"]] == ["block", "+Z up"]
    color = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"]
    assert color[0] > 0.5 > color[1] > color[2]
    primitive = document.json["meshes"][0]["primitives"][0]
    points = read_floats(document, primitive["attributes"]["POSITION"]) - [0.01, 0.015, 0.02]
    normals = read_floats(document, primitive["attributes"]["NORMAL"])
    assert (np.einsum("ij,ij->i", points, normals) > 0).all()
    assert errors_of(validator, report["folder"] / "normalized.glb") == []


def test_the_report_says_what_triangles_cannot_hold(tmp_path):
    text = sample("step").replace(b"ENDSEC;\nEND-", b"#900=DRAUGHTING_CALLOUT('',(#14));\nENDSEC;\nEND-")
    report = taken_in(tmp_path, text)
    assert [(loss["feature"], loss["count"]) for loss in report["losses"]] == [
        ("exact surfaces", 6),
        ("annotations", 1),
    ]


def test_files_that_a_step_refers_to_are_not_opened(tmp_path):
    # Given an assembly whose part lies in another file, as AP214 refers to it
    (tmp_path / "part.step").write_bytes(sample("step"))
    outside = f"""#900=DOCUMENT_TYPE('geometry');
#901=DOCUMENT_FILE('{tmp_path}/part.step','','',#900,'',$);
#902=CHARACTERIZED_OBJECT('','');
#903=APPLIED_DOCUMENT_REFERENCE(#901,'',(#7));
"""
    text = sample("step").replace(b"ENDSEC;\nEND-", outside.encode() + b"ENDSEC;\nEND-")
    report = taken_in(tmp_path, text)
    # Then the model is what the file itself holds
    assert report["model"]["mesh_count"] == 1
    assert ("external files", 1) in [(loss["feature"], loss["count"]) for loss in report["losses"]]


@pytest.mark.parametrize(
    ("old", "new", "reason", "where"),
    [
        (b"#17=AXIS2", b"#17=AXIS2 @", "FILE_MALFORMED", "#17"),
        (b"#14,#15,#16", b"#14,#15,#9999", "FILE_MALFORMED", "#9999"),
        (b"END-ISO-10303-21;", b"", "FILE_TRUNCATED", None),
        (b"#14=CARTESIAN", b"#14=\xffARTESIAN", "FILE_MALFORMED", "line 21"),
        (b"#15=DIRECTION", b"#14=DIRECTION", "FILE_MALFORMED", "#14"),
    ],
)
def test_a_broken_text_is_refused_by_its_entity(tmp_path, old, new, reason, where):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, sample("step").replace(old, new))
    assert caught.value.reason == reason
    assert where is None or caught.value.metadata["where"] == where


def test_a_face_of_something_else_is_refused():
    text = sample("step")
    edge = text[: text.index(b"=EDGE_LOOP")].rpartition(b"#")[2]
    with pytest.raises(FileRefused) as caught:
        check_text(text.replace(b"FACE_OUTER_BOUND('',#" + edge + b",", b"FACE_OUTER_BOUND('',#4,"))
    assert "cannot have a PRODUCT" in caught.value.message


def test_lists_of_lists_of_lists_are_refused():
    with pytest.raises(FileRefused) as caught:
        check_text(b"ISO-10303-21;\nDATA;\n#1=A(" + b"(" * 100_000 + b")" * 100_000 + b");\nENDSEC;\nEND-ISO-10303-21;")
    assert caught.value.reason == "FILE_TOO_COMPLEX"


def test_quotes_and_comments_hold_anything(tmp_path):
    text = (
        sample("step").replace(b"'block','block'", b"'block','it''s #999; ((('").replace(b"DATA;", b"DATA; /* #1; ( */")
    )
    assert taken_in(tmp_path, text)["model"]["triangle_count"] == 12


def _files() -> list[Path]:
    manifest = SHARED / "models/manifest.json"
    entries = json.loads(manifest.read_text())["entries"] if manifest.exists() else []
    return [SHARED / "models" / entry["file"] for entry in entries if entry["format"] == "step"]


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.name)
def test_a_real_part_comes_in(path, tmp_path, validator):
    report = taken_in(tmp_path, path.read_bytes())
    assert report["model"]["triangle_count"] > 1000
    box = report["model"]["bounding_box"]
    assert 0.1 < max(high - low for low, high in zip(box["min"], box["max"], strict=True)) < 1  # metres
    assert errors_of(validator, report["folder"] / "normalized.glb") == []
