"""What a child process is, and how to run one without a supervisor."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from threed.local.errors import ChildFailed

TETHER = Path(__file__).with_name("tether.py")
LOG_LIMIT = 16 << 20  # bytes; one older log of the same size is kept
_TAIL = 4096  # bytes of a log that an error quotes
_POLL_S = 0.03


@dataclass(frozen=True)
class Child:
    """A program to run.

    `death_signal` is what the kernel sends it when its parent is gone, however that happened; `stop_signal` is what
    we send it to end in good order, and after `grace_s` seconds its whole process group gets SIGKILL.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path = Path("/")
    uid: int | None = None
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    grace_s: float = 10.0

    def command(self) -> list[str]:
        """The command line that runs the program tied to this process."""
        uid = "-" if self.uid is None else str(self.uid)
        tether = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(self.death_signal)), uid]
        return [*tether, *self.argv]


@dataclass(frozen=True)
class Service:
    """A child that should always run.

    `prepare` runs before every start and clears what a crash left; `ready` says whether the child serves, and is asked
    again and again until it does. Both may block; neither is called from an event loop's thread.
    """

    child: Child
    ready: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] = lambda: None
    ready_within_s: float = 60.0


def open_log(logs: Path, name: str) -> int:
    """A descriptor that appends to `<logs>/<name>.log`. Starts a new file when the last one passed LOG_LIMIT."""
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = logs / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def cut_log(path: Path) -> None:
    """Move what a log holds to `<name>.log.1` while its child goes on: the descriptor appends, so it follows the cut.

    A line written between the copy and the cut is lost.
    """
    shutil.copyfile(path, path.with_suffix(".log.1"))
    os.truncate(path, 0)


def log_tail(logs: Path, name: str) -> str:
    """The last lines of a child's log."""
    path = logs / f"{name}.log"
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _TAIL))
        return log.read().decode(errors="replace").strip()


def failure(child: Child, logs: Path, what: str) -> ChildFailed:
    """The error for a child that did not start, with the end of its log."""
    return ChildFailed(f"{child.name} {what}. The end of {logs / child.name}.log:\n{log_tail(logs, child.name)}")


def ending(returncode: int) -> str:
    """How a process ended, in words."""
    if returncode >= 0:
        return f"ended with status {returncode}"
    return f"was killed by {signal.Signals(-returncode).name}"


def kill_group(pid: int, number: int = signal.SIGKILL) -> None:
    """Signal a child's process group, if any of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


@contextlib.contextmanager
def running(service: Service, logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one service without a supervisor: it is ready inside the block and gone after it. Not restarted.

    Raises ChildFailed when it ends before it is ready. The calling thread must outlive the block (see tether.py).
    """
    service.prepare()
    log = open_log(logs, service.child.name)
    try:
        process = spawn(service.child, log)
    finally:
        os.close(log)
    try:
        wait_ready(service, process, logs)
        yield process
    finally:
        stop(service.child, process)


def spawn(child: Child, log: int) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C in a terminal reaches only its supervisor."""
    return subprocess.Popen(
        child.command(),
        env=dict(child.env),
        cwd=child.cwd,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_ready(service: Service, process: subprocess.Popen[bytes], logs: Path) -> None:
    """Return when the service is ready. Raises ChildFailed when it ends or takes too long."""
    limit = time.monotonic() + service.ready_within_s
    while not service.ready():
        if (code := process.poll()) is not None:
            raise failure(service.child, logs, ending(code))
        if time.monotonic() > limit:
            raise failure(service.child, logs, f"was not ready after {service.ready_within_s:.0f} s")
        time.sleep(_POLL_S)


def stop(child: Child, process: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, and kill it when it does not. Returns when it is gone."""
    if process.poll() is None:
        process.send_signal(child.stop_signal)
        try:
            process.wait(child.grace_s)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)
            process.wait()
    kill_group(process.pid)
