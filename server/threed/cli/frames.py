"""List the frames of a render job: where each is, how long it took, and why it failed."""

from __future__ import annotations

import argparse
import itertools

from threed.cli import connection, showing, steering
from threed.cli.terminal import table

HELP = "list the frames of a render job"

_HEAD = ("FRAME", "CAMERA", "TIME", "STATUS", "ATTEMPTS", "ENGINE", "SAMPLES", "TOOK", "REASON")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a render job (rnd_...)")
    parser.add_argument("--filter", default="", help='AIP-160, as in "status=FAILED"')
    parser.add_argument("--limit", type=int, default=50, help="how many at most; 0: all (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each frame")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    steering.check(arguments.id)
    with connection.connect(arguments) as client:
        page = min(arguments.limit, 1000)
        listing = client.renders.frames(arguments.id, filter=arguments.filter, page_size=page)
        found = list(itertools.islice(listing, arguments.limit or None))
    if arguments.json:
        for frame in found:
            print(frame.to_json())
        return 0
    rows = [
        (
            frame.frame,
            frame.camera,
            f"{frame.seconds:.2f} s",
            frame.status.name,
            frame.attempts,
            frame.engine_used or "-",
            frame.samples or "-",
            f"{frame.render_s:.2f} s" if frame.render_s else "-",
            showing.refusal(frame.error) if frame.error else "",
        )
        for frame in found
    ]
    right = ("FRAME", "CAMERA", "TIME", "ATTEMPTS", "SAMPLES", "TOOK")
    print(table(_HEAD, rows, right=right) if rows else "No frames.")
    return 0
