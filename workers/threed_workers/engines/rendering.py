"""The step that makes a render job's pictures, in a confined child."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
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
from threed_workers.engines.previews import Previews
from threed_workers.engines.tracing.finishing import shown

Report = Callable[[dict], None]

# 1.4 GB in the raster engine; a child has 2 GiB by default.
MOST_PIXELS = 1 << 25

_SUFFIXES = {
    render_jobs_pb2.RenderJob.JPEG: "jpg",
    render_jobs_pb2.RenderJob.WEBP: "webp",
    render_jobs_pb2.RenderJob.EXR: "exr",
}

_SKY = ("environment", "environment_light")

T = TypeVar("T")
Told = Callable[[], tuple[str, list[Json]]]


def render(request: dict, folder: Path, report: Report) -> dict:
    """Draw frames of a RenderSpec into `folder`, all in one session of one engine.

    request: {"spec": RenderSpec as proto3 JSON, "models": {asset_id: file name}, "environment": file name of a
    panorama (optional), "environment_light": that of its KTX (optional), "frames": which ones (optional, the first),
    "engines": names that work here (optional, all), "threads": how many to draw with (optional, one a processor; always
    the same in one process), "limits": {"pixels": most pixels of a picture, "cpu_s": most processor seconds}
    (optional)}.
    Each frame is reported once it is written, as {"drawn": {"frame", "file", "media_type", "width_px", "height_px",
    "samples", "seconds", "layers": [{"layer", "file", "media_type"}], "objects": [{"node", "color"}], "engine_used",
    "losses": [{"feature", "count", "reason"}]}}; frames of films are PNG. Meanwhile {"samples_done", "samples"} and now
    and then {"preview": {"file", "frame", "width_px", "height_px"}}; and before each engine that is tried, {"engine":
    its name, "others": those that come after it}, for who has to do without the rest of this process.
    Raises SceneInvalid, FieldInvalid, EngineUnavailable, EngineFailed. Doing it twice makes the same pictures.
    """
    spec = ParseDict(request["spec"], jobs_pb2.RenderSpec())
    job = spec.render_job
    if request.get("threads"):
        os.environ["LP_NUM_THREADS"] = str(request["threads"])  # of Mesa, which reads it once
    limits = request.get("limits") or {}
    settings = replace(settings_of(job), cpu_s=limits.get("cpu_s") or 0.0)
    suffix = "png" if job.WhichOneof("motion") else _SUFFIXES.get(job.output_format, "png")
    _check(settings, limits.get("pixels", MOST_PIXELS))
    report({"phase": "loading", "progress": 0.0})
    files = {asset: folder / name for asset, name in (request.get("models") or {}).items()}
    environment, light = (folder / request[name] if request.get(name) else None for name in _SKY)
    drawing = composed(spec, files, environment, light)
    _check_format(suffix, drawing)
    frames = frames_of(spec, drawing, settings.aspect)
    wanted = [(number, frames[number]) for number in request.get("frames") or [0]]
    film = _Film(drawing, settings, suffix, folder, report, job.bit_depth == 16)
    _by_engine(
        lambda session, told: film.draw(session, wanted, told),
        (drawing, settings, folder),
        job.engine,
        request.get("engines"),
        report,
    )
    return {}


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
    scene = (drawing, settings, folder)
    return _by_engine(lambda session, told: (_seen(session, views, report), *told()), scene, engine, able, report)


def _by_engine(
    work: Callable[[Session, Told], T],
    scene: tuple[Drawing, Settings, Path],
    engine: str,
    able: list[str] | None,
    report: Report,
) -> T:
    """What `work` makes with a session, and a function that tells the engine's name and what is lost so far.

    When the caller leaves the choice of the engine to us, a lesser picture with its losses named is better than none.
    """
    failures: list[EngineFailed | EngineUnavailable] = []
    losses: list[Json] = []
    candidates = choose(engine, able)
    for place, candidate in enumerate(candidates, 1):
        report({"engine": candidate.name, "others": [other.name for other in candidates[place:]]})
        try:
            session = candidate.prepare(*scene)
            return work(session, lambda name=candidate.name, session=session: (name, _told(losses, scene[0], session)))
        except (EngineFailed, EngineUnavailable) as error:
            failures.append(error)
            losses.append(loss(f"engine {candidate.name}", 1, error.message, "picture"))
    raise failures[0]


def _told(losses: list[Json], drawing: Drawing, session: Session) -> list[Json]:
    return [plain(entry) for entry in [*losses, *drawing.losses, *session.losses]]


def _seen(session: Session, views: Sequence[View], report: Report) -> Pass:
    report({"phase": "rendering", "progress": 0.3})
    for view in views:
        for picture in session.render(view):
            report({"phase": "rendering", "progress": 0.3 + 0.6 * picture.done / picture.total})
        if picture.image[..., 3].any():
            break
    return picture


class _Film:
    """Frames drawn, written and told of one by one: an engine may crash before the last, and while it closes."""

    def __init__(
        self,
        drawing: Drawing,
        settings: Settings,
        suffix: str,
        folder: Path,
        report: Report,
        deep: bool,
    ):
        self._drawing = drawing
        self._settings = settings
        self._suffix = suffix
        self._folder = folder
        self._report = report
        self._deep = deep
        self._objects = _objects(drawing) if "object_id" in settings.layers else []
        self._previews = Previews(folder)

    def draw(self, session: Session, frames: Sequence[tuple[int, Frame]], told: Told) -> None:
        self._report({"phase": "rendering", "progress": 0.0})
        for place, (number, frame) in enumerate(frames):
            began = time.monotonic()
            for picture in session.render(frame.view, frame.moment):
                self._progress(picture, number, (place + picture.progress) / len(frames))
            stem = "picture" if len(frames) == 1 else f"picture-{number}"
            engine, losses = told()
            drawn = {
                "frame": number,
                "samples": picture.done,
                "seconds": round(time.monotonic() - began, 3),
                "width_px": self._settings.size[0],
                "height_px": self._settings.size[1],
                "objects": self._objects,
                "engine_used": engine,
                "losses": [*losses, *self._shallow(picture)],
                **_stored(picture, self._encoded(picture), self._suffix, self._folder, stem),
            }
            self._report({"drawn": drawn, "progress": (place + 1) / len(frames)})
        session.close()

    def _encoded(self, picture: Pass) -> bytes:
        if self._suffix == "exr":
            return deep_pictures.radiance_exr(picture)
        if self._deep and picture.radiance is not None:
            return deep_pictures.deep_png(shown(picture.radiance, self._drawing.backdrop, self._settings))
        return pictures.encode(picture.image, self._suffix)

    def _shallow(self, picture: Pass) -> list[Json]:
        if not self._deep or picture.radiance is not None:
            return []
        return [plain(loss("bit_depth", 1, "the picture has 8 bits a channel", "picture"))]

    def _progress(self, picture: Pass, number: int, part: float) -> None:
        event = {"progress": part, "samples_done": picture.done, "samples": picture.total}
        if picture.done < picture.total or part < 1:
            preview = self._previews.due(picture)
            event |= {"preview": preview | {"frame": number}} if preview else {}
        self._report(event)


def _stored(picture: Pass, data: bytes, suffix: str, folder: Path, stem: str) -> dict:
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
        {"node": instance.node, "color": list(deep_pictures.object_color(number))}
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
