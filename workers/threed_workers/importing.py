"""Take an uploaded file in: find out what it is, check it, and write what everything else works on.

Runs in a sandboxed child process. Reads `source`, writes into `folder`, and nowhere else.
"""

from __future__ import annotations

import posixpath
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from threed.errors import FileFormatMismatch, FileFormatUnknown, FileMalformed, FileRefused
from threed_workers import formats
from threed_workers.budget import Budget
from threed_workers.default_material import give_default_material
from threed_workers.document import Companions, Document, write_glb
from threed_workers.document.model import Json
from threed_workers.document.render_copy import render_copy
from threed_workers.formats import Format, Source, archive
from threed_workers.formats.unread import READ, archive_looks_like
from threed_workers.inspection import inspect
from threed_workers.orientation import Said, reorient
from threed_workers.picture import Picture

Progress = Callable[[str, float], None]

NORMALIZED, RENDER = "normalized.glb", "render.glb"
# Which models of an archive are looked at: these before all others, and those only when there is no other.
_GLTF = ("gltf", "glb")
_FIRST, _LAST = _GLTF, ("obj", "off", "ply", "stl")
# What parsers throw at input that nobody foresaw. Never MemoryError or OSError: those are the machine's.
_SURPRISES = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    struct.error,
    zlib.error,
)


def import_file(
    source: Path,
    filename: str,
    folder: Path,
    budget: Budget,
    progress: Progress,
    said: Said = Said(),  # noqa: B008 frozen
) -> Json:
    """Import one file and describe it.

    `filename` is only shown, never trusted. `folder` is private, and empty but for `source`. `progress(step, fraction)`
    is called with "recognising", "reading", "inspecting", "normalizing", "done". `said` is what the upload says about
    units and axes, against the file.

    Models get `normalized.glb` (a glTF source: the same content in one buffer, lossless) and `render.glb` (the plain
    copy for renderers). `files` names them relative to `folder`; `files["validate"]` is what the Khronos validator
    should look at, relative too, or None for pictures. `loss` and `issue` entries: document/model.py. Raises a
    FileRefused, and nothing else that the content could cause.
    """
    try:
        return _import(source, filename, folder, budget, progress, said)
    except FileRefused:
        raise
    except _SURPRISES as error:
        place = _place(error)
        raise FileMalformed(
            f"The file breaks its format's rules in a way that no check foresaw ({type(error).__name__} in {place}). "
            "Export it again with another program.",
            where=place,
        ) from error


def _import(path: Path, filename: str, folder: Path, budget: Budget, progress: Progress, said: Said) -> Json:
    progress("recognising", 0.0)
    source = Source(path, filename)
    packed = archive.is_zip(source) and formats.package(source) is None
    if packed:
        source = _from_archive(source, folder / "unpacked", budget)
    format = formats.recognise(source)
    _refuse_other_kind(format, source.name)
    progress("reading", 0.1)
    content = format.read(source, budget)
    report: Json = {
        "file_format": format.name,
        "packed": packed,
        "asset_type": format.asset_type,
        "media_type": format.media_type,
        "model": None,
        "picture": None,
        "issues": [],
        "losses": [],
        "files": {"normalized": None, "render": None, "validate": None, "picture": None},
    }
    if isinstance(content, Picture):
        report |= _picture(format, source, content, folder)
    else:
        reorient(content, said)
        if format.name not in _GLTF:
            give_default_material(content)
        report |= _model(format, source, content, folder, progress)
    progress("done", 1.0)
    return report


def _from_archive(source: Source, folder: Path, budget: Budget) -> Source:
    """The one model in a zip, with everything else as its companions; or the one picture, where there is no model."""
    files = archive.unpack(source, folder, budget)
    found: dict[Format, list[str]] = {}
    for name, path in files.items():
        candidate = Source(path, name)
        if candidate.size:
            asked = formats.PACKAGES if archive.is_zip(candidate) else formats.ALL
            format = next((format for format in asked if format.recognise(candidate)), None)
            if format is not None:
                found.setdefault(format, []).append(name)
    # A glTF's buffer may look like a binary STL, which has no signature; so the surer format decides.
    kinds = sorted((format for format in found if format.asset_type == "MODEL"), key=_rank)
    pictures = [name for format, names in found.items() if format.asset_type != "MODEL" for name in names]
    names = _outermost(found[kinds[0]] if kinds else pictures)
    if len(names) > 1 and kinds and hasattr(kinds[0], "roots"):
        names = kinds[0].roots(files, names, budget)
    if not names:
        what = archive_looks_like(files)
        raise FileFormatUnknown(
            f"The zip holds {len(files)} files, and none is of a format that this server reads"
            + (f"; it looks like {what}." if what else ".")
            + f" Read are {READ}.",
            where="archive",
            looks_like=what or "nothing known",
        )
    if len(names) > 1:
        shown = ", ".join(sorted(names)[:5])
        raise FileMalformed(
            f"The zip holds {len(names)} models or pictures ({shown}). Upload one at a time, with its companions.",
            where="archive",
        )
    return Source(files[names[0]], names[0], Companions(files, posixpath.dirname(names[0])))


