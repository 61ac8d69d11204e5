"""Become another program that dies with its parent. Run by path, as a program of its own; imports only the library.

    python -I -S tether.py PARENT_PID DEATH_SIGNAL UID PROGRAM [ARGUMENT...]

UID is a number, or "-" to stay the same user. On Linux the kernel sends DEATH_SIGNAL when the parent *thread* ends, so
start children from a thread that lives as long as they should: the main one. `watchdog.py` does the same elsewhere.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, death_signal: str, uid: str, *command: str) -> None:
    if uid != "-":
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    # After the change of user, because that change clears it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        # The parent may have died before the request reached the kernel; nobody would ever tell us.
        if os.getppid() != int(parent):
            sys.exit(1)
    # Python ignores these two, and exec would hand that on.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
