"""Every test, in two runs at once, because most tests wait for something: `python -m tests.both [options of pytest]`.

One run has the tests of a whole stack, and those of hostile files, because a machine has one canary for them; the other
has the rest, which takes as long. Each prints when it has ended. Fails when one of them does.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).parent
STACKS = ("cli", "clients", "end_to_end", "envoy", "hostile")


def halves() -> tuple[list[str], list[str]]:
    """The paths of each run: together, every test."""
    found = sorted({path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")})
    one = [str(TESTS / name) for name in found if name in STACKS]
    return one, [str(TESTS / name) for name in found if name not in STACKS]


def run(paths: list[str]) -> int:
    """One run of pytest; 5, which says that nothing was selected, counts as success."""
    command = [sys.executable, "-m", "pytest", *sys.argv[1:], *paths]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TESTS.parent)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.flush()
    return 0 if done.returncode == 5 else done.returncode


if __name__ == "__main__":
    with ThreadPoolExecutor(2) as threads:
        sys.exit(max(threads.map(run, halves())))
