"""Kills processes of a running stack: the parts by name, and a thread that does it at random and remembers what."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.stack import RunningStack

_FORK_SERVER = "threed_workers.sandbox.zygote"
# What the command line of each part contains; the postmaster is the one that has a data folder.
_PARTS = {"server": "-m threed serve", "worker": "threed_workers.run", "postgres": "/bin/postgres -D"}


def children(pid: int) -> list[int]:
    """The child processes of a process, none when it is gone."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.update(int(child) for child in (task / "children").read_text().split())
    return sorted(found)


def processes(stack: RunningStack) -> dict[str, list[int]]:
    """The parts of the stack that run now: server, worker, postgres, fork server, and job (a running step)."""
    found: dict[str, list[int]] = {name: [] for name in (*_PARTS, "fork server", "job")}
    for pid in children(stack.process.pid):
        for name, words in _PARTS.items():
            if words in _command(pid):
                found[name].append(pid)
    for worker in found["worker"]:
        found["fork server"] += [pid for pid in children(worker) if _FORK_SERVER in _command(pid)]
    for server in found["fork server"]:
        found["job"] += [pid for pid in children(server) if _runs_a_step(pid)]
    return found


def _runs_a_step(pid: int) -> bool:
    """The child that waits for a step is still in the fork server's folder."""
    try:
        return os.readlink(f"/proc/{pid}/cwd") != "/"
    except OSError:
        return False


def killing(stack: RunningStack, name: str, chance: random.Random, patience_s: float = 3.0) -> Callable[[], bool]:
    """A function that kills one process of that part; it waits for one, as long as its patience lasts."""

    def kill() -> bool:
        deadline = time.monotonic() + patience_s
        while not (found := processes(stack)[name]):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(found), signal.SIGKILL)
        return True

    return kill


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


class Killer(threading.Thread):
    """Every 0.5 to 2 s one part dies, in an order that the seed gives; each part once before any dies again."""

    def __init__(self, parts: dict[str, Callable[[], bool]], chance: random.Random):
        super().__init__(name="killer")
        self._parts = parts
        self._chance = chance
        self._over = threading.Event()
        self.began = time.monotonic()
        self.killed: list[tuple[float, str]] = []

    def run(self) -> None:
        while True:
            for name in self._chance.sample(sorted(self._parts), len(self._parts)):
                if self._over.wait(self._chance.uniform(0.5, 2.0)):
                    return
                if self._parts[name]():
                    self.killed.append((round(time.monotonic() - self.began, 1), name))

    def stop(self) -> None:
        self._over.set()
        self.join()

    def count(self) -> dict[str, int]:
        """How often each part died."""
        return dict(collections.Counter(name for _, name in self.killed))
