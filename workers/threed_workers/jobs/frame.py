"""Draw frames of a render job. Drawing one twice makes the same pictures; one of them is published.

A worker that has a frame takes a few more of the same job, and one process draws them all: the scene is loaded once.
Each is stored and published as soon as it is drawn, under its own lease, so what is lost with a worker is the frame
that it is at.
"""

from __future__ import annotations

from threed.errors import JobFailed
from threed.records import render_jobs
from threed.v1.jobs_pb2 import RenderSpec
from threed_workers.claims import Claim, Outcome
from threed_workers.scenes import Drawn, draw, fetched, stored
from threed_workers.warm import WarmEngine

# Taken at once, of engines that draw faster than they load; of others one, so that every worker has something to do.
_AT_ONCE = 12
_SLOW = ("path_traced",)


def run(claim: Claim) -> Outcome:
    """Fetch the scene's files, draw this frame and more of its job, store each."""
    spec = claim.whole.render
    claim.report("fetching", 0.0)
    held = {part.spec.frame.number: part for part in (claim, *claim.take_more(_more(spec)))}
    with claim.engines.lent(claim.row.project, beside_others=True) as engine:
        request = fetched(claim, engine, spec) | {"frames": sorted(held)}

        def publish(drawn: Drawn) -> None:
            part = held.pop(drawn.frame, None)
            if part is not None and not part.lost:
                _complete(part, engine, spec, drawn)
            claim.at_work = next(iter(held.values()), claim)

        claim.at_work = claim
        draw(claim, engine, spec, request, claim.row.subject, publish)
    if held:
        raise JobFailed(f"The step drew {len(request['frames']) - len(held)} of {len(request['frames'])} frames.")
    return Outcome()


def _more(spec: RenderSpec) -> int:
    job = spec.render_job
    return 0 if job.engine in _SLOW else min(_AT_ONCE, (job.frame_count + 3) // 4) - 1


def _complete(part: Claim, engine: WarmEngine, spec: RenderSpec, drawn: Drawn) -> None:
    outputs = stored(part, engine, spec, drawn)
    result = drawn.result | {"outputs": outputs}
    keys = [output["key"] for output in outputs]
    part.complete(Outcome(keys=keys, statements=[render_jobs.publish_frame(part.row.id, keys, result)]))
