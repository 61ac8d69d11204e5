"""Wavefront OBJ with its material library and textures (Wavefront 1995, "Object Files").

Polygons, lines, points, texture coordinates, normals, vertex colours, objects, groups and materials are read; free-form
curves and surfaces are counted as losses. Numbers are taken as metres, +Y up. Statements that would run or include
something ("call", "csh") do nothing.
"""

from __future__ import annotations

import re

import numpy as np

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, issue, loss
from threed_workers.formats.mtl import add_materials
from threed_workers.formats.obj_text import Part, Text, read_text
from threed_workers.formats.source import Source
from threed_workers.formats.surface import surface
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.triangulate import triangulate

name = "obj"
media_type = "model/obj"
extensions = (".obj",)
asset_type = "MODEL"

_STATEMENT = re.compile(
    r"(#.*|(v|vt|vn|vp|f|l|p|o|g|s|mtllib|usemtl|maplib|usemap|cstype|deg|curv2?|surf|parm|bevel|lod|call|csh|mg|end)"
    r"([ \t].*)?)?"
)


def recognise(source: Source) -> bool:
    """Text whose first lines are statements of OBJ, or comments."""
    text = source.text_head()
    if text is None:
        return False
    lines = [line.strip() for line in text.splitlines()]
    whole = lines if source.size <= len(source.head) else lines[:-1]  # the last one may be cut
    known = [line for line in (whole or lines)[:64] if line]
    if not known:
        return False
    fitting = sum(bool(_STATEMENT.fullmatch(line)) for line in known)
    # Continued lines and odd statements occur; a text where most lines are statements is an OBJ.
    return bool(_STATEMENT.fullmatch(known[0])) and fitting >= 0.75 * len(known)


def read(source: Source, budget: Budget) -> Document:
    """A mesh per object, a primitive per material."""
    text = read_text(source.data, budget)
    builder = Builder()
    issues: list = []
    materials = _materials(builder, source, text, budget, issues)
    colors = linear_from_srgb(text.colors) if text.colors is not None else None
    objects: dict[str, list] = {}
    for part in text.parts:
        primitives = [_surface(builder, text, part, colors), *_wires(builder, text, part, colors)]
        for primitive in primitives:
            if primitive is not None:
                if part.material in materials:
                    primitive["material"] = materials[part.material]
                objects.setdefault(part.title, []).append(primitive)
    if not objects and len(text.points):
        cloud = {"mode": 0, "attributes": {"POSITION": builder.positions(text.points)}}
        if colors is not None:
            cloud["attributes"]["COLOR_0"] = builder.attribute(colors, normalized=True)
        objects[""] = [cloud]
    for title, primitives in objects.items():
        named = {"name": title} if title else {}
        builder.add("nodes", {**named, "mesh": builder.add("meshes", {**named, "primitives": primitives})})
    document = builder.finish()
    document.issues += [*issues, *_remarks(text, bool(objects))]
    document.losses += [
        loss(what, count, "Only polygons, lines and points are read.") for what, count in text.skipped.items()
    ]
    return document


def _remarks(text: Text, shows: bool) -> list:
    found = [issue("UNITS_ASSUMED", "INFO", "", "OBJ has no unit and no axes: metres and +Y up are assumed.")]
    if not shows:
        found.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no geometry."))
    if text.dangling:
        message = f"{text.dangling} corners name a texture coordinate or normal that is not there; they have none."
        found.append(issue("INDICES_DANGLING", "WARNING", "", message))
    if text.joined_parts:
        found.append(issue("PARTS_JOINED", "INFO", "", f"{text.joined_parts} more groups were joined into one."))
    return found


def _materials(builder: Builder, source: Source, text: Text, budget: Budget, issues: list) -> dict[str, int]:
    """glTF materials by OBJ name. A library that is not there leaves its materials out."""
    found: dict[str, int] = {}
    for number, library in text.libraries[:64]:
        where = f"line {number}"
        data = source.companions.nearby(library)
        if data is None:
            message = f"The material library {library[-80:]!r} was not uploaded along. Upload a zip that holds both."
            issues.append(issue("COMPANION_MISSING", "WARNING", where, message))
            continue
        try:
            found |= add_materials(builder, data, source.companions, budget, issues)
        except FileRefused as error:
            issues.append(issue("MATERIALS_UNUSABLE", "WARNING", where, f"The material library is broken: {error}"))
    return found


def _surface(builder: Builder, text: Text, part: Part, colors: np.ndarray | None) -> dict | None:
    """The triangles of a part: corners (position, uv, normal) become vertices, equal ones one."""
    sizes, corners = part.joined(b"f")
    part.elements[b"f"].clear()
    if (sizes != 3).any():
        triangles, _ = triangulate(text.points, corners[:, 0], sizes)
        corners = corners[triangles.reshape(-1)]
    if not len(corners):
        return None
    position, uv, normal = corners.T
    given = text.normals[normal] if len(text.normals) and (normal >= 0).all() else None
    textured = len(text.uvs) > 0 and (uv >= 0).any()
    return surface(
        builder,
        text.points,
        position.reshape(-1, 3),
        uvs=text.uvs if textured else None,
        colors=colors,
        corner_normals=given,
        corner_uvs=uv,
    )


def _wires(builder: Builder, text: Text, part: Part, colors: np.ndarray | None) -> list[dict]:
    """Lines (mode 1) and points (mode 0) of a part."""
    found = []
    for mode, vertices in ((1, part.line_pairs()), (0, part.joined(b"p")[1][:, 0])):
        if len(vertices):
            used, indices = np.unique(vertices, return_inverse=True)
            attributes = {"POSITION": builder.positions(text.points[used])}
            if colors is not None:
                attributes["COLOR_0"] = builder.attribute(colors[used], normalized=True)
            found.append({"mode": mode, "attributes": attributes, "indices": builder.indices(indices, len(used))})
    return found
