"""What a model is made of: the metadata of an asset, from the JSON first and then from a scan of the positions."""

from __future__ import annotations

from typing import Any

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.document.accessors import layout
from threed_workers.document.bounds import bounds
from threed_workers.document.checks.primitives import instances_of
from threed_workers.document.model import Json
from threed_workers.document.world import scene_roots, world_box, world_matrices
from threed_workers.textures.pixels import size_of

_TRIANGLES, _STRIP, _FAN = 4, 5, 6


def inspect(document: Document) -> Json:
    """The facts of a checked document, JSON-able, snake_case.

    `vertex_count` and `triangle_count` are sums over the primitives of all meshes, each counted once, as they lie in
    the file. `drawn_vertex_count` and `drawn_triangle_count` are what the default scene draws: a mesh counts once for
    every node (and every EXT_mesh_gpu_instancing instance) that shows it. `bounding_box` is of the default scene, in
    metres, world space; None when it shows nothing, or when its size is not finite. Durations are in seconds.
    `accessor_bytes` are the elements of all accessors without gaps, compressed ones as decoded; pictures that do not
    say their size count with their bytes alone.
    """
    return {
        **_counts(document),
        **_amounts(document),
        **_geometry(document),
        **_features(document),
        **_identity(document),
    }


def triangles_of(document: Document, primitive: Json) -> int:
    """Triangles of one primitive; 0 for points and lines."""
    accessor = primitive.get("indices", primitive["attributes"].get("POSITION"))
    if accessor is None:
        return 0
    count = document.all("accessors")[accessor]["count"]
    mode = primitive.get("mode", _TRIANGLES)
    if mode == _TRIANGLES:
        return count // 3
    return max(0, count - 2) if mode in (_STRIP, _FAN) else 0


def _vertices_of(document: Document, primitive: Json) -> int:
    index = primitive["attributes"].get("POSITION")
    return document.all("accessors")[index]["count"] if index is not None else 0


def _counts(document: Document) -> Json:
    primitives = [primitive for _, primitive in document.primitives()]
    lights = ((document.json.get("extensions") or {}).get("KHR_lights_punctual") or {}).get("lights") or []
    variants = ((document.json.get("extensions") or {}).get("KHR_materials_variants") or {}).get("variants") or []
    joints = {joint for skin in document.all("skins") for joint in skin["joints"]}
    targets = [
        max((len(p.get("targets") or []) for p in mesh["primitives"]), default=0) for mesh in document.all("meshes")
    ]
    return {
        "vertex_count": sum(_vertices_of(document, primitive) for primitive in primitives),
        "triangle_count": sum(triangles_of(document, primitive) for primitive in primitives),
        "scene_count": len(document.all("scenes")),
        "node_count": len(document.all("nodes")),
        "mesh_count": len(document.all("meshes")),
        "primitive_count": len(primitives),
        "material_count": len(document.all("materials")),
        "texture_count": len(document.all("textures")),
        "image_count": len(document.all("images")),
        "animation_count": len(document.all("animations")),
        "skin_count": len(document.all("skins")),
        "camera_count": len(document.all("cameras")),
        "light_count": len(lights),
        "joint_count": len(joints),
        "morph_target_count": sum(targets),
        "variant_count": len(variants),
        "variant_names": [_text(variant.get("name")) or "" for variant in variants],
    }


def _amounts(document: Document) -> Json:
    """What the time and the memory of working on it go by."""
    pictures = [
        number
        for number, image in enumerate(document.all("images"))
        if number in document.pictures or "bufferView" in image
    ]
    pixels = [_pixels(document, number) for number in pictures]
    return {
        "accessor_bytes": sum(accessor["count"] * layout(accessor).size for accessor in document.all("accessors")),
        "image_bytes": sum(len(document.picture(number)) for number in pictures),
        "image_pixel_count": sum(pixels),
        "largest_image_pixel_count": max(pixels, default=0),
        "largest_primitive_vertex_count": max((_vertices_of(document, p) for _, p in document.primitives()), default=0),
    }


def _pixels(document: Document, image: int) -> int:
    try:
        picture = size_of(document.picture(image), Budget(), f"/images/{image}")
    except FileRefused:
        return 0
    return picture.width_px * picture.height_px


def _geometry(document: Document) -> Json:
    order, _ = world_matrices(document, scene_roots(document))
    meshes = document.all("meshes")
    vertices = [sum(_vertices_of(document, p) for p in mesh["primitives"]) for mesh in meshes]
    triangles = [sum(triangles_of(document, p) for p in mesh["primitives"]) for mesh in meshes]
    drawn_vertices = drawn_triangles = 0
    for number in order:
        node = document.all("nodes")[number]
        if "mesh" in node:
            times = instances_of(document, node)
            drawn_vertices += times * vertices[node["mesh"]]
            drawn_triangles += times * triangles[node["mesh"]]
    box = world_box(document)
    return {
        "drawn_vertex_count": drawn_vertices,
        "drawn_triangle_count": drawn_triangles,
        "bounding_box": None if box is None else {"min": box[0].tolist(), "max": box[1].tolist()},
    }


def _features(document: Document) -> Json:
    attributes = {name for _, primitive in document.primitives() for name in primitive["attributes"]}
    clips = [
        {"name": _text(animation.get("name")) or "", "duration_s": _duration(document, animation)}
        for animation in document.all("animations")
    ]
    return {
        "has_normals": "NORMAL" in attributes,
        "has_tangents": "TANGENT" in attributes,
        "has_vertex_colors": "COLOR_0" in attributes,
        "has_skins": bool(document.all("skins")),
        "has_morph_targets": any(primitive.get("targets") for _, primitive in document.primitives()),
        "uv_set_count": sum(f"TEXCOORD_{number}" in attributes for number in range(16)),
        "animation_names": [clip["name"] for clip in clips],
        "animation_duration_s": max((clip["duration_s"] for clip in clips), default=0.0),
        "animations": clips,
    }


def _duration(document: Document, animation: Json) -> float:
    ends = [bounds(document, sampler["input"]) for sampler in animation["samplers"]]
    return max((float(end.high[0]) for end in ends if end.finite), default=0.0)


def _identity(document: Document) -> Json:
    asset = document.json["asset"]
    return {
        "extensions_used": sorted(set(document.all("extensionsUsed"))),
        "extensions_required": sorted(set(document.all("extensionsRequired"))),
        "generator": _text(asset.get("generator")),
        "copyright": _text(asset.get("copyright")),
    }


def _text(value: Any) -> str | None:
    """Text as it may be stored: PostgreSQL takes no NUL, and a name of megabytes is no name."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")[:1000] if isinstance(value, str) else None
