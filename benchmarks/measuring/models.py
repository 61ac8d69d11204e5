"""Models for recipes: a hilly grid in any number of meshes, pictures of any size, keyframes, triangles with corners of
their own; everything that a step may have to do with, in the amount that is asked for.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from threed_workers.document import Builder, Document

_KEYS_OF_ONE = 1000


@dataclass(frozen=True)
class Amounts:
    """How much of what: triangles over all `parts` (nodes with a mesh each), an even number of square JPEGs,
    keyframes.

    `is_soup`: no two triangles share a vertex, and there are no indices.
    """

    triangles: int = 0
    parts: int = 1
    pictures: int = 0
    edge_px: int = 0
    keyframes: int = 0
    is_soup: bool = False


def made_of(amounts: Amounts) -> Document:
    """The model. Its materials are seven of plain colours, or each of a picture and one as its normal map."""
    builder = Builder("threed benchmarks")
    materials = [_material(builder, amounts, number) for number in range(amounts.pictures // 2 or 7)]
    rows, side = _hills(max(1, amounts.triangles // amounts.parts))
    corners = _corners(side)
    for part in range(max(amounts.parts, amounts.pictures // 2)):
        placed = np.concatenate([rows[:, :3] + np.float32(part % 3), rows[:, 3:]], axis=1)  # else dedup makes them one
        primitive = _primitive(builder, placed, corners, amounts.is_soup)
        primitive["material"] = materials[part % len(materials)]
        mesh = builder.add("meshes", {"primitives": [primitive]})
        builder.add("nodes", {"mesh": mesh, "translation": [float(part % 32), float(part // 32), 0.0]})
    for number in range(amounts.keyframes // _KEYS_OF_ONE):
        _moved(builder, number)
    return builder.finish()


def _material(builder: Builder, amounts: Amounts, number: int) -> int:
    if not amounts.pictures:
        colour = {"baseColorFactor": [number / 7, 0.4, 0.5, 1.0], "metallicFactor": 0.0}
        return builder.add("materials", {"pbrMetallicRoughness": colour})
    pictures = (_picture(amounts.edge_px, 2 * number + place) for place in range(2))
    colour, normal = (builder.add("textures", {"source": builder.picture(one, "image/jpeg")}) for one in pictures)
    surface = {"pbrMetallicRoughness": {"baseColorTexture": {"index": colour}}, "normalTexture": {"index": normal}}
    return builder.add("materials", surface)


def _hills(triangles: int) -> tuple[np.ndarray, int]:
    """float32 (n, 8): position, normal, uv of a height field of about so many triangles; vertices along a side."""
    side = max(2, round((triangles / 2) ** 0.5) + 1)
    u, v = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    waves = [(k, 0.02 / k**0.7) for k in (3, 11, 41)]
    height = sum(a * np.sin(6 * k * u) * np.cos(5 * k * v) for k, a in waves)
    along = sum(6 * k * a * np.cos(6 * k * u) * np.cos(5 * k * v) for k, a in waves)
    across = sum(-5 * k * a * np.sin(6 * k * u) * np.sin(5 * k * v) for k, a in waves)
    normals = np.stack([-along, -across, np.ones_like(u)], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    rows = np.concatenate([np.stack([u, v, height], -1), normals, np.stack([u, v], -1)], -1)
    return rows.reshape(-1, 8).astype(np.float32), side


def _corners(side: int) -> np.ndarray:
    first = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1, 1)
    return (first + np.array([0, 1, side, side, 1, side + 1])).reshape(-1)


def _primitive(builder: Builder, rows: np.ndarray, corners: np.ndarray, is_soup: bool) -> dict:
    rows = rows[corners] if is_soup else rows
    attributes = {
        "POSITION": builder.positions(rows[:, :3]),
        "NORMAL": builder.attribute(np.ascontiguousarray(rows[:, 3:6])),
        "TEXCOORD_0": builder.attribute(np.ascontiguousarray(rows[:, 6:])),
    }
    return {"attributes": attributes} | ({} if is_soup else {"indices": builder.indices(corners, len(rows))})


def _picture(edge: int, seed: int) -> bytes:
    """A JPEG of smooth colours with some noise, about two bits a pixel."""
    random = np.random.default_rng(seed)
    rough = random.integers(0, 255, (max(1, edge // 16), max(1, edge // 16), 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(rough).resize((edge, edge), Image.Resampling.BICUBIC).save(out, "JPEG", quality=92)
    return out.getvalue()


def _moved(builder: Builder, number: int) -> None:
    """An animation of the first node, with keys on a line that resampling leaves two of."""
    times = np.linspace(0, 10, _KEYS_OF_ONE, dtype=np.float32)
    places = np.stack([times, times * 2, times * number], -1)
    sampler = {"input": builder.accessor(times, bounds=True), "output": builder.accessor(places)}
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    builder.add("animations", {"name": f"move {number}", "samplers": [sampler], "channels": [channel]})
