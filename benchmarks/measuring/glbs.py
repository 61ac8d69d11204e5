"""GLBs to import: much geometry, much texture, or much animation; `python glbs.py PATH MEGABYTES` writes the first.

That is a program of its own, so that whoever measures memory next does not hold what the making took.
"""

from __future__ import annotations

import io
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from threed_workers.document import Builder, Document, write_glb
from threed_workers.samples import glb_bytes

_BYTES_A_TRIANGLE = 28  # of a closed mesh with normals and UVs: half a vertex of 32 bytes, and three indices
_MARK = "0" * 32
_JOINTS = 32


def geometry(size: int) -> Document:
    """A bumpy sphere with normals and a UV seam, of about `size` bytes."""
    builder = _builder()
    _add_mesh(builder, size // _BYTES_A_TRIANGLE, {})
    return builder.finish()


def textured(size: int) -> Document:
    """A sphere of 5,000 triangles whose colour, normals and roughness are photographs, as it were, of 2048 pixels.

    Noise is added until the JPEGs have about `size` bytes.
    """
    builder = _builder()
    share = (size - 5000 * _BYTES_A_TRIANGLE) // 3
    colour, bumps, rough = (builder.add("textures", {"source": _photograph(builder, share, n)}) for n in range(3))
    surface = {"baseColorTexture": {"index": colour}, "metallicRoughnessTexture": {"index": rough}}
    _add_mesh(builder, 5000, {"pbrMetallicRoughness": surface, "normalTexture": {"index": bumps}})
    return builder.finish()


def animated(size: int) -> Document:
    """A skinned sphere of 20,000 triangles whose 32 joints turn: keyframes for all but 0.8 MB of `size`."""
    builder = _builder()
    _add_mesh(builder, 20_000, {})
    joints = [builder.add("nodes", {"name": f"joint {number}"}) for number in range(_JOINTS)]
    builder.json["nodes"][joints[0]]["children"] = joints[1:]
    # Identities, which glTF implies; F3D crashes without.
    inverse = builder.accessor(np.tile(np.eye(4, dtype=np.float32).reshape(16), (_JOINTS, 1)))
    skin = builder.add("skins", {"joints": joints, "inverseBindMatrices": inverse})
    mesh = builder.json["meshes"][0]["primitives"][0]
    count = builder.json["accessors"][mesh["attributes"]["POSITION"]]["count"]
    lanes = np.arange(count)[:, None] * _JOINTS // count + np.arange(4)
    mesh["attributes"]["JOINTS_0"] = builder.attribute((lanes % _JOINTS).astype(np.uint8))
    mesh["attributes"]["WEIGHTS_0"] = builder.attribute(np.full((count, 4), 0.25, np.float32))
    builder.json["nodes"][0]["skin"] = skin
    keys = (size - 780_000) // (_JOINTS * 16 + 4)
    times = np.arange(keys, dtype=np.float32) / 30
    clock = builder.accessor(times, bounds=True)
    channels, samplers = [], []
    for number, joint in enumerate(joints):
        half = 0.1 * np.sin(times * (1 + number / 7))
        turns = np.stack([np.sin(half), 0 * half, 0 * half, np.cos(half)], -1).astype(np.float32)
        samplers.append({"input": clock, "output": builder.accessor(turns)})
        channels.append({"sampler": number, "target": {"node": joint, "path": "rotation"}})
    builder.add("animations", {"name": "wave", "samplers": samplers, "channels": channels})
    return builder.finish()


KINDS: dict[str, Callable[[int], Document]] = {"geometry": geometry, "textures": textured, "animation": animated}


def made(kind: str, size: int) -> bytes:
    """The GLB of one of KINDS."""
    return glb_bytes(KINDS[kind](size))


def renewed(glb: bytes) -> bytes:
    """The same model in bytes that no store has seen before."""
    return glb.replace(_MARK.encode(), secrets.token_hex(16).encode(), 1)


def _builder() -> Builder:
    builder = Builder("threed benchmarks")
    builder.json["asset"]["copyright"] = _MARK
    return builder


def _add_mesh(builder: Builder, triangles: int, material: dict) -> None:
    """A sphere with bumps of three sizes, its poles cut open."""
    rings = max(2, round((triangles / 4) ** 0.5))
    v, u = np.meshgrid(np.linspace(0.02, 0.98, rings + 1), np.linspace(0, 1, 2 * rings + 1), indexing="ij")
    theta, phi = np.pi * v, 2 * np.pi * u
    radius = 1 + sum(0.05 / k**1.5 * np.sin(k * theta) * np.cos(k * phi) for k in (5, 17, 61))
    along = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1)
    first = (np.arange(rings)[:, None] * (2 * rings + 1) + np.arange(2 * rings)).reshape(-1, 1)
    corners = first + np.array([0, 2 * rings + 1, 1, 1, 2 * rings + 1, 2 * rings + 2])
    attributes = {
        "POSITION": builder.positions((along * radius[..., None]).reshape(-1, 3)),
        "NORMAL": builder.attribute(along.reshape(-1, 3).astype(np.float32)),
        "TEXCOORD_0": builder.attribute(np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)),
    }
    primitive = {"attributes": attributes, "indices": builder.indices(corners, u.size)}
    primitive["material"] = builder.add("materials", material or {"doubleSided": True})
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})


def _photograph(builder: Builder, size: int, seed: int) -> int:
    """A JPEG of 2048 x 2048: soft colours, and the amount of noise that brings it to about `size` bytes."""
    random = np.random.default_rng(seed)
    soft = Image.fromarray(random.integers(60, 196, (32, 32, 3), np.uint8)).resize(
        (2048, 2048), Image.Resampling.BICUBIC
    )
    grain = random.normal(size=(2048, 2048, 1)).astype(np.float32)
    low, high = 0.0, 60.0
    for _ in range(8):
        noise = (low + high) / 2
        pixels = np.clip(np.asarray(soft) + noise * grain, 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=88)
        low, high = (noise, high) if out.tell() < size else (low, noise)
    return builder.picture(out.getvalue(), "image/jpeg")


if __name__ == "__main__":
    write_glb(geometry(round(float(sys.argv[2]) * 1e6)), Path(sys.argv[1]))
