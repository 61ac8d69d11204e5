"""List the assets of the project, or show one of them in detail."""

from __future__ import annotations

import argparse
import itertools

from threed.cli import connection, showing
from threed.cli.terminal import moment, size, table

HELP = "list assets, or show one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("asset_id", nargs="?", metavar="ID", help="show this one, with what the validator found")
    parser.add_argument("--filter", default="", help='AIP-160, as in "status=VALIDATED AND tags:chair"')
    parser.add_argument("--order-by", default="", help='as in "size_bytes desc" (default: newest first)')
    parser.add_argument("--limit", type=int, default=50, help="how many at most; 0: all (default: %(default)s)")
    parser.add_argument("--deleted", action="store_true", help="list soft-deleted assets too")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each asset")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with connection.connect(arguments) as client:
        if arguments.asset_id:
            asset = client.assets.get(arguments.asset_id)
            print(asset.to_json() if arguments.json else showing.asset_details(asset))
            return 0
        listing = client.assets.list(
            filter=arguments.filter,
            order_by=arguments.order_by,
            show_deleted=arguments.deleted,
            page_size=min(arguments.limit, 1000),
        )
        found = itertools.islice(listing, arguments.limit or None)
        if arguments.json:
            for asset in found:
                print(asset.to_json())
            return 0
        rows = [
            (
                asset.asset_id,
                asset.display_name,
                asset.file_format or "-",
                "DELETED" if asset.delete_time else asset.status.name,
                size(asset.size_bytes),
                f"{asset.model.triangle_count:,}" if asset.model else "-",
                moment(asset.upload_timestamp),
            )
            for asset in found
        ]
    head = ("ID", "NAME", "FORMAT", "STATUS", "SIZE", "TRIANGLES", "UPLOADED")
    print(table(head, rows, right=("SIZE", "TRIANGLES")) if rows else "No assets.")
    return 0
