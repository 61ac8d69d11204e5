"""A document as plain meshes, for engines that know little of glTF: attributes as floats, textures as pixels."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from threed_workers.document import Document, read, read_floats
from threed_workers.document.model import Json
from threed_workers.document.world import scene_roots, world_matrices

_TRIANGLES, _STRIP, _FAN, _LOOP, _LINE_STRIP = 4, 5, 6, 2, 3


@dataclass(frozen=True, eq=False)
class Part:
    """One primitive of one node. `matrix` (4, 4) takes it to the model's scene; `mode` is points, lines or triangles.

    float32 positions, normals (n, 3), texcoords (n, 2) with v up, colors (n, 4); indices (m, 3) of triangles, or (m,).
    """

    matrix: np.ndarray
    mode: int
    positions: np.ndarray
    indices: np.ndarray | None
    normals: np.ndarray | None
    texcoords: np.ndarray | None
    colors: np.ndarray | None
    color: tuple[float, ...]
    texture: Image.Image | None
    emissive: tuple[float, ...]
    roughness: float
    alpha_mode: str
    double_sided: bool


def flattened(document: Document) -> Iterator[Part]:
    """The parts of the default scene."""
    textures: dict[int, Image.Image | None] = {}
    order, matrices = world_matrices(document, scene_roots(document))
    for number, matrix in zip(order, matrices, strict=True):
        node = document.all("nodes")[number]
        if "mesh" not in node:
            continue
        for primitive in document.all("meshes")[node["mesh"]]["primitives"]:
            if "POSITION" in primitive["attributes"]:
                yield _part(document, primitive, matrix, textures)


def _part(document: Document, primitive: Json, matrix: np.ndarray, textures: dict[int, Any]) -> Part:
    attributes = primitive["attributes"]
    positions = read_floats(document, attributes["POSITION"])
    mode = primitive.get("mode", _TRIANGLES)
    flat = read(document, primitive["indices"]).reshape(-1).astype(np.uint32) if "indices" in primitive else None
    order = np.arange(len(positions), dtype=np.uint32) if flat is None else flat
    material = document.all("materials")[primitive["material"]] if "material" in primitive else {}
    surface = material.get("pbrMetallicRoughness") or {}
    named = {"NORMAL": None, "TEXCOORD_0": None, "COLOR_0": None}
    for name in named:
        if name in attributes:
            named[name] = read_floats(document, attributes[name])
    if mode >= _TRIANGLES:
        order = _triangles(order, mode)
        if named["NORMAL"] is None:
            positions, named = _faceted(positions, named, order)
            order = np.arange(len(positions), dtype=np.uint32).reshape(-1, 3)
        mode = _TRIANGLES
    texcoords, colors = named["TEXCOORD_0"], named["COLOR_0"]
    if texcoords is not None:
        texcoords = np.column_stack([texcoords[:, 0], 1 - texcoords[:, 1]]).astype(np.float32)
    if colors is not None and colors.shape[1] == 3:
        colors = np.column_stack([colors, np.ones(len(colors), np.float32)])
    textured = surface.get("baseColorTexture") if texcoords is not None else None
    return Part(
        matrix=matrix,
        mode=_LINE_STRIP if mode == _LOOP else mode,
        positions=positions,
        indices=order,
        normals=named["NORMAL"],
        texcoords=texcoords,
        colors=colors,
        color=tuple(surface.get("baseColorFactor") or (1.0, 1.0, 1.0, 1.0)),
        texture=_texture(document, textured["index"], textures) if textured else None,
        emissive=tuple(material.get("emissiveFactor") or (0.0, 0.0, 0.0)),
        roughness=surface.get("roughnessFactor", 1.0),
        alpha_mode=material.get("alphaMode", "OPAQUE"),
        double_sided=bool(material.get("doubleSided")),
    )


def _triangles(order: np.ndarray, mode: int) -> np.ndarray:
    """Vertex numbers (m, 3) of a list, strip or fan (glTF 2.0 section 3.7.2.1)."""
    if mode == _STRIP:
        first = np.arange(max(0, len(order) - 2))
        odd = first % 2
        return np.column_stack([order[first], order[first + 1 + odd], order[first + 2 - odd]])
    if mode == _FAN:
        first = np.arange(1, max(1, len(order) - 1))
        return np.column_stack([order[first], order[first + 1], np.full(len(first), order[0])])
    return order[: len(order) // 3 * 3].reshape(-1, 3)


def _faceted(positions: np.ndarray, named: dict[str, Any], order: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Corners of their own for every triangle, with its normal: what glTF asks for when there are no normals."""
    corners = positions[order.reshape(-1)]
    triangles = corners.reshape(-1, 3, 3)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(lengths > 0, normals / np.maximum(lengths, 1e-30), (0, 0, 1)).astype(np.float32)
    spread = {name: None if values is None else values[order.reshape(-1)] for name, values in named.items()}
    return corners, {**spread, "NORMAL": np.repeat(normals, 3, axis=0)}


def _texture(document: Document, number: int, textures: dict[int, Any]) -> Image.Image | None:
    """The decoded pixels of a texture; None for formats that Pillow does not read."""
    if number not in textures:
        texture = document.all("textures")[number]
        source = texture.get("source")
        for extended in (texture.get("extensions") or {}).values():
            source = extended.get("source", source) if isinstance(extended, dict) else source
        try:
            textures[number] = Image.open(io.BytesIO(document.picture(source))).convert("RGBA")
        except (OSError, TypeError, KeyError):
            textures[number] = None
    return textures[number]
