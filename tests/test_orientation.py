"""What an upload says about its unit and its upward axis, against what the file says."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.document import Document
from threed_workers.document.world import world_box
from threed_workers.orientation import Said, reorient
from threed_workers.samples import triangle


def box(said: Said, noted: dict | None = None) -> np.ndarray:
    """The bounds of a triangle of 1 x 1 x 0 units, rounded."""
    document = triangle()
    if noted:
        document.json["asset"]["extras"] = {"threed": noted}
    reorient(document, said)
    return np.round(np.array(world_box(document)), 6)


def test_nothing_said_changes_nothing():
    before, after = triangle(), triangle()
    reorient(after, Said())
    assert before.json == after.json


def test_a_unit_scales_the_model():
    assert box(Said(unit_m=0.001)).tolist() == [[0, 0, 0], [0.001, 0.001, 0]]


def test_a_unit_replaces_the_one_that_the_file_said():
    # Given a file that said centimetres, and was read so
    # When the upload says metres
    found = box(Said(unit_m=1.0), {"source_unit_m": 0.01})
    # Then it becomes a hundred times as large
    assert found.tolist() == [[0, 0, 0], [100, 100, 0]]


@pytest.mark.parametrize(("up", "high"), [("Y", [1, 1, 0]), ("Z", [1, 0, 0]), ("X", [0, 1, 0])])
def test_the_axis_that_points_upwards_becomes_y(up: str, high: list):
    found = box(Said(up=up))
    assert found[1].tolist() == high
    # What lay along +Y lies along -Z when Z is up, and along -X when X is
    assert found[0].tolist() == {"Y": [0, 0, 0], "Z": [0, 0, -1], "X": [-1, 0, 0]}[up]


def test_an_axis_replaces_the_one_that_the_file_said():
    """Read as Z up, it was turned already: saying Z again changes nothing, saying Y turns it back."""
    assert box(Said(up="Z"), {"source_up": "Z"}).tolist() == [[0, 0, 0], [1, 1, 0]]
    assert box(Said(up="Y"), {"source_up": "Z"}).tolist() == [[0, 0, 0], [1, 0, 1]]


def test_what_was_said_is_noted():
    document: Document = triangle()
    reorient(document, Said(unit_m=0.0254, up="Z"))
    assert document.json["asset"]["extras"]["threed"] == {"source_unit_m": 0.0254, "source_up": "Z"}
