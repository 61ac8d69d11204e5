"""Show what a server and its workers can do: formats, engines, limits. `--probe` runs an empty job through it."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
from typing import TYPE_CHECKING

from threed.cli import connection
from threed.cli.terminal import fields, plain, size, table

if TYPE_CHECKING:
    from threed_client import Capabilities, Limits

HELP = "show a server's formats, engines and limits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--probe", action="store_true", help="also run a job that does nothing, and time it")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with connection.connect(arguments) as client:
        found = client.system.capabilities()
        probe = client.system.probe() if arguments.probe else None
    if arguments.json:
        print(found.to_json())
    else:
        print(_text(found))
    if probe is not None and not arguments.json:
        queued, ran = (
            f"{(each.total_seconds() if each else 0) * 1000:.0f} ms"
            for each in (probe.queue_duration, probe.run_duration)
        )
        print(f"\nAn empty job waited {queued} and ran {ran} on {plain(probe.worker)}.")
    return 0


def _text(found: Capabilities) -> str:
    parts = [fields([("version", found.version), ("workers", str(found.worker_count))])]
    if found.environments:
        parts[0] += "\n" + fields([("environments", ", ".join(found.environments))])
    engines = [
        (each.name, each.version or "-", "yes" if each.available else f"no: {each.unavailable_reason}")
        for each in found.engines
    ]
    formats = [
        (each.name, each.asset_type.name.lower(), each.media_type, " ".join(each.extensions)) for each in found.formats
    ]
    if engines:
        parts.append(table(("ENGINE", "VERSION", "AVAILABLE"), engines))
    outputs = [
        (each.format, each.codec or "-", "yes" if each.available else f"no: {each.unavailable_reason}")
        for each in found.outputs
    ]
    if outputs:
        parts.append(table(("OUTPUT", "CODEC", "AVAILABLE"), outputs))
    if formats:
        parts.append(table(("FORMAT", "TYPE", "MEDIA TYPE", "ENDINGS"), formats))
    if found.limits:
        parts.append(table(("LIMIT", "VALUE"), _limits(found.limits), right=("VALUE",)))
    return "\n\n".join(parts)


def _limits(limits: Limits) -> list[tuple[str, str]]:
    """Every limit under its name in the contract; sizes and times as people read them."""
    rows = []
    for each in dataclasses.fields(limits):
        value = getattr(limits, each.name)
        if isinstance(value, datetime.timedelta):
            text = str(value)
        elif each.name.endswith("_bytes"):
            text = size(value)
        else:
            text = f"{value:,}" if isinstance(value, int) else "-"
        rows.append((each.name, text))
    return rows
