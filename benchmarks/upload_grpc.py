"""A 500 MB upload over gRPC, without Envoy, beside FastAPI: `python benchmarks/upload_grpc.py`.

1 MiB messages from a synchronous Python client; FastAPI gets the same file from curl. UploadAsset is one stream;
WriteUpload is the resumable one, with a CRC32C for each message and a record of progress every 8 MiB.
Target: >= 1.1x FastAPI without flushing, though threed flushes.
"""

from __future__ import annotations

import argparse
import sys

import yardsticks
from measuring import doors, grpc_doors, samples
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
        stack.channel() as channel,
        yardsticks.fastapi("raw_upload") as web,
        short_folder() as folder,
    ):
        sample = folder / "sample.stl"
        samples.write_stl(sample, arguments.megabytes * 1_000_000)
        ours = [grpc_doors.upload_asset(stack, channel), grpc_doors.write_upload(stack, channel)]
        theirs = [doors.fastapi(web, durable=True), doors.fastapi(web, durable=False)]
        doors.alternate([*ours, *theirs], sample, arguments.rounds)
    doors.tell(report, [*ours, *theirs])
    report.note(f"{arguments.rounds} rounds of {arguments.megabytes} MB, in turn; the server's CPU, not the sender's.")
    for door in ours:
        for rival in theirs:
            report.at_least(f"{door.name} / {rival.name}", median_ratio(door.rates, rival.rates), 1.1)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
