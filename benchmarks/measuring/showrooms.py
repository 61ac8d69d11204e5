"""Two scenes to draw, of the sizes that people have: a product and a hall. `python showrooms.py NAME PATH` writes one.

`helmet`: one mesh of 15,400 triangles with five textures of 2048 pixels, as DamagedHelmet of the Khronos samples has.
`hall`: 104 meshes, 254,800 triangles, 26 materials, 78 textures of 1024 pixels, seen from within. Metres, +Y up.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from threed_workers.document import Builder, Document, write_glb

_BAYS, _SIDE = 13, 35  # bays on each side of the hall; quads along each side of a mesh: 2,450 triangles


@dataclass(frozen=True)
class Seat:
    """Where a scene is seen from: a perspective camera from a point to a point, metres, `yfov` in radians."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    yfov: float = 0.61


def seats(name: str, count: int) -> list[Seat]:
    """So many places, one after the other on a short way, so that no picture is the one before."""
    if name == "hall":
        return [Seat((0.3 * n / count - 0.15, 1.7, 25.0 - n / count), (0.0, 2.0, 0.0), 1.0) for n in range(count)]
    turns = 0.6 + 0.5 * np.arange(count) / count
    return [Seat((3.6 * float(np.sin(turn)), 1.3, 3.6 * float(np.cos(turn))), (0.0, 0.0, 0.0)) for turn in turns]


def helmet(seed: int = 0) -> Document:
    """A bumpy ball of 15,400 triangles: colour, metal and roughness, normals, occlusion, and a few lights."""
    builder = Builder("threed benchmarks")
    material = builder.add("materials", _surface(builder, 2048, 10 * seed, every=True))
    v, u = np.meshgrid(np.linspace(0.02, 0.98, 71), np.linspace(0, 1, 111), indexing="ij")
    theta, phi = np.pi * v, 2 * np.pi * u
    radius = 1 + sum(0.06 / k * np.sin(k * theta + seed) * np.cos(k * phi) for k in (3, 7, 19))
    along = np.stack([np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)], -1)
    builder.add("nodes", {"mesh": _mesh(builder, along * radius[..., None], u, v, material)})
    return builder.finish()


def hall() -> Document:
    """26 bays, 13 on each side of an aisle of 52 m: floor, ceiling, wall and column of each in its own material."""
    builder = Builder("threed benchmarks")
    u, v = np.meshgrid(np.linspace(0, 1, _SIDE + 1), np.linspace(0, 1, _SIDE + 1))
    relief = 0.04 * np.sin(14 * np.pi * u) * np.sin(10 * np.pi * v)
    for bay in range(2 * _BAYS):
        material = builder.add("materials", _surface(builder, 1024, 100 + 3 * bay))
        side, start = (-1.0 if bay % 2 else 1.0), 4.0 * (bay // 2) - 2.0 * _BAYS
        x, z = 4.0 * u, start + 4.0 * v
        turn = 2 * np.pi * u
        thick = 0.45 + 0.08 * np.cos(8 * turn) + 0.12 * np.abs(2 * v - 1) ** 6
        shapes = (
            (x, relief, z, False),
            (x, 5.0 + relief, z, True),
            (4.0 + relief, 5.0 * v, start + 4.0 * u, True),
            (2.5 + thick * np.sin(turn), 5.0 * v, start + 2.0 + thick * np.cos(turn), False),
        )
        for across, up, ahead, flipped in shapes:
            points = np.stack([side * across, up, ahead], -1)
            rows = points[::-1] if flipped == (side > 0) else points
            builder.add("nodes", {"mesh": _mesh(builder, rows, u, v, material)})
    return builder.finish()


SCENES = {"helmet": helmet, "hall": hall}


def _mesh(builder: Builder, points: np.ndarray, u: np.ndarray, v: np.ndarray, material: int) -> int:
    """A grid of points (rows, columns, 3), its normals those of the surface; seen from both sides."""
    rows, columns = u.shape
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    corners = first + np.array([0, columns, 1, 1, columns, columns + 1])
    attributes = {
        "POSITION": builder.positions(points.reshape(-1, 3)),
        "NORMAL": builder.attribute(normals.reshape(-1, 3).astype(np.float32)),
        "TEXCOORD_0": builder.attribute(np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)),
    }
    primitive = {"attributes": attributes, "indices": builder.indices(corners, u.size), "material": material}
    return builder.add("meshes", {"primitives": [primitive]})


def _surface(builder: Builder, edge: int, seed: int, every: bool = False) -> dict:
    """A material of three textures; of five with `every`."""
    random = np.random.default_rng(seed)

    def texture(pixels: np.ndarray) -> dict:
        out = io.BytesIO()
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
        return {"index": builder.add("textures", {"source": builder.picture(out.getvalue(), "image/jpeg")})}

    tint = random.uniform(90, 230, 3)
    cloud, bumps = _cloud(random, edge, 3), _cloud(random, edge, 3)
    colour = tint + 60 * cloud
    rough = np.stack([0 * cloud[..., 0], 140 + 80 * cloud[..., 0], 90 + 160 * (cloud[..., 1] > 0.1)], -1)
    normal = np.stack([127.5 + 40 * bumps[..., 0], 127.5 + 40 * bumps[..., 1], np.full((edge, edge), 235.0)], -1)
    surface = {"baseColorTexture": texture(colour), "metallicRoughnessTexture": texture(rough)}
    material = {"pbrMetallicRoughness": surface, "normalTexture": texture(normal), "doubleSided": True}
    if every:
        material["occlusionTexture"] = texture(220 + 35 * bumps)
        material["emissiveTexture"] = texture(np.where(cloud[..., 2:] > 0.85, (60, 200, 255), 0))
        material["emissiveFactor"] = [1.0, 1.0, 1.0]
    return material


def _cloud(random: np.random.Generator, edge: int, channels: int) -> np.ndarray:
    """Soft noise of several sizes, about -1 to 1: float32 (edge, edge, channels)."""
    found = np.zeros((edge, edge, channels), np.float32)
    for size, weight in ((8, 0.5), (64, 0.3), (512, 0.2)):
        grid = random.uniform(-1, 1, (size, size, channels)).astype(np.float32)
        for channel in range(channels):
            plane = Image.fromarray(grid[..., channel]).resize((edge, edge), Image.Resampling.BICUBIC)
            found[..., channel] += weight * np.asarray(plane)
    return found


if __name__ == "__main__":
    write_glb(SCENES[sys.argv[1]](), Path(sys.argv[2]))
