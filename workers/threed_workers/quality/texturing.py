"""Which picture lies on which surface, through which UV set: what all checks of UVs and textures ask."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from threed_workers.document import Document, read_floats
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import Json, extension
from threed_workers.quality.triangles import corners, has_triangles

REPEAT = 10497
_SOURCES = ("KHR_texture_basisu", "EXT_texture_webp", "EXT_texture_avif")


class Use(NamedTuple):
    """One texture of a material. `matrix` (2, 3) is KHR_texture_transform; `wraps` are the sampler's, of U and V."""

    pointer: str
    texture: int
    image: int | None
    uv_set: int
    matrix: np.ndarray
    wraps: tuple[int, int]


def uses(document: Document, material: int) -> list[Use]:
    """The textures of a material and of its extensions. Settings of a wrong type count as absent."""
    entry = document.all("materials")[material]
    return [_use(document, pointer, info) for pointer, info in texture_infos(entry, f"/materials/{material}")]


def _use(document: Document, pointer: str, info: Json) -> Use:
    texture = document.all("textures")[info["index"]]
    transform = _transform(info)
    sampler = document.all("samplers")[texture["sampler"]] if "sampler" in texture else {}
    uv_set = _whole(transform.get("texCoord"), _whole(info.get("texCoord"), 0))
    wraps = (_whole(sampler.get("wrapS"), REPEAT), _whole(sampler.get("wrapT"), REPEAT))
    return Use(pointer, info["index"], _image(texture), uv_set, _matrix(transform), wraps)


def _transform(info: Json) -> Json:
    """KHR_texture_transform; nobody has checked yet what stands there."""
    extensions = info.get("extensions")
    found = extensions.get("KHR_texture_transform") if isinstance(extensions, dict) else None
    return found if isinstance(found, dict) else {}


def _image(texture: Json) -> int | None:
    """The picture of a texture: what every reader can show first, else that of an extension."""
    found = [texture.get("source")] + [(extension(texture, name) or {}).get("source") for name in _SOURCES]
    return next((source for source in found if source is not None), None)


def _matrix(transform: Json) -> np.ndarray:
    """float64 (2, 3): scale, then rotation, then offset, as KHR_texture_transform orders them."""
    (x, y), (width, height) = _pair(transform.get("offset"), 0.0), _pair(transform.get("scale"), 1.0)
    angle = transform.get("rotation", 0.0)
    angle = float(angle) if isinstance(angle, int | float) else 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([[width * cos, height * sin, x], [-width * sin, height * cos, y]])


def _pair(value: Any, default: float) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(entry, int | float) for entry in value):
        return float(value[0]), float(value[1])
    return default, default


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def materials_of(primitive: Json) -> list[int]:
    """The material of a primitive, and those of its variants (KHR_materials_variants)."""
    found = [primitive["material"]] if "material" in primitive else []
    mappings = (extension(primitive, "KHR_materials_variants") or {}).get("mappings")
    for mapping in mappings if isinstance(mappings, list) else []:
        if isinstance(mapping, dict) and isinstance(mapping.get("material"), int):
            found.append(mapping["material"])
    return list(dict.fromkeys(found))


class Part(NamedTuple):
    """A primitive under a material: mesh number, pointer, and the primitive."""

    mesh: int
    pointer: str
    primitive: Json


def layouts(document: Document) -> dict[tuple[int, int], list[Part]]:
    """By (material, UV set): the surfaces that it covers. Only sets that a texture of the material reads, and exist."""
    found: dict[tuple[int, int], list[Part]] = defaultdict(list)
    sets = {number: {use.uv_set for use in uses(document, number)} for number in range(len(document.all("materials")))}
    for number, mesh in enumerate(document.all("meshes")):
        for place, primitive in enumerate(mesh["primitives"]):
            if has_triangles(document, primitive):
                part = Part(number, f"/meshes/{number}/primitives/{place}", primitive)
                for material in materials_of(primitive):
                    for uv_set in sets[material]:
                        if f"TEXCOORD_{uv_set}" in primitive["attributes"]:
                            found[material, uv_set].append(part)
    return dict(found)


def uv_corners(document: Document, primitive: Json, uv_set: int) -> tuple[np.ndarray, np.ndarray]:
    """(UVs float32 (n, 2), vertex numbers uint32 (t, 3)) of a primitive; V runs downwards."""
    return read_floats(document, primitive["attributes"][f"TEXCOORD_{uv_set}"]), corners(document, primitive)


def once(parts: list[Part], uv_set: int) -> Iterator[Part]:
    """The parts without those that show the same triangles of the same layout again."""
    seen = set()
    for part in parts:
        primitive = part.primitive
        key = (primitive.get("indices"), primitive["attributes"][f"TEXCOORD_{uv_set}"], primitive.get("mode", 4))
        if key not in seen:
            seen.add(key)
            yield part


def signed_areas(uvs: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """float64 (t,): areas of triangles in UV; above 0 where the picture is mirrored, since V runs downwards."""
    a, b, c = (uvs[triangles[:, corner]].astype(np.float64) for corner in range(3))
    with np.errstate(all="ignore"):
        return ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / 2
