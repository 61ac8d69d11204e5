"""How near plans come to what derivatives really take: `python benchmarks/estimates.py`.

Every step and every export alone, and the presets with their proofs, on models that are made here: a mesh, triangles
that share no vertex, pictures, many parts, keyframes; each in two sizes. They run in the confined child of a worker;
memory is what its limit counts (resident, of no file), time is of the processor. The plan is the one that
CreateDerivative gives. Target: the estimate of memory is 0.7 to 2 times what it was, for every one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from google.protobuf import json_format
from measuring.models import Amounts, made_of
from measuring.phases import Phase, phases
from measuring.report import Report

from threed.services import estimating
from threed.services.presets import PRESETS
from threed.v1.assets_pb2 import Model
from threed.v1.recipes_pb2 import EXPORT_GLB, ExportFormat, Recipe, TextureEncode
from threed_workers.document import write_glb
from threed_workers.inspection import inspect
from threed_workers.run import PRELOAD
from threed_workers.sandbox import Zygote
from threed_workers.shader_cache import ShaderCache
from threed_workers.textures import ktx2
from threed_workers.transforms import NAMES

_MB = 1e6
_SIZES = {
    "mesh": (Amounts(200_000, pictures=2, edge_px=64), Amounts(1_000_000, pictures=2, edge_px=64)),
    "soup": (Amounts(100_000, is_soup=True), Amounts(400_000, is_soup=True)),
    "pictures": (Amounts(2000, pictures=4, edge_px=512), Amounts(2000, pictures=4, edge_px=2048)),
    "parts": (Amounts(10_000, parts=500), Amounts(80_000, parts=4000)),
    "keyframes": (Amounts(1000, keyframes=50_000), Amounts(1000, keyframes=500_000)),
}
# Settings of steps that have no default.
_SETTINGS = {
    "simplify": {"ratio": 0.5},
    "lod": {"ratios": [0.5, 0.25]},
    "scale": {"factor": 2},
    "normals": {"overwrite": True},
    "tangents": {"overwrite": True},
    "remove": {"features": ["EXTRAS"]},
    "instance": {"min": 2},
    "palette": {"min": 2},
    "trim": {"start": 1, "end": 9},
    "atlas": {"max_px": 8192},
}
_ON_PICTURES = ("texture_resize", "texture_encode", "atlas")
_ON_KEYFRAMES = ("resample", "trim")
_SLOW = ("AVIF", "KTX2", "KTX2_UASTC", "KTX2_ETC1S")  # of these the small size says enough


class Case(NamedTuple):
    """A recipe to carry out on a kind of model."""

    name: str
    recipe: Recipe
    kinds: tuple[str, ...]
    small_only: bool = False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="names of steps, exports or presets")
    arguments = parser.parse_args()
    report = Report("model", "recipe", "memory MB", "estimate / memory", "processor s", "estimate / processor")
    with tempfile.TemporaryDirectory() as scratch:
        shaders = ShaderCache(Path(scratch) / "shaders")
        shaders.warm()
        with shaders.zygote(PRELOAD) as zygote:
            rows = []
            for row in _measured(zygote, Path(scratch), arguments.only):
                print(*row[:2], *(f"{value:.3g}" for value in row[2:]), sep="\t", file=sys.stderr)
                report.add(*row)
                rows.append(row)
    memory, time = [row[3] for row in rows], [row[5] for row in rows]
    report.note(f"Median of estimate / processor: {statistics.median(time):.2f}, {min(time):.2f} to {max(time):.2f}.")
    report.at_least("the lowest estimate / memory", min(memory), 0.7)
    report.at_most("the highest estimate / memory", max(memory), 2, "x")
    return report.finish()


def _measured(zygote: Zygote, scratch: Path, only: list[str]) -> Iterator[tuple[str, str, float, float, float, float]]:
    for kind, sizes in _SIZES.items():
        for place, amounts in enumerate(sizes):
            folder = scratch / f"{kind}{place}"
            folder.mkdir()
            document = made_of(amounts)
            size = write_glb(document, folder / "source.glb")
            facts = {name: value for name, value in inspect(document).items() if value is not None}
            model = json_format.ParseDict(facts, Model(), ignore_unknown_fields=True)
            for case in _cases():
                wanted = not only or case.name in only
                if wanted and kind in case.kinds and not (place and case.small_only):
                    yield (
                        f"{kind}, {size / _MB:.1f} MB",
                        case.name,
                        *_compared(zygote, folder, model, size, case.recipe),
                    )


def _compared(zygote: Zygote, folder: Path, model: Model, size: int, recipe: Recipe) -> tuple[float, ...]:
    """Memory in MB, and how many times of it was estimated; the same of processor seconds."""
    planned = estimating.plan(model, size, recipe, 1 << 40)
    found = _phases(zygote, folder, recipe)
    memory, time = max(phase.memory_bytes for phase in found), sum(phase.cpu_s for phase in found)
    seconds = planned.seconds - sum(step.seconds for step in planned.steps if step.name == "validating")
    return memory / _MB, planned.memory_bytes / memory, time, seconds / time


def _phases(zygote: Zygote, folder: Path, recipe: Recipe) -> list[Phase]:
    request = {"source": "source.glb", "recipe": json_format.MessageToDict(recipe)}
    found = phases(zygote, "derive", request, folder, programs=None if ktx2.available() else ktx2.HERE)
    if recipe.HasField("proof"):
        found += phases(zygote, "prove", {"before": "source.glb", "after": "derived.glb"}, folder)
    return found


def _cases() -> Iterator[Case]:
    everything = tuple(_SIZES)
    for name in NAMES:
        kinds = ("mesh", "soup", "parts", *(["keyframes"] if name in _ON_KEYFRAMES else []))
        if name in _ON_PICTURES:
            kinds = ("pictures",)
        if name == "texture_resize":
            yield Case(name, _recipe({name: {"max_px": 256}}), kinds)
        elif name != "texture_encode":
            yield Case(name, _recipe({name: _SETTINGS.get(name, {})}), kinds)
    for encoding in TextureEncode.Encoding.keys()[1:]:
        if not encoding.startswith("KTX2") or not ktx2.available():
            recipe = _recipe({"texture_encode": {"encoding": encoding, "again": True}})
            yield Case(f"texture_encode {encoding}", recipe, ("pictures",), small_only=encoding in _SLOW)
    for format in ExportFormat.keys()[1:]:
        yield Case(format.lower(), Recipe(export_formats=[format]), everything)
    for name, recipe in PRESETS.items():
        yield Case(name, recipe, everything)


def _recipe(step: dict) -> Recipe:
    return json_format.ParseDict({"steps": [step]}, Recipe(export_formats=[EXPORT_GLB]))


if __name__ == "__main__":
    sys.exit(main())
