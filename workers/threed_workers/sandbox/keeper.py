"""The worker's handle on its fork server: start steps, watch them, and start the server again when it died."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from threed import errors
from threed_workers import steps
from threed_workers.sandbox import protocol, watch
from threed_workers.sandbox.child import Child, Ending
from threed_workers.sandbox.limits import Limits
from threed_workers.sandbox.places import PLACES
from threed_workers.sandbox.resident import Resident

_log = logging.getLogger(__name__)

WATCH_S = 0.1
STUCK_S = 20.0  # for the server to start or to end a child; usually milliseconds
_IDLE_S = 1.0
_READY_S = 300  # imports on a cold disk
_DRAIN = 65536

# The whole environment of children: nothing of the worker's, which holds credentials. OpenBLAS starts its threads
# when numpy is imported, and threads do not survive a fork.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}


_C = TypeVar("_C", bound=Child)


class _Gone(Exception):
    """Raised when the fork server cannot take a request: it died."""


class Zygote:
    """A process with everything imported, from which confined steps are forked in milliseconds. Thread-safe.

    `preload`: modules to import there; one that cannot be imported is left out and named in `missing`.
    `module_dirs`: folders with step modules outside the installed packages; children may read them.
    `read_dirs`: what else every child may read. `environment`: added to `ENVIRONMENT`, e.g. LD_LIBRARY_PATH.
    A server that died, by whatever hand, is replaced on the next `start`; what ran in it ends as JobCrashed.
    """

    def __init__(
        self,
        preload: Sequence[str] = (),
        *,
        module_dirs: Sequence[Path] = (),
        read_dirs: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
    ):
        dirs = [str(path) for path in module_dirs]
        self._config = {
            "preload": list(preload),
            "module_dirs": dirs,
            "read": dirs + [str(path) for path in read_dirs],
        }
        self._environment = ENVIRONMENT | dict(environment or {})
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def __enter__(self) -> Zygote:
        self._running()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the server and all its children, and wait until they are gone."""
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    @property
    def layers(self) -> dict[str, object]:
        """The layers of confinement that this machine has, as of `confine.available_layers`."""
        return self._running().ready["layers"]

    @property
    def missing(self) -> dict[str, str]:
        """The modules of `preload` that could not be imported, each with the reason."""
        return self._running().ready["missing"]

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._running().process.pid

    def start(
        self,
        step: str,
        request: dict,
        folder: Path,
        limits: Limits = Limits(),  # noqa: B008  it is frozen
        *,
        read_dirs: Sequence[Path] = (),
        write_dirs: Sequence[Path] = (),
        cache: Path | None = None,
    ) -> Child:
        """Run a step of `steps.STEPS` (or "module:function") in a process of its own.

        `folder` exists (else FileNotFoundError), is private to this step, and is all that it can write, but for
        `write_dirs`; its working directory, HOME and TMPDIR are there. The request must be JSON. The step is called as
        `function(request, folder, report)` and returns a dict that is JSON. Clear up with `remove_folder`.

        `cache`: copied to where its libraries cache. A child keeps no cache of another, which could have poisoned it;
        the shaders that Mesa compiled for a trusted scene (0.2 MB) save 0.4 of 0.65 s of a first frame.
        """
        encoded = protocol.encode_request(request)
        child = self._start(Child, step, folder, limits, read_dirs, write_dirs, cache)
        child.send(encoded)
        return child

    def resident(self, step: str, folder: Path, limits: Limits, *, read_dirs: Sequence[Path] = ()) -> Resident:
        """A child for one request of a step after another, with the arguments of `start`.

        Each request gets the limits of times anew, and a folder of its own below `folder`.
        """
        return self._start(Resident, step, folder, limits, read_dirs, (), None)

    def _start(
        self,
        kind: type[_C],
        step: str,
        folder: Path,
        limits: Limits,
        read_dirs: Sequence[Path],
        write_dirs: Sequence[Path],
        cache: Path | None,
    ) -> _C:
        spec = {
            "target": steps.target(step),
            "folder": os.path.realpath(folder, strict=True),
            "limits": kind.kernel_limits(limits).to_dict(),
            "read": [os.path.realpath(path) for path in read_dirs],
            "write": [os.path.realpath(path) for path in write_dirs],
        }
        if cache is not None:
            shutil.copytree(cache, os.path.join(spec["folder"], PLACES["XDG_CACHE_HOME"]), dirs_exist_ok=True)
        try:
            return self._running().start(kind, step, spec, limits)
        except _Gone:
            return self._running().start(kind, step, spec, limits)

    def _running(self) -> _Server:
        with self._lock:
            if self._server is None or self._server.gone.is_set():
                self._server = _Server(self._config, self._environment)
            return self._server


