"""One model worth looking at."""

from __future__ import annotations

import math

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.samples.files import glb_bytes, png_bytes
from threed_workers.samples.shapes import Shape, box, lathe, sphere, torus

_SECONDS = 4.0
_TILE = 512


def animated_model() -> bytes:
    """A GLB of about 800 KB: a turning textured cube above five spheres from rough plastic to polished metal, on a
    round plinth with a glowing ring. Textures: checker base colour, matching metallic-roughness, normal map. 4 seconds.
    """
    builder = Builder("threed samples")
    checker, rough, bumps = (builder.picture(png_bytes(pixels), "image/png", name) for name, pixels in _tiles().items())
    builder.add("samplers", {"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497})
    textures = [builder.add("textures", {"sampler": 0, "source": source}) for source in (checker, rough, bumps)]
    cube = _mesh(builder, "cube", box(0.42), _tiled_material(builder, textures))
    ball = sphere(48, 32)
    balls = [_mesh(builder, f"ball {n}", ball, _ball_material(builder, n)) for n in range(5)]
    plinth = _mesh(builder, "plinth", lathe(_PLINTH, 96), _plain(builder, "clay", (0.62, 0.60, 0.58), 0.0, 0.55))
    ring = _mesh(builder, "ring", torus(1.56, 0.022, 96, 12), _glowing(builder))

    spinner = builder.add("nodes", {"name": "cube", "mesh": cube, "translation": [0.0, 1.32, 0.0]})
    around = []
    for n, mesh in enumerate(balls):
        turn = 2 * math.pi * n / len(balls)
        place = [1.02 * math.sin(turn), 0.5, 1.02 * math.cos(turn)]
        around.append(
            builder.add("nodes", {"name": f"ball {n}", "mesh": mesh, "translation": place, "scale": [0.3] * 3})
        )
    carousel = builder.add("nodes", {"name": "carousel", "children": around})
    base = builder.add("nodes", {"name": "plinth", "mesh": plinth})
    light = builder.add("nodes", {"name": "ring", "mesh": ring, "translation": [0.0, 0.16, 0.0]})
    root = builder.add("nodes", {"name": "threed sample", "children": [base, light, carousel, spinner]})
    builder.add("scenes", {"name": "sample", "nodes": [root]})
    builder.json["scene"] = 0
    _animate(builder, spinner, carousel)
    builder.json["asset"]["copyright"] = "Made by threed, Apache-2.0"
    return glb_bytes(builder.finish())


_PLINTH = np.array([[0.0, 0.2], [1.42, 0.2], [1.5, 0.14], [1.5, 0.06], [1.62, 0.0], [0.0, 0.0]])
_BALLS = (
    ("red plastic", (0.80, 0.06, 0.05), 0.0, 0.35),
    ("gold", (1.00, 0.77, 0.34), 1.0, 0.18),
    ("steel", (0.78, 0.78, 0.80), 1.0, 0.42),
    ("copper", (0.95, 0.64, 0.54), 1.0, 0.08),
    ("blue lacquer", (0.03, 0.14, 0.60), 0.0, 0.08),
)


def _animate(builder: Builder, spinner: int, carousel: int) -> None:
    """The cube turns twice and bobs, the balls go round once; the last key equals the first."""
    times = np.linspace(0, _SECONDS, 33, dtype=np.float32)
    clock = builder.accessor(times, bounds=True)
    turn = 2 * np.pi * times / _SECONDS
    tilt = np.array([0.0, 0.0, np.sin(np.pi / 10), np.cos(np.pi / 10)])
    spin = np.array([_times(_about_y(2 * angle), tilt) for angle in turn], np.float32)
    bob = np.column_stack([0 * turn, 1.32 + 0.06 * np.sin(2 * turn), 0 * turn]).astype(np.float32)
    ride = np.array([_about_y(angle) for angle in turn], np.float32)
    samplers = [{"input": clock, "output": builder.accessor(values)} for values in (spin, bob, ride)]
    targets = [(spinner, "rotation"), (spinner, "translation"), (carousel, "rotation")]
    channels = [{"sampler": n, "target": {"node": node, "path": path}} for n, (node, path) in enumerate(targets)]
    builder.add("animations", {"name": "turntable", "samplers": samplers, "channels": channels})


def _about_y(angle: float) -> np.ndarray:
    return np.array([0.0, np.sin(angle / 2), 0.0, np.cos(angle / 2)])


def _times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The quaternion product a b, xyzw."""
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    return np.append(vector, a[3] * b[3] - a[:3] @ b[:3])


def _tiles() -> dict[str, np.ndarray]:
    """uint8 pictures: a two-tone checker, its metallic-roughness (G, B), and the normals of its bevelled tiles."""
    y, x = np.mgrid[0:_TILE, 0:_TILE] / _TILE * 4
    dark = ((np.floor(x) + np.floor(y)) % 2 == 0)[..., None]
    grain = np.random.default_rng(3).normal(0, 3, (_TILE, _TILE, 1))
    base = np.where(dark, (24, 78, 119), (240, 236, 226)) + grain
    surface = np.where(dark, (255, 70, 230), (255, 150, 0)) + np.zeros((_TILE, _TILE, 1))
    slope = [np.where(edge < 0.08, 1.0, np.where(edge > 0.92, -1.0, 0.0)) for edge in (x % 1, y % 1)]
    normal = np.dstack([-0.6 * slope[0], 0.6 * slope[1], np.ones_like(x)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    found = {"checker": base, "checker surface": surface, "checker normals": normal * 127.5 + 127.5}
    return {name: np.clip(np.rint(pixels), 0, 255).astype(np.uint8) for name, pixels in found.items()}


def _tiled_material(builder: Builder, textures: list[int]) -> int:
    surface = {"baseColorTexture": {"index": textures[0]}, "metallicRoughnessTexture": {"index": textures[1]}}
    material = {"name": "tiles", "pbrMetallicRoughness": surface, "normalTexture": {"index": textures[2]}}
    return builder.add("materials", material)


def _plain(builder: Builder, name: str, color: tuple[float, ...], metallic: float, roughness: float) -> int:
    surface = {"baseColorFactor": [*color, 1.0], "metallicFactor": metallic, "roughnessFactor": roughness}
    return builder.add("materials", {"name": name, "pbrMetallicRoughness": surface})


def _ball_material(builder: Builder, number: int) -> int:
    return _plain(builder, *_BALLS[number])


def _glowing(builder: Builder) -> int:
    builder.use("KHR_materials_emissive_strength")
    surface = {"baseColorFactor": [0.05, 0.05, 0.05, 1.0], "metallicFactor": 0.0, "roughnessFactor": 1.0}
    material: Json = {"name": "glow", "pbrMetallicRoughness": surface, "emissiveFactor": [0.1, 0.75, 1.0]}
    material["extensions"] = {"KHR_materials_emissive_strength": {"emissiveStrength": 2.0}}
    return builder.add("materials", material)


def _mesh(builder: Builder, name: str, shape: Shape, material: int) -> int:
    points, normals, uvs, tangents, triangles = shape
    attributes = {
        "POSITION": builder.positions(points),
        "NORMAL": builder.attribute(normals.astype(np.float32)),
        "TANGENT": builder.attribute(tangents.astype(np.float32)),
        "TEXCOORD_0": builder.attribute(uvs.astype(np.float32)),
    }
    primitive = {"attributes": attributes, "indices": builder.indices(triangles, len(points)), "material": material}
    return builder.add("meshes", {"name": name, "primitives": [primitive]})
