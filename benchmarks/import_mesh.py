"""STL, PLY and OBJ of 100 MB to GLB, beside assimp: `python benchmarks/import_mesh.py`.

Two models, a terrain whose triangles share corners and a soup of triangles that share none, in five forms. Compared is
file to GLB, each in a process of its own: here Python with its imports, recognising, reading and writing
`normalized.glb`, by the code of the ingest's step `import`; there `assimp export in out.glb -fglb2`. What the ingest
does besides (inspection, the render copy) has no counterpart there; the whole step, in a confined child of a warm fork
server as workers run it, is measured too, for its memory against the file's size, at several sizes.

Targets: at most 0.7 of assimp's time and 0.5 of its memory; the whole step at most 6 times a binary file's size.
assimp comes from the system (Debian: `assimp-utils`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import meshes
from measuring.report import Report, median_ratio

from threed_workers.run import PRELOAD
from threed_workers.sandbox import Limits, Zygote

_MEASURING = Path(__file__).resolve().parent / "measuring"
_ONE_RUN, _FILE_TO_GLB = _MEASURING / "one_run.py", _MEASURING / "file_to_glb.py"
_BINARY = ("stl", "ply")
_MB = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 50, 100])
    parser.add_argument("--make", nargs=4, metavar=("FORM", "MODEL", "BYTES", "PATH"), help="one model")
    arguments = parser.parse_args()
    if arguments.make:
        form, model, size, path = arguments.make
        print(meshes.write(form, model, int(size), Path(path)))
        return 0
    return _compare(arguments.runs, sorted(arguments.megabytes))


def _compare(runs: int, sizes: list[int]) -> int:
    assimp = shutil.which("assimp")
    if assimp is None:
        raise SystemExit("assimp is not on the PATH. Install it: apt-get install assimp-utils.")
    report = Report("MB", "form", "model", "what", "wall s", "CPU s", "peak MB", "peak / file", "GLB MB")
    with tempfile.TemporaryDirectory() as scratch, Zygote(PRELOAD) as zygote:
        for form in meshes.FORMS:
            for model in meshes.MODELS:
                for size in sizes:
                    folder = Path(scratch) / f"{form} {model} {size}".replace(" ", "-")
                    folder.mkdir()
                    source = folder / f"model.{form.split()[0]}"
                    _python(__file__, "--make", form, model, str(size * _MB), str(source))
                    row = (size, form, model)
                    if size == sizes[-1]:
                        _beside_assimp(report, row, source, assimp, runs)
                    _whole_step(report, row, source, zygote)
                    shutil.rmtree(folder)
    report.note(f"{runs} runs of each in turns, medians; ratios are medians of runs that stood side by side.")
    report.note("Sizes but the largest are of the whole step alone, once each, to see how memory grows.")
    report.note(f"The yardstick is {_version(assimp)}.")
    return report.finish()


def _beside_assimp(report: Report, row: tuple, source: Path, assimp: str, runs: int) -> None:
    target = source.with_name("out.glb")
    commands = {
        "threed": [sys.executable, str(_FILE_TO_GLB), str(source), str(target)],
        "assimp": [assimp, "export", str(source), str(target), "-fglb2"],
    }
    seen: dict[str, list[dict]] = {name: [] for name in commands}
    for turn in range(runs):
        for name in sorted(commands, reverse=bool(turn % 2)):
            seen[name].append(_ran(commands[name]) | {"glb": target.stat().st_size})
            target.unlink()
    for name, found in seen.items():
        _row(report, (*row, f"{name}: file to GLB"), found, source)
    starts = [json.loads(one["said"])["start_s"] for one in seen["threed"]]
    report.add(*row, "of that, Python and imports", statistics.median(starts), "", "", "", "")
    named = " ".join(map(str, row[1:]))
    for key, what, target_of, unit in (
        ("wall_s", "time", 0.7, "x"),
        ("cpu_s", "processor time", 0.7, "x"),
        ("peak_bytes", "memory", 0.5, "x"),
    ):
        ratio = median_ratio([one[key] for one in seen["threed"]], [one[key] for one in seen["assimp"]])
        report.at_most(f"{named}, {what} / assimp", ratio, target_of, unit)


def _whole_step(report: Report, row: tuple, source: Path, zygote: Zygote) -> None:
    """The step `import` as a worker runs it."""
    with tempfile.TemporaryDirectory(dir=source.parent) as private:
        (Path(private) / source.name).hardlink_to(source)
        began = time.perf_counter()
        request = {"source": source.name, "filename": source.name}
        with zygote.start("import", request, Path(private), Limits(memory_bytes=8 << 30)) as child:
            made = child.result()
        wall = time.perf_counter() - began
        glb = (Path(private) / made["files"]["normalized"]).stat().st_size
        found = {"wall_s": wall, "cpu_s": child.ending.cpu_s, "peak_bytes": child.ending.peak_bytes, "glb": glb}
    _row(report, (*row, "threed: the whole import step"), [found], source)
    if row[1] in _BINARY:
        ratio = found["peak_bytes"] / source.stat().st_size
        if row[0] >= 50:  # below, the interpreter and its modules weigh more than the file
            report.at_most(f"{row[0]} MB {row[1]} {row[2]}, whole step, peak / file", ratio, 6, "x")


def _row(report: Report, names: tuple, found: list[dict], source: Path) -> None:
    wall, cpu, peak, glb = (
        statistics.median(one[key] for one in found) for key in ("wall_s", "cpu_s", "peak_bytes", "glb")
    )
    report.add(*names, float(wall), float(cpu), peak / _MB, peak / source.stat().st_size, glb / _MB)


def _ran(command: list[str]) -> dict:
    found = json.loads(_python(_ONE_RUN, *command))
    if found["status"]:
        raise RuntimeError(f"{command[0]} ended with status {found['status']}: {found['said'][-500:]}")
    return found


def _python(script: str | Path, *arguments: str) -> str:
    return subprocess.run([sys.executable, script, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def _version(assimp: str) -> str:
    said = subprocess.run([assimp, "version"], capture_output=True, text=True, check=False).stdout
    return next((line.strip() for line in said.splitlines() if "Version" in line), "assimp")


if __name__ == "__main__":
    sys.exit(main())
