"""Start children in order, keep them running, and end them all, whatever happens to this process.

* Stage by stage: the services of a stage start together, and the next stage waits until all of them are ready.
* A service that ends is started again: at once the first time, then after 0.2, 0.4 ... 10 s while it keeps ending.
* SIGTERM or SIGINT to this process ends the stages in reverse order: the stop signal, a grace period, SIGKILL. A second
  one cuts the grace periods short.
* SIGKILL to this process ends all children too: the kernel does it (tether.py, Linux only), and a helper process that
  also reaches what the children have started (watchdog.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from threed.local import process as processes
from threed.local.errors import StartRefused
from threed.local.process import Child, Service

log = logging.getLogger("threed.local")

Stage = Sequence[Service]

FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 10.0
STEADY_S = 10.0  # a service that ran this long has recovered
LOOP = 5  # this many short lives in a row are reported as a loop
_POLL_S = 0.03
_LOG_CHECK_S = 60.0


class Supervisor:
    """Runs stages of children; their output goes to `<logs>/<name>.log`.

    Make and use it in the main thread, which has to outlive the children. Usable as `async with`.
    """

    def __init__(self, stages: Sequence[Stage], logs: Path):
        self.logs = logs
        self._stages = [[_Keeper(service, logs) for service in stage] for stage in stages]
        self._watchdog: _Watchdog | None = None
        self._hurry = asyncio.Event()
        self._log_care: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Supervisor:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def pids(self) -> dict[str, int]:
        """The process of each running service, by name."""
        keepers = [keeper for stage in self._stages for keeper in stage]
        return {keeper.child.name: pid for keeper in keepers if (pid := keeper.pid) is not None}

    async def start(self) -> None:
        """Start every stage. Raises ChildFailed, with everything stopped again, when one does not become ready."""
        self._watchdog = _Watchdog()
        self._log_care = asyncio.create_task(self._care_for_logs())
        try:
            for stage in self._stages:
                await _together(keeper.start(self._watchdog) for keeper in stage)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every stage, the last one first. Returns when all children are gone."""
        for stage in reversed(self._stages):
            await _together(keeper.stop(self._hurry) for keeper in stage)
        if self._log_care is not None:
            self._log_care.cancel()
        if self._watchdog is not None:
            self._watchdog.close()

    async def run(self, announce: Callable[[], None] = lambda: None) -> None:
        """Start, call `announce` when all is ready, and stay until SIGINT or SIGTERM. Then stop."""
        loop, asked = asyncio.get_running_loop(), asyncio.Event()

        def on_signal() -> None:
            if asked.is_set():
                self._hurry.set()
            asked.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, on_signal)
        waiting, starting = asyncio.create_task(asked.wait()), asyncio.create_task(self.start())
        try:
            await asyncio.wait((waiting, starting), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.wait((starting,))
                return
            await starting
            announce()
            await waiting
            await self.stop()
        finally:
            waiting.cancel()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def _care_for_logs(self) -> None:
        """Keep every log below twice LOG_LIMIT: copy the first half away and cut it, under a child that goes on."""
        while True:
            await asyncio.sleep(_LOG_CHECK_S)
            for path in self.logs.glob("*.log"):
                if path.stat().st_size > processes.LOG_LIMIT:
                    await asyncio.to_thread(processes.cut_log, path)


async def _together(steps) -> None:
    """Run coroutines side by side. The first error cancels the rest, which is awaited."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


class _Running:
    """One process of a child, from its start to its end."""

    def __init__(self, child: Child, process: asyncio.subprocess.Process, watchdog: _Watchdog):
        self.child, self.process, self._watchdog = child, process, watchdog
        self.since = time.monotonic()
        self._cleared = False
        watchdog.add(process.pid, child.death_signal)

    @classmethod
    async def start(cls, child: Child, logs: Path, watchdog: _Watchdog) -> _Running:
        output = processes.open_log(logs, child.name)
        try:
            process = await asyncio.create_subprocess_exec(
                *child.command(),
                env=dict(child.env),
                cwd=child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(output)
        return cls(child, process, watchdog)

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    async def wait(self) -> int:
        """Its status, once it has ended. What is left of its group ends too."""
        code = await self.process.wait()
        if not self._cleared:  # only once: later the number may belong to somebody else
            self._cleared = True
            processes.kill_group(self.process.pid)
            self._watchdog.remove(self.process.pid)
        return code

    async def stop(self, hurry: asyncio.Event) -> None:
        if not self.ended:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.child.stop_signal)
            ended, hurried = asyncio.create_task(self.process.wait()), asyncio.create_task(hurry.wait())
            await asyncio.wait((ended, hurried), timeout=self.child.grace_s, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            if not ended.done():
                log.warning("%s did not end within %.0f s and is killed", self.child.name, self.child.grace_s)
                processes.kill_group(self.process.pid)
                await ended
        await self.wait()


class _Keeper:
    """Keeps one service running."""

    def __init__(self, service: Service, logs: Path):
        self.service, self.child, self.logs = service, service.child, logs
        self._watchdog: _Watchdog | None = None
        self._running: _Running | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._running is None or self._running.ended else self._running.process.pid

    async def start(self, watchdog: _Watchdog) -> None:
        """Start it and wait until it is ready; from then on it is kept."""
        self._watchdog = watchdog
        await self._launch()
        await self._until_ready()
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self, hurry: asyncio.Event) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait((self._keeping,))
        if self._running is not None:
            await self._running.stop(hurry)

    async def _launch(self) -> None:
        await asyncio.to_thread(self.service.prepare)
        self._running = await _Running.start(self.child, self.logs, self._watchdog)

    async def _until_ready(self) -> None:
        limit = time.monotonic() + self.service.ready_within_s
        while not await asyncio.to_thread(self.service.ready):
            if self._running.ended:
                what = processes.ending(self._running.process.returncode)
                raise processes.failure(self.child, self.logs, what)
            if time.monotonic() > limit:
                what = f"was not ready after {self.service.ready_within_s:.0f} s"
                raise processes.failure(self.child, self.logs, what)
            await asyncio.sleep(_POLL_S)

    async def _keep(self) -> None:
        """Wait for the end, start again, for ever."""
        short_lives = 0
        while True:
            code = await self._running.wait()
            lived = time.monotonic() - self._running.since
            short_lives = 1 if lived > STEADY_S else short_lives + 1
            delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (short_lives - 1))
            what = processes.ending(code)
            log.warning("%s %s after %.1f s; it starts again in %.1f s", self.child.name, what, lived, delay)
            if short_lives >= LOOP:
                log.error("%s", processes.failure(self.child, self.logs, f"has ended {short_lives} times in a row"))
            await asyncio.sleep(delay)
            await self._relaunch()

    async def _relaunch(self) -> None:
        while True:
            try:
                return await self._launch()
            except (OSError, StartRefused) as error:
                log.error("%s cannot start: %s", self.child.name, error)
                await asyncio.sleep(LONGEST_DELAY_S)


class _Watchdog:
    """The helper process that ends the children when this process is gone (watchdog.py)."""

    def __init__(self):
        program = Path(__file__).with_name("watchdog.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(program)], stdin=subprocess.PIPE, bufsize=0, start_new_session=True
        )

    def add(self, pid: int, death_signal: int) -> None:
        self._tell(f"+{pid} {int(death_signal)}\n")

    def remove(self, pid: int) -> None:
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        # Whoever kills the helper too leaves the children to the kernel; that is no reason to stop.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode())
