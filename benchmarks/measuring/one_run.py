"""What one command takes: `python one_run.py COMMAND...` prints status, wall and processor seconds, peak memory.

A program of its own, because a child's peak begins with what its parent had resident when it was started; this parent
is small. Nothing of numpy or of the product is imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
said = process.stdout.read().decode(errors="replace")
_, status, used = os.wait4(process.pid, 0)
process.returncode = status  # it is waited for
wall = time.perf_counter() - began
spent = {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * 1024}
print(json.dumps({"status": status, "said": said, **spent}))
