"""What a render job takes beside its drawing, and a film from create to stored: `python benchmarks/render_job.py`.

A picture of 256 x 256 pixels of one asset by the raster engine, one job after the other, each drawn anew (`no_cache`),
and a turntable of 48 frames of 512 x 512 as MP4, as it is by default and with one sample a pixel: through Envoy, with
one warm worker. The overhead of a job is the time from its request to COMPLETED, as a watcher sees it, less what the
engine says that the frame took (`render_s`).
Targets: median overhead at most 60 ms; at least 15 frames a second of film, encoded and stored, on 2 cores.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from measuring import shaders
from measuring.assets import upload
from measuring.report import Report
from measuring.stacks import Measured, measured_stack

from threed.v1 import render_jobs_pb2, render_jobs_pb2_grpc
from threed.v1.render_jobs_pb2 import RenderJob, Resolution, Turntable
from threed_workers.samples import animated_model

_FRAMES = 48
_WARM = 2  # jobs that are not counted


@dataclass
class Took:
    """Of one job, in seconds: from request to COMPLETED, the drawing of its frames, processor time of the whole stack,
    and each phase that a watcher saw, in their order."""

    wall_s: float
    drawing_s: float
    cpu_s: float
    phases_s: dict[str, float] = field(default_factory=dict)


class Renders:
    """A caller of the stack's render service."""

    def __init__(self, stack: Measured, channel: grpc.Channel):
        self._stack = stack
        self._service = render_jobs_pb2_grpc.RenderServiceStub(channel)

    def run(self, job: RenderJob) -> Took:
        """Create a job, watch it to its end. Raises RuntimeError when it is not COMPLETED."""
        bearer = self._stack.bearer
        before, began = self._stack.cpu_s(), time.perf_counter()
        request = render_jobs_pb2.CreateRenderJobRequest(render_job=job, no_cache=True)
        made = self._service.CreateRenderJob(request, metadata=bearer)
        changes = [("create", began), ("queued", time.perf_counter())]
        watch = render_jobs_pb2.WatchRenderJobRequest(job_id=made.job_id)
        for message in self._service.WatchRenderJob(watch, metadata=bearer, timeout=300):
            last = message.render_job
            if last.phase != changes[-1][0]:
                changes.append((last.phase, time.perf_counter()))
        ended = time.perf_counter()
        if last.status != RenderJob.COMPLETED:
            raise RuntimeError(f"the job is {RenderJob.Status.Name(last.status)}: {last.error.message}")
        cpu = self._stack.cpu_s() - before
        return Took(ended - began, self._drawing_s(made.job_id), cpu, _lengths(changes, ended))

    def _drawing_s(self, job_id: str) -> float:
        request = render_jobs_pb2.ListRenderFramesRequest(job_id=job_id, page_size=1000)
        frames = self._service.ListRenderFrames(request, metadata=self._stack.bearer).frames
        return sum(frame.render_s for frame in frames)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--films", type=int, default=3)
    parser.add_argument("--model", type=Path, help="a GLB; without, a small animated one")
    parser.add_argument("--shaders", type=Path, help="keep compiled shaders there; without, they are made anew")
    arguments = parser.parse_args()
    model = arguments.model.read_bytes() if arguments.model else animated_model()
    report = Report("job", "part", "median ms", "lowest", "highest")
    with contextlib.ExitStack() as opened:
        warm = opened.enter_context(shaders.compiled(arguments.shaders))
        stack = opened.enter_context(measured_stack("--workers", "1", warm=warm))
        channel = opened.enter_context(grpc.insecure_channel(stack.stack.address))
        stack.stack.wait_until_able()
        renders, asset = Renders(stack, channel), upload(stack, channel, model)
        pictures = _run(renders, _picture(asset), _WARM, arguments.jobs)
        films, plain = (_run(renders, _film(asset, samples), 1, arguments.films) for samples in (0, 1))
    _tell(report, "picture, 256 x 256", pictures)
    _tell(report, f"film, {_FRAMES} frames, 512 x 512", films)
    _tell(report, "the same, one sample", plain)
    report.note(
        f"{arguments.jobs} pictures and {arguments.films} films, one job after the other, each drawn anew. Phases are "
        "those that a watcher saw; the time to each is of the one before. The processor time is of all processes of "
        "the stack; that of the films' drawing is the sum over frames, some drawn at once."
    )
    overhead = statistics.median(one.wall_s - one.drawing_s for one in pictures) * 1e3
    report.at_most("picture, from create to COMPLETED less its drawing", overhead, 60, "ms")
    report.at_least(
        "film, from create to COMPLETED", _FRAMES / statistics.median(one.wall_s for one in films), 15, "frames/s"
    )
    return report.finish()


def _picture(asset: str) -> RenderJob:
    return RenderJob(asset_id=asset, engine="raster", resolution=Resolution(width=256, height=256))


def _film(asset: str, samples: int) -> RenderJob:
    size, turn = Resolution(width=512, height=512), Turntable(frames=_FRAMES, seconds=4)
    return RenderJob(asset_id=asset, engine="raster", resolution=size, samples=samples, turntable=turn)


def _run(renders: Renders, job: RenderJob, warm: int, count: int) -> list[Took]:
    return [renders.run(job) for _ in range(warm + count if count else 0)][warm:]


def _lengths(changes: Sequence[tuple[str, float]], ended: float) -> dict[str, float]:
    """How long each phase lasted, summed where one came back."""
    found: dict[str, float] = {}
    ends = [*(at for _, at in changes[1:]), ended]
    for (phase, at), end in zip(changes, ends, strict=True):
        found[phase] = found.get(phase, 0.0) + end - at
    return found


def _tell(report: Report, name: str, jobs: Sequence[Took]) -> None:
    rows = {
        "create to COMPLETED": [one.wall_s for one in jobs],
        "its drawing (render_s)": [one.drawing_s for one in jobs],
        "overhead": [one.wall_s - one.drawing_s for one in jobs],
        "processor time": [one.cpu_s for one in jobs],
    }
    phases = dict.fromkeys(itertools.chain.from_iterable(one.phases_s for one in jobs))
    rows |= {f"phase {phase}": [one.phases_s.get(phase, 0.0) for one in jobs] for phase in phases}
    for part, seconds in rows.items():
        told = [1e3 * value for value in (statistics.median(seconds), min(seconds), max(seconds))]
        report.add(name, part, *told)


if __name__ == "__main__":
    sys.exit(main())
