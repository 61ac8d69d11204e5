"""The engine `compat`: the shared suite, and that it says what it leaves out."""

from __future__ import annotations

import pytest

from .pieces import RED, in_ktx2, rendered, spec
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
    answer, _ = rendered(tmp_path, spec(places(wall={}), engine=engine), {"wall": in_ktx2()})
    # Then it is drawn without, and a loss says so
    assert ("textures", 1) in {(loss["feature"], loss["count"]) for loss in answer["losses"]}
