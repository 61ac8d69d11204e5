"""End a supervisor's children, and what they have started, when the supervisor is gone.

The kernel of Linux does so for the children themselves (tether.py), which holds even when this process is killed too;
theirs it does not know, and other kernels know neither.

    python -I -S watchdog.py < PIPE

The supervisor holds the other end of the pipe and writes "+PID SIGNAL" for each child it starts and "-PID" for each
that has ended. When the pipe closes, for whatever reason, every process group still listed gets its signal.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    # Ctrl-C and a stop of the terminal are for the supervisor; this process outlives it by a moment.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    children: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            pid, death_signal = line[1:].split()
            children[int(pid)] = int(death_signal)
        else:
            children.pop(int(line[1:]), None)
    for pid, death_signal in children.items():
        try:
            os.killpg(pid, death_signal)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
