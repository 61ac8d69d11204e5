"""What a render job will take, of the spec alone."""

from __future__ import annotations

import pytest

from threed.services import render_plan
from threed.v1.jobs_pb2 import RenderSpec
from threed.v1.render_jobs_pb2 import RenderJob, Resolution


def seconds(engine: str, samples: int) -> float:
    job = RenderJob(engine=engine, samples=samples, frame_count=1, resolution=Resolution(width=2048, height=2048))
    return render_plan.plan(RenderSpec(render_job=job), [{"name": engine}], cached=False).seconds


@pytest.mark.parametrize(("engine", "most"), [("raster", 16), ("compat", 4), ("path_traced", 4096)])
def test_samples_count_as_far_as_the_engine_takes_them(engine, most):
    assert seconds(engine, 1) < seconds(engine, most)
    if most < 4096:
        assert seconds(engine, 4096) == seconds(engine, most)