def _rank(format: Format) -> int:
    """Where a format stands among the models of an archive."""
    if format.name in _FIRST:
        return _FIRST.index(format.name)
    middle = len(_FIRST) + formats.ALL.index(format)
    return middle if format.name not in _LAST else middle + len(formats.ALL) * (1 + _LAST.index(format.name))


def _outermost(names: list[str]) -> list[str]:
    """Those nearest to the root: what lies deeper is a part of it."""
    depth = min((name.count("/") for name in names), default=0)
    return [name for name in names if name.count("/") == depth]


def _refuse_other_kind(format: Format, filename: str) -> None:
    """A picture that is called a model, or the reverse, is no slip of the pen."""
    suffix = posixpath.splitext(filename.lower())[1]
    named = next((other for other in formats.ALL if suffix in other.extensions), None)
    if named is not None and (named.asset_type == "MODEL") != (format.asset_type == "MODEL"):
        raise FileFormatMismatch(
            f"The name ends in {suffix}, and the content is {format.name}. Upload it under its own name.",
            where="byte 0",
            file_format=format.name,
        )


def _model(format: Format, source: Source, document: Document, folder: Path, progress: Progress) -> Json:
    progress("inspecting", 0.4)
    model = inspect(document)
    if model["vertex_count"] and model["bounding_box"] is None and model["drawn_vertex_count"]:
        text = "The size of the scene is not finite: transforms multiply beyond all bounds."
        document.issues.append({"code": "BOUNDS_NOT_FINITE", "severity": "ERROR", "pointer": "/nodes", "message": text})
    progress("normalizing", 0.6)
    write_glb(document, folder / NORMALIZED)
    progress("normalizing", 0.8)
    packed, losses = render_copy(document)
    write_glb(packed, folder / RENDER)
    return {
        "model": model,
        "issues": document.issues,
        "losses": document.losses + losses,
        "files": {
            "normalized": NORMALIZED,
            "render": RENDER,
            "validate": _original(format, source, folder),
            "picture": None,
        },
    }


def _original(format: Format, source: Source, folder: Path) -> str:
    """What the validator should judge: a glTF as it came, when it stands alone; otherwise what we made of it."""
    if format.name not in _GLTF or source.companions.files:
        return NORMALIZED
    return _beside(source.path, folder, f"original.{format.name}")


def _beside(path: Path, folder: Path, name: str) -> str:
    """The name of a file in `folder` itself: its own, or that of a copy. The sandbox makes no links."""
    if path.parent.resolve() != folder.resolve():
        shutil.copyfile(path, folder / name)
        return name
    return path.name


def _picture(format: Format, source: Source, picture: Picture, folder: Path) -> Json:
    format.preview(source, 64).close()  # what does not decode is refused now, not when somebody wants to see it
    name = _beside(source.path, folder, f"picture.{format.name}")
    # Panoramas are twice as wide as high (equirectangular); other high dynamic range pictures are renders or textures.
    is_panorama = format.asset_type == "ENVIRONMENT" and picture.width_px == 2 * picture.height_px
    return {
        "asset_type": "ENVIRONMENT" if is_panorama else "TEXTURE",
        "picture": {
            "width_px": picture.width_px,
            "height_px": picture.height_px,
            "channels": picture.channels,
            "bit_depth": picture.bit_depth,
        },
        "files": {"normalized": None, "render": None, "validate": None, "picture": name},
    }


def thumbnails_of_picture(source: Path, folder: Path, sizes: tuple[int, ...] = (256, 512, 1024)) -> list[Json]:
    """Write `thumbnail_<size>.webp` and `.png` for each size: the longest edge in pixels, never above the source's.

    Gives [{"file", "media_type", "width_px", "height_px", "size_px"}], smallest first. HDR and EXR are tone mapped
    (formats/tone.py). The picture must have been imported.
    """
    opened = Source(source, source.name)
    format = formats.recognise(opened)
    image = format.preview(opened, max(sizes))
    written = []
    for size in sorted(sizes):
        small = formats.fitted(image, size)
        for kind, media_type, options in (
            ("webp", "image/webp", {"quality": 85}),
            ("png", "image/png", {"optimize": True}),
        ):
            name = f"thumbnail_{size}.{kind}"
            small.save(folder / name, **options)
            width, height = small.size
            written.append(
                {"file": name, "media_type": media_type, "width_px": width, "height_px": height, "size_px": size}
            )
    return written


def _place(error: BaseException) -> str:
    """Module and line of the code that stumbled, for the log and for whoever mends it."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}" if trace else "unknown"
