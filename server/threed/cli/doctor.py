"""Look at what this machine has for a stack of its own, and say how to get what it lacks."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from dataclasses import asdict

from threed.cli.connection import add_data_argument
from threed.cli.terminal import plain, table

HELP = "say what this machine lacks, and how to get it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--install", action="store_true", help="run apt-get for what is missing; needs root")
    parser.add_argument(
        "--port", type=int, default=8080, help="the port that the stack will have (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_data_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from threed.cli import examination

    found = examination.examine(arguments.data, arguments.port)
    packages = sorted({package for check in found if not check.ok for package in check.packages})
    if arguments.install and packages:
        _install(packages)
        found = examination.examine(arguments.data, arguments.port)
        packages = sorted({package for check in found if not check.ok for package in check.packages})
    missing = [check for check in found if check.required and not check.ok]
    if arguments.json:
        print(json.dumps({"ok": not missing, "checks": [asdict(check) for check in found]}))
        return 1 if missing else 0
    print(table(("", "WHAT", "FOUND"), [(_mark(check), check.name, check.found) for check in found]))
    remedies = dict.fromkeys(check.remedy for check in found if not check.ok and check.remedy)
    if packages:
        sudo = "" if os.geteuid() == 0 else "sudo "
        remedies[f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}"] = None
    if remedies:
        print("\nTo get what is missing:\n" + "\n".join(f"  {plain(remedy)}" for remedy in remedies))
    print("\nSomething required is missing." if missing else "\nA stack can run here: `threed up`.")
    return 1 if missing else 0


def _mark(check) -> str:
    return "ok" if check.ok else "MISSING" if check.required else "missing"


def _install(packages: list[str]) -> None:
    """Raises ValueError where apt-get cannot be run, OSError when it fails."""
    if shutil.which("apt-get") is None:
        raise ValueError("--install knows apt-get only, and this system has none. Install the libraries by hand.")
    if os.geteuid() != 0:
        raise ValueError("--install needs root: run `sudo threed doctor --install`.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
        # Its report must not mix with ours, which may be JSON.
        result = subprocess.run(command, env=environment, stdout=2, check=False)
        if result.returncode:
            raise OSError(f"`{' '.join(command)}` ended with {result.returncode}; see above.")
