"""List what became of assets, derivatives and render jobs, newest first."""

from __future__ import annotations

import argparse
import itertools

from threed.cli import connection, showing
from threed.cli.terminal import moment, table

HELP = "list what became of assets, derivatives and render jobs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", action="append", default=[], metavar="TYPE", help="as asset_ready; may be repeated")
    parser.add_argument("--asset", default="", metavar="ID", help="only of this asset, its derivatives and pictures")
    parser.add_argument("--filter", default="", help='AIP-160, as in "created_at>2026-11-21T10:00:00Z"')
    parser.add_argument("--limit", type=int, default=50, help="how many at most; 0: all (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each event")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with connection.connect(arguments) as client:
        listing = client.events.list(filter=_filter(arguments), page_size=min(arguments.limit, 1000))
        found = list(itertools.islice(listing, arguments.limit or None))
    if arguments.json:
        for event in found:
            print(event.to_json())
        return 0
    rows = [
        (
            event.event_id,
            moment(event.created_at),
            event.type,
            event.derivative_id or event.job_id or event.asset_id,
            event.status,
            showing.reason(event.error) if event.error else "-",
        )
        for event in found
    ]
    print(table(("ID", "WHEN", "TYPE", "OF", "STATUS", "WHY"), rows) if rows else "No events.")
    return 0


def _filter(arguments: argparse.Namespace) -> str:
    """All that was asked for, as one filter."""
    parts = [f"({arguments.filter})"] if arguments.filter.strip() else []
    if arguments.asset:
        parts.append(f"asset_id={_quoted(arguments.asset)}")
    if arguments.type:
        parts.append(f"({' OR '.join(f'type={_quoted(type)}' for type in arguments.type)})")
    return " AND ".join(parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
