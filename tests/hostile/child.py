"""Import files, each in a forked child with limits, and say what came of it: one JSON line in, one out.

Started by the tests as `python child.py`, so that the heavy modules are loaded once and each fork is cheap. In:
{"file", "filename", "folder"}. Out: {"outcome": "accepted" | "refused" | "crashed" | "late", ...}.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from pathlib import Path

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.importing import import_file, thumbnails_of_picture

MEMORY_BYTES = 4 << 30
WALL_S = 30.0


def imported(task: dict) -> dict:
    """What the import says, never raising."""
    folder = Path(task["folder"])
    try:
        report = import_file(Path(task["file"]), task["filename"], folder, Budget(), lambda step, fraction: None)
        json.dumps(report, allow_nan=False)
        if report["picture"] is not None:
            thumbnails_of_picture(folder / report["files"]["picture"], folder)
        return {"outcome": "accepted", "file_format": report["file_format"]}
    except FileRefused as refusal:
        where = refusal.metadata.get("where")
        return {"outcome": "refused", "reason": refusal.reason, "where": where, "message": refusal.message}
    except MemoryError:
        return {"outcome": "crashed", "message": "out of memory"}
    except BaseException:
        return {"outcome": "crashed", "message": traceback.format_exc()}


def in_child(task: dict) -> dict:
    """Fork, limit, import; kill what is late."""
    out, into = os.pipe()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(out)
        os.chdir(task["folder"])
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(into, json.dumps(imported(task)).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        ready, _, _ = select.select([pipe], [], [], WALL_S)
        data = pipe.read() if ready else b""
    if not ready:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    result = json.loads(data) if data else {"outcome": "crashed" if ready else "late", "message": f"status {status}"}
    return result | {"seconds": time.monotonic() - started, "rss_kb": usage.ru_maxrss}


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(in_child(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
