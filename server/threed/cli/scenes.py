"""List the scenes of the project, or show one of them with its nodes."""

from __future__ import annotations

import argparse
import itertools

from threed.cli import connection, showing
from threed.cli.terminal import moment, table

HELP = "list scenes, or show one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scene_id", nargs="?", metavar="ID", help="show this one, with its nodes")
    parser.add_argument("--filter", default="", help='AIP-160, as in "tags:kitchen"')
    parser.add_argument("--order-by", default="", help='as in "display_name" (default: newest first)')
    parser.add_argument("--limit", type=int, default=50, help="how many at most; 0: all (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each scene")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with connection.connect(arguments) as client:
        if arguments.scene_id:
            scene = client.scenes.get(arguments.scene_id)
            print(scene.to_json() if arguments.json else showing.scene_details(scene))
            return 0
        listing = client.scenes.list(
            filter=arguments.filter, order_by=arguments.order_by, page_size=min(arguments.limit, 1000)
        )
        found = list(itertools.islice(listing, arguments.limit or None))
    if arguments.json:
        for scene in found:
            print(scene.to_json())
        return 0
    rows = [(scene.scene_id, scene.display_name or "-", scene.revision, moment(scene.created_at)) for scene in found]
    print(table(("ID", "NAME", "REVISION", "CREATED"), rows, right=("REVISION",)) if rows else "No scenes.")
    return 0
