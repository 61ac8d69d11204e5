"""Start the whole stack on this machine, and stop it with Ctrl-C: database, servers, workers and gateway."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from threed.cli.connection import add_data_argument, endpoint_file
from threed.cli.terminal import plain

HELP = "start the whole stack on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_argument(parser)
    parser.add_argument("--port", type=int, default=8080, help="where callers come in (default: %(default)s)")
    parser.add_argument("--servers", type=int, default=1, help="server processes (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default: %(default)s)")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM file: a second port with TLS opens")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key")
    parser.add_argument("--tls-port", type=int, default=8443, help="the port with TLS (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    from threed.local.stack import Stack, TlsDoor

    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise ValueError("--tls-cert and --tls-key: give both for TLS, or neither.")
    tls = TlsDoor(arguments.tls_cert, arguments.tls_key, arguments.tls_port) if arguments.tls_cert else None
    stack = Stack(arguments.data, port=arguments.port, servers=arguments.servers, workers=arguments.workers, tls=tls)
    endpoint = endpoint_file(stack.data)
    announced = []

    def announce() -> None:
        announced.append(endpoint)
        _write(endpoint, stack.url)
        print(_welcome(stack.url, stack.data), flush=True)

    print(f"Starting the stack of {plain(stack.data)} ...", flush=True)
    try:
        asyncio.run(stack.run(announce))
    finally:
        # Only what this process wrote: a start that was refused must not hide the stack that runs.
        for path in announced:
            path.unlink(missing_ok=True)
    return 0


def _write(endpoint: Path, url: str) -> None:
    draft = endpoint.with_name(f".{endpoint.name}")
    draft.write_text(json.dumps({"url": url}))
    draft.replace(endpoint)


def _welcome(url: str, data: Path) -> str:
    return (
        f"threed is ready at {url}\n"
        f"  upload   threed upload FILE\n"
        f"  token    threed token --role editor --data {plain(data)}\n"
        f"  logs     {plain(data / 'logs')}\n"
        f"Ctrl-C stops it."
    )
