"""Which server a command talks to, and with which token.

The server is that of --url, else of THREED_URL, else of the stack that runs from the data folder. The token is that of
--token, else of THREED_TOKEN, else one made on the spot from the data folder's keys, which only the stack's owner can
read. Such a token is sent to this machine alone.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threed_client import Client

PROJECT = "default"
# How long a server that does not answer is tried again.
PATIENCE_S = 5.0
# A token of our own lives for an hour and is replaced before it ends, so that a long watch goes on.
_LIFETIME_S = 3600
_RENEW_AFTER_S = 3000


class NoServer(ValueError):
    """Raised when a command does not know which server to talk to, or has no token for it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that talks to a server."""
    group = parser.add_argument_group("server")
    group.add_argument("--url", help="http://host:port or https://host (default: THREED_URL, else the local stack)")
    group.add_argument("--token", help="(default: THREED_TOKEN, else one from the local stack's keys)")
    group.add_argument("--ca", metavar="FILE", help="PEM file of certificate authorities to trust instead of the usual")
    add_data_argument(group)


def add_data_argument(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """--data, for every command that looks at the local stack."""
    default = os.environ.get("THREED_DATA_DIR") or "~/.local/share/threed"
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=lambda text: Path(text).expanduser(),
        default=Path(default).expanduser(),
        help=f"folder of the local stack (default: THREED_DATA_DIR, else {default})",
    )


def connect(arguments: argparse.Namespace) -> Client:
    """A client for the server that the arguments, the environment or the local stack name. Raises NoServer."""
    from threed_client import Client, _address

    url = arguments.url or os.environ.get("THREED_URL") or _local_url(arguments.data)
    token = arguments.token or os.environ.get("THREED_TOKEN")
    if not token:
        if not _address.parse(url).loopback:
            raise NoServer(f"There is no token for {url}. Give --token, or set THREED_TOKEN.")
        token = _minting(arguments.data)
    return Client(url, token, ca=arguments.ca, patience=PATIENCE_S)


def endpoint_file(data: Path) -> Path:
    """Where a running stack says how it is reached."""
    return data / "endpoint.json"


def _local_url(data: Path) -> str:
    try:
        return json.loads(endpoint_file(data).read_bytes())["url"]
    except (OSError, ValueError, KeyError):
        raise NoServer(
            f"No stack runs from {data}. Start one with `threed up`, or name a server with --url or THREED_URL."
        ) from None


def _minting(data: Path) -> Callable[[], str]:
    """A function that gives an editor's token for this machine's stack, renewed before it expires."""
    from threed.local.keys import Keys

    keys = Keys(data / "keys")
    try:
        minted = [(time.monotonic(), keys.mint("editor", PROJECT, lifetime_s=_LIFETIME_S))]
    except (OSError, IndexError):
        raise NoServer(
            f"There is no token: {keys.folder} has no keys that this user can read. Ask the stack's owner for the "
            "output of `threed token`, and give it with --token or THREED_TOKEN."
        ) from None

    def token() -> str:
        made, text = minted[-1]
        if time.monotonic() - made > _RENEW_AFTER_S:
            minted[:] = [(time.monotonic(), keys.mint("editor", PROJECT, lifetime_s=_LIFETIME_S))]
            text = minted[-1][1]
        return text

    return token
