"""The process that job steps are forked from: `python -I -m threed_workers.sandbox.zygote CONFIG`.

It imports the heavy modules once, single-threaded, and then only forks: numpy and trimesh alone cost half a second.
A fork takes 5 ms for the page tables of 80 MB, so one child is always forked ahead, and waits for its step.

It never touches a byte of an upload. On its standard input, a unix socket, come lines of JSON; with {"start"} come two
file descriptors, the child's socket and its standard error. It answers {"ready"} once, and {"started"} and {"ended"}
for each child. When the socket closes, the worker is dead: it kills all children and ends. When it dies itself, the
children die by PDEATHSIG.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from threed_workers.sandbox import confine, protocol
from threed_workers.sandbox.limits import Limits
from threed_workers.sandbox.places import PLACES

_CHANNEL = 3  # the child's socket to the parent; 0 is /dev/null, 1 and 2 are the log
_SET_CHILD_SUBREAPER = 36
_QUIET_MS = 10  # a spare child is forked when nobody wants anything, and not while a step begins


def main(config: dict) -> None:
    """Serve until the worker goes away."""
    worker = socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.path[:0] = config["module_dirs"]
    missing = _preload(config["preload"])
    if sys.platform == "linux":  # what a dead child leaves behind comes to us to be reaped
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)
    confine.standing_rules()
    gc.collect()
    gc.freeze()  # a collection in a child would otherwise copy every page of what is preloaded
    ready = {"missing": missing, "threads": _threads(), "layers": confine.available_layers()}
    worker.sendall(json.dumps({"ready": ready}).encode() + b"\n")
    _Server(worker, config["read"]).serve()


def _preload(names: list[str]) -> dict[str, str]:
    """Import what is there; {module: why not} of the rest. An optional engine may lack a system library."""
    missing = {}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as e:
            missing[name] = f"{type(e).__name__}: {e}"
    return missing


def _threads() -> int:
    """How many threads there are, native ones too: each of them would be missing in a child."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return threading.active_count()


