"""A child that stays: for engines, which are dear to start, and for what they have loaded."""

from __future__ import annotations

import dataclasses
import math
import socket
import time

from threed_workers.sandbox import protocol, watch
from threed_workers.sandbox.child import Child, timed_out
from threed_workers.sandbox.limits import Limits


class Resident(Child):
    """Answers one request after another, in one confined process. Made by `Zygote.resident`; for one caller at a time.

    What a request made of the process stays in it, good or bad: ask it only for one who may see all that it has read.
    After an error ask it nothing more.
    """

    @staticmethod
    def kernel_limits(limits: Limits) -> Limits:
        """The kernel counts processor time over a whole life; that of each request is watched."""
        return dataclasses.replace(limits, cpu_s=None)

    def ask(self, request: dict, folder: str) -> None:
        """Give it a request, whose folder of this name exists below its own. Then read `events()`, or `result()`."""
        self._outcome, self._read = None, 0
        self._spent_s = watch.cpu_s(self.pid) if self.pid is not None else 0.0
        self._asked_at = time.monotonic()
        self.send(protocol.encode_request(request, folder), last=False)

    def result(self) -> dict:
        """The answer to the last request. Raises as of a child's, whose process has ended then, and also before."""
        for _ in self.events():
            pass
        if self._stopped is not None or self._outcome is None or self._outcome[0] == "broken":
            return super().result()
        self._asked_at = math.inf
        if error := self._error():
            self._tell_log(error)
            raise error
        return self._outcome[1]

    @property
    def is_quiet(self) -> bool:
        """Whether it lives, and has said nothing since its answer: then it may be asked again."""
        if self._stopped is not None or self.ending is not None or self._buffer:
            return False
        try:
            self._channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @property
    def memory_bytes(self) -> int:
        """What it holds now."""
        return watch.use_of([self.pid]).memory_bytes if self.pid is not None else 0

    def check(self, now: float, pids: list[int]) -> None:
        """As of a child, and the processor time of the request."""
        cpu_s = self.limits.cpu_s
        if cpu_s is not None and self.pid is not None and watch.cpu_s(self.pid) - self._spent_s > cpu_s:
            return self.kill(timed_out(self.step, f"{cpu_s} s of processor time"))
        super().check(now, pids)
