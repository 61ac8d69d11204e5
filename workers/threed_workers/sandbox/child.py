"""The worker's end of one running step."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

from threed import errors
from threed_workers.sandbox import protocol, watch
from threed_workers.sandbox.limits import MIB, Limits

_log = logging.getLogger(__name__)

_LOG_TAIL = 16 * 1024
_DISK_SHARE = 10  # counting files may take a tenth of the time


@dataclasses.dataclass(frozen=True)
class Ending:
    """How the process ended. `status` as of os.wait, None if nobody could see it; times in seconds, sizes in bytes."""

    status: int | None
    cpu_s: float = 0.0
    peak_bytes: int = 0
    failed: str = ""  # why it could not even be started


class Child:
    """One step in its own confined process. Made by `Zygote.start`; safe to use from several threads.

    Read `events()` to its end or not at all, then ask for `result()`. Use it as a context manager, and nothing of it
    runs on after the block.
    """

    def __init__(self, step: str, folder: str, limits: Limits, channel: socket.socket, log: int):
        self.step = step
        self.folder = folder
        self.limits = limits
        self.pid: int | None = None
        self.layers: dict[str, object] = {}  # what `confine` applied; empty until the first event or the result
        self.ending: Ending | None = None
        self.log_fd = log
        self._signal: Callable[[], None] = lambda: None
        self._channel = channel
        self._buffer = bytearray()
        self._read = 0
        self._outcome: tuple[str, dict] | None = None
        self._stopped: errors.ThreedError | None = None
        self._stopped_at = 0.0
        self._ended = threading.Event()
        self._reading = threading.Lock()
        self._stopping = threading.Lock()
        self._log = b""
        self._started = self._asked_at = time.monotonic()
        self._spent_s = 0.0  # processor seconds before it was asked
        self._next_disk = 0.0
        self._oom_kills = watch.kernel_oom_kills()

    @staticmethod
    def kernel_limits(limits: Limits) -> Limits:
        """What the process itself is held to; the rest is watched."""
        return limits

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended.is_set():
            self.kill()
            self._ended.wait()
        self._channel.close()

    def events(self) -> Iterator[dict]:
        """What the step reports, as it comes; ends when the step does. Never raises for what the child did."""
        while True:
            with self._reading:
                event = self._next_event()
            if event is None:
                return
            yield event

    def kill(self, error: errors.ThreedError | None = None) -> None:
        """Stop the step now (SIGKILL to all its processes); `result()` then raises `error`, by default JobCancelled.

        The first reason counts. Does nothing if it has ended. From any thread; does not wait.
        """
        with self._stopping:
            if self._ended.is_set():
                return
            if self._stopped is None:
                self._stopped_at = time.monotonic()
                self._stopped = error or errors.JobCancelled("The job was cancelled.", step=self.step)
        self._signal()

    def result(self) -> dict:
        """What the step returned. Waits for its end.

        Raises the ThreedError that the step raised, or JobCancelled, JobTimedOut, JobOutOfMemory, JobDiskFull,
        JobCrashed (metadata `signal`, `step`), JobFailed.
        """
        for _ in self.events():
            pass
        while not self._ended.wait(2):
            # The channel is closed, so it should be gone. A process that still holds memory closed it by itself.
            if self._outcome is None and self.pid is not None and watch.use_of([self.pid]).memory_bytes > 0:
                self.kill(errors.JobFailed(f"The step {self.step} hung up without a result.", step=self.step))
            self._signal()
        self._channel.close()
        error = self._error()
        if error is not None:
            self._tell_log(error)
            raise error
        return self._outcome[1]

    # ------------------------------------------------------------ for the zygote's handle

    def attach(self, signal_group: Callable[[], None]) -> None:
        """Say how its group is killed."""
        self._signal = signal_group

    def send(self, line: bytes, last: bool = True) -> None:
        """Give it a request, the last or not; a child that died before reading it is noticed by `result()`."""
        self._channel.settimeout(60)
        try:
            self._channel.sendall(line)
            if last:
                self._channel.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self._channel.settimeout(None)

    def keep_log(self, text: bytes) -> None:
        """Remember the end of what it wrote to its standard error."""
        self._log = (self._log + text)[-_LOG_TAIL:]

    def finish(self, ending: Ending) -> None:
        """It is gone, and so is everything that it started."""
        with self._stopping:
            self.ending = ending
            self._ended.set()

    def waits_since(self, now: float) -> float:
        """For how many seconds the server owes it a start or an end."""
        if self.pid is None:
            return now - self._started
        return now - self._stopped_at if self._stopped is not None else 0.0

    def check(self, now: float, pids: list[int]) -> None:
        """Kill it if it is over a watched limit. `pids`: its processes now."""
        limits = self.limits
        if limits.wall_s is not None and now - self._asked_at > limits.wall_s:
            return self.kill(timed_out(self.step, f"{limits.wall_s:g} s"))
        use = watch.use_of(pids)
        if use.memory_bytes > limits.memory_bytes:
            return self.kill(_out_of_memory(self.step, f"{limits.memory_bytes // MIB} MiB"))
        for name, have, most in (
            ("processes", use.processes, limits.processes),
            ("threads", use.threads, limits.threads),
        ):
            if have > most:
                message = f"The step {self.step} has {have} {name}, and {most} are allowed."
                return self.kill(errors.JobFailed(message, step=self.step, limit=name))
        if now >= self._next_disk:
            if over := self._over_disk(use.unlinked_bytes):
                return self.kill(over)
            self._next_disk = now + (time.monotonic() - now) * _DISK_SHARE

    # ------------------------------------------------------------ inside

    def _over_disk(self, unlinked_bytes: int) -> errors.JobDiskFull | None:
        limits = self.limits
        used, entries = watch.folder_use(self.folder, limits.disk_bytes, limits.disk_files)
        if entries > limits.disk_files:
            return _disk_full(self.step, f"{limits.disk_files} files")
        if used + unlinked_bytes > limits.disk_bytes:
            return _disk_full(self.step, f"{limits.disk_bytes // MIB} MiB")
        return None

    def _next_event(self) -> dict | None:
        while self._outcome is None:
            try:
                line = self._next_line()
                if line is None:
                    return None
                kind, value = protocol.decode(line)
                if kind == "event" and len(line) > self.limits.line_bytes:
                    raise protocol.ProtocolBroken(f"an event of {len(line)} bytes")
            except protocol.ProtocolBroken as e:
                self._outcome = ("broken", {"what": str(e)})  # even if it has ended: nothing after this counts
                self._signal()
                return None
            if kind == "event":
                return value
            if kind == "layers":
                self.layers = value
            else:
                self._outcome = (kind, value)
        return None

    def _next_line(self) -> bytes | None:
        looked = 0
        while (end := self._buffer.find(b"\n", looked)) < 0:
            looked = len(self._buffer)
            try:
                part = self._channel.recv(65536)
            except OSError:  # reset, or closed by us
                part = b""
            if not part:
                return None
            self._read += len(part)
            if self._read > self.limits.output_bytes:
                raise protocol.ProtocolBroken(f"more than {self.limits.output_bytes} bytes")
            self._buffer += part
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def _error(self) -> errors.ThreedError | None:
        if self._stopped is not None:
            return self._stopped
        if self._outcome is not None:
            kind, value = self._outcome
            if kind == "broken":
                message = f"The step {self.step} wrote {value['what']}. It was stopped."
                return errors.JobFailed(message, step=self.step)
            # A step may end between two looks at its folder.
            return protocol.decode_error(value, self.step) if kind == "error" else self._over_disk(0)
        ending = self.ending
        if ending.failed:
            return errors.JobFailed(f"The process for {self.step} could not start: {ending.failed}.", step=self.step)
        if ending.status is None:
            return errors.JobCrashed(
                f"The process that {self.step} was forked from died. Run the job again.",
                step=self.step,
                signal="SIGKILL",
            )
        if os.WIFSIGNALED(ending.status):
            return self._killed_by(os.WTERMSIG(ending.status))
        code = os.WEXITSTATUS(ending.status)
        return errors.JobCrashed(
            f"The step {self.step} left with exit status {code} and no result.", step=self.step, exit_status=code
        )

    def _killed_by(self, number: int) -> errors.ThreedError:
        cpu_s = self.limits.cpu_s
        spent = cpu_s is not None and self.ending.cpu_s - self._spent_s >= cpu_s
        if number == signal.SIGXCPU or (number == signal.SIGKILL and spent):
            return timed_out(self.step, f"{cpu_s} s of processor time")
        if number == signal.SIGXFSZ:
            return _disk_full(self.step, f"{self.limits.file_bytes // MIB} MiB in one file")
        # What C++ says when it gets no memory, and what the kernel does when it has none left.
        if (number == signal.SIGABRT and b"bad_alloc" in self._log) or (
            number == signal.SIGKILL and watch.kernel_oom_kills() > self._oom_kills
        ):
            return _out_of_memory(self.step, f"{self.limits.memory_bytes // MIB} MiB")
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = str(number)
        return errors.JobCrashed(
            f"The step {self.step} died by {name}, as native libraries do on bad input. Check the file with its "
            "author's tool, or report it.",
            step=self.step,
            signal=name,
        )

    def _tell_log(self, error: errors.ThreedError) -> None:
        trace = protocol.traceback_of(self._outcome[1]) if self._outcome and self._outcome[0] == "error" else ""
        said = self._log.decode("utf-8", "backslashreplace")
        level = logging.WARNING if isinstance(error, errors.JobFailed | errors.JobCrashed) else logging.INFO
        _log.log(level, "step %s: %s: %s\n%s%s", self.step, error.reason, error, trace, said)


def timed_out(step: str, most: str) -> errors.JobTimedOut:
    return errors.JobTimedOut(
        f"The step {step} ran longer than {most}. Send a simpler file, or raise the limit.", step=step, limit=most
    )


def _out_of_memory(step: str, most: str) -> errors.JobOutOfMemory:
    return errors.JobOutOfMemory(
        f"The step {step} needs more memory than {most}. Send a smaller file, or raise the limit.",
        step=step,
        limit=most,
    )


def _disk_full(step: str, most: str) -> errors.JobDiskFull:
    return errors.JobDiskFull(
        f"The step {step} wrote more than {most}. Send a smaller file, or raise the limit.", step=step, limit=most
    )