class _Server:
    """One life of the fork server, and the thread that listens to it and watches its children."""

    def __init__(self, config: dict, environment: dict[str, str]):
        self.socket, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-m", "threed_workers.sandbox.zygote", json.dumps(config)]
        with theirs:
            # Its own session: a Ctrl-C at the terminal is for the worker, which then ends its jobs in order.
            self.process = subprocess.Popen(command, stdin=theirs, env=environment, cwd="/", start_new_session=True)
        self.gone = threading.Event()
        self._lock = threading.Lock()
        self._children: dict[int, Child] = {}
        self._numbers = 0
        self._buffer = b""
        self.ready = self._await_ready()
        self._thread = threading.Thread(target=self._keep, name="sandbox-keeper", daemon=True)
        self._thread.start()

    def start(self, kind: type[_C], step: str, spec: dict, limits: Limits) -> _C:
        ours, theirs = socket.socketpair()
        log, their_log = os.pipe()
        os.set_blocking(log, False)
        child = kind(step, spec["folder"], limits, ours, log)
        try:
            with self._lock:
                if self.gone.is_set():
                    raise _Gone
                self._numbers += 1
                number = self._numbers
                child.attach(lambda: self._tell({"kill": number}))
                self._children[number] = child
                message = json.dumps({"start": spec | {"id": number}}).encode() + b"\n"
                try:
                    socket.send_fds(self.socket, [message], [theirs.fileno(), their_log])
                except OSError:
                    del self._children[number]
                    self.gone.set()
                    raise _Gone from None
        except _Gone:
            ours.close()
            os.close(log)
            raise
        finally:
            theirs.close()
            os.close(their_log)
        return child

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _await_ready(self) -> dict:
        self.socket.settimeout(_READY_S)
        try:
            while b"\n" not in self._buffer:
                part = self.socket.recv(_DRAIN)
                if not part:
                    raise self._ended_early()
                self._buffer += part
        except (OSError, RuntimeError, errors.JobCrashed):  # also a timeout
            self.socket.close()
            self.process.kill()
            self.process.wait()
            raise
        self.socket.settimeout(None)
        line, _, self._buffer = self._buffer.partition(b"\n")
        ready = json.loads(line)["ready"]
        for module, why in ready["missing"].items():
            _log.warning("fork server: without %s (%s)", module, why)
        if ready["threads"] > 1:
            _log.warning("fork server: a preloaded module started threads; they are missing in its children")
        if lacking := [name for name, there in ready["layers"].items() if not there]:
            _log.warning("fork server: this machine cannot confine by %s", ", ".join(lacking))
        return ready

    def _ended_early(self) -> Exception:
        """Why it ended before it was ready: killed, which the next one may not be; or by itself, as that would too."""
        if self.process.wait() == -signal.SIGKILL:
            sentence = "The process that steps are forked from was killed while it started. Run the job again."
            return errors.JobCrashed(sentence, signal="SIGKILL")
        return RuntimeError("The fork server ended at its start. Its standard error says why.")

    def _tell(self, message: dict) -> None:
        with self._lock, contextlib.suppress(OSError):
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def _keep(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            try:
                self._listen_and_watch(selector)
            finally:  # whatever stopped it: without it nobody would be told how their step ended
                self._bury(selector)

    def _listen_and_watch(self, selector: selectors.BaseSelector) -> None:
        watched = 0.0
        while True:
            ready = selector.select(WATCH_S if self._children else _IDLE_S)
            for key, _ in ready:
                if key.data is not None:
                    self._drain(selector, key.data)
            if any(key.data is None for key, _ in ready) and not self._take(selector):
                return
            now = time.monotonic()
            if now - watched >= WATCH_S:
                self._watch(now)
                watched = now

    def _take(self, selector: selectors.BaseSelector) -> bool:
        """Read what the server says; False when it is gone."""
        try:
            data = self.socket.recv(_DRAIN)
        except OSError:
            return False
        if not data:
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            ((kind, value),) = json.loads(line).items()
            number = value.pop("id")
            if kind == "started":
                child = self._children[number]
                child.pid = value["pid"]
                selector.register(child.log_fd, selectors.EVENT_READ, child)
            else:
                self._end(selector, number, Ending(**({"status": None} | value)))
        return True

    def _end(self, selector: selectors.BaseSelector, number: int, ending: Ending) -> None:
        with self._lock:
            child = self._children.pop(number)
        self._drain(selector, child)
        if child.log_fd >= 0:
            self._close_log(selector, child)
        child.finish(ending)

    def _drain(self, selector: selectors.BaseSelector, child: Child) -> None:
        if child.log_fd < 0:
            return
        try:
            text = os.read(child.log_fd, _DRAIN)
        except BlockingIOError:
            return
        child.keep_log(text)
        if not text:
            self._close_log(selector, child)

    @staticmethod
    def _close_log(selector: selectors.BaseSelector, child: Child) -> None:
        with contextlib.suppress(KeyError):
            selector.unregister(child.log_fd)
        os.close(child.log_fd)
        child.log_fd = -1

    def _watch(self, now: float) -> None:
        with self._lock:
            children = list(self._children.values())
        if any(child.waits_since(now) > STUCK_S for child in children):
            _log.error("fork server: stuck, killed")
            self.process.kill()
            return
        children = [child for child in children if child.pid is not None]
        groups = watch.groups() if any(child.limits.processes > 1 for child in children) else {}
        for child in children:
            child.check(now, groups.get(child.pid) or [child.pid])

    def _bury(self, selector: selectors.BaseSelector) -> None:
        """The server died, and by PDEATHSIG its children with it. Kill what they had started, and say so."""
        with self._lock:
            self.gone.set()
            children = dict(self._children)
        self.socket.close()
        self.process.kill()
        self.process.wait()
        for number, child in children.items():
            if child.pid is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
            self._end(selector, number, Ending(status=None))
