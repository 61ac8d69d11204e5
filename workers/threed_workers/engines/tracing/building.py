"""Scenes for Mitsuba: pieces with their looks as meshes, the camera, the film."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from threed_workers.document.model import Json
from threed_workers.engines.drawing import Settings, View
from threed_workers.engines.tracing.geometry import Piece


def mesh(
    mi: Any,
    piece: Piece,
    texcoord: int,
    bsdf: Any,
    emitter: Any = None,
    smooth: bool = True,
    **attributes: np.ndarray,
) -> Any:
    """A Mitsuba mesh with one UV set; `attributes` float32 (n, channels) are for `mesh_attribute` textures."""
    uv = piece.texcoords.get(texcoord)
    props = mi.Properties()
    props["bsdf"] = bsdf
    if emitter is not None:
        props["emitter"] = emitter
    made = mi.Mesh(
        "mesh",
        len(piece.positions),
        len(piece.faces),
        has_vertex_normals=smooth,
        has_vertex_texcoords=uv is not None,
        props=props,
    )
    values = mi.traverse(made)
    values["vertex_positions"] = np.ascontiguousarray(piece.positions, np.float32).ravel()
    values["faces"] = np.ascontiguousarray(piece.faces, np.uint32).ravel()
    if smooth:
        values["vertex_normals"] = np.ascontiguousarray(piece.normals, np.float32).ravel()
    if uv is not None:
        values["vertex_texcoords"] = np.ascontiguousarray(uv, np.float32).ravel()
    values.update()
    for name, attribute in attributes.items():
        made.add_attribute(name, attribute.shape[1], np.ascontiguousarray(attribute, np.float32).ravel())
    return made


def sensor(mi: Any, view: View, settings: Settings, sampler: Json) -> Json:
    """The camera, of the region that is drawn. Mitsuba's looks along its +Z and has +X at the left."""
    pose = view.pose @ np.diag([-1.0, 1.0, -1.0, 1.0])
    film = {
        "type": "hdrfilm",
        "width": settings.width,
        "height": settings.height,
        "rfilter": {"type": "box"},
        "pixel_format": "rgba",
        "component_format": "float32",
    }
    if settings.region:
        names = ("crop_offset_x", "crop_offset_y", "crop_width", "crop_height")
        film |= dict(zip(names, settings.region, strict=True))
    lens = {"near_clip": view.near, "far_clip": view.far, "film": film, "sampler": sampler}
    if view.ymag:
        across = view.ymag * settings.aspect
        to_world = mi.ScalarTransform4f(pose @ np.diag([across, across, 1.0, 1.0]))
        return {"type": "orthographic", "to_world": to_world, **lens}
    fov = math.degrees(view.yfov)
    return {"type": "perspective", "fov": fov, "fov_axis": "y", "to_world": mi.ScalarTransform4f(pose), **lens}


def scene(mi: Any, camera: Json, shapes: list[Any], emitters: list[Json]) -> Any:
    """All of it, ready to be rendered."""
    parts: Json = {"type": "scene", "sensor": camera}
    parts |= {f"shape_{number}": shape for number, shape in enumerate(shapes)}
    parts |= {f"emitter_{number}": emitter for number, emitter in enumerate(emitters)}
    return mi.load_dict(parts)
