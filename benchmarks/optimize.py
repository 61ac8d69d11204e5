"""Optimizing a model, file to file: `python benchmarks/optimize.py`.

Weld, half the triangles, quantize and meshopt, as a worker does it (a confined child of a warm fork server, every
feature counted before and after), against the command lines of gltfpack 1.3 and gltf-transform 4.5.
The model is a bumpy sphere with normals, a UV seam and a texture, made here. Targets: at most 0.9 of gltfpack's time
and 1.02 of its size, at most half of gltf-transform's time; a million triangles become a tenth in at most 1.5 s.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yardsticks
from measuring.report import Report, median_ratio

from threed_workers.document import Builder, Document, write_glb
from threed_workers.run import PRELOAD
from threed_workers.samples.files import sample
from threed_workers.sandbox import Limits, Zygote

_HALF = [{"weld": {}}, {"simplify": {"ratio": 0.5, "error": 0.01}}, {"reorder": {}}, {"quantize": {}}, {"meshopt": {}}]
_TENTH = [{"simplify": {"ratio": 0.1, "error": 0.01}}]
_LIMITS = Limits(memory_bytes=8 << 30, wall_s=300, cpu_s=300)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--triangles", type=int, nargs="+", default=[100_000, 1_000_000])
    arguments = parser.parse_args()
    yardsticks.install()
    report = Report("triangles", "tool", "median s", "size MB")
    with tempfile.TemporaryDirectory() as scratch, Zygote(PRELOAD) as zygote:
        for triangles in arguments.triangles:
            folder = Path(scratch) / str(triangles)
            folder.mkdir()
            write_glb(bumpy_sphere(triangles), folder / "source.glb")
            _compare(report, folder, zygote, triangles, arguments.runs)
    report.note(f"{arguments.runs} runs of each, in turns; ratios are medians of runs that stood side by side.")
    return report.finish()


def _compare(report: Report, folder: Path, zygote: Zygote, triangles: int, runs: int) -> None:
    bins = yardsticks.HOME / "node_modules" / ".bin"
    pack = [bins / "gltfpack", "-i", "source.glb", "-o", "packed.glb", "-si", "0.5", "-cc"]
    transform = [bins / "gltf-transform", "optimize", "source.glb", "transformed.glb", "--compress", "meshopt"]
    transform += ["--simplify-ratio", "0.5", "--simplify-error", "0.01", "--texture-compress", "false"]
    ours, packed, transformed, tenth = [], [], [], []
    for _ in range(runs):
        ours.append(_derived(zygote, folder, _HALF))
        packed.append(_ran(pack, folder))
        transformed.append(_ran(transform, folder))
        tenth.append(_derived(zygote, folder, _TENTH, keep="tenth.glb"))
    sizes = {name: (folder / name).stat().st_size for name in ("derived.glb", "packed.glb", "transformed.glb")}
    for tool, times, name in (
        ("threed", ours, "derived.glb"),
        ("gltfpack 1.3", packed, "packed.glb"),
        ("gltf-transform 4.5", transformed, "transformed.glb"),
    ):
        report.add(triangles, tool, statistics.median(times), sizes[name] / 1e6)
    report.add(triangles, "threed, simplify to 10 % only", statistics.median(tenth), float("nan"))
    report.at_most(f"{triangles} triangles, time / gltfpack", median_ratio(ours, packed), 0.9, "x")
    report.at_most(f"{triangles} triangles, time / gltf-transform", median_ratio(ours, transformed), 0.5, "x")
    report.at_most(f"{triangles} triangles, size / gltfpack", sizes["derived.glb"] / sizes["packed.glb"], 1.02, "x")
    if triangles >= 1_000_000:
        report.at_most("simplify 1M to 10 %, file to file", statistics.median(tenth), 1.5, "s")


def _derived(zygote: Zygote, folder: Path, steps: list[dict], keep: str = "derived.glb") -> float:
    request = {"source": "source.glb", "recipe": {"steps": steps, "exportFormats": ["EXPORT_GLB"]}}
    with tempfile.TemporaryDirectory(dir=folder) as private:
        (Path(private) / "source.glb").hardlink_to(folder / "source.glb")
        began = time.perf_counter()
        with zygote.start("derive", request, Path(private), _LIMITS) as child:
            made = child.result()
        took = time.perf_counter() - began
        (Path(private) / made["gates"][0]).replace(folder / keep)
    return took


def _ran(command: list, folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        list(map(str, command)), cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def bumpy_sphere(triangles: int) -> Document:
    """A sphere of about that many triangles with bumps of three sizes, normals, a UV seam and a texture."""
    rings = round((triangles / 4) ** 0.5)
    v, u = np.meshgrid(np.linspace(0, 1, rings + 1), np.linspace(0, 1, 2 * rings + 1), indexing="ij")
    theta, phi = np.pi * v, 2 * np.pi * u
    bumps = sum(np.sin(k * theta) * np.cos(k * phi) / k**1.5 for k in (5, 17, 61))
    radius = 1 + 0.05 * bumps
    points = (
        np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), -np.sin(theta) * np.sin(phi)], -1) * radius[..., None]
    )
    down, along = np.gradient(points, axis=(0, 1))
    normals = np.cross(down, along)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    normals[0], normals[-1] = (0, 1, 0), (0, -1, 0)
    corner = (np.arange(rings)[:, None] * (2 * rings + 1) + np.arange(2 * rings)).reshape(-1, 1)
    indices = corner + np.array([0, 2 * rings + 1, 1, 1, 2 * rings + 1, 2 * rings + 2])
    builder = Builder("threed benchmarks")
    texture = builder.add("textures", {"source": builder.picture(sample("png"), "image/png")})
    surface = {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}, "metallicFactor": 0.0}}
    attributes = {
        "POSITION": builder.positions(points.reshape(-1, 3)),
        "NORMAL": builder.attribute(normals.reshape(-1, 3).astype(np.float32)),
        "TEXCOORD_0": builder.attribute(np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)),
    }
    primitive = {"attributes": attributes, "indices": builder.indices(indices, points.shape[0] * points.shape[1])}
    primitive["material"] = builder.add("materials", surface)
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


if __name__ == "__main__":
    sys.exit(main())
