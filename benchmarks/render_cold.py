"""The first picture of a model, beside F3D 4.0 and pyrender: `python benchmarks/render_cold.py`.

The product of measuring/showrooms.py. Cold is a process from its start to the pixels: beside F3D at 1024 x 1024, both
lit by the built-in studio; beside pyrender, which has no environment, at 512 x 512: ours is lit here, too. Warm is a
process that has drawn another model: loading a new one and drawing it once, beside F3D. Compiled shaders and what F3D
keeps of a panorama are there already, as on a machine that has drawn before. Targets: cold at most 0.8 of F3D's time
and 0.4 of pyrender's, warm 0.7 of F3D's.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import yardsticks
from measuring import contestants, shaders, showrooms
from measuring.contestants import F3D, PYRENDER, RASTER, Entry, Took
from measuring.report import Report, median_ratio
from measuring.rows import tell

from threed_workers.document import write_glb

(_SEAT,) = showrooms.seats("helmet", 1)
_MODELS = 3  # of the same sizes and other numbers, in turns


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shaders", type=Path, help="keep compiled shaders there; without, they are made anew")
    arguments = parser.parse_args()
    yardsticks.install()
    report = Report("picture", "renderer", "median s", "lowest", "highest", "CPU s")
    with contestants.place() as folder, shaders.given(arguments.shaders):
        models = [folder / f"helmet-{number}.glb" for number in range(_MODELS)]
        for number, model in enumerate(models):
            write_glb(showrooms.helmet(number), model)
        light = str(folder / "studio.exr")
        lit = {"size": 1024, "panorama": light}
        _tell(report, "cold, with an environment", _cold((RASTER, F3D), models, lit, arguments.runs), 0.8)
        _tell(report, "cold, beside one without", _cold((RASTER, PYRENDER), models, {"size": 512}, arguments.runs), 0.4)
        _tell(report, "warm, a new model", _warm((RASTER, F3D), models, lit, arguments.runs), 0.7)
    report.note(f"{arguments.runs} runs of each, in turns, after one that is not counted.")
    return report.finish()


def _cold(entries: Sequence[Entry], models: Sequence[Path], scene: dict, runs: int) -> dict[Entry, list[Took]]:
    took: dict[Entry, list[Took]] = {entry: [] for entry in entries}
    for number in range(runs + 1):
        for entry in contestants.in_turns(entries, number):
            found = contestants.cold(entry, _SEAT, model=str(models[number % _MODELS]), **scene)
            if number:
                took[entry].append(found)
    return took


def _warm(entries: Sequence[Entry], models: Sequence[Path], scene: dict, runs: int) -> dict[Entry, list[Took]]:
    took: dict[Entry, list[Took]] = {entry: [] for entry in entries}
    with contextlib.ExitStack() as stack:
        running = {entry: stack.enter_context(entry.running()) for entry in entries}
        for number in range(runs + 1):
            for entry in contestants.in_turns(entries, number):
                loaded = running[entry].open(model=str(models[number % _MODELS]), **scene)
                drawn = running[entry].draw(_SEAT)
                if number:
                    took[entry].append(loaded + drawn)
    return took


def _tell(report: Report, what: str, took: dict[Entry, list[Took]], target: float) -> None:
    for entry, each in took.items():
        tell(report, (what, entry.name), each)
    (ours, theirs), (_, rival) = took.values(), took
    for kind in ("wall_s", "cpu_s"):
        ratio = median_ratio([getattr(one, kind) for one in ours], [getattr(one, kind) for one in theirs])
        name = "time" if kind == "wall_s" else "processor time"
        report.at_most(f"{what}, {name}, ours / {rival.name}", ratio, target, "x")


if __name__ == "__main__":
    sys.exit(main())
