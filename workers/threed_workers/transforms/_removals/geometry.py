"""Vertex attributes and whole primitives."""

from __future__ import annotations

import re
from collections.abc import Collection

from threed_workers.document import Document, edit, issue
from threed_workers.document.model import INSTANCING
from threed_workers.transforms._channels import drop_channels
from threed_workers.transforms._leftovers import drop_extension, remove_orphans, used
from threed_workers.transforms._uv_sets import drop_attribute, has_other_tangents, tangent_uv_set

_FIRST_SURFACE = 4  # modes 0 to 3 are points and lines (glTF 2.0 section 3.7.2.1)


def vertex_colors(document: Document) -> None:
    """Every COLOR_n, and what morphs it."""
    drop_attributes(document, r"COLOR_[0-9]+")


def tangents(document: Document) -> None:
    """TANGENT, but where readers could not make it: an issue says so.

    They make it of normals and the texture coordinates of `normalTexture`; a clear coat's map or anisotropy alone is
    none to go by (MESH_PRIMITIVE_NO_TANGENT_SPACE of the validator).
    """
    kept = set()
    for pointer, primitive in document.primitives():
        uv_set = tangent_uv_set(document, primitive) if "TANGENT" in primitive["attributes"] else None
        if uv_set is None:
            continue
        if has_other_tangents(document, primitive) or not {"NORMAL", f"TEXCOORD_{uv_set}"} <= set(
            primitive["attributes"]
        ):
            kept.add(id(primitive))
            text = "The material needs these tangents: readers have no normals, or no normal map, to make others of."
            document.issues.append(issue("TANGENTS_KEPT", "INFO", pointer, text))
    drop_attributes(document, "TANGENT", kept)


def drop_attributes(document: Document, pattern: str, kept: Collection[int] = ()) -> None:
    """Attributes whose whole name is matched, of all primitives but those that are `kept`, by identity."""
    found = [
        (primitive, name)
        for _, primitive in document.primitives()
        for name in primitive["attributes"]
        if re.fullmatch(pattern, name) and id(primitive) not in kept
    ]
    if found:
        edit.decompress(document)
    for primitive, name in found:
        drop_attribute(primitive, name)


def points_and_lines(document: Document) -> None:
    """Primitives of points and lines, meshes that have no other, and what only those used. Nodes stay."""
    before = used(document)
    bare = set()
    for number, mesh in enumerate(document.all("meshes")):
        kept = [primitive for primitive in mesh["primitives"] if primitive.get("mode", 4) >= _FIRST_SURFACE]
        if kept:
            mesh["primitives"] = kept
        else:
            bare.add(number)
    hidden = set()
    for number, node in enumerate(document.all("nodes")):
        if node.get("mesh") in bare:
            hidden.add(number)
            for key in ("mesh", "skin", "weights"):
                node.pop(key, None)
            drop_extension(node, INSTANCING)
    weights = {f"/nodes/{number}/weights" for number in hidden}
    weights |= {f"/meshes/{number}/weights" for number in bare}
    drop_channels(document, weights.__contains__)
    before["meshes"] |= bare
    remove_orphans(document, before)
