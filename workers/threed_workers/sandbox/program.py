"""Run an external program under the same layers, for example Node with a validator as a long-lived child."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from threed import errors
from threed_workers.sandbox import watch
from threed_workers.sandbox.limits import MIB, Limits

_WATCH_S = 0.1

# PDEATHSIG fires when the *thread* that forked ends, not the process. So all programs are started by one thread that
# lives as long as the interpreter.
_starter = concurrent.futures.ThreadPoolExecutor(1, "sandbox-starter")


class Program(subprocess.Popen):
    """A confined program. `stopped_by` says which limit it was killed for, None if for none."""

    stopped_by: errors.ThreedError | None = None

    def stop(self, error: errors.ThreedError | None = None) -> None:
        """Kill it and everything that it started, and wait."""
        self.stopped_by = self.stopped_by or error
        with contextlib.suppress(ProcessLookupError):
            if self.poll() is None:
                os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def spawn_program(
    argv: Sequence[str],
    limits: Limits,
    *,
    folder: Path,
    read_dirs: Sequence[Path] = (),
    write_dirs: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
) -> Program:
    """Start `argv` confined, with three pipes; its working directory, HOME and TMPDIR are `folder`.

    It dies with this process. Memory, threads, processes and wall time are watched as for steps; disk only per file.
    `env` is added to a minimal environment. Node and other programs that reserve addresses need
    `address_space_factor=None`; one that lives long needs `cpu_s=None, wall_s=None`, and a time limit of the caller's
    for each question. Raises FileNotFoundError if there is no such program.
    """
    path = shutil.which(argv[0])
    if path is None:
        raise FileNotFoundError(f"{argv[0]} is not on the PATH of this process. Install it, or name its full path.")
    place = os.path.realpath(folder)
    minimal = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": place, "TMPDIR": place}
    told = {
        "limits": limits.to_dict(),
        "folder": place,
        "parent": os.getpid(),
        "read": [os.path.realpath(path), *(os.path.realpath(p) for p in read_dirs)],
        "write": [os.path.realpath(p) for p in write_dirs],
        "env": minimal | dict(env or {}),
    }
    command = [sys.executable, "-I", "-m", "threed_workers.sandbox.confine", json.dumps(told), path, *argv[1:]]
    pipe = subprocess.PIPE
    program = _starter.submit(
        Program, command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=place, env=minimal, start_new_session=True
    ).result()
    threading.Thread(target=_watch, args=(program, limits), name="sandbox-program", daemon=True).start()
    return program


def _watch(program: Program, limits: Limits) -> None:
    started = time.monotonic()
    while program.poll() is None:
        if limits.wall_s is not None and time.monotonic() - started > limits.wall_s:
            program.stop(errors.JobTimedOut(f"The program ran longer than {limits.wall_s:g} s."))
        pids = [program.pid] if limits.processes == 1 else watch.groups().get(program.pid, [])
        use = watch.use_of(pids)
        if use.memory_bytes > limits.memory_bytes:
            program.stop(errors.JobOutOfMemory(f"The program needs more than {limits.memory_bytes // MIB} MiB."))
        elif use.processes > limits.processes or use.threads > limits.threads:
            program.stop(errors.JobFailed("The program has more processes or threads than allowed."))
        time.sleep(_WATCH_S)
