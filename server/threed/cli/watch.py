"""Follow an asset or a render job until it is finished. The exit code is 1 when it failed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from threed.cli import connection, showing
from threed.cli.terminal import Progress, plain

if TYPE_CHECKING:
    from threed_client import Client

HELP = "follow an asset or a render job"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="an asset (ast_...) or a render job (rnd_...)")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after that time")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each change")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with connection.connect(arguments) as client, Progress() as progress:
        for change, resource, fraction, phase in _changes(client, arguments.id, arguments.timeout):
            if arguments.json:
                print(change.to_json(), flush=True)
            elif not progress.live:
                print(f"{resource.status.name:<10} {fraction:4.0%}  {plain(phase)}", flush=True)
            progress.part(resource.status.name, fraction, phase)
    if not arguments.json:
        shown = showing.summary if arguments.id.startswith("ast_") else showing.job_line
        print(shown(resource))
    return 0 if resource.status.name in ("VALIDATED", "COMPLETED") else 1


def _changes(client: Client, id: str, timeout: float | None) -> Iterator[tuple]:
    """(change, resource, part that is done, note) for each change. Raises ValueError for an id of something else."""
    if id.startswith("ast_"):
        for change in client.assets.watch(id, timeout=timeout):
            yield change, change.asset, change.progress, change.phase
    elif id.startswith("rnd_"):
        for change in client.renders.watch(id, timeout=timeout):
            yield change, change.render_job, change.render_job.progress, showing.render_note(change)
    else:
        raise ValueError(f"Give the id of an asset (ast_...) or of a render job (rnd_...); got {id!r}.")
