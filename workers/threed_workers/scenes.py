"""The worker's side of drawing: files for the step, its pictures to the store, its previews to the watchers.

A step is not trusted: what it says is checked against what it was asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from threed.errors import JobCrashed, JobFailed, JobOutOfMemory, JobTimedOut, ThreedError
from threed.records import render_jobs
from threed.v1.jobs_pb2 import BlobRef, RenderSpec
from threed.v1.render_jobs_pb2 import RenderJob, RenderOutput
from threed_workers.claims import Claim, was_killed
from threed_workers.textures import ktx2
from threed_workers.warm import WarmEngine

# What an engine may do to its process, and another one with the same scene perhaps not.
_UNDONE = (JobCrashed, JobTimedOut, JobOutOfMemory)
_LOADED, _RENDERED = 0.1, 0.95  # of the progress, once every file is here, and once all is drawn
_WITHOUT_KTX2 = ("path_traced", "compat")
_MOST_PREVIEW_BYTES = 256 * 1024
_AOVS = {"depth": "DEPTH", "normal": "NORMAL", "albedo": "ALBEDO", "object_id": "OBJECT_ID", "alpha": "ALPHA"}


@dataclass(frozen=True)
class Drawn:
    """A frame as the step says that it drew it."""

    frame: int
    file: str
    media_type: str
    layers: list[dict[str, Any]]
    size: tuple[int, int]
    samples: int
    seconds: float
    engine_used: str
    losses: list[dict[str, Any]]
    objects: list[dict[str, Any]]

    @classmethod
    def of(cls, said: dict[str, Any]) -> Drawn:
        """Raises JobFailed for what is no frame."""
        try:
            losses = [{name: one[name] for name in ("feature", "count", "reason")} for one in said["losses"]]
            json_format.ParseDict({"losses": losses}, RenderJob())
            size = int(said["width_px"]), int(said["height_px"])
            numbers = int(said["samples"]), float(said["seconds"]), str(said["engine_used"])[:64]
            layers, objects = list(said["layers"]), list(said["objects"])
            return cls(int(said["frame"]), said["file"], said["media_type"], layers, size, *numbers, losses, objects)
        except (LookupError, TypeError, ValueError, json_format.ParseError) as error:
            raise JobFailed("The step answered with what is no frame.") from error

    @property
    def result(self) -> dict[str, Any]:
        """What is kept of it beside its pictures."""
        told = {"engine_used": self.engine_used, "render_s": self.seconds, "samples": self.samples}
        return told | {"losses": self.losses}


def fetched(claim: Claim, engine: WarmEngine, spec: RenderSpec) -> dict[str, Any]:
    """The request of a step that draws the scene, whose files the engine's process can read now."""

    def as_it_is(blob: BlobRef, suffix: str) -> Path:
        return engine.file(blob.sha256 + suffix, lambda path: claim.store.fetch(blob.key, path, blob.sha256))

    def model(blob: BlobRef) -> Path:
        plain = job.engine in _WITHOUT_KTX2
        if not spec.derived and not plain:
            return as_it_is(blob, ".glb")
        name = f"{blob.sha256}.{'plain' if plain else 'render'}.glb"
        return engine.file(name, lambda path: _copy_for_engines(claim, blob, path, spec.derived, plain))

    job = spec.render_job
    models = {asset_id: str(model(blob)) for asset_id, blob in spec.models.items()}
    found = {name: getattr(spec, name) for name in ("environment", "environment_light") if spec.HasField(name)}
    size = job.region if job.HasField("region") else job.resolution
    request = {"spec": json_format.MessageToDict(spec), "models": models}
    request |= {name: str(as_it_is(blob, "")) for name, blob in found.items()}
    return request | {"limits": {"pixels": size.width * size.height, "cpu_s": claim.limits.cpu_s}}


def _copy_for_engines(claim: Claim, blob: BlobRef, path: Path, derived: bool, plain: bool) -> None:
    """Write what engines read of a model: of a `derived` one a render copy; of a `plain` one nothing in KTX2."""
    source = claim.fetch(blob, f"{blob.sha256}.glb")
    transcode = plain and not ktx2.available() and ktx2.holds(source)
    if derived or transcode:
        request = {"source": source.name, "target": f"{blob.sha256}.render.glb", "transcode": transcode}
        claim.run("render_copy", request, programs=ktx2.HERE if transcode else None)
        source.unlink()
        source = claim.output(request["target"])
    source.rename(path)


