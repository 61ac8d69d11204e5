"""Make the picture of a render job. Running it twice makes the same picture; one of them is published."""

from __future__ import annotations

from google.protobuf import json_format

from threed.errors import JobCrashed
from threed.records import render_jobs
from threed_workers.claims import Claim, Outcome, was_killed

_STAND_IN = "compat"
_LOADED = 0.1  # of the progress, once every file is here
_RENDERED = 0.95  # once the picture is drawn


def run(claim: Claim) -> Outcome:
    """Fetch the scene's files, draw it in a confined child, store the picture."""
    spec = claim.spec.render
    claim.report("fetching", 0.0)
    models = {}
    for asset_id, blob in spec.models.items():
        claim.fetch(blob, f"{asset_id}.glb")
        models[asset_id] = f"{asset_id}.glb"
    environment = None
    if spec.HasField("environment"):
        environment = claim.fetch(spec.environment, "environment").name
    claim.report("loading", _LOADED)
    request = {"spec": json_format.MessageToDict(spec), "models": models, "environment": environment}
    request["limits"] = {"pixels": spec.render_job.resolution.width * spec.render_job.resolution.height}
    made = _draw(claim, request, spec.render_job.engine)
    claim.report("storing", _RENDERED)
    blob = claim.store_output(made["file"])
    output = {
        "media_type": str(made["media_type"]),
        "size_bytes": blob.size,
        "sha256": blob.sha256,
        "width_px": int(made["width_px"]),
        "height_px": int(made["height_px"]),
    }
    statement = render_jobs.publish(
        claim.row.id,
        output_key=blob.key,
        output=output,
        engine_used=str(made["engine_used"]),
        losses=list(made.get("losses", [])),
    )
    return Outcome(keys=[blob.key], statements=[statement])


def _draw(claim: Claim, request: dict, engine: str) -> dict:
    """Draw; when the caller left the engine to us and it took its process down, draw with the one that stands in."""
    try:
        return claim.run("render", request, lambda event: _tell(claim, event))
    except JobCrashed as error:
        if engine or was_killed(error):
            raise
        claim.report("loading", _LOADED)
        made = claim.run("render", request | {"engines": [_STAND_IN]}, lambda event: _tell(claim, event))
        reason = f"The best engine crashed on this scene, so {_STAND_IN} drew it."
        return made | {"losses": [{"feature": "engine", "count": 1, "reason": reason}, *made.get("losses", [])]}


def _tell(claim: Claim, event: dict) -> None:
    part = float(event.get("progress", 0.0))
    claim.report(str(event.get("phase", "rendering"))[:32], _LOADED + part * (_RENDERED - _LOADED))
