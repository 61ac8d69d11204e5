"""PLY, text and binary of both byte orders (Turk 1994): meshes, points, vertex colours, texture coordinates.

Numbers are taken as metres, +Y up, as they stand. Gaussian splats come in as coloured points, and the report says what
that loses.
"""

from __future__ import annotations

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue, loss
from threed_workers.formats.ply_table import Table, parse_header, read_tables
from threed_workers.formats.source import Source
from threed_workers.formats.surface import add_texture, surface
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.normals import unit_normals
from threed_workers.mesh.triangulate import triangulate

name = "ply"
media_type = "model/ply"
extensions = (".ply",)
asset_type = "MODEL"

_UVS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"))
_SPLAT = ("f_dc_0", "f_dc_1", "f_dc_2", "scale_0", "rot_0", "opacity")
_SH_0 = 0.28209479177387814  # the constant spherical harmonic, 1 / (2 sqrt(pi))


def recognise(source: Source) -> bool:
    """The first line is "ply"."""
    return source.head.split(b"\n", 1)[0].strip() == b"ply" or source.head.startswith((b"ply\r", b"ply\n"))


def read(source: Source, budget: Budget) -> Document:
    """One mesh, or one cloud of points."""
    header = parse_header(source.data)
    tables = read_tables(source.data, header, budget)
    document = _document(source, tables, header.comments, budget)
    text = "PLY has no unit and no axes: metres and +Y up are assumed."
    document.issues.append(issue("UNITS_ASSUMED", "INFO", "", text))
    for other in tables:
        if other not in ("vertex", "face"):
            document.losses.append(
                loss(f"element {other[:60]}", tables[other].count, "Only vertices and faces are read.")
            )
    return document


def _document(source: Source, tables: dict[str, Table], comments: list[str], budget: Budget) -> Document:
    builder = Builder()
    vertices = tables.get("vertex")
    if vertices is None or not vertices.count:
        document = builder.finish()
        document.issues.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no vertices."))
        return document
    points = _columns(vertices, ("x", "y", "z"))
    if points is None:
        raise FileMalformed("The vertices have no x, y and z.", where="element vertex")
    _check_finite(points)
    is_splat = all(column in vertices.columns for column in _SPLAT)
    normals = None if is_splat else _columns(vertices, ("nx", "ny", "nz"))
    colors = _splat_colors(vertices) if is_splat else _colors(vertices)
    uvs = next((found for names in _UVS if (found := _columns(vertices, names)) is not None), None)
    triangles, corner_uvs = _triangles(tables.get("face"), points)
    if corner_uvs is not None:
        uvs = corner_uvs
    issues: list = []
    material = _material(builder, source, comments, budget, issues) if uvs is not None else None
    if len(triangles):
        rows = np.arange(triangles.size) if corner_uvs is not None else None
        primitive = surface(builder, points, triangles, normals=normals, uvs=uvs, colors=colors, corner_uvs=rows)
    else:
        primitive = {"mode": 0, "attributes": {"POSITION": builder.positions(points)}}
        if normals is not None:
            primitive["attributes"]["NORMAL"] = builder.attribute(unit_normals(normals))
        if colors is not None:
            primitive["attributes"]["COLOR_0"] = builder.attribute(colors, normalized=True)
    if material is not None:
        primitive["material"] = material
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    document = builder.finish()
    document.issues += issues
    if is_splat:
        reason = "Gaussian splats come in as points of their base colour: shape, opacity and view dependence are lost."
        document.losses.append(loss("gaussian splats", len(points), reason))
    return document


def _columns(table: Table, names: tuple[str, ...]) -> np.ndarray | None:
    """float32 (n, len(names)), or None when one is missing."""
    if not all(column in table.columns for column in names):
        return None
    out = np.empty((table.count, len(names)), np.float32)
    with np.errstate(over="ignore"):
        for place, column in enumerate(names):
            out[:, place] = table.columns[column]
    return out


def _check_finite(points: np.ndarray) -> None:
    finite = np.isfinite(points)
    if not finite.all():
        raise FileValuesInvalid(
            "A vertex is NaN or infinite. Repair the mesh and export it again.",
            where=f"vertex {int(np.flatnonzero(~finite.all(axis=1))[0])}",
        )


def _colors(table: Table) -> np.ndarray | None:
    """uint16 (n, 4), linear. Whole numbers are of 255 (or 65535), fractions of 1."""
    for prefix in ("", "diffuse_"):
        names = [prefix + part for part in ("red", "green", "blue")]
        if all(column in table.columns for column in names):
            names += ["alpha"] if "alpha" in table.columns else []
            parts = [_fraction(table.columns[column]) for column in names]
            return linear_from_srgb(np.column_stack(parts))
    return None


def _fraction(values: np.ndarray) -> np.ndarray:
    return values / np.iinfo(values.dtype).max if values.dtype.kind in "iu" else values.astype(np.float64)


def _splat_colors(table: Table) -> np.ndarray:
    parts = [0.5 + _SH_0 * table.columns[f"f_dc_{n}"].astype(np.float64) for n in range(3)]
    return linear_from_srgb(np.column_stack(parts))


def _triangles(faces: Table | None, points: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """int32 or int64 (t, 3), and float (3t, 2) texture coordinates per corner where the faces carry them."""
    lists = faces.lists if faces is not None else {}
    found = next((lists[name] for name in ("vertex_indices", "vertex_index") if name in lists), None)
    if found is None:
        return np.zeros((0, 3), np.int32), None
    sizes, values = found
    values = _within(values, sizes, len(points))
    lengths, uvs = lists.get("texcoord", (np.zeros(0), np.zeros(0)))
    uvs = uvs.reshape(-1, 2) if np.array_equal(lengths, 2 * sizes) else None
    if (sizes == 3).all():
        return values.reshape(-1, 3), uvs
    corners, _ = triangulate(points, values, sizes)
    return values[corners], None if uvs is None else uvs[corners.reshape(-1)]


def _within(values: np.ndarray, sizes: np.ndarray, count: int) -> np.ndarray:
    """The vertex numbers of faces, signed. Raises FileValuesInvalid, with the face, for one that is not there."""
    if len(values) and not 0 <= values.min() <= values.max() < count:
        place = int(np.flatnonzero(~((values >= 0) & (values < count)))[0])
        face = int(np.searchsorted(np.cumsum(sizes, dtype=np.int64), place, side="right"))
        raise FileValuesInvalid(f"A face uses vertex {values[place]}, and there are {count}.", where=f"face {face}")
    return values.astype(np.int32 if count < 2**31 else np.int64, copy=False)


def _material(builder: Builder, source: Source, comments: list[str], budget: Budget, issues: list) -> int | None:
    """A material with the picture that a comment names ("comment TextureFile wood.png"), when it was uploaded too."""
    files = [comment.split(None, 1)[1] for comment in comments if comment.lower().startswith("texturefile ")]
    if not files:
        return None
    texture = add_texture(builder, source.companions, files[0], budget, issues, "comment TextureFile")
    if texture is None:
        return None
    surface_of = {"baseColorTexture": {"index": texture}, "metallicFactor": 0.0}
    return builder.add("materials", {"pbrMetallicRoughness": surface_of})
