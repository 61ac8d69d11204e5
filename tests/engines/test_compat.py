"""The engine `compat`: the shared suite, and that it says what it leaves out."""

from __future__ import annotations

import struct

import pytest

from .pieces import RED, rendered, showing, spec
from .suite import *  # noqa: F403
from .suite import places


@pytest.fixture
def engine(able):
    return able("compat")


def test_what_it_leaves_out_is_said(engine, tmp_path):
    nodes = [*places(red={}), {"id": "lamp", "light": {"type": "POINT"}}]
    answer, _ = rendered(tmp_path, spec(nodes, engine=engine), {"red": RED})
    assert answer["engine_used"] == "compat"
    assert {loss["feature"] for loss in answer["losses"]} >= {"environment", "lights", "tone_mapping"}


def test_a_picture_that_it_does_not_read_is_said(engine, tmp_path):
    # Given a square with a KTX2 of Basis Universal
    header = struct.pack("<9I", 0, 1, 8, 8, 0, 0, 1, 1, 1) + bytes(32) + struct.pack("<3Q", 104, 16, 64)
    wall = showing(b"\xabKTX 20\xbb\r\n\x1a\n" + header + bytes(16))
    answer, _ = rendered(tmp_path, spec(places(wall={}), engine=engine), {"wall": wall})
    # Then it is drawn without, and a loss says so
    assert ("textures", 1) in {(loss["feature"], loss["count"]) for loss in answer["losses"]}
