"""Cancel a render job or an unfinished upload. What is finished stays as it is."""

from __future__ import annotations

import argparse

from threed.cli import connection, showing

HELP = "cancel a render job or an upload"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a render job (rnd_...) or an upload (upl_...)")
    parser.add_argument("--json", action="store_true", help="print the job as one line of JSON")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.id.startswith(("rnd_", "upl_")):
        raise ValueError(f"Give the id of a render job (rnd_...) or of an upload (upl_...); got {arguments.id!r}.")
    with connection.connect(arguments) as client:
        if arguments.id.startswith("upl_"):
            client.uploads.delete(arguments.id)
            return 0
        job = client.renders.cancel(arguments.id)
    print(job.to_json() if arguments.json else showing.job_line(job))
    return 0
