"""What the mesh formats share on the way to glTF: triangles to a primitive, picture files to textures."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions, issue
from threed_workers.document.model import Json
from threed_workers.mesh.normals import MOST_CREASED, smooth_normals, split_normals, unit_normals
from threed_workers.mesh.weld import weld
from threed_workers.picture import check, probe

_EMBEDDED = ("image/png", "image/jpeg", "image/webp")
_CONVERTED = ("TGA", "BMP", "GIF", "TIFF")


def surface(
    builder: Builder,
    points: np.ndarray,
    triangles: np.ndarray,
    *,
    normals: np.ndarray | None = None,
    uvs: np.ndarray | None = None,
    colors: np.ndarray | None = None,
    corner_normals: np.ndarray | None = None,
    corner_uvs: np.ndarray | None = None,
) -> Json:
    """A glTF primitive of triangles int (t, 3) over `points` float (n, 3).

    `normals`, `uvs` and `colors` (uint16, linear) have a row per point, unless `corner_normals` (3t, 3) gives a normal
    per corner, or `corner_uvs` (3t,) says which row of `uvs` a corner takes (-1: none). Equal corners become one
    vertex. Normals that nobody gave are made, split at creases. `uvs` begin at the bottom left.
    """
    corners = triangles.reshape(-1)
    if normals is None and corner_normals is None:
        normals, corner_normals = _made(points, triangles)
    order: np.ndarray | slice
    if corner_normals is None and corner_uvs is None:
        order, indices, made, rows = slice(None), corners, normals, slice(None)
    else:
        given = normals[corners] if corner_normals is None else corner_normals
        keys = [corners.astype(np.int32, copy=False)]
        keys += [] if corner_uvs is None else [corner_uvs.astype(np.int32, copy=False)]
        first, indices = weld(*keys, given.astype(np.float32, copy=False))
        order, made = corners[first], given[first]
        rows = order if corner_uvs is None else corner_uvs[first]
        del given, first
    attributes = {"POSITION": builder.positions(points[order]), "NORMAL": builder.attribute(unit_normals(made))}
    if uvs is not None and len(uvs):
        attributes["TEXCOORD_0"] = builder.attribute(_flipped(uvs, rows))
    if colors is not None:
        attributes["COLOR_0"] = builder.attribute(colors[order], normalized=True)
    count = builder.json["accessors"][attributes["POSITION"]]["count"]
    return {"attributes": attributes, "indices": builder.indices(indices, count)}


def _made(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Normals per point, and per corner where creases split some."""
    if len(triangles) > MOST_CREASED:
        return smooth_normals(points, triangles), None
    normals, corners, split = split_normals(points, triangles)
    if not len(corners):
        return normals, None
    creased = normals[triangles.reshape(-1)]
    creased[corners] = split
    return normals, creased


def _flipped(uvs: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """float32 (n, 2) with the origin at the top left; (0, 0) where the row is -1 or holds no number."""
    flipped = uvs[rows][:, :2].astype(np.float32)
    np.subtract(1, flipped[:, 1], out=flipped[:, 1])
    if not isinstance(rows, slice):
        flipped[rows < 0] = 0.0
    flipped[~np.isfinite(flipped)] = 0.0
    return flipped


def add_texture(
    builder: Builder, companions: Companions, name: str, budget: Budget, issues: list[Json], where: str
) -> int | None:
    """The texture of a picture file that came along; None, with an issue, when it did not, or cannot be used.

    Mesh formats name their pictures by paths of the machine that made them ("C:\\\\wood.png"), so the last part of the
    name is looked for as well. Nothing outside the upload is ever opened.
    """
    key = f"texture {name}"
    found = companions.nearby(name)
    if found is None:
        text = f"The picture {name[-80:]!r} was not uploaded along. Upload a zip that holds both."
        issues.append(issue("COMPANION_MISSING", "WARNING", where, text))
        return None
    if key in builder.made:
        return builder.made[key]
    try:
        data, media_type = _usable(found, budget, where)
    except (FileRefused, OSError, ValueError, SyntaxError) as error:
        issues.append(issue("IMAGE_UNUSABLE", "WARNING", where, f"The picture {name[-80:]!r} cannot be used: {error}"))
        return None
    image = builder.picture(data, media_type, name=name.replace("\\", "/").rsplit("/", 1)[-1])
    texture: Json = {"source": image}
    if media_type == "image/webp":
        texture = {"extensions": {"EXT_texture_webp": {"source": image}}}
        builder.use("EXT_texture_webp", required=True)
    builder.made[key] = builder.add("textures", texture)
    return builder.made[key]


def _usable(data: memoryview, budget: Budget, where: str) -> tuple[bytes, str]:
    """The picture as glTF may hold it: as it is, or converted to PNG."""
    try:
        picture = probe(data, where)
    except FileRefused:
        with Image.open(io.BytesIO(data), formats=_CONVERTED) as image:
            width, height = image.size
            if width * height > budget.picture_pixels:
                raise ValueError(f"{width} x {height} pixels are too many") from None
            out = io.BytesIO()
            image.convert("RGBA" if image.mode in ("RGBA", "LA", "P") else "RGB").save(out, "PNG")
            return out.getvalue(), "image/png"
    check(picture, budget, where)
    if picture.media_type not in _EMBEDDED:
        raise ValueError(f"{picture.media_type} is no texture of a model")
    return bytes(data), picture.media_type
