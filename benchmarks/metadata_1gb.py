"""What a GLB of 1 GB is made of: `python benchmarks/metadata_1gb.py`.

Read, checked and described by our importer, every accessor scanned, in a process of its own; beside `gltf-transform
inspect` 4.5, and `assimp info` 5.2.5 up to the size that `--assimp` says: it needs minutes and 11 GB for a gigabyte.
Targets: at most 2.5 s and 0.7 GB of resident memory. The start of Python is in ours, as that of Node is in theirs.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yardsticks
from measuring.report import Report, median_ratio
from measuring.stacks import need
from measuring.steps import Took, command

_HERE = Path(__file__).resolve().parent / "measuring"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--assimp", type=int, default=100, help="the largest file for assimp, in MB")
    arguments = parser.parse_args()
    yardsticks.install()
    report = Report("MB", "tool", "median s", "CPU s", "peak MB")
    with tempfile.TemporaryDirectory() as scratch:
        for megabytes in arguments.megabytes:
            path = Path(scratch) / f"{megabytes}.glb"
            subprocess.run([sys.executable, _HERE / "glbs.py", path, str(megabytes)], check=True)
            _compare(report, path, megabytes, arguments.runs, megabytes <= arguments.assimp)
            path.unlink()
    report.note(f"{arguments.runs} runs of each, in turns, the file in the page cache.")
    return report.finish()


def _compare(report: Report, path: Path, megabytes: int, runs: int, with_assimp: bool) -> None:
    tools = {
        "threed": (sys.executable, _HERE / "metadata.py", path),
        "gltf-transform 4.5 inspect": (yardsticks.HOME / "node_modules" / ".bin" / "gltf-transform", "inspect", path),
    }
    if with_assimp:
        tools["assimp 5.2.5 info"] = (need("assimp", "assimp-utils"), "info", path)
    took: dict[str, list[Took]] = {name: [] for name in tools}
    for _ in range(runs):
        for name, words in tools.items():
            took[name].append(command(*words))
    for name, each in took.items():
        wall, cpu = (
            statistics.median(values) for values in zip(*((one.wall_s, one.cpu_s) for one in each), strict=True)
        )
        report.add(megabytes, name, wall, cpu, max(one.peak_bytes for one in each) / 1e6)
    ours, theirs = took["threed"], took["gltf-transform 4.5 inspect"]
    if megabytes >= 1000:
        report.at_most(f"{megabytes} MB, time", statistics.median(one.wall_s for one in ours), 2.5, "s")
        report.at_most(f"{megabytes} MB, peak", max(one.peak_bytes for one in ours) / 1e6, 700, "MB")
    ratio = median_ratio([one.wall_s for one in ours], [one.wall_s for one in theirs])
    report.at_most(f"{megabytes} MB, time / gltf-transform", ratio, 0.5, "x")


if __name__ == "__main__":
    sys.exit(main())
