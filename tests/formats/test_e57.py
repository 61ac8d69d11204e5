"""What an E57 says, and what becomes of it."""

from __future__ import annotations

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.samples import e57 as written_by_hand
from threed_workers.samples import sample
from threed_workers.validator import Validator, missing

from .suite import BUDGET, taken_in

pye57 = pytest.importorskip("pye57", reason="pye57 is not installed")


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    made = Validator(tmp_path_factory.mktemp("validator"))
    yield made
    made.close()


@pytest.fixture
def imported(tmp_path, validator):
    """Import bytes: (report, document). What was written must satisfy the Khronos validator."""

    def imported(data: bytes):
        report = taken_in(tmp_path, data)
        path = report["folder"] / "normalized.glb"
        if missing() is None:
            (validator._scratch / "model.glb").write_bytes(path.read_bytes())
            found = validator.validate(validator._scratch / "model.glb")
            assert [entry for entry in found["issues"]["messages"] if entry["severity"] == 0] == []
        return report, read_glb(mapped(path), BUDGET)

    return imported


@pytest.fixture
def written(tmp_path):
    """The bytes of a file of scans: (fields, pose) each."""

    def written(*scans: tuple[dict, dict]) -> bytes:
        with pye57.E57(str(tmp_path / "written.e57"), "w") as file:
            for fields, pose in scans:
                file.write_scan_raw({name: np.asarray(values) for name, values in fields.items()}, **pose)
        return (tmp_path / "written.e57").read_bytes()

    return written


def xyz(*points: tuple[float, float, float]) -> dict:
    return {f"cartesian{axis}": [float(point[n]) for point in points] for n, axis in enumerate("XYZ")}


def attributes_of(document, mesh: int = 0) -> dict:
    primitive = document.json["meshes"][mesh]["primitives"][0]
    assert primitive["mode"] == 0
    return primitive["attributes"]


def test_a_scan_stands_upright_where_its_scanner_stood(imported):
    # Given three points, and a pose that makes x y, y z, and z x
    report, document = imported(sample("e57"))
    # Then the scan's node has the pose, and +Z is up above it
    scan, top = document.json["nodes"]
    assert (scan["name"], scan["translation"], scan["rotation"]) == ("yard", [10, 20, 30], [0.5, 0.5, 0.5, 0.5])
    assert top["children"] == [0]
    assert report["model"]["bounding_box"] == {
        "min": pytest.approx([10, 30, -21]),
        "max": pytest.approx([11.5, 32, -20]),
    }
    assert report["issues"] == [] and report["losses"] == _render_only(report)


def _render_only(report: dict) -> list:
    return [loss for loss in report["losses"] if loss["file"] == "render"]


def test_colors_and_intensities_are_kept(imported):
    _, document = imported(sample("e57"))
    attributes = attributes_of(document)
    assert read_floats(document, attributes["COLOR_0"]).tolist() == [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]]
    assert read(document, attributes["_INTENSITY"]).reshape(-1).tolist() == [0.25, 0.5, 1]
    assert read_floats(document, attributes["POSITION"]).tolist() == [[0, 0, 0], [1, 0, 0.5], [0, 2, 1.5]]


def test_each_scan_is_a_node_of_its_own(imported, written):
    data = written(
        (xyz((0, 0, 0), (1, 0, 0)), {"name": "a", "translation": np.array([5.0, 0, 0])}),
        (xyz((0, 0, 0), (0, 0, 1)), {"name": "b", "rotation": np.array([1.0, 0, 0, 0])}),
    )
    report, document = imported(data)
    assert [node["name"] for node in document.json["nodes"]] == ["a", "b", "+Z up"]
    assert report["model"]["bounding_box"] == {"min": [0, 0, 0], "max": [6, 1, 0]}


