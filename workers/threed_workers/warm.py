"""Engine processes that outlive a job: the next one of the same project finds the engine started and models loaded.

A process that one project's files may have spoiled never draws for another. It is ended after some jobs, when it has
grown, when it was idle for long, and after any error; then the next job begins with a fresh one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from threed.errors import ThreedError
from threed.settings import Settings
from threed_workers.sandbox import Limits, Resident, Zygote, remove_folder
from threed_workers.written import plain_file

log = logging.getLogger(__name__)


class WarmEngine:
    """A process that draws, its folder, and the files of its project that it has been given. For one job at a time.

    Below `folder`, the process may read `files` and write to `work`; it is `project`'s, and runs `step`. Its request
    says how many `threads` it may have; 0 for as many as there are processors.
    """

    def __init__(self, project: str, threads: int, folder: Path, zygote: Zygote, limits: Limits, step: str):
        self.project = project
        self.threads = threads
        self.jobs = 0
        self.idle_since = 0.0
        self._folder = folder
        self._files, self._work, self._waste = (folder / name for name in ("files", "work", "waste"))
        for place in (self._files, self._work, self._waste):
            place.mkdir(mode=0o700)
        self._zygote = zygote
        self._limits = limits
        self._step = step
        self._sizes: dict[str, int] = {}  # of the files, those used last at the end
        self._process: Resident | None = None
        self._place = ""
        self._places = 0

    def file(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file that is called so, which names its content; `make` writes it, unless an earlier job has."""
        path = self._files / name
        if name not in self._sizes:
            make(path)
        self._sizes[name] = self._sizes.pop(name, None) or path.stat().st_size
        return path

    def draw(self, request: dict, follow: Callable[[Resident], dict]) -> dict:
        """What `follow` makes of the process that has been given the request of a step.

        The process is gone after any error, and the next request gets another.
        """
        self._clear()
        self._places += 1
        self._place = str(self._places)
        (self._work / self._place).mkdir(mode=0o700)
        if self._process is None:
            self._process = self._zygote.resident(self._step, self._work, self._limits, read_dirs=[self._files])
        try:
            self._process.ask(request | {"threads": self.threads}, self._place)
            return follow(self._process)
        except BaseException:
            self._end_process()
            raise

    def output(self, name: object) -> Path:
        """A file that the process says it wrote. Raises JobFailed when it is none."""
        return plain_file(self._work / self._place, name)

    def rest(self, most_bytes: int) -> None:
        """After a job: forget what it wrote, and of the files those used longest ago, until `most_bytes` are left."""
        self._clear()
        self.jobs += 1
        self.idle_since = time.monotonic()
        for name in list(self._sizes):
            if sum(self._sizes.values()) <= most_bytes:
                break
            del self._sizes[name]
            (self._files / name).unlink()

    def is_fit(self, most_jobs: int, most_memory: int) -> bool:
        """Whether another job may have it."""
        process = self._process
        return (
            process is not None and process.is_quiet and self.jobs < most_jobs and process.memory_bytes <= most_memory
        )

    def end(self) -> None:
        """The process and all its files."""
        self._end_process()
        remove_folder(self._folder)

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.__exit__()
            self._process = None

    def _clear(self) -> None:
        """Remove the folder of the last request, from a place where the process cannot write to it meanwhile."""
        if self._place:
            gone = self._waste / self._place
            (self._work / self._place).rename(gone)
            remove_folder(gone)
            self._place = ""


class WarmEngines:
    """Those of one worker, in folders below `scratch`. Thread-safe."""

    def __init__(self, zygote: Zygote, scratch: Path, settings: Settings, limits: Limits, step: str = "render"):
        self._zygote = zygote
        self._scratch = scratch
        self._settings = settings
        self._limits = limits
        self._step = step
        # Two that have all processors each wait for each other: a film of 512 x 512 took 1.3 times as long.
        at_once = min(settings.job_threads, settings.project_max_running_jobs or settings.job_threads)
        self._share = max(1, len(os.sched_getaffinity(0)) // at_once) if at_once > 1 else 0
        self._lock = threading.Lock()
        self._idle: list[WarmEngine] = []  # that which rested last at the end
        self._closed = False

    @contextlib.contextmanager
    def lent(self, project: str, beside_others: bool = False) -> Iterator[WarmEngine]:
        """One of the project, or a new one; with a fair share of the processors, if it has others at the same time."""
        threads = self._share if beside_others else 0
        engine = self._taken(project, threads) or self._made(project, threads)
        try:
            yield engine
        finally:
            self._take_back(engine)

    def sweep(self) -> None:
        """End those that were idle for long."""
        since = time.monotonic() - self._settings.warm_engine_idle_s
        with self._lock:
            old = [engine for engine in self._idle if engine.idle_since < since]
            self._idle = [engine for engine in self._idle if engine.idle_since >= since]
        self._end(old)

    def close(self) -> None:
        """End them all; those that are lent end when they come back."""
        with self._lock:
            self._closed = True
            old, self._idle = self._idle, []
        self._end(old)

    def _taken(self, project: str, threads: int) -> WarmEngine | None:
        most = self._settings
        while True:
            with self._lock:
                fit = (one for one in reversed(self._idle) if (one.project, one.threads) == (project, threads))
                engine = next(fit, None)
                if engine is None:
                    return None
                self._idle.remove(engine)
            if engine.is_fit(most.warm_engine_jobs, most.warm_engine_memory_bytes):
                return engine
            self._end([engine])

    def _made(self, project: str, threads: int) -> WarmEngine:
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        return WarmEngine(project, threads, folder, self._zygote, self._limits, self._step)

    def _take_back(self, engine: WarmEngine) -> None:
        most = self._settings
        try:
            engine.rest(most.warm_engine_disk_bytes)
            fit = engine.is_fit(most.warm_engine_jobs, most.warm_engine_memory_bytes)
        except OSError as error:
            log.warning("an engine's process is ended: %s", error)
            fit = False
        old = [] if fit else [engine]
        with self._lock:
            if fit:
                self._idle.append(engine)
            while self._idle and (self._closed or len(self._idle) > most.warm_engines):
                old.append(self._idle.pop(0))
        self._end(old)

    @staticmethod
    def _end(engines: list[WarmEngine]) -> None:
        for engine in engines:
            try:
                engine.end()
            except (OSError, ThreedError) as error:
                log.warning("the folder of an engine's process is left behind until this worker ends: %s", error)
