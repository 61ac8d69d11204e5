"""A 500 MB upload through Envoy to disk, beside FastAPI and @tus/server: `python benchmarks/upload_rest.py`.

One curl sends the same file to each in turn. threed hashes it (SHA-256), and flushes file and folder before it answers;
FastAPI hashes, and is run with and without flushing; tus does neither. Targets: >= 1.0x each.
"""

from __future__ import annotations

import argparse
import sys

import yardsticks
from measuring import doors, samples
from measuring.report import Report, median_ratio
from measuring.stacks import measured_stack
from tests.servers.folder import short_folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    report = Report(*doors.COLUMNS)
    with (
        measured_stack() as stack,
        yardsticks.fastapi("raw_upload") as web,
        yardsticks.tus() as node,
        short_folder() as folder,
    ):
        sample = folder / "sample.stl"
        samples.write_stl(sample, arguments.megabytes * 1_000_000)
        ours = doors.threed_rest(stack)
        theirs = [doors.fastapi(web, durable=True), doors.fastapi(web, durable=False), doors.tus(node)]
        doors.alternate([ours, *theirs], sample, arguments.rounds)
    doors.tell(report, [ours, *theirs])
    report.note(f"{arguments.rounds} rounds of {arguments.megabytes} MB, in turn; CPU of threed: server and Envoy.")
    for door in theirs:
        report.at_least(f"upload through Envoy / {door.name}", median_ratio(ours.rates, door.rates), 1.0)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
