"""What judging a model costs beside importing it: `python benchmarks/validation.py`.

The confined children of an ingest job with a warm fork server: import (read, check, normalize, render copy), the
Khronos validator that stays, and our own checks; for much geometry, much texture and much animation. Beside them the
same validator as people run it: `gltf-transform validate` 4.5, and a script of Node for each file. Targets: the
validator takes at most half as long as the former, and no longer than the latter, which is it and the start of Node.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import yardsticks
from measuring import glbs, processes
from measuring.report import Report, median_ratio
from measuring.steps import Took, command, step

from threed_workers.run import PRELOAD
from threed_workers.sandbox import Zygote
from threed_workers.validator import Validator

_MODULES = yardsticks.HOME / "node_modules"
_OURS = ("import", "Khronos validator, kept alive", "own checks")
_THEIRS = {
    "gltf-transform validate": (_MODULES / ".bin" / "gltf-transform", "validate"),
    "gltf-validator in Node": ("node", yardsticks.RIVALS / "validate.cjs"),
}
_TARGETS = {"gltf-transform validate": 0.5, "gltf-validator in Node": 1.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[5, 30])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    yardsticks.install()
    os.environ["NODE_PATH"] = str(_MODULES)
    report = Report("model", "MB", "part", "median s", "CPU s", "part of our CPU")
    with tempfile.TemporaryDirectory() as scratch, Zygote(PRELOAD) as zygote:
        validator = Validator(Path(scratch), timeout_s=600)
        for megabytes in arguments.megabytes:
            for kind in glbs.KINDS:
                source = Path(scratch) / "model.glb"
                source.write_bytes(glbs.made(kind, round(megabytes * 1e6)))
                _compare(report, zygote, validator, source, kind, arguments.runs)
        validator.close()
    report.note(f"{arguments.runs} runs of each, in turns, the first of which is not counted.")
    return report.finish()


def _compare(report: Report, zygote: Zygote, validator: Validator, source: Path, kind: str, runs: int) -> None:
    took: dict[str, list[Took]] = {name: [] for name in (*_OURS, *_THEIRS)}
    for number in range(runs + 1):
        found = [*_judged(zygote, validator, source), *(command(*words, source) for words in _THEIRS.values())]
        if number:
            for name, one in zip(took, found, strict=True):
                took[name].append(one)
    cpu = {name: statistics.median(one.cpu_s for one in each) for name, each in took.items()}
    whole = sum(cpu[name] for name in _OURS)
    size = source.stat().st_size / 1e6
    for name, each in took.items():
        share = cpu[name] / whole if name in _OURS else float("nan")
        report.add(kind, size, name, statistics.median(one.wall_s for one in each), cpu[name], share)
    ours = [one.wall_s for one in took[_OURS[1]]]
    for name in _THEIRS:
        ratio = median_ratio(ours, [one.wall_s for one in took[name]])
        report.at_most(f"{kind}, {size:.0f} MB, validator / {name}", ratio, _TARGETS[name], "x")


def _judged(zygote: Zygote, validator: Validator, source: Path) -> list[Took]:
    """What each of _OURS took."""
    folder = Path(tempfile.mkdtemp(dir=source.parent))
    (folder / "source").hardlink_to(source)
    found, imported = step(zygote, "import", {"source": "source", "filename": "model.glb"}, folder)
    before, began = _cpu_s(), time.perf_counter()
    if validator.validate(folder / found["files"]["validate"]) is None:
        raise RuntimeError("the Khronos validator gave no report")
    validated = Took(time.perf_counter() - began, _cpu_s() - before, 0)
    _, checked = step(zygote, "check", {"model": found["files"]["normalized"]}, folder)
    shutil.rmtree(folder)
    return [imported, validated, checked]


def _cpu_s() -> float:
    """Of the validator that is kept alive."""
    found = [pid for pid in processes.descendants(os.getpid()) if "validate.js" in processes.command_line(pid)[-1]]
    return sum(map(processes.cpu_s, found))


if __name__ == "__main__":
    sys.exit(main())
