"""The most memory of what looks at a GLB, by the size of the file: `python benchmarks/memory_ingest.py`.

The confined children of an ingest job, one after the other as larger files have them: import, our own checks,
thumbnails; and the Khronos validator. Resident memory without mapped files, as the limits of children count it.
Targets: at most 6 times the file, and it grows linearly: ten times the file, at most ten times the memory.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measuring import processes
from measuring.report import Report
from measuring.steps import step

from threed_workers.run import PRELOAD
from threed_workers.sandbox import Zygote
from threed_workers.shader_cache import ShaderCache
from threed_workers.validator import Validator

_MAKE = Path(__file__).resolve().parent / "measuring" / "glbs.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 1000])
    arguments = parser.parse_args()
    report = Report("MB", "part", "wall s", "CPU s", "peak MB", "peak / file")
    peaks: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        shaders = ShaderCache(Path(scratch) / "shaders")
        shaders.warm()
        with shaders.zygote(PRELOAD) as zygote:
            for megabytes in arguments.megabytes:
                folder = Path(scratch) / str(megabytes)
                folder.mkdir()
                subprocess.run([sys.executable, _MAKE, folder / "source", str(megabytes)], check=True)
                for part, wall, cpu, peak in _looked_at(zygote, folder):
                    report.add(megabytes, part, wall, cpu, peak, peak / megabytes)
                    peaks.setdefault(part, []).append(peak)
                shutil.rmtree(folder)
    for part, each in peaks.items():
        report.at_most(f"{part}, {arguments.megabytes[-1]} MB, peak / file", each[-1] / arguments.megabytes[-1], 6, "x")
        if len(each) > 1:
            growth = arguments.megabytes[-1] / arguments.megabytes[-2]
            report.at_most(f"{part}, growth of peak / growth of file", each[-1] / each[-2] / growth, 1, "x")
    return report.finish()


def _looked_at(zygote: Zygote, folder: Path) -> Iterator[tuple[str, float, float, float]]:
    """(part, wall s, CPU s, peak MB) of each part of the ingest of `source` in the folder."""
    found, took = step(zygote, "import", {"source": "source", "filename": "model.glb"}, folder)
    yield "import", took.wall_s, took.cpu_s, took.private_bytes / 1e6
    yield _validated(folder, found["files"]["validate"])
    for name, request in (
        ("check", {"model": found["files"]["normalized"]}),
        ("thumbnails", {"model": found["files"]["render"]}),
    ):
        _, took = step(zygote, name, request, folder)
        yield name, took.wall_s, took.cpu_s, took.private_bytes / 1e6


def _validated(folder: Path, name: str) -> tuple[str, float, float, float]:
    """A validator of its own, because its memory does not go back to the system."""
    with contextlib.closing(Validator(folder, timeout_s=600)) as validator:
        began = time.perf_counter()
        if validator.validate(folder / name) is None:
            raise RuntimeError("the Khronos validator gave no report")
        wall = time.perf_counter() - began
        (pid,) = (pid for pid in processes.descendants(os.getpid()) if "validate.js" in processes.command_line(pid)[-1])
        return "Khronos validator", wall, processes.cpu_s(pid), processes.peak_rss_bytes(pid) / 1e6


if __name__ == "__main__":
    sys.exit(main())
