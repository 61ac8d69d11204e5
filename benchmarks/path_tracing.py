"""A path traced picture beside Cycles 4.5: `python benchmarks/path_tracing.py`.

The product of measuring/showrooms.py, lit by the built-in studio: 512 x 512, 64 samples a pixel, 8 bounces, no
denoising, no adaptive sampling. Both have the scene loaded, and draw it from one place after the other. Ours counts
the passes that a watcher sees getting better; Cycles keeps its data between pictures. Targets: at most 0.4 of Cycles'
time with LLVM, 0.9 without. LLVM is measured where a library of version 17 or later is found, or named by
DRJIT_LIBLLVM_PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

import yardsticks
from measuring import contestants, showrooms
from measuring.contestants import CYCLES, PATH_TRACED, Entry, Took
from measuring.report import Report, median_ratio
from measuring.rows import tell

from threed_workers.document import write_glb
from threed_workers.engines.tracing.llvm import found
from threed_workers.engines.tracing.variant import VARIABLE

_SCENE = {"samples": 64, "bounces": 8}
_SCALAR, _LLVM = "threed, scalar", "threed, LLVM"
_TARGETS = {_SCALAR: 0.9, _LLVM: 0.4}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    yardsticks.install_cycles()
    library = found()
    report = Report("renderer", "median s", "lowest", "highest", "CPU s")
    with contestants.place() as folder:
        model = folder / "helmet.glb"
        write_glb(showrooms.helmet(), model)
        took = _took(folder, _SCENE | {"model": str(model), "size": arguments.size}, library, arguments.runs)
    for name, each in took.items():
        tell(report, (name,), each)
    for name in _TARGETS:
        if name in took:
            for what, kind in (("time", "wall_s"), ("processor time", "cpu_s")):
                ratio = median_ratio(*([getattr(one, kind) for one in took[which]] for which in (name, CYCLES.name)))
                report.at_most(f"{name}, {what}, ours / Cycles", ratio, _TARGETS[name], "x")
    if not library:
        report.note("LLVM was not measured: there is no libLLVM of version 17 or later.")
    report.note(
        f"{arguments.runs} pictures of {arguments.size} x {arguments.size} of each, in turns, after one that is not "
        "counted."
    )
    return report.finish()


def _took(folder: Path, scene: dict, library: str, runs: int) -> dict[str, list[Took]]:
    """By name: ours with and without LLVM, and Cycles."""
    (folder / "llvm").write_text(library)
    entries: dict[str, tuple[Entry, dict[str, str]]] = {_SCALAR: (PATH_TRACED, {VARIABLE: ""})}
    if library:
        entries[_LLVM] = (PATH_TRACED, {VARIABLE: str(folder / "llvm")})
    entries[CYCLES.name] = (CYCLES, {})
    took: dict[str, list[Took]] = {name: [] for name in entries}
    with contextlib.ExitStack() as stack:
        running = {
            name: stack.enter_context(entry.running(**environment)) for name, (entry, environment) in entries.items()
        }
        for contestant in running.values():
            contestant.open(**scene, panorama=str(folder / "studio.exr"))
        for number, seat in enumerate(showrooms.seats("helmet", runs + 1)):
            for name in contestants.in_turns(list(entries), number):
                drawn = running[name].draw(seat)
                if number:
                    took[name].append(drawn)
    return took


if __name__ == "__main__":
    sys.exit(main())
