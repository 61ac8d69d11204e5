"""The step that makes a render job's picture, in a confined child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from google.protobuf.json_format import ParseDict

from threed.errors import EngineFailed, EngineUnavailable, FieldInvalid
from threed.v1 import jobs_pb2, render_jobs_pb2
from threed_workers.document.model import Json, loss
from threed_workers.engines import Session, choose, pictures
from threed_workers.engines.cameras import view_of
from threed_workers.engines.composition import composed, settings_of
from threed_workers.engines.drawing import Drawing, Pass, Settings, View

Report = Callable[[dict], None]

# 1.4 GB in the raster engine; a child has 2 GiB by default.
MOST_PIXELS = 1 << 25

_SUFFIXES = {render_jobs_pb2.RenderJob.JPEG: "jpg", render_jobs_pb2.RenderJob.WEBP: "webp"}


def render(request: dict, folder: Path, report: Report) -> dict:
    """Draw the picture of a RenderSpec into `folder`.

    request: {"spec": RenderSpec as proto3 JSON, "models": {asset_id: file name}, "environment": file name or None,
    "engines": names that work here (optional, all), "limits": {"pixels": most pixels of a picture} (optional)}.
    Answers {"file", "media_type", "width_px", "height_px", "engine_used", "losses": [{"feature", "count", "reason"}]}.
    Raises SceneInvalid, FieldInvalid, EngineUnavailable, EngineFailed. Doing it twice makes the same picture.
    """
    spec = ParseDict(request["spec"], jobs_pb2.RenderSpec())
    settings = settings_of(spec.render_job)
    suffix = _SUFFIXES.get(spec.render_job.output_format, "png")
    _check(settings, (request.get("limits") or {}).get("pixels", MOST_PIXELS))
    report({"phase": "loading", "progress": 0.0})
    files = {asset: folder / name for asset, name in (request.get("models") or {}).items()}
    environment = request.get("environment")
    drawing = composed(spec, files, folder / environment if environment else None)
    _check_format(suffix, drawing)
    view = view_of(spec, drawing.points, settings.aspect)
    picture, engine, losses = drawn(
        drawing, settings, [view], folder, report, spec.render_job.engine, request.get("engines")
    )
    report({"phase": "storing", "progress": 0.9})
    file = f"picture.{suffix}"
    # Written before anything is closed: Filament may abort while it tears a scene down.
    (folder / file).write_bytes(pictures.encode(picture.image, suffix))
    return {
        "file": file,
        "media_type": pictures.MEDIA_TYPES[suffix],
        "width_px": settings.size[0],
        "height_px": settings.size[1],
        "engine_used": engine,
        "losses": losses,
    }


def drawn(
    drawing: Drawing,
    settings: Settings,
    views: Sequence[View],
    folder: Path,
    report: Report,
    engine: str = "",
    able: list[str] | None = None,
) -> tuple[Pass, str, list[Json]]:
    """(last pass, name of the engine, losses) by the engine that was asked for, or by the first that manages.

    Of several views, the first that sees anything counts. When the caller leaves the choice of the engine to us, a
    lesser picture with its losses named is better than none.
    """
    failures: list[EngineFailed | EngineUnavailable] = []
    losses: list[Json] = []
    for candidate in choose(engine, able):
        try:
            session = candidate.prepare(drawing, settings, folder)
            picture = _seen(session, views, report)
            return picture, candidate.name, [plain(entry) for entry in [*losses, *drawing.losses, *session.losses]]
        except (EngineFailed, EngineUnavailable) as error:
            failures.append(error)
            losses.append(loss(f"engine {candidate.name}", 1, error.message, "picture"))
    raise failures[0]


def _seen(session: Session, views: Sequence[View], report: Report) -> Pass:
    report({"phase": "rendering", "progress": 0.3})
    for view in views:
        for picture in session.render(view):
            report({"phase": "rendering", "progress": 0.3 + 0.6 * picture.done / picture.total})
        if picture.image[..., 3].any():
            break
    return picture


def plain(entry: Json) -> Json:
    """A loss as a job keeps it: without the file that it is about."""
    return {key: entry[key] for key in ("feature", "count", "reason")}


def _check(settings: Settings, pixels: int) -> None:
    width, height = settings.size
    if width * height > pixels:
        raise FieldInvalid(
            f"{width} x {height} pixels are too many: at most {pixels} are drawn here. Ask for less.",
            violations=(("render_job.resolution", f"more than {pixels} pixels"),),
        )


def _check_format(suffix: str, drawing: Drawing) -> None:
    if suffix == "jpg" and drawing.backdrop.kind == "transparent":
        raise FieldInvalid(
            "JPEG has no alpha channel. Ask for PNG or WEBP, or for another background.",
            violations=(("render_job.output_format", "JPEG cannot be transparent"),),
        )
