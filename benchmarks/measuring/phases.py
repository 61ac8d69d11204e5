"""What each phase of a confined child takes: processor seconds and the most memory, as its limits count them."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from threed_workers.sandbox import Limits, Zygote, watch

_TICK = os.sysconf("SC_CLK_TCK")
_EVERY_S = 0.003
_LIMITS = Limits(memory_bytes=12 << 30, wall_s=900, cpu_s=900)


@dataclass
class Phase:
    """One phase. `memory_bytes` is resident and of no file, of the child and the programs that it runs."""

    name: str
    memory_bytes: int = 0
    cpu_s: float = 0.0


def phases(zygote: Zygote, step: str, request: dict, folder: Path, programs: Path | None = None) -> list[Phase]:
    """Run a step, and measure from each of its events to the next. Phases that follow each other may share a name."""
    limits, read = (_LIMITS, []) if programs is None else (Limits(12 << 30, wall_s=900, processes=2), [programs])
    found = [Phase("start")]
    with zygote.start(step, request, folder, limits, read_dirs=read) as child:
        stop, began = threading.Event(), 0.0

        def look() -> None:
            while not stop.wait(_EVERY_S):
                pids = [child.pid] if child.pid is not None else []
                if programs is not None:
                    pids = watch.groups().get(child.pid, [])
                phase = found[-1]
                phase.memory_bytes = max(phase.memory_bytes, watch.use_of(pids).memory_bytes)

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        for event in child.events():
            now = _cpu_s(child.pid, began)
            found[-1].cpu_s, began = now - began, now
            found.append(Phase(event["phase"]))
        child.result()
        stop.set()
        looking.join()
        found[-1].cpu_s = child.ending.cpu_s - began
    return found


def _cpu_s(pid: int | None, otherwise: float) -> float:
    """Processor seconds of a process, and of its children that have ended; `otherwise` if it has ended itself."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK
    return otherwise
