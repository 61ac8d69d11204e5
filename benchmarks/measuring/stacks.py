"""The stack without workers: one server process behind Envoy, so that nothing but the measured path runs."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from tests.servers.folder import short_folder
from tests.stack import RunningStack, running_stack

from measuring import processes, shaders

_SERVER, _WORKER = re.compile(r"-m threed serve$"), re.compile(r"threed_workers\.run")
_ENVOY = re.compile(r"^\S*envoy\S* ")
_WARM_S = 900
_OPTIONS = [("grpc.max_receive_message_length", 16 << 20)]


@dataclass
class Measured:
    """A running stack and where its parts are. `grpc_address` is the server itself, without Envoy."""

    stack: RunningStack
    server_pid: int
    envoy_pid: int
    grpc_address: str

    @functools.cached_property
    def bearer(self) -> tuple[tuple[str, str], ...]:
        """Metadata with an editor's token."""
        return (("authorization", f"Bearer {self.stack.token()}"),)

    def channel(self) -> grpc.Channel:
        """To the server, without Envoy."""
        return grpc.insecure_channel(self.grpc_address, _OPTIONS)

    def forget_blobs(self) -> None:
        """Remove what was uploaded, and wait for the disk, so that no run pays for the one before it."""
        for folder in (self.stack.data / "blobs").glob("*"):
            for path in folder.rglob("*"):
                if path.is_file():
                    path.unlink()
        os.sync()

    def cpu_s(self) -> float:
        """Processor seconds so far of everything that the stack has started."""
        found = 0.0
        for pid in processes.descendants(self.stack.process.pid):
            with contextlib.suppress(OSError):
                found += processes.cpu_s(pid, reaped=True)
        return found

    def wait_for_shaders(self) -> None:
        """A worker compiles them once, after its first start on a machine. Raises RuntimeError when it does not."""
        deadline = time.monotonic() + _WARM_S
        while not (self.stack.data / "cache" / "shaders" / "warm").exists():
            if time.monotonic() > deadline:
                raise RuntimeError("the worker has not compiled its shaders")
            time.sleep(0.2)


@contextlib.contextmanager
def measured_stack(*arguments: str, warm: Path | None = None, **environment: str) -> Iterator[Measured]:
    """A stack in a temporary folder; `--workers 0` unless the arguments say otherwise. `warm`: compiled shaders."""
    with short_folder() as folder:
        if warm is not None:
            shaders.place(warm, folder)
        with stack_on(folder, *arguments, **environment) as measured:
            yield measured


@contextlib.contextmanager
def stack_on(folder: Path, *arguments: str, **environment: str) -> Iterator[Measured]:
    arguments = arguments or ("--workers", "0")
    with running_stack(folder, *arguments, **environment) as stack:
        server, envoy = _find(stack.process.pid, _SERVER), _find(stack.process.pid, _ENVOY)
        yield Measured(stack, server, envoy, processes.environment(server)["THREED_LISTEN"])


def find_worker(measured: Measured) -> int:
    return _find(measured.stack.process.pid, _WORKER)


def need(program: str, package: str) -> str:
    """The path of a program of the system. Ends the benchmark when it is missing."""
    found = shutil.which(program)
    if not found:
        raise SystemExit(f"{program} is not installed. On Debian: `apt-get install {package}`.")
    return found


def _find(parent: int, what: re.Pattern[str]) -> int:
    """The descendant with that command line."""
    for pid in processes.descendants(parent):
        if what.search(" ".join(processes.command_line(pid))):
            return pid
    raise LookupError(f"the stack has no process {what.pattern!r}")
