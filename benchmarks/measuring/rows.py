"""Rows of a report for runs that were done again and again."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from measuring.contestants import Took
from measuring.report import Report


def tell(report: Report, names: Sequence[str], runs: Sequence[Took]) -> None:
    """One row: what it is, then median, lowest and highest seconds, and the median of the processor seconds."""
    walls = [one.wall_s for one in runs]
    cpu_s = statistics.median(one.cpu_s for one in runs)
    report.add(*names, statistics.median(walls), min(walls), max(walls), cpu_s)
