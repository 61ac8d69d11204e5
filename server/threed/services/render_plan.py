"""What a render job will take: estimates, from what was measured on two cores without a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from threed.v1.jobs_pb2 import RenderSpec
from threed.v1.render_jobs_pb2 import RenderPlan

_MIB = 1024 * 1024
# By engine: seconds to begin, seconds a pixel and sample, bytes to begin, bytes a pixel, bytes a byte of the models.
_COSTS = {
    "raster": (0.4, 6e-8, 250 * _MIB, 85, 6),
    "path_traced": (1.0, 4.5e-7, 300 * _MIB, 120, 8),
    "compat": (1.5, 5e-8, 250 * _MIB, 40, 8),
}
_SAMPLES = {"raster": 4, "path_traced": 64, "compat": 4}


def plan(spec: RenderSpec, engines: Sequence[Mapping[str, str]], cached: bool) -> RenderPlan:
    """The estimate for a spec with its defaults. `engines`: those that may draw it, best first."""
    job = spec.render_job
    engine = job.engine or (engines[0]["name"] if engines else "raster")
    start, second, base, a_pixel, a_byte = _COSTS.get(engine, _COSTS["raster"])
    size = job.region if job.HasField("region") else job.resolution
    pixels, samples = size.width * size.height, job.samples or _SAMPLES.get(engine, 1)
    frame = pixels * samples * second
    frame = min(frame, job.max_seconds) if job.max_seconds and engine == "path_traced" else frame
    models = sum(blob.size_bytes for blob in spec.models.values())
    return RenderPlan(
        engine=engine,
        frame_count=job.frame_count,
        seconds=0.0 if cached else start + models * 2e-8 + job.frame_count * (frame + 0.02),
        memory_bytes=0 if cached else base + pixels * a_pixel + models * a_byte,
        cached=cached,
    )
