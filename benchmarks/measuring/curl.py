"""curl as the sender: the same C client for every door that speaks HTTP."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from measuring.stacks import need


def send(path: Path, method: str, url: str, headers: Mapping[str, str], status: int = 200) -> float:
    """Send a file as the body, and return the seconds from the start to the last byte of the answer.

    Raises RuntimeError with the answer when the status is another.
    """
    given = [argument for name, value in headers.items() for argument in ("-H", f"{name}: {value}")]
    # No Expect: 100-continue: curl would wait up to a second for servers that do not send one.
    command = [need("curl", "curl"), "-sS", "-X", method, "-T", str(path), "-H", "Expect:", *given]
    done = subprocess.run([*command, "-w", r"\n%{http_code} %{time_total}", url], capture_output=True, text=True)
    answer, _, last = done.stdout.rpartition("\n")
    code, _, seconds = last.partition(" ")
    if done.returncode or int(code) != status:
        raise RuntimeError(f"{method} {url}: status {code}, {answer[:500]} {done.stderr}")
    return float(seconds)
