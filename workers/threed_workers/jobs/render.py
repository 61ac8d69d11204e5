"""Make the outputs of a render job, of one picture or of what its frames have drawn. Twice makes the same."""

from __future__ import annotations

from typing import Any

from threed.errors import JobFailed
from threed.films import fps
from threed.records import render_jobs
from threed.v1.jobs_pb2 import BlobRef, RenderSpec
from threed.v1.render_jobs_pb2 import RenderJob
from threed_workers.claims import Claim, Outcome
from threed_workers.films import h264
from threed_workers.scenes import Drawn, draw, fetched, losses_of, stored

_CODECS = {RenderJob.AV1: "AV1", RenderJob.H264: "H264"}


def run(claim: Claim) -> Outcome:
    """Draw it, if it is one picture; else collect its pictures, or encode its film."""
    spec = claim.spec.render
    if not claim.row.parts:
        return _picture(claim, spec)
    frames = [row.result for row in claim.ask(render_jobs.frames_of(claim.row.id))]
    if spec.render_job.WhichOneof("motion"):
        return _film(claim, spec, frames)
    return _publish(claim, [output for frame in frames for output in frame["outputs"]], frames)


def _picture(claim: Claim, spec: RenderSpec) -> Outcome:
    claim.report("fetching", 0.0)
    made: list[tuple[list[dict[str, Any]], dict[str, Any]]] = []
    with claim.engines.lent(claim.row.project) as engine:

        def publish(drawn: Drawn) -> None:  # while the engine clears up
            claim.report("storing", 1.0)
            made.append((stored(claim, engine, spec, drawn), drawn.result))

        draw(claim, engine, spec, fetched(claim, engine, spec) | {"frames": [0]}, claim.row.id, publish)
    if not made:
        raise JobFailed("The step drew nothing.")
    outputs, result = made[-1]
    outcome = _publish(claim, outputs, [result])
    outcome.statements = [*outcome.statements, render_jobs.publish_frame(claim.row.id, outcome.keys, result)]
    return outcome


def _film(claim: Claim, spec: RenderSpec, frames: list[dict[str, Any]]) -> Outcome:
    """Every frame, put together."""
    job = spec.render_job
    claim.report("fetching", 0.95)
    names = []
    for number, frame in enumerate(frames):
        picture = frame["outputs"][0]
        names.append(f"frame-{number:05d}.png")
        claim.fetch(BlobRef(key=picture["key"], sha256=picture["sha256"]), names[-1])
    claim.report("encoding", 0.96)
    request = {
        "frames": names,
        "format": RenderJob.OutputFormat.Name(job.output_format),
        "codec": _CODECS.get(job.video_codec, ""),
        "fps": fps(job),
    }
    # The encoder of H.264 is a program of its own, and the only one that the step may run.
    programs = h264.HERE if request["codec"] == "H264" else None
    made = claim.run("film", request, lambda event: _encoding(claim, event), programs=programs)
    claim.report("storing", 0.99)
    blob = claim.store_output(made["file"])
    output = {
        "name": f"film.{str(made['file']).rpartition('.')[2]}",
        "key": blob.key,
        "media_type": str(made["media_type"]),
        "size_bytes": blob.size,
        "sha256": blob.sha256,
        "width_px": frames[0]["outputs"][0]["width_px"],
        "height_px": frames[0]["outputs"][0]["height_px"],
        "frame_count": int(made["frame_count"]),
        "seconds": float(made["seconds"]),
    }
    if made.get("codec") in RenderJob.VideoCodec.keys():
        output["video_codec"] = made["codec"]
    outcome = _publish(claim, [output], [*frames, {"losses": made.get("losses", [])}])
    outcome.statements = [*outcome.statements, *render_jobs.drop_frames(claim.row.id)]
    return outcome


def _encoding(claim: Claim, event: dict) -> None:
    claim.report("encoding", 0.96 + 0.03 * float(event.get("progress", 0.0)))


def _publish(claim: Claim, outputs: list[dict[str, Any]], made: list[dict[str, Any]]) -> Outcome:
    engines = list(dict.fromkeys(one["engine_used"] for one in made if one.get("engine_used")))
    statement = render_jobs.publish(
        claim.row.id, outputs=outputs, engine_used=", ".join(engines), losses=losses_of(made)
    )
    return Outcome(keys=[output["key"] for output in outputs], statements=[statement])
