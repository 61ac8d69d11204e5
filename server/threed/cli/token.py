"""Print a token for the local stack, signed with the keys in its data folder."""

from __future__ import annotations

import argparse
import getpass
import re

from threed.cli.connection import PROJECT, add_data_argument

HELP = "print a token for the local stack"

_ROLES = ("viewer", "editor", "admin")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", choices=_ROLES, required=True, help="viewer reads, editor writes, admin also purges")
    parser.add_argument("--project", default=PROJECT, help="the project it is for (default: %(default)s)")
    parser.add_argument("--subject", default=None, help="whose it is, as created_by shows (default: the user's name)")
    parser.add_argument("--lifetime", type=_seconds, default="1h", metavar="TIME", help="30m, 12h, 7d (default: 1h)")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from threed.local.keys import Keys

    keys = Keys(arguments.data / "keys")
    if not keys.jwks_file.exists():
        raise ValueError(f"{keys.folder} has no keys. They are made when `threed up --data {arguments.data}` starts.")
    subject = arguments.subject or getpass.getuser()
    print(keys.mint(arguments.role, arguments.project, subject=subject, lifetime_s=arguments.lifetime))
    return 0


def _seconds(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]*)([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 90s, 30m, 12h or 7d")
    return int(found[1]) * _UNITS[found[2]]