class _Server:
    def __init__(self, worker: socket.socket, read: list[str]):
        self.worker = worker
        self.read = read
        self.children: dict[int, int] = {}  # process id -> the worker's number for it
        self.buffer = b""
        self.fds: list[int] = []  # received and not yet used, in order: two for each {"start"}
        self.spare: tuple[int, socket.socket] | None = None  # process id, where it waits for its step

    def serve(self) -> None:
        wakes, wake = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        poll.register(self.worker, select.POLLIN)
        poll.register(wakes, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(_QUIET_MS if self.spare is None else None)}
            if not ready:
                self.refill()
            if wakes in ready:
                os.read(wakes, 4096)
                self.reap()
            if self.worker.fileno() in ready and not self.take():
                break
        for pid in self.children:
            _kill_group(pid)
        if self.spare is not None:
            _kill_group(self.spare[0])

    def take(self) -> bool:
        """Read what the worker asks; False when it is gone."""
        try:
            data, fds, _, _ = socket.recv_fds(self.worker, 65536, 64)
        except ConnectionResetError:
            return False
        if not data:
            return False
        self.fds += fds
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "start" in message:
                self.start(message["start"])
            else:
                self.kill(message["kill"])
        return True

    def start(self, spec: dict) -> None:
        fds, self.fds = self.fds[:2], self.fds[2:]
        try:
            pid = self.hand_over(json.dumps(spec).encode(), fds)
        except OSError as e:
            self.tell("ended", {"id": spec["id"], "failed": os.strerror(e.errno or 0)})
        else:
            self.children[pid] = spec["id"]
            self.tell("started", {"id": spec["id"], "pid": pid})
        for fd in fds:
            os.close(fd)

    def hand_over(self, spec: bytes, fds: list[int]) -> int:
        """Give a step to the spare child; its process id. Raises OSError when none can be forked."""
        while True:
            pid, channel = self.spare or _fork(self.read)
            fresh, self.spare = self.spare is None, None
            with channel:
                try:
                    socket.send_fds(channel, [spec], fds)
                    return pid
                except BrokenPipeError:  # it was killed while it waited
                    if fresh:
                        raise

    def refill(self) -> None:
        """Fork the next spare child. If that fails, `start` tries again and says so."""
        with contextlib.suppress(OSError):
            self.spare = self.spare or _fork(self.read)

    def kill(self, number: int) -> None:
        """Kill a child's group. Only who reaps it can do so without hitting a later process of the same id."""
        for pid, known in self.children.items():
            if known == number:
                _kill_group(pid)

    def reap(self) -> None:
        peek = getattr(os, "waitid", None)  # not on macOS before Python 3.13
        with contextlib.suppress(ChildProcessError):
            while True:
                pid = -1
                if peek is not None:
                    found = peek(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                    if found is None:
                        return
                    pid = found.si_pid
                    if pid in self.children:
                        _kill_group(pid)  # what it left running; its id is still taken, so nobody else is hit
                pid, status, usage = os.wait4(pid, os.WNOHANG)
                if pid == 0:
                    return
                if peek is None:
                    _kill_group(pid)
                self.forget(pid, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)

    def forget(self, pid: int, status: int, cpu_s: float, peak: int) -> None:
        number = self.children.pop(pid, None)  # None: an orphan that a child left
        if number is not None:
            peak_bytes = peak if sys.platform == "darwin" else peak * 1024
            self.tell("ended", {"id": number, "status": status, "cpu_s": cpu_s, "peak_bytes": peak_bytes})

    def tell(self, kind: str, value: dict) -> None:
        with contextlib.suppress(BrokenPipeError):  # the worker is gone: serve() sees it next
            self.worker.sendall(json.dumps({kind: value}).encode() + b"\n")


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # the second: it may not have made its group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _fork(read: list[str]) -> tuple[int, socket.socket]:
    """A child that waits for its step: its process id, and the socket to send the step to."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            parent, pid = os.getpid(), os.fork()
            if pid == 0:
                _run_child(theirs, read, parent)  # does not return
    except OSError:
        ours.close()
        raise
    return pid, ours


def _run_child(orders: socket.socket, read: list[str], parent: int) -> None:
    """The child, from fork to end. Nothing may escape from here: behind it lies the server's loop."""
    try:
        _leave_server(orders)
        confinement = confine.Confinement(parent)
        if spec := _await_step():
            _serve(spec, read, confinement)
    except BaseException:  # of ours: a step's own errors are its outcome
        traceback.print_exc()
    finally:
        os._exit(0)


def _leave_server(orders: socket.socket) -> None:
    """Its own session, signals and file descriptors, and nothing of the server's."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.dup2(orders.fileno(), _CHANNEL, inheritable=False)  # it is above 3: the server has 0 to 3
    os.closerange(_CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))


def _await_step() -> dict | None:
    """Wait for a step and take its file descriptors over; None when the server is gone."""
    with socket.socket(fileno=_CHANNEL) as orders:
        data, fds, _, _ = socket.recv_fds(orders, 65536, 2)
        if not data:
            return None
        while part := orders.recv(65536):
            data += part
    channel, log = fds
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(channel, _CHANNEL, inheritable=False)
    os.close(channel)
    os.close(log)
    faulthandler.enable(2)
    return json.loads(data)


def _settle(folder: Path) -> None:
    """Its own folders and environment."""
    for name, place in PLACES.items():
        os.environ[name] = os.path.join(folder, place)
        os.makedirs(os.environ[name], exist_ok=True)
    tempfile.tempdir = None
    os.chdir(folder)


def _serve(spec: dict, read: list[str], confinement: confine.Confinement) -> None:
    """Confine this process, then answer requests until there are no more: one, or as many as a resident gets."""
    try:
        function = _function(spec["target"])  # our own code: imported while files can still be read
        folder = Path(spec["folder"])
        _settle(folder)
        applied = confinement.apply(Limits(**spec["limits"]), spec["folder"], [*read, *spec["read"]], spec["write"])
    except BaseException as error:
        return _write(protocol.encode_error(error))
    _write(protocol.encode("layers", applied))
    for line in _lines():
        _write(_outcome(function, line, folder))


def _outcome(function: Callable[[dict, Path, protocol.Report], dict], line: bytes, folder: Path) -> bytes:
    """Answer one request; the line that says how it ended."""
    try:
        place, request = protocol.decode_request(line)
        return protocol.encode("result", function(request, folder / place, _reporter()))
    except BaseException as error:
        try:
            return protocol.encode_error(error)
        except MemoryError:
            return protocol.OUT_OF_MEMORY_LINE


def _function(target: str) -> Callable[[dict, Path, protocol.Report], dict]:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _reporter() -> protocol.Report:
    lock = threading.Lock()

    def report(event: dict) -> None:
        line = protocol.encode("event", event)
        with lock:
            _write(line)

    return report


def _lines() -> Iterator[bytes]:
    """What the worker asks, line by line, until it will ask no more."""
    rest = b""
    while part := os.read(_CHANNEL, 1 << 20):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines


def _write(line: bytes) -> None:
    left = memoryview(line)
    while left:
        left = left[os.write(_CHANNEL, left) :]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
