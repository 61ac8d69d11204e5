"""The step that makes a render job's pictures, in a confined child."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from google.protobuf.json_format import ParseDict

from threed.errors import EngineFailed, EngineUnavailable, FieldInvalid
from threed.v1 import jobs_pb2, render_jobs_pb2
from threed_workers.document.model import Json, loss
from threed_workers.engines import Session, choose, deep_pictures, pictures
from threed_workers.engines.composition import composed, settings_of
from threed_workers.engines.drawing import Drawing, Pass, Settings, View
from threed_workers.engines.motion import Frame, frames_of

Report = Callable[[dict], None]

# 1.4 GB in the raster engine; a child has 2 GiB by default.
MOST_PIXELS = 1 << 25

_SUFFIXES = {
    render_jobs_pb2.RenderJob.JPEG: "jpg",
    render_jobs_pb2.RenderJob.WEBP: "webp",
    render_jobs_pb2.RenderJob.EXR: "exr",
}

T = TypeVar("T")


def render(request: dict, folder: Path, report: Report) -> dict:
    """Draw frames of a RenderSpec into `folder`, all in one session of one engine.

    request: {"spec": RenderSpec as proto3 JSON, "models": {asset_id: file name}, "environment": file name or None,
    "frames": which ones (optional, the first), "engines": names that work here (optional, all), "limits": {"pixels":
    most pixels of a picture} (optional)}.
    Answers {"frames": [{"frame", "file", "media_type", "samples", "layers": [{"layer", "file", "media_type"}]}], "file"
    and "media_type" of the first, "width_px", "height_px", "objects": [{"node_id", "color"}], "engine_used", "losses":
    [{"feature", "count", "reason"}]}. Frames of films are PNG.
    Raises SceneInvalid, FieldInvalid, EngineUnavailable, EngineFailed. Doing it twice makes the same pictures.
    """
    spec = ParseDict(request["spec"], jobs_pb2.RenderSpec())
    job = spec.render_job
    settings = settings_of(job)
    suffix = "png" if job.WhichOneof("motion") else _SUFFIXES.get(job.output_format, "png")
    _check(settings, (request.get("limits") or {}).get("pixels", MOST_PIXELS))
    report({"phase": "loading", "progress": 0.0})
    files = {asset: folder / name for asset, name in (request.get("models") or {}).items()}
    environment = request.get("environment")
    drawing = composed(spec, files, folder / environment if environment else None)
    _check_format(suffix, drawing)
    frames = frames_of(spec, drawing, settings.aspect)
    wanted = [(number, frames[number]) for number in request.get("frames") or [0]]
    made, engine, losses = _by_engine(
        lambda session: _filmed(session, wanted, suffix, folder, report),
        (drawing, settings, folder),
        job.engine,
        request.get("engines"),
    )
    report({"phase": "storing", "progress": 0.9})
    if job.bit_depth == 16:
        losses.append(plain(loss("bit_depth", 1, "the pictures have 8 bits a channel", "picture")))
    return {
        "frames": made,
        "file": made[0]["file"],
        "media_type": made[0]["media_type"],
        "width_px": settings.size[0],
        "height_px": settings.size[1],
        "objects": _objects(drawing) if "object_id" in settings.layers else [],
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

    Of several views, the first that sees anything counts.
    """
    return _by_engine(lambda session: _seen(session, views, report), (drawing, settings, folder), engine, able)


def _by_engine(
    work: Callable[[Session], T], scene: tuple[Drawing, Settings, Path], engine: str, able: list[str] | None
) -> tuple[T, str, list[Json]]:
    """(what `work` makes with a session, name of the engine, losses).

    When the caller leaves the choice of the engine to us, a lesser picture with its losses named is better than none.
    """
    failures: list[EngineFailed | EngineUnavailable] = []
    losses: list[Json] = []
    for candidate in choose(engine, able):
        try:
            session = candidate.prepare(*scene)
            made = work(session)
            return made, candidate.name, [plain(entry) for entry in [*losses, *scene[0].losses, *session.losses]]
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


def _filmed(
    session: Session, frames: Sequence[tuple[int, Frame]], suffix: str, folder: Path, report: Report
) -> list[dict]:
    """Each frame drawn and written. At once, because Filament may abort while it tears a scene down."""
    report({"phase": "rendering", "progress": 0.3})
    found = []
    for place, (number, frame) in enumerate(frames):
        for picture in session.render(frame.view, frame.moment):
            part = (place + picture.done / picture.total) / len(frames)
            report({"phase": "rendering", "progress": 0.3 + 0.6 * part})
        stem = "picture" if len(frames) == 1 else f"picture-{number}"
        found.append({"frame": number, "samples": picture.done, **_stored(picture, suffix, folder, stem)})
    return found


def _stored(picture: Pass, suffix: str, folder: Path, stem: str) -> dict:
    exr = suffix == "exr"
    data = deep_pictures.radiance_exr(picture) if exr else pictures.encode(picture.image, suffix)
    (folder / f"{stem}.{suffix}").write_bytes(data)
    layers = []
    for name, values in picture.layers.items():
        data, ending = deep_pictures.layer(name, values)
        file = f"{stem}.{name}.{ending}"
        (folder / file).write_bytes(data)
        layers.append({"layer": name, "file": file, "media_type": _media_type(ending)})
    return {"file": f"{stem}.{suffix}", "media_type": _media_type(suffix), "layers": layers}


def _media_type(suffix: str) -> str:
    return deep_pictures.EXR_MEDIA_TYPE if suffix == "exr" else pictures.MEDIA_TYPES[suffix]


def _objects(drawing: Drawing) -> list[dict]:
    """Which colour of an object_id layer is which node."""
    return [
        {"node_id": instance.node, "color": list(deep_pictures.object_color(number))}
        for number, instance in enumerate(drawing.instances, 1)
    ]


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
