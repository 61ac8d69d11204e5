"""What a derive job makes of what its step says, which is not trusted."""

from __future__ import annotations

import pytest

from threed.errors import JobFailed
from threed.v1.recipes_pb2 import EXPORT_GLB, EXPORT_OBJ, Recipe, Step, TextureEncode
from threed_workers.jobs.derive import as_contract, needs_ktx2


def test_a_report_is_kept_in_the_form_of_the_contract():
    told = {"loss_report": {"before": {"triangles": 12}, "differences": [{"feature": "triangles", "severity": "INFO"}]}}
    kept = as_contract(told)
    assert kept["loss_report"]["before"] == {"triangles": "12"}  # proto3 JSON writes int64 as text
    assert kept["loss_report"]["differences"] == [{"feature": "triangles", "severity": "INFO"}]


@pytest.mark.parametrize(
    "told",
    [
        {"loss_report": {"before": {"triangles": "many"}}},
        {"loss_report": {"differences": [{"severity": "FATAL"}]}},
        {"visual_proof": {"views": 3}},
        {"status_of_everything": "fine"},
    ],
)
def test_what_the_contract_does_not_have_fails_the_job(told: dict):
    with pytest.raises(JobFailed):
        as_contract(told)


@pytest.mark.parametrize(
    ("encoding", "format", "holds", "needs"),
    [
        (None, EXPORT_GLB, True, False),
        (None, EXPORT_OBJ, False, True),
        (TextureEncode.WEBP, EXPORT_GLB, False, False),
        (TextureEncode.WEBP, EXPORT_GLB, True, True),
        (TextureEncode.KTX2_ETC1S, EXPORT_GLB, False, True),
    ],
)
def test_the_program_for_ktx2_may_be_run_only_where_there_is_some(encoding, format, holds, needs):
    steps = [Step(texture_encode=TextureEncode(encoding=encoding))] if encoding else [Step(weld={})]
    assert needs_ktx2(Recipe(steps=steps, export_formats=[format]), holds) is needs
