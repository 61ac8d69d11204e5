"""The most memory of a process that draws a hall once, beside pyrender and F3D: `python benchmarks/render_memory.py`.

104 meshes, 254,800 triangles and 78 textures of 1024 pixels (measuring/showrooms.py), at 1024 x 1024, each in a process
of its own: its peak of resident memory, mapped files included. Target: at most a third of pyrender's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

import yardsticks
from measuring import contestants, shaders, showrooms
from measuring.contestants import F3D, PYRENDER, RASTER
from measuring.report import Report

from threed_workers.document import write_glb

(_SEAT,) = showrooms.seats("hall", 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--shaders", type=Path, help="keep compiled shaders there; without, they are made anew")
    arguments = parser.parse_args()
    yardsticks.install()
    report = Report("renderer", "peak MB", "lowest", "highest", "wall s", "CPU s")
    peaks = {}
    with contestants.place() as folder, shaders.given(arguments.shaders):
        model = folder / "hall.glb"
        write_glb(showrooms.hall(), model)
        scene = {"model": str(model), "size": 1024, "panorama": str(folder / "studio.exr")}
        for entry in (RASTER, PYRENDER, F3D):
            runs = [contestants.cold(entry, _SEAT, **scene) for _ in range(arguments.runs)]
            megabytes = [one.peak_bytes / 1e6 for one in runs]
            peaks[entry] = statistics.median(megabytes)
            seconds = (statistics.median(one.wall_s for one in runs), statistics.median(one.cpu_s for one in runs))
            report.add(entry.name, peaks[entry], min(megabytes), max(megabytes), *seconds)
    report.note(f"{arguments.runs} processes of each, from start to first picture.")
    report.at_most("peak, ours / pyrender", peaks[RASTER] / peaks[PYRENDER], 1 / 3, "x")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
