"""The step that puts frames together, in a confined child."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from threed.errors import FieldInvalid
from threed_workers.document.model import Json
from threed_workers.films import gif, mp4, webm, webp, zip
from threed_workers.films.frames import Frames, opened
from threed_workers.films.plan import Made, Plan
from threed_workers.films.timing import rate_of

_MOST_FPS = 120
_LEAST_FPS = 0.1
_QUALITY = 75


@dataclass(frozen=True)
class Format:
    """`codecs`: those that a caller may name, the default first. `most_pixels` of a frame, and of all together.

    `even`: 4:2:0 has one colour for two by two pixels, and players disagree on half a pair.
    """

    file: str
    media_type: str
    write: Callable[[Plan, Path], Made]
    codecs: tuple[str, ...] = ("",)
    most_pixels: int = 1 << 25
    most_pixels_in_all: int = 1 << 31
    most_edge: int = 16_383
    even: bool = False


# Up to 3840 x 2160 a frame of video, which is what players decode. A GIF's frames are in memory until it is written.
FORMATS: dict[str, Format] = {
    "MP4": Format("film.mp4", "video/mp4", mp4.write, ("AV1", "H264"), 1 << 23, 1 << 31, 8192, even=True),
    "WEBM": Format("film.webm", "video/webm", webm.write, ("AV1",), 1 << 23, 1 << 31, 8192, even=True),
    "WEBP": Format("film.webp", "image/webp", webp.write),
    "GIF": Format("film.gif", "image/gif", gif.write, most_pixels=1 << 23, most_pixels_in_all=1 << 29),
    "ZIP": Format("film.zip", "application/zip", zip.write, most_pixels_in_all=1 << 34),
}


def film(request: Json, folder: Path, report: Callable[[Json], None]) -> Json:
    """Put the frames of `folder` together to a film there.

    request: {"frames": [names of PNGs, in order], "format": a key of FORMATS, "codec": one of the format's or "",
    "fps": frames a second, "quality": 1 to 100 (optional, 75)}. Quality is nothing to GIF and ZIP.
    Answers {"file", "media_type", "frame_count", "seconds", "codec", "losses": [{"feature", "count", "reason"}]}.
    Raises FieldInvalid, FileMalformed, FileTruncated, FileTooComplex, FileFeatureUnsupported, JobFailed, and for H264
    EngineUnavailable and EngineFailed. Doing it twice makes the same film.
    """
    format = _format(request["format"])
    codec = _codec(request["format"], format, request.get("codec") or "")
    fps, quality = _fps(request["fps"]), _chosen_quality(request.get("quality"))
    names = request["frames"]
    frames = opened(folder, names, _Progress(report, len(names)))
    _check_size(request["format"], format, frames)
    made = format.write(Plan(frames, rate_of(fps), codec, quality), folder / format.file)
    return {
        "file": format.file,
        "media_type": format.media_type,
        "frame_count": len(frames),
        "seconds": float(made.seconds),
        "codec": codec,
        "losses": [{key: entry[key] for key in ("feature", "count", "reason")} for entry in made.losses],
    }


class _Progress:
    """Tells how many frames were taken. Writers wind back when they end, which is no news."""

    def __init__(self, report: Callable[[Json], None], count: int):
        self._report, self._count, self._taken = report, count, 0

    def __call__(self, index: int) -> None:
        if index >= self._taken:
            self._taken = index + 1
            self._report({"phase": "encoding", "progress": index / self._count})


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise FieldInvalid(
            f"Films are not written as {name[:40]!r}. Ask for one of {', '.join(FORMATS)}.",
            violations=(("format", f"must be one of {', '.join(FORMATS)}"),),
        )
    return FORMATS[name]


def _codec(name: str, format: Format, codec: str) -> str:
    if codec and codec not in format.codecs:
        can = ", ".join(filter(None, format.codecs)) or "none"
        raise FieldInvalid(
            f"{name} does not go with the codec {codec[:40]!r}; it takes {can}. Leave the codec out.",
            violations=(("codec", f"of {name}: {can}"),),
        )
    return codec or format.codecs[0]


def _fps(fps: float) -> float:
    if not (math.isfinite(fps) and _LEAST_FPS <= fps <= _MOST_FPS):
        raise FieldInvalid(
            f"{fps} frames a second cannot be shown. Ask for {_LEAST_FPS} to {_MOST_FPS}.",
            violations=(("fps", f"must be {_LEAST_FPS} to {_MOST_FPS}"),),
        )
    return fps


def _chosen_quality(quality: int | None) -> int:
    if quality is None:
        return _QUALITY
    if not 1 <= quality <= 100:
        raise FieldInvalid(
            f"A quality of {quality} is none. Ask for 1 to 100, or leave it out.",
            violations=(("quality", "must be 1 to 100"),),
        )
    return int(quality)


def _check_size(name: str, format: Format, frames: Frames) -> None:
    """Raises FieldInvalid for a film that the format cannot hold, or that would take too much memory or time."""
    width, height = frames.width, frames.height
    size = f"{width} x {height}"
    if format.even and (width % 2 or height % 2):
        _refuse(f"{name} has no frames of {size} pixels: both must be even. Ask for one pixel more.", "must be even")
    if max(width, height) > format.most_edge or width * height > format.most_pixels:
        limit = f"at most {format.most_pixels} pixels, and {format.most_edge} an edge"
        _refuse(f"Frames of {size} pixels are too large for {name}: {limit}. Ask for smaller ones.", limit)
    if width * height * len(frames) > format.most_pixels_in_all:
        limit = f"at most {format.most_pixels_in_all} pixels in all frames"
        _refuse(f"{len(frames)} frames of {size} pixels are too much for {name}: {limit}. Ask for less.", limit)


def _refuse(sentence: str, limit: str) -> None:
    raise FieldInvalid(sentence, violations=(("resolution", limit),))
