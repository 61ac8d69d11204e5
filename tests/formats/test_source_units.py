"""An upload that says what its file says changes nothing; one that says otherwise is believed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from threed_workers.importing import import_file
from threed_workers.orientation import Said
from threed_workers.samples import sample

from .suite import BUDGET, silent


def usd() -> bytes:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    mesh = """def Mesh "triangle" {
    int[] faceVertexCounts = [3]
    int[] faceVertexIndices = [0, 1, 2]
    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 2, 3)]
    uniform token subdivisionScheme = "none"
}
"""
    return f'#usda 1.0\n(\n    metersPerUnit = 0.01\n    upAxis = "Z"\n)\n{mesh}'.encode()


def dae() -> bytes:
    return re.sub(rb"<unit[^>]*>", b'<unit name="inch" meter="0.0254"/>', sample("dae"))


def step() -> bytes:
    pytest.importorskip("cascadio", reason="cascadio is not installed")
    return sample("step")


def step_in_inches() -> bytes:
    millimetre = b"(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))"
    inch = b"(CONVERSION_BASED_UNIT('INCH',#901)LENGTH_UNIT()NAMED_UNIT(#903));\n"
    inch += b"#901=LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(25.4),#902);\n#902=" + millimetre
    inch += b";\n#903=DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)"
    assert millimetre in step()
    return step().replace(millimetre, inch)


CASES = {
    "stl": (lambda: sample("stl"), 0.001, "Z"),
    "3mf": (lambda: sample("3mf"), 0.001, "Z"),
    "amf": (lambda: sample("amf"), 0.0254, "Z"),
    "dae": (dae, 0.0254, "Z"),
    "usd": (usd, 0.01, "Z"),
    "3ds": (lambda: sample("3ds"), 1.0, "Z"),
    "las": (lambda: sample("las"), 1.0, "Z"),
    "e57": (lambda: sample("e57"), 1.0, "Z"),
    "step": (step, 0.001, "Z"),
    "step in inches": (step_in_inches, 0.0254, "Z"),
}
every_case = pytest.mark.parametrize(("make", "unit_m", "up"), CASES.values(), ids=CASES)


@pytest.fixture
def box(tmp_path):
    """The bounds (2, 3), metres, of what an import of `data` with `said` shows."""

    def box(data: bytes, said: Said) -> np.ndarray:
        folder = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "upload").write_bytes(data)
        found = import_file(folder / "upload", "upload", folder, BUDGET, silent, said=said)["model"]["bounding_box"]
        return np.array([found["min"], found["max"]])

    return box


@every_case
def test_saying_what_the_file_says_changes_nothing(box, make, unit_m, up):
    data = make()
    plain = box(data, Said())
    assert np.ptp(plain, axis=0).max() > 0
    assert box(data, Said(unit_m=unit_m, up=up)) == pytest.approx(plain, rel=1e-5, abs=1e-9)


@every_case
def test_saying_metres_makes_the_numbers_of_the_file_metres(box, make, unit_m, up):
    data = make()
    plain = box(data, Said())
    assert box(data, Said(unit_m=1.0)) == pytest.approx(plain / unit_m, rel=1e-5, abs=1e-9)


@every_case
def test_saying_y_up_leaves_the_axes_as_the_file_counts_them(box, make, unit_m, up):
    data = make()
    (x, y, z), (right, top, front) = box(data, Said())
    assert box(data, Said(up="Y")).ravel() == pytest.approx([x, -front, y, right, -z, top], rel=1e-5, abs=1e-9)


def test_a_step_in_inches_has_its_numbers_in_metres_when_metres_are_said(box):
    # Given a block of 20 x 30 x 40 inches
    # Then the numbers alone are metres
    assert np.ptp(box(step_in_inches(), Said(unit_m=1.0)), axis=0) == pytest.approx([20, 40, 30])
