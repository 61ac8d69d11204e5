"""Upload files and wait until they are checked. The exit code is 1 when any of them failed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import connection, refusals, showing
from threed.cli.terminal import Progress, plain

if TYPE_CHECKING:
    from threed_client import Asset, Client, ImportOptions

HELP = "upload files and see them checked"

_UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254, "ft": 0.3048}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--name", default="", help="display name of the assets (default: each file's name)")
    parser.add_argument("--tag", action="append", default=[], dest="tags", metavar="TAG", help="may be repeated")
    parser.add_argument("--unit", metavar="UNIT", help="the file's unit: mm, cm, m, in, ft, or a number of metres")
    parser.add_argument("--up", choices=("x", "y", "z"), help="the file's upward axis")
    parser.add_argument("--target", default="", choices=("web", "mobile_ar", "commerce"), help="what the model is for")
    parser.add_argument("--strict", action="store_true", help="an error of the validation fails the asset")
    parser.add_argument("--no-wait", action="store_true", help="return when the bytes are stored, before the checks")
    parser.add_argument("--json", action="store_true", help="print one line of JSON for each file")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with connection.connect(arguments) as client:
        outcomes = [_upload(client, path, arguments) for path in arguments.files]
    return 0 if all(outcomes) else 1


def _upload(client: Client, path: Path, arguments: argparse.Namespace) -> bool:
    """Upload one file and print what became of it. False when it failed; the others still get their turn."""
    from threed_client import AssetStatus, ThreedError
    from threed_client.errors import Unauthenticated, Unavailable

    try:
        with Progress() as progress:
            asset = client.assets.upload(
                path,
                display_name=arguments.name,
                tags=arguments.tags,
                import_options=_options(arguments),
                progress=lambda done, total: progress.bytes(path.name, done, total),
            )
            if not arguments.no_wait:
                asset = follow(client, asset, progress)
    except (OSError, ThreedError) as error:
        if isinstance(error, Unavailable | Unauthenticated):
            raise  # The other files would fare no better.
        _report_refusal(path, error, as_json=arguments.json)
        return False
    print(asset.to_json() if arguments.json else showing.summary(asset), flush=True)
    return asset.status is not AssetStatus.FAILED


def _options(arguments: argparse.Namespace) -> ImportOptions | None:
    """What the arguments say about the files; None when they say nothing. Raises ValueError for an unknown unit."""
    from threed_client import ImportOptions, ImportOptionsStrictness, ImportOptionsUpAxis

    options = ImportOptions(
        strictness=ImportOptionsStrictness["STRICT" if arguments.strict else "STRICTNESS_UNSPECIFIED"],
        target_profile=arguments.target,
        unit_m=_metres(arguments.unit) if arguments.unit else 0.0,
        up_axis=ImportOptionsUpAxis[arguments.up.upper() if arguments.up else "UP_AXIS_UNSPECIFIED"],
    )
    return None if options == ImportOptions() else options


def _metres(unit: str) -> float:
    try:
        return _UNITS.get(unit.lower()) or float(unit)
    except ValueError:
        raise ValueError(f"{unit!r} is no unit. Give {', '.join(_UNITS)}, or a number of metres.") from None


def follow(client: Client, asset: Asset, progress: Progress) -> Asset:
    """Watch an asset until it is checked, on the live line."""
    name = asset.display_name or asset.filename
    for change in client.assets.watch(asset.asset_id):
        progress.part(name, change.progress, change.phase)
        asset = change.asset
    return asset


def _report_refusal(path: Path, error: Exception, *, as_json: bool) -> None:
    print(f"threed upload: {plain(path)}: {refusals.sentence(error)}", file=sys.stderr)
    if as_json:
        told = {"reason": getattr(error, "reason", ""), "message": getattr(error, "message", str(error))}
        print(json.dumps({"filename": path.name, "error": told}), flush=True)
