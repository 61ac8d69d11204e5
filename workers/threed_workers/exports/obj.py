"""Wavefront OBJ with its MTL and textures in a zip (Wavefront 1995, "Object Files").

World space, metres, +Y up. One object for each showing of a mesh, one `usemtl` for each primitive; normals, one set of
texture coordinates (that of the base colour, KHR_texture_transform applied), and colours of vertices behind the
positions as sRGB, as MeshLab, ZBrush and Blender read them. Points and lines are `p` and `l`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from threed_workers.document import Document, loss
from threed_workers.document.model import Json
from threed_workers.document.placements import Part, parts
from threed_workers.document.shapes import TRIANGLES, Shape
from threed_workers.exports.archive import Archive
from threed_workers.exports.colors import srgb_from_linear
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export, Names, one_line
from threed_workers.exports.mtl import Library
from threed_workers.exports.painting import base_uvs

name = "obj"
media_type = "application/zip"
extension = "zip"

_BLOCK = 1 << 14  # lines formatted at once
_KEPT = (
    "normals",
    "texture coordinates",
    "vertex colours",
    "points",
    "lines",
    "triangles",
    "materials",
    "textures",
    "base colour textures",
    "metallic-roughness textures",
    "normal textures",
    "emissive textures",
    "KHR_materials_emissive_strength",
    "KHR_materials_ior",
    "KHR_texture_transform",
)


def write(document: Document, folder: Path, stem: str) -> Export:
    """`<stem>.obj`, `<stem>.mtl` and `textures/` in a zip. Raises FileTooComplex beyond the budget."""
    library = Library(document)
    file = f"{stem}.{extension}"
    text = folder / f"{stem}.obj"
    colors = _has_colors(document)
    with text.open("wb") as out:
        transparent = _write_text(document, out, stem, library, colors)
    with Archive(folder / file) as archive:
        archive.add_file(f"{stem}.obj", text)
        archive.add(f"{stem}.mtl", library.text())
        for picture in library.pictures.all():
            archive.add(f"textures/{picture.name}", picture.data, packed=False)
    text.unlink()
    losses = [*dropped(document, name, _KEPT), *_own_losses(library, transparent)]
    return Export(file, media_type, losses)


def _write_text(document: Document, out: BinaryIO, stem: str, library: Library, colors: bool) -> int:
    """The OBJ's text. Answers how many primitives have transparent vertices, which it cannot say."""
    out.write(f"# made by threed, metres, +Y up\nmtllib {stem}.mtl\n".encode())
    if copyright := one_line(document.json["asset"].get("copyright")):
        out.write(f"# copyright {copyright}\n".encode())
    names, shown, title = Names(), None, ""
    written = {"v": 0, "vt": 0, "vn": 0}
    transparent = 0
    for part in parts(document):
        if part.placement is not shown:
            shown = part.placement
            title = names.unique(shown.name, f"node_{shown.node}")
            out.write(f"o {title}\ng {title}\n".encode())
        _write_part(document, part, out, library, colors, written)
        transparent += part.shape.colors is not None and bool((part.shape.colors[:, 3] < 1).any())
    return transparent


def _write_part(
    document: Document, part: Part, out: BinaryIO, library: Library, colors: bool, written: dict[str, int]
) -> None:
    shape = part.shape
    out.write(f"usemtl {library.use(part.material)}\n".encode())
    _lines(out, "v", _vertices(shape, colors))
    uvs = base_uvs(document, part, shape) if shape.corners == TRIANGLES else None
    normals = shape.normals if shape.corners == TRIANGLES else None
    if uvs is not None:
        _lines(out, "vt", np.column_stack([uvs[:, 0], 1 - uvs[:, 1]]))
    if normals is not None:
        _lines(out, "vn", normals)
    columns = [written["v"], written["vt"] if uvs is not None else None, written["vn"] if normals is not None else None]
    if shape.corners == TRIANGLES:
        # Without normals glTF draws facets, and `s off` asks for the same.
        out.write(b"s off\n" if normals is None else b"s 1\n")
        corner = _corner(columns)
        _elements(
            out, f"f {corner} {corner} {corner}\n", shape.elements, [start for start in columns if start is not None]
        )
    else:
        word = "p %d\n" if shape.corners == 1 else "l %d %d\n"
        _elements(out, word, shape.elements, [written["v"]])
    written["v"] += len(shape.positions)
    written["vt"] += 0 if uvs is None else len(uvs)
    written["vn"] += 0 if normals is None else len(normals)


def _vertices(shape: Shape, colors: bool) -> np.ndarray:
    """x y z, and r g b where any part of the file has colours: readers want them on every line or on none."""
    if not colors:
        return shape.positions
    white = np.ones((len(shape.positions), 3))
    return np.hstack([shape.positions, white if shape.colors is None else srgb_from_linear(shape.colors[:, :3])])


def _corner(starts: list[int | None]) -> str:
    """The pattern of a corner: v, v/vt, v//vn or v/vt/vn."""
    position, uv, normal = ("%d" if start is not None else "" for start in starts)
    return f"{position}/{uv}/{normal}".rstrip("/")


def _lines(out: BinaryIO, word: str, rows: np.ndarray) -> None:
    """Rows of numbers, 9 digits, which is what a 32-bit float holds."""
    pattern = " ".join([word, *["%.9g"] * rows.shape[1]]) + "\n"
    _formatted(out, lambda count: pattern * count, rows)


def _elements(out: BinaryIO, pattern: str, elements: np.ndarray, starts: list[int]) -> None:
    """Elements by number from 1; each corner names its vertex in as many tables as there are `starts`."""
    numbers = (elements[:, :, None] + 1 + np.array(starts)).reshape(len(elements), -1)
    _formatted(out, lambda count: pattern * count, numbers)


def _formatted(out: BinaryIO, pattern: Callable[[int], str], rows: np.ndarray) -> None:
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        out.write((pattern(len(block)) % tuple(block.reshape(-1).tolist())).encode())


def _has_colors(document: Document) -> bool:
    return any("COLOR_0" in primitive["attributes"] for _, primitive in document.primitives())


def _own_losses(library: Library, transparent: int) -> list[Json]:
    counts = {
        ("alpha of vertices", "OBJ holds red, green and blue."): transparent,
        ("pictures", "They do not decode, or the KTX2 program is not installed."): len(library.pictures.unusable),
        (
            "texture coordinates of other maps",
            "All maps of a material lie as its base colour.",
        ): library.disagreeing,
        ("alpha masks", "MTL blends: the cutoff is lost."): library.masks,
    }
    return [loss(feature, count, reason, name) for (feature, reason), count in counts.items() if count]