def test_invalid_points_are_left_out_and_counted(imported, written):
    fields = xyz((0, 0, 0), (9, 9, 9), (1, 1, 1)) | {"cartesianInvalidState": np.array([0, 2, 0], np.int8)}
    report, document = imported(written((fields, {"name": "a"})))
    assert read_floats(document, attributes_of(document)["POSITION"]).tolist() == [[0, 0, 0], [1, 1, 1]]
    assert [(loss["feature"], loss["count"]) for loss in report["losses"]] == [("invalid points", 1)]


def test_spherical_coordinates_become_cartesian(imported):
    # Given the sample, whose numbers are now ranges, azimuths and elevations
    whole, xml = sample("e57"), written_by_hand._XML
    for old, new in (
        ("cartesianX", "sphericalRange"),
        ("cartesianY", "sphericalAzimuth"),
        ("cartesianZ", "sphericalElevation"),
    ):
        xml = xml.replace(old, new)
    _, document = imported(written_by_hand.paged(whole[48 : whole.index(b"<?xml")], xml.encode()))
    points = read_floats(document, attributes_of(document)["POSITION"])
    assert np.allclose(points, [[0, 0, 0], [np.cos(0.5), 0, np.sin(0.5)], [0, 0, 0]], atol=1e-6)


def test_rows_and_columns_are_kept(imported):
    # Given the sample, whose colours are now places in the scanner's grid
    whole, xml = sample("e57"), written_by_hand._XML
    for old, new in (("colorRed", "rowIndex"), ("colorGreen", "columnIndex"), ("colorBlue", "returnIndex")):
        xml = xml.replace(old, new)
    _, document = imported(written_by_hand.paged(whole[48 : whole.index(b"<?xml")], xml.encode()))
    attributes = attributes_of(document)
    assert read(document, attributes["_ROW"]).reshape(-1).tolist() == [255, 0, 0]
    assert read(document, attributes["_COLUMN"]).reshape(-1).tolist() == [0, 255, 0]


def test_a_scan_far_away_keeps_its_millimetres(imported, written):
    fields = xyz((500_000.001, 5_400_000.002, 1), (500_001.003, 5_400_001.004, 2))
    report, document = imported(written((fields, {"name": "a", "translation": np.array([1.0, 0, 0])})))
    points = read_floats(document, attributes_of(document)["POSITION"]).astype(np.float64)
    shown = next(node for node in document.json["nodes"] if "mesh" in node)
    assert np.allclose(points + shown["extras"]["origin"], np.transpose(list(fields.values())), atol=1e-6)
    assert "ORIGIN_SHIFTED" in [issue["code"] for issue in report["issues"]]


def test_a_file_without_scans_is_said(imported, written):
    report, _ = imported(written())
    assert [issue["code"] for issue in report["issues"]] == ["MODEL_EMPTY"]


def test_xml_that_declares_entities_is_refused(tmp_path):
    # Given the sample with entities of entities, and right checksums
    xml = written_by_hand._XML.replace("<e57Root", '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>\n<e57Root', 1)
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, written_by_hand.paged(bytes(32), xml.encode()))
    assert caught.value.reason == "FILE_MALFORMED" and "declares" in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('recordCount="3"', 'recordCount="4000000000"', "FILE_TOO_COMPLEX"),
        ('recordCount="3"', 'recordCount="300"', None),
        ('<w type="Float">0.5</w>', '<w type="Float">0</w>', None),
        (">0.5</", ">0</", "FILE_VALUES_INVALID"),
        ("cartesianZ", "cartesianW", "FILE_MALFORMED"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, old, new, reason):
    whole = sample("e57")
    section = whole[48 : whole.index(b"<?xml")]
    data = written_by_hand.paged(section, written_by_hand._XML.replace(old, new).encode())
    if reason is None:
        try:
            taken_in(tmp_path, data)
        except FileRefused as refusal:
            assert "no check foresaw" not in refusal.message
        return
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, data)
    assert caught.value.reason == reason


def test_a_damaged_page_is_refused(tmp_path):
    data = bytearray(sample("e57"))
    data[130] ^= 1
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, bytes(data))
    assert caught.value.reason == "FILE_MALFORMED"