def draw(
    claim: Claim,
    engine: WarmEngine,
    spec: RenderSpec,
    request: dict[str, Any],
    job_id: uuid.UUID,
    publish: Callable[[Drawn], None],
) -> None:
    """Run the step; `publish` gets each frame once it is drawn. `job_id` is of the render job, for its previews.

    When the caller left the choice to us and an engine crashed, hung or took too much memory, what is left is drawn
    once more by those that come after it, and says so in its losses.
    """
    left = list(request["frames"])
    losses: list[dict[str, Any]] = []
    tried = {"engine": "", "others": []}

    def hear(event: dict) -> None:
        if "engine" in event:
            return tried.update(_named(event))
        if "drawn" not in event:
            return _tell(claim, engine, event, job_id)
        drawn = Drawn.of(event["drawn"])
        if drawn.frame in left:
            left.remove(drawn.frame)
            drawn.losses.extend(losses)
            publish(drawn)  # which tells the watchers more than this event would

    claim.report("loading", _LOADED)
    try:
        _ask(claim, engine, request, hear)
    except _UNDONE as error:
        if not left:
            return  # Filament may abort while it clears up after the last frame
        if spec.render_job.engine or not tried["others"] or was_killed(error):
            raise
        losses.append(_undone(tried["engine"], error))
        claim.report("loading", _LOADED)
        _ask(claim, engine, request | {"frames": list(left), "engines": tried["others"]}, hear)


def _ask(claim: Claim, engine: WarmEngine, request: dict[str, Any], hear: Callable[[dict], None]) -> None:
    claim.check()
    engine.draw(request, lambda process: claim.follow(process, hear))


def _named(event: dict[str, Any]) -> dict[str, Any]:
    """The engine that is tried now, and those after it. Raises JobFailed for what names none."""
    name, others = event["engine"], event.get("others")
    if not isinstance(others, list) or not all(isinstance(one, str) for one in (name, *others)):
        raise JobFailed("The step answered with what is no engine.")
    return {"engine": name[:64], "others": others}


def _undone(name: str, error: ThreedError) -> dict[str, Any]:
    return {"feature": f"engine {name}", "count": 1, "reason": error.message}


def stored(claim: Claim, engine: WarmEngine, spec: RenderSpec, drawn: Drawn) -> list[dict[str, Any]]:
    """The pictures of a frame in the store: RenderOutput with proto field names, and `key`."""
    job = spec.render_job
    if job.WhichOneof("motion"):
        stem = f"frame{drawn.frame:05d}"
    else:
        stem = f"camera{drawn.frame}" if job.cameras else "picture"
    found = [_stored(claim, engine, drawn, drawn.file, drawn.media_type, stem)]
    for layer in drawn.layers:
        name = str(layer.get("layer"))
        if name not in _AOVS:
            raise JobFailed(f"The step drew {name!r}, which nobody asked for.")
        output = _stored(claim, engine, drawn, layer["file"], str(layer["media_type"]), f"{stem}.{name}")
        output["aov"] = _AOVS[name]
        if name == "object_id":
            output["objects"] = drawn.objects
        found.append(output)
    for output in found:
        if not job.WhichOneof("motion") and drawn.frame:
            output["camera"] = drawn.frame
        _check(output)
    return found


def losses_of(made: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What all of them say, each once."""
    found = {(loss["feature"], loss["reason"]): loss for one in made for loss in one.get("losses", [])}
    return list(found.values())


def _stored(claim: Claim, engine: WarmEngine, drawn: Drawn, file: str, media_type: str, stem: str) -> dict[str, Any]:
    blob = claim.store_file(engine.output(file))
    return {
        "name": f"{stem}.{str(file).rpartition('.')[2]}",
        "key": blob.key,
        "media_type": str(media_type),
        "size_bytes": blob.size,
        "sha256": blob.sha256,
        "width_px": drawn.size[0],
        "height_px": drawn.size[1],
    }


def _check(output: dict[str, Any]) -> None:
    try:
        json_format.ParseDict({name: value for name, value in output.items() if name != "key"}, RenderOutput())
    except json_format.ParseError as error:
        raise JobFailed("The step answered with what is no output.") from error


def _tell(claim: Claim, engine: WarmEngine, event: dict, job_id: uuid.UUID) -> None:
    more: dict[str, int] = {}
    if "samples" in event:
        more = {"samples_done": int(event.get("samples_done", 0)), "samples": int(event["samples"])}
    if "preview" in event:
        more["preview"] = _show(claim, engine, event["preview"], job_id, more)
    part = float(event.get("progress", 0.0))
    claim.report(str(event.get("phase", "rendering")), _LOADED + part * (_RENDERED - _LOADED), **more)


def _show(claim: Claim, engine: WarmEngine, preview: dict, job_id: uuid.UUID, samples: dict[str, int]) -> int:
    """Keep a preview for the watchers; its number."""
    image = engine.output(preview["file"]).read_bytes()
    if len(image) > _MOST_PREVIEW_BYTES:
        raise JobFailed(f"The step made a preview of {len(image)} bytes.")
    size = {name: int(preview[name]) for name in ("frame", "width_px", "height_px")}
    done = {name: samples.get(name, 1) for name in ("samples_done", "samples")}
    return claim.ask(render_jobs.show(job_id, image=image, media_type="image/webp", **size, **done))[0].number
