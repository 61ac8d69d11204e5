"""The step that puts frames together, in a confined child."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from threed.errors import FieldInvalid
from threed.films import LEAST_FPS, LIMITS, MOST_FPS, too_large
from threed_workers.document.model import Json
from threed_workers.films import gif, mp4, webm, webp, zip
from threed_workers.films.frames import Frames, opened
from threed_workers.films.plan import Made, Plan
from threed_workers.films.timing import rate_of

_QUALITY = 75


@dataclass(frozen=True)
class Format:
    """How a format is written; how large its films may be is in `threed.films`, under the same name."""

    file: str
    media_type: str
    write: Callable[[Plan, Path], Made]


FORMATS: dict[str, Format] = {
    "MP4": Format("film.mp4", "video/mp4", mp4.write),
    "WEBM": Format("film.webm", "video/webm", webm.write),
    "WEBP": Format("film.webp", "image/webp", webp.write),
    "GIF": Format("film.gif", "image/gif", gif.write),
    "ZIP": Format("film.zip", "application/zip", zip.write),
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
    codec = _codec(request["format"], request.get("codec") or "")
    fps, quality = _fps(request["fps"]), _chosen_quality(request.get("quality"))
    names = request["frames"]
    frames = opened(folder, names, _Progress(report, len(names)))
    _check_size(request["format"], frames)
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
    """Tells how many frames were taken, from any thread. Writers wind back when they end, which is no news."""

    def __init__(self, report: Callable[[Json], None], count: int):
        self._report, self._count = report, count
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    def __call__(self, index: int) -> None:
        with self._lock:
            if index not in self._taken:
                self._report({"phase": "encoding", "progress": len(self._taken) / self._count})
                self._taken.add(index)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise FieldInvalid(
            f"Films are not written as {name[:40]!r}. Ask for one of {', '.join(FORMATS)}.",
            violations=(("format", f"must be one of {', '.join(FORMATS)}"),),
        )
    return FORMATS[name]


def _codec(name: str, codec: str) -> str:
    codecs = LIMITS[name].codecs
    if codec and codec not in codecs:
        can = ", ".join(filter(None, codecs)) or "none"
        raise FieldInvalid(
            f"{name} does not go with the codec {codec[:40]!r}; it takes {can}. Leave the codec out.",
            violations=(("codec", f"of {name}: {can}"),),
        )
    return codec or codecs[0]


def _fps(fps: float) -> float:
    if not (math.isfinite(fps) and LEAST_FPS <= fps <= MOST_FPS):
        raise FieldInvalid(
            f"{fps} frames a second cannot be shown. Ask for {LEAST_FPS:g} to {MOST_FPS:g}.",
            violations=(("fps", f"must be {LEAST_FPS:g} to {MOST_FPS:g}"),),
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


def _check_size(name: str, frames: Frames) -> None:
    """Raises FieldInvalid for a film that the format cannot hold, or that would take too much memory or time."""
    why = too_large(name, frames.width, frames.height, len(frames))
    if why:
        raise FieldInvalid(why, violations=(("resolution", why),))
