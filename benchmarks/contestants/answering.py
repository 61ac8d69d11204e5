"""A process that draws when it is asked to: JSON in, JSON out, line by line. In any Python, beside any library.

{"open": {...}} loads a scene, {"draw": {...}} draws a picture of it; the answer has what it took: {"wall_s", "cpu_s"},
and what the process has taken so far: {"all_cpu_s", "peak_bytes"}. A draw is answered when the pixels are in Python.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path


def answer(open_scene: Callable[[dict], None], draw: Callable[[dict], None]) -> None:
    """Do what is asked until nobody asks. What libraries print goes nowhere, and nothing is cleared up."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        ((task, details),) = json.loads(line).items()
        began, spent = time.perf_counter(), time.process_time()
        {"open": open_scene, "draw": draw}[task](details)
        took = {"wall_s": time.perf_counter() - began, "cpu_s": time.process_time() - spent}
        status = Path("/proc/self/status").read_text()
        (peak_kib,) = re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        took |= {"all_cpu_s": time.process_time(), "peak_bytes": int(peak_kib) * 1024}
        said.write(json.dumps(took) + "\n")
        said.flush()
    os._exit(0)
