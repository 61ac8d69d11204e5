"""Steps of jobs in confined children, and commands, each with what it took."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import processes
from threed_workers.sandbox import Limits, Zygote, watch

_LIMITS = Limits(memory_bytes=8 << 30, wall_s=600, cpu_s=600, disk_bytes=32 << 30)
_EVERY_S = 0.004
_ONE_RUN = Path(__file__).resolve().parent / "one_run.py"


@dataclass
class Took:
    """Seconds, seconds of processor time, and the most memory: `peak_bytes` resident with mapped files, and
    `private_bytes` without them, as the limits of children count it (0 where it was not looked at)."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    private_bytes: int = 0


def step(zygote: Zygote, name: str, request: dict, folder: Path) -> tuple[dict, Took]:
    """Run a step in `folder`: (its answer, what it took)."""
    before, began = processes.cpu_s(zygote.pid, reaped=True), time.perf_counter()
    peaks, stop = [0, 0], threading.Event()
    with zygote.start(name, request, folder, _LIMITS) as child:

        def look() -> None:
            while not stop.wait(_EVERY_S):
                if child.pid is not None:
                    peaks[1] = max(peaks[1], watch.use_of([child.pid]).memory_bytes)
                    try:
                        peaks[0] = max(peaks[0], processes.peak_rss_bytes(child.pid))
                    except (OSError, ValueError):  # it ended
                        pass

        looking = threading.Thread(target=look)
        looking.start()
        try:
            answer = child.result()
        finally:
            wall = time.perf_counter() - began
            stop.set()
            looking.join()
    time.sleep(0.05)  # until the fork server has reaped it, and forked the next
    return answer, Took(wall, processes.cpu_s(zygote.pid, reaped=True) - before, *peaks)


def command(*words: object) -> Took:
    """Run a command of other people's, to its end. Raises CalledProcessError when it fails."""
    done = subprocess.run([sys.executable, _ONE_RUN, *words], capture_output=True, check=True)
    found = json.loads(done.stdout)
    if found["status"]:
        raise subprocess.CalledProcessError(found["status"], list(map(str, words)), found["said"])
    return Took(found["wall_s"], found["cpu_s"], found["peak_bytes"])
