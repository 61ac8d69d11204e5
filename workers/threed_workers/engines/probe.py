"""Which engines run on this machine: `python -m threed_workers.engines.probe [NAME...]` prints JSON.

[{"name", "version", "available", "reason"}], best first. Each engine is tried in a process of its own, because a bad
driver takes the process with it; `reason` says what is missing and how to get it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from threed_workers.engines import ALL

_SECONDS = 60


def probe_each() -> list[dict]:
    """What this module prints, for all engines."""
    return [_in_child(engine.name, engine.version()) for engine in ALL]


def _in_child(name: str, version: str) -> dict:
    command = [sys.executable, "-m", "threed_workers.engines.probe", "--inside", name]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=os.environ)
    except subprocess.TimeoutExpired:
        return _row(name, version, f"It did not draw a picture within {_SECONDS} s.")
    lines = ended.stdout.splitlines()
    if ended.returncode or not lines:
        said = ended.stderr.strip().splitlines()[-1:] or [""]
        return _row(name, version, f"Its process ended with status {ended.returncode}. {said[0]}".strip())
    return _row(name, version, json.loads(lines[-1])["reason"])


def _row(name: str, version: str, reason: str | None) -> dict:
    return {"name": name, "version": version, "available": reason is None, "reason": reason or ""}


def main(arguments: list[str]) -> None:
    """Print the table; with `--inside NAME`, try one engine here and leave without cleaning up after a driver."""
    if arguments[:1] == ["--inside"]:
        (engine,) = (engine for engine in ALL if engine.name == arguments[1])
        print(json.dumps({"reason": engine.probe()}), flush=True)
        os._exit(0)
    print(json.dumps([row for row in probe_each() if not arguments or row["name"] in arguments], indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
