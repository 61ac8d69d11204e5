"""How long the stack takes to start, on an empty folder and on its own one: `python benchmarks/start.py`.

Until the gateway answers, and until a worker has told what it can do. Target: the gateway answers < 10 s warm. Also
what importing costs, beyond an empty Python.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from measuring import CHECKOUT
from measuring.report import Report
from tests.servers.folder import short_folder
from tests.stack import running_stack

_IMPORTS = ("threed.cli", "threed_client", "threed.services", "threed.app", "threed_workers.run")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    report = Report("what", "seconds median", "lowest", "highest")
    cold, warm = [], []
    for _ in range(arguments.rounds):
        with short_folder() as folder:
            cold.append(_start(folder))
            warm.append(_start(folder))
    for name, starts in (("cold", cold), ("warm", warm)):
        _tell(report, f"threed up, {name}: the gateway answers", [start[0] for start in starts])
        _tell(report, f"threed up, {name}: a worker is able", [start[1] for start in starts])
    empty = statistics.median(_times(lambda: _python("pass"), arguments.rounds))
    for module in _IMPORTS:
        seconds = _times(lambda module=module: _python(f"import {module}"), arguments.rounds)
        _tell(report, f"import {module}", [each - empty for each in seconds])
    report.note(f"{arguments.rounds} rounds. Cold: an empty folder (initdb, keys, migrations); files were cached.")
    report.at_most("warm start, the gateway answers", statistics.median(start[0] for start in warm), 10, "s")
    return report.finish()


def _start(folder: Path) -> tuple[float, float]:
    """Seconds until the gateway answers, and until a worker is able."""
    begin = time.perf_counter()
    with running_stack(folder) as stack:
        answered = time.perf_counter() - begin
        stack.wait_until_able()
        return answered, time.perf_counter() - begin


def _python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=True, capture_output=True)


def _times(work: Callable[[], None], rounds: int) -> list[float]:
    work()
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return seconds


def _tell(report: Report, what: str, seconds: list[float]) -> None:
    report.add(what, statistics.median(seconds), min(seconds), max(seconds))


if __name__ == "__main__":
    sys.exit(main())
