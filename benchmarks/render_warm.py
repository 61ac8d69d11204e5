"""A frame of a scene that is loaded, beside F3D 4.0: `python benchmarks/render_warm.py`.

Two scenes, measuring/showrooms.py: one product with five textures of 2048 pixels, and a hall of 104 meshes, 254,800
triangles and 78 textures. Each is loaded once by a process of ours, as a worker's child has it, and by one of F3D as a
library; both then draw it frame after frame at 1024 x 1024, each from another place, lit by the built-in studio. Ours
has 2 samples a pixel, F3D one and its FXAA; ours with one, too, is shown and not judged. Targets: at most 0.35 of
F3D's time for the product, 0.7 for the hall.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from pathlib import Path

import yardsticks
from measuring import contestants, shaders, showrooms
from measuring.contestants import F3D, RASTER, Entry, Took
from measuring.report import Report, median_ratio
from measuring.rows import tell

from threed_workers.document import write_glb

_SIZE = 1024
_ONE = dataclasses.replace(RASTER, name="threed, one sample")
_WARM = 2  # frames that are not counted
_TARGETS = {"helmet": 0.35, "hall": 0.7}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=15)
    parser.add_argument("--scenes", nargs="+", default=list(_TARGETS), choices=list(_TARGETS))
    parser.add_argument("--helmet", type=Path, help="another model for the first scene: a GLB about 2 m large")
    parser.add_argument("--shaders", type=Path, help="keep compiled shaders there; without, they are made anew")
    arguments = parser.parse_args()
    yardsticks.install()
    report = Report("scene", "renderer", "median s", "lowest", "highest", "CPU s")
    with contestants.place() as folder, shaders.given(arguments.shaders):
        for scene in arguments.scenes:
            model = folder / f"{scene}.glb"
            if scene == "helmet" and arguments.helmet:
                model = arguments.helmet
            else:
                write_glb(showrooms.SCENES[scene](), model)
            _compare(report, scene, model, folder / "studio.exr", arguments.frames)
    report.note(f"{arguments.frames} frames of {_SIZE} x {_SIZE} each, in turns; all processes stay alive.")
    return report.finish()


def _compare(report: Report, scene: str, model: Path, light: Path, frames: int) -> None:
    samples = {RASTER: 0, _ONE: 1, F3D: 0}  # 0: as they do by default
    took: dict[Entry, list[Took]] = {entry: [] for entry in samples}
    with contextlib.ExitStack() as stack:
        running = {entry: stack.enter_context(entry.running()) for entry in samples}
        for entry, contestant in running.items():
            contestant.open(model=str(model), size=_SIZE, panorama=str(light), samples=samples[entry])
        for number, seat in enumerate(showrooms.seats(scene, _WARM + frames)):
            for entry in contestants.in_turns(list(samples), number):
                drawn = running[entry].draw(seat)
                if number >= _WARM:
                    took[entry].append(drawn)
    _judge(report, scene, took)


def _judge(report: Report, scene: str, took: dict[Entry, list[Took]]) -> None:
    for entry, each in took.items():
        tell(report, (scene, entry.name), each)
    ratio = median_ratio([one.cpu_s for one in took[RASTER]], [one.cpu_s for one in took[F3D]])
    report.at_most(f"{scene}, processor time, ours / F3D", ratio, _TARGETS[scene], "x")
    ratio = median_ratio([one.wall_s for one in took[RASTER]], [one.wall_s for one in took[F3D]])
    report.at_most(f"{scene}, time, ours / F3D", ratio, _TARGETS[scene], "x")


if __name__ == "__main__":
    sys.exit(main())
