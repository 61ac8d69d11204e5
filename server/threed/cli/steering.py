"""What `threed pause`, `resume` and `retry` have in common: the id of a render job, and its line afterwards."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from threed.cli import connection, showing

if TYPE_CHECKING:
    from threed_client import Client, RenderJob


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a render job (rnd_...)")
    parser.add_argument("--json", action="store_true", help="print the job as one line of JSON")
    connection.add_arguments(parser)


def steer(arguments: argparse.Namespace, act: Callable[[Client, str], RenderJob]) -> int:
    """Do it, and print what the job is now. Raises ValueError for an id of something else."""
    check(arguments.id)
    with connection.connect(arguments) as client:
        job = act(client, arguments.id)
    print(job.to_json() if arguments.json else showing.job_line(job))
    return 0


def check(id: str) -> None:
    """Raises ValueError for an id of something else than a render job."""
    if not id.startswith("rnd_"):
        raise ValueError(f"Give the id of a render job (rnd_...); got {id!r}.")
