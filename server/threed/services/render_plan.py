"""What a render job will take: estimates, from what was measured on two cores without a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from threed.errors import MemoryBudgetExceeded
from threed.v1.jobs_pb2 import RenderSpec
from threed.v1.render_jobs_pb2 import RenderPlan

_MIB = 1024 * 1024
_TRACED = "path_traced"


class _Costs(NamedTuple):
    """Seconds to begin, of a pixel and sample, and of a pixel when all are there; bytes to begin, of a pixel, and of a
    byte of the models."""

    start_s: float
    sample_s: float
    pixel_s: float
    start_bytes: int
    pixel_bytes: int
    model_bytes: int


_COSTS = {
    "raster": _Costs(0.4, 1.2e-7, 0.0, 250 * _MIB, 90, 6),
    # With LLVM, which begins later and is three times as fast.
    _TRACED: _Costs(15.0, 5e-7, 7e-6, 450 * _MIB, 330, 8),
    "compat": _Costs(1.5, 5e-8, 0.0, 250 * _MIB, 40, 8),
}
# Without LLVM, and fewer paths than it is begun for.
_FEW, _FEW_START_S, _FEW_SAMPLE_S = 1 << 24, 1.0, 1.5e-6
# What the shadow on a ground adds to a sample.
_SHADOW = 0.6
# Of a pixel, without being asked; and how many an engine takes at most.
_SAMPLES = {"raster": 2, _TRACED: 64, "compat": 4}
_FILM_SAMPLES = {**_SAMPLES, "raster": 1.5}
_MOST_SAMPLES = {"raster": 16, "compat": 4}


def plan(spec: RenderSpec, engines: Sequence[Mapping[str, str]], cached: bool) -> RenderPlan:
    """The estimate for a spec with its defaults. `engines`: those that may draw it, best first."""
    job = spec.render_job
    engine = job.engine or (engines[0]["name"] if engines else "raster")
    size = job.region if job.HasField("region") else job.resolution
    default = _FILM_SAMPLES if job.WhichOneof("motion") else _SAMPLES
    pixels, samples = size.width * size.height, job.samples or default.get(engine, 1)
    samples = min(samples, _MOST_SAMPLES.get(engine, samples))
    costs = _costs(engine, pixels * samples * job.frame_count)
    frame = pixels * samples * costs.sample_s
    if engine == _TRACED:
        frame *= 1 + _SHADOW * job.ground_shadow
        frame = min(frame, job.max_seconds or frame) + pixels * costs.pixel_s
    models = sum(blob.size_bytes for blob in spec.models.values())
    memory = costs.start_bytes + pixels * costs.pixel_bytes + models * costs.model_bytes
    return RenderPlan(
        engine=engine,
        frame_count=job.frame_count,
        seconds=0.0 if cached else costs.start_s + models * 2e-8 + job.frame_count * (frame + 0.02),
        memory_bytes=0 if cached else memory,
        cached=cached,
    )


def _costs(engine: str, paths: float) -> _Costs:
    found = _COSTS.get(engine, _COSTS["raster"])
    few = engine == _TRACED and paths < _FEW
    return found._replace(start_s=_FEW_START_S, sample_s=_FEW_SAMPLE_S) if few else found


def check(planned: RenderPlan, limit_bytes: int) -> None:
    """Raises MemoryBudgetExceeded for a traced picture that would take more memory than a worker's process may.

    Others take little for each pixel, and there is a limit of pixels (THREED_MAX_RENDER_PIXELS).
    """
    if planned.engine != _TRACED or planned.memory_bytes <= limit_bytes:
        return
    sentence = (
        f"{_TRACED} would take about {planned.memory_bytes // _MIB} MiB of memory, and a worker's process may have "
        f"{limit_bytes // _MIB} MiB. Ask for fewer pixels, draw it in regions, or raise THREED_JOB_MEMORY_BYTES of "
        "servers and workers."
    )
    violations = (("render_job.resolution", sentence),)
    raise MemoryBudgetExceeded(
        sentence, violations=violations, estimated_bytes=planned.memory_bytes, limit_bytes=limit_bytes
    )
