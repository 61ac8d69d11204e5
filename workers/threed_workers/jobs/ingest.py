"""Look at an uploaded file: read it, check it, normalize it, make its thumbnails. Running it twice gives the same.

Every look at the file happens in a confined child. What cannot be made of a good file (a thumbnail, say) becomes a
warning of its validation; only a file that cannot be read fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa

from threed.errors import (
    FileRefused,
    JobCancelled,
    JobCrashed,
    JobFailed,
    JobOutOfMemory,
    JobTimedOut,
    ThreedError,
    ValidationFailed,
)
from threed.records.tables import assets
from threed.v1 import assets_pb2
from threed.v1.assets_pb2 import ImportOptions
from threed_workers import validation
from threed_workers.claims import Claim, Outcome, was_killed
from threed_workers.validator import Validator, missing

log = logging.getLogger(__name__)

_A, _B = TypeVar("_A"), TypeVar("_B")

# Up to this size a file is judged and drawn at once, which halves the wait; a child for either may hold several times
# what the file has, so larger ones are judged first and drawn then.
_AT_ONCE_BYTES = 64 << 20
_NO_REPORT = {
    "code": "VALIDATOR_NOT_FINISHED",
    "severity": "WARNING",
    "pointer": "",
    "message": "The Khronos validator gave no report in its time and memory. Simplify or split the model to have one.",
}
_MODEL_FIELDS_BY_KIND = {"NORMALIZED": "normalized", "RENDER_COPY": "render"}


def run(claim: Claim, validator: Validator, thumbnails_s: float = 60.0) -> Outcome:
    """Fetch, import, validate, draw (at most `thumbnails_s` seconds), store."""
    spec = claim.spec.ingest
    claim.report("fetching", 0.0)
    source = claim.fetch(spec.source, "source")
    try:
        request = {"source": source.name, "filename": spec.filename, **_said(spec.import_options)}
        found = claim.run("import", request, lambda event: claim.report("reading", 0.05 + 0.4 * _part(event)))
    except FileRefused as error:
        report = validation.of_refusal(error)
        return Outcome(error=error, statements=[_update(claim, validation=report)])
    claim.report("validating", 0.5)
    (khronos, issues), (thumbnails, undrawn) = _both(
        lambda: _judged(claim, validator, found, spec.import_options, thumbnails_s),
        lambda: _thumbnails(claim, found, thumbnails_s),
        at_once=source.stat().st_size <= _AT_ONCE_BYTES,
    )
    claim.report("storing", 0.9)
    report = validation.merged(khronos, [*found["issues"], *_not_drawn(found), *issues, *undrawn])
    files = [*_models(claim, found), *_light(claim, found), *(_thumbnail(claim, made) for made in thumbnails)]
    statement = _update(
        claim,
        file_format=found["file_format"],
        media_type=found["media_type"],
        asset_type=found["asset_type"],
        model=_model(found.get("model")),
        picture=_picture(found.get("picture")),
        validation=report,
        losses=[_loss(loss) for loss in found["losses"] if loss.get("file", "normalized") == "normalized"],
        files=files,
    )
    if spec.import_options.strictness == ImportOptions.STRICT and report["error_count"]:
        return Outcome(error=_too_many(report), statements=[statement])
    return Outcome(keys=[file["key"] for file in files], statements=[statement])


def _both(first: Callable[[], _A], second: Callable[[], _B], at_once: bool) -> tuple[_A, _B]:
    """What two functions answer, one after the other or at once."""
    if not at_once:
        return first(), second()
    with ThreadPoolExecutor(1, "judge") as other:
        judged = other.submit(first)
        answer = second()
        return judged.result(), answer


def _judged(claim: Claim, validator: Validator, found: dict, options: ImportOptions, wall_s: float) -> tuple:
    """(report of the Khronos validator or None, what our own checks find)."""
    khronos, issues = None, []
    if found["files"].get("validate"):
        khronos = validator.validate(claim.output(found["files"]["validate"]))
        if khronos is None and missing() is None:
            issues.append(_NO_REPORT)
    claim.check()
    return khronos, issues + _checked(claim, found, options, wall_s)


def _said(options: ImportOptions) -> dict:
    """What the upload says about units and axes, as the step takes it."""
    up = ImportOptions.UpAxis.Name(options.up_axis) if options.up_axis else ""
    return {"unit_m": options.unit_m, "up_axis": up}


def _checked(claim: Claim, found: dict, options: ImportOptions, wall_s: float) -> list[dict]:
    """What our own checks find; when they take too much, that, and the asset is no worse for it."""
    model = found["files"].get("normalized")
    if not model:
        return []
    try:
        request = {"model": model, "target_profile": options.target_profile}
        return list(claim.run("check", request, wall_s=wall_s)["issues"])
    except (JobCrashed, JobFailed, JobTimedOut, JobOutOfMemory, FileRefused) as error:
        if was_killed(error):
            raise
        message = f"The checks of meshes and textures could not be finished ({error.reason}): {error}"
        return [{"code": "CHECKS_NOT_FINISHED", "severity": "WARNING", "pointer": "", "message": message}]


def _too_many(report: dict) -> ValidationFailed:
    first = next(one for one in report["issues"] if one["severity"] == "ERROR")
    return ValidationFailed(
        f"The file was to be judged strictly, and has {report['error_count']} errors, the first of them "
        f"{first['code']} at {first['pointer'] or 'the root'}: {first['message']} Mend it, or upload it with "
        "strictness REPORT.",
        code=first["code"],
        pointer=first["pointer"],
    )


def _thumbnails(claim: Claim, found: dict, wall_s: float) -> tuple[list[dict], list[dict]]:
    """(pictures of it, issues): none and a warning when it cannot be drawn."""
    step = "thumbnails" if found["asset_type"] == "MODEL" else "picture_thumbnails"
    request = {"model": found["files"].get("render"), "source": found["files"].get("picture")}
    try:
        made = claim.run(step, request, lambda event: claim.report("thumbnails", 0.6 + 0.3 * _part(event)), wall_s)
        return list(made["thumbnails"]), []
    except (JobCrashed, JobFailed, JobTimedOut, JobOutOfMemory, FileRefused) as error:
        if was_killed(error):
            raise  # not the file's fault: the next attempt makes them
        return [], [_no_thumbnail(error)]
    except ThreedError as error:
        if error.reason not in ("ENGINE_UNAVAILABLE", "ENGINE_FAILED", "SCENE_INVALID"):
            raise
        return [], [_no_thumbnail(error)]


def _not_drawn(found: dict) -> list[dict]:
    """What only the copy for the raster engine lacks: no loss of the asset, but of its pictures."""
    lost = [loss for loss in found["losses"] if loss.get("file") == "render"]
    return [
        {"code": "NOT_DRAWN", "severity": "INFO", "pointer": "", "message": f"{one['feature']}: {one['reason']}"}
        for one in lost
    ]


def _loss(found: dict) -> dict:
    return {"feature": str(found["feature"]), "count": int(found["count"]), "reason": str(found["reason"])}


def _no_thumbnail(error: ThreedError) -> dict:
    message = f"No thumbnail could be made ({error.reason}): {error}"
    return {"code": "THUMBNAIL_FAILED", "severity": "WARNING", "pointer": "", "message": message}


def _models(claim: Claim, found: dict) -> list[dict]:
    files = []
    for kind, name in _MODEL_FIELDS_BY_KIND.items():
        if found["files"].get(name):
            files.append(_stored(claim, kind, "model/gltf-binary", found["files"][name]))
    return files


def _light(claim: Claim, found: dict) -> list[dict]:
    """What the raster engine takes from an environment; without it, each picture makes it anew."""
    if found["asset_type"] != "ENVIRONMENT":
        return []
    try:
        made = claim.run("light", {"source": found["files"]["picture"]})
    except ThreedError as error:
        if was_killed(error) or isinstance(error, JobCancelled):
            raise
        log.warning("no light of asset %s: %s", claim.row.subject, error)
        return []
    return [_stored(claim, "LIGHT", "image/ktx", made["file"])]


def _stored(claim: Claim, kind: str, media_type: str, name: object) -> dict:
    blob = claim.store_output(name)
    stored = {"kind": kind, "media_type": media_type, "key": blob.key}
    return stored | {"size_bytes": blob.size, "sha256": blob.sha256}


def _thumbnail(claim: Claim, made: dict) -> dict:
    stored = _stored(claim, "THUMBNAIL", made["media_type"], made["file"])
    return stored | {"long_edge_px": int(made["long_edge_px"])}


def _model(found: dict | None) -> dict | None:
    """What the contract has a field for."""
    if found is None:
        return None
    return {name: value for name, value in found.items() if name in assets_pb2.Model.DESCRIPTOR.fields_by_name}


def _picture(found: dict | None) -> dict | None:
    if found is None:
        return None
    names = {"width_px": "width_px", "height_px": "height_px", "channel_count": "channels", "bit_depth": "bit_depth"}
    return {name: found[source] for name, source in names.items()}


def _update(claim: Claim, **values: Any) -> sa.Executable:
    return sa.update(assets).where(assets.c.id == claim.row.subject).values(**values)


def _part(event: dict) -> float:
    return float(event.get("progress", 0.0))
