"""What LAS and LAZ say, and what becomes of it."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.samples import sample
from threed_workers.validator import Validator, missing

from .suite import BUDGET, taken_in

laspy = pytest.importorskip("laspy", reason="laspy is not installed")
FOOT = 1200 / 3937
WKT = (
    'COMPD_CS["a",PROJCS["b",GEOGCS["c",DATUM["d",SPHEROID["e",6378137,298]],UNIT["degree",0.0174]],'
    'PROJECTION["f"],UNIT["US survey foot",0.3048006096]],VERT_CS["g",VERT_DATUM["h",2005],UNIT["metre",1]]]'
)


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


def cloud(point_format: int = 3, version: str = "1.2", count: int = 4, **dimensions) -> laspy.LasData:
    header = laspy.LasHeader(point_format=point_format, version=version)
    header.scales = np.full(3, 0.001)
    points = laspy.LasData(header)
    points.x, points.y, points.z = np.arange(count), np.zeros(count), np.ones(count)
    for name, values in dimensions.items():
        setattr(points, name, values)
    return points


def written(points: laspy.LasData, compressed: bool = False) -> bytes:
    out = io.BytesIO()
    points.write(out, do_compress=compressed)
    return out.getvalue()


def attributes_of(document) -> dict:
    primitive = document.json["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    return primitive["attributes"]


def test_points_far_away_keep_their_millimetres(imported):
    # Given points half a million and five million metres from the origin, steps of a millimetre apart
    report, document = imported(sample("las"))
    # Then they are exact around an origin of their own, which their node and its extras tell
    points = read_floats(document, attributes_of(document)["POSITION"])
    node = document.json["nodes"][0]
    assert node["translation"] == node["extras"]["origin"] == [500_000, 5_400_001, 100]
    assert points.tolist() == [[0, -1, 0], [1, -1, 0.5], [0, 1, 1.5]]
    # And +Z is up
    assert report["model"]["bounding_box"] == {"min": [500000, 100, -5400002], "max": [500001, 101.5, -5400000]}
    assert [issue["code"] for issue in report["issues"]] == ["UNITS_ASSUMED", "ORIGIN_SHIFTED"]


def test_colors_intensities_and_classes_are_kept(imported):
    _, document = imported(sample("las"))
    attributes = attributes_of(document)
    assert read_floats(document, attributes["COLOR_0"]).tolist() == [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]]
    assert read(document, attributes["_INTENSITY"]).reshape(-1).tolist() == [100, 200, 300]
    assert read(document, attributes["_CLASSIFICATION"]).reshape(-1).tolist() == [2, 6, 6]
    # What is the same for every point is said once
    assert document.json["nodes"][-1]["extras"]["point"] == {
        "return_number": 1,
        "number_of_returns": 1,
        "point_source_id": 1,
    }


def test_compressed_and_not_are_the_same_model(imported):
    (_, first), (_, second) = imported(sample("las")), imported(sample("las.compressed"))
    assert first.json == second.json and bytes(first.buffers[0]) == bytes(second.buffers[0])


def test_colors_of_eight_bit_in_sixteen_are_told_by_their_size(imported):
    _, document = imported(written(cloud(red=[255, 0, 0, 0], green=[0, 255, 0, 0], blue=[0, 0, 0, 128])))
    colors = read_floats(document, attributes_of(document)["COLOR_0"])
    assert colors[0].tolist() == [1, 0, 0, 1]
    assert colors[3, 2] == pytest.approx(0.2158, abs=1e-3)  # sRGB 128


def test_times_are_lost_and_said(imported):
    report, _ = imported(written(cloud(gps_time=[1e9, 1e9 + 1, 2, 3])))
    assert [(loss["feature"], loss["count"]) for loss in report["losses"] if loss["file"] == "normalized"] == [
        ("dimension gps_time", 4)
    ]


def test_extra_dimensions_are_kept(imported):
    points = cloud(6, "1.4")
    points.add_extra_dim(laspy.ExtraBytesParams("Heat", "float32"))
    points.Heat = [0.5, 1, 2, 4]
    _, document = imported(written(points, compressed=True))
    assert read(document, attributes_of(document)["_HEAT"]).reshape(-1).tolist() == [0.5, 1, 2, 4]


def test_feet_become_metres_and_the_reference_is_kept(imported):
    points = cloud(6, "1.4")
    points.header.vlrs.append(laspy.vlrs.known.WktCoordinateSystemVlr(WKT))
    report, document = imported(written(points))
    assert report["model"]["bounding_box"]["max"] == pytest.approx([3 * FOOT, FOOT, 0])
    assert document.json["nodes"][-1]["extras"]["crs"] == {"wkt": WKT}
    assert report["issues"] == []


@pytest.mark.parametrize(("unit", "metres"), [(9001, 1.0), (9003, FOOT)])
def test_geotiff_keys_name_a_unit(imported, unit, metres):
    points = cloud()
    keys = struct.pack("<4H4H4H", 1, 1, 0, 2, 1024, 0, 1, 1, 3076, 0, 1, unit)
    points.header.vlrs.append(laspy.VLR("LASF_Projection", 34735, "", keys))
    report, _ = imported(written(points))
    assert report["model"]["bounding_box"]["max"] == pytest.approx([3 * metres, metres, 0])


def test_degrees_are_said(imported):
    points = cloud()
    keys = struct.pack("<4H4H", 1, 1, 0, 1, 1024, 0, 1, 2)
    points.header.vlrs.append(laspy.VLR("LASF_Projection", 34735, "", keys))
    report, _ = imported(written(points))
    assert [issue["code"] for issue in report["issues"]] == ["UNITS_GEOGRAPHIC"]


def test_a_cloud_without_points_is_said(imported):
    report, _ = imported(written(cloud(count=0)))
    assert "MODEL_EMPTY" in [issue["code"] for issue in report["issues"]]


def with_bytes(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


@pytest.mark.parametrize(
    ("name", "place", "new", "reason", "where"),
    [
        ("las", 107, struct.pack("<I", 2**32 - 1), "FILE_TRUNCATED", "byte 105"),
        ("las.compressed", 107, struct.pack("<I", 2**32 - 1), "FILE_TOO_COMPLEX", "byte 107"),
        ("las", 100, struct.pack("<I", 2**32 - 1), "FILE_MALFORMED", "byte 94"),
        ("las", 131, struct.pack("<d", np.nan), "FILE_VALUES_INVALID", "byte 131"),
        ("las", 131, struct.pack("<d", 1e300), "FILE_VALUES_INVALID", "points"),
        ("las", 25, b"\x09", "FILE_FEATURE_UNSUPPORTED", "byte 24"),
    ],
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path, name, place, new, reason, where):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, with_bytes(sample(name), place, new))
    assert caught.value.reason == reason
    assert where is None or caught.value.metadata["where"] == where
