"""Those who draw the same scenes in processes of their own, and are asked in turn: see contestants/answering.py."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yardsticks

from measuring import CHECKOUT
from measuring.showrooms import Seat
from threed_workers.engines.deep_pictures import exr
from threed_workers.engines.environments import studio
from threed_workers.engines.environments.cubemap import panorama_directions

_PROGRAMS = Path(__file__).resolve().parents[1] / "contestants"
_PANORAMA_HEIGHT = 512

T = TypeVar("T")


@dataclass(frozen=True)
class Took:
    """Seconds of the one thing that was asked, and of the process so far; its most resident memory so far, in bytes."""

    wall_s: float
    cpu_s: float
    all_cpu_s: float
    peak_bytes: int

    def __add__(self, then: Took) -> Took:
        """Both, one after the other."""
        return dataclasses.replace(then, wall_s=self.wall_s + then.wall_s, cpu_s=self.cpu_s + then.cpu_s)


class Contestant:
    """A running program of contestants/. `began` is the moment it was started at, by time.perf_counter."""

    def __init__(self, process: subprocess.Popen, began: float):
        self.began = began
        self._process = process

    def open(self, **scene: object) -> Took:
        """Load a scene, which replaces the one before."""
        return self._ask("open", scene)

    def draw(self, seat: Seat, save: str = "") -> Took:
        """Draw it from there."""
        return self._ask("draw", dataclasses.asdict(seat) | {"save": save})

    def _ask(self, task: str, details: dict) -> Took:
        self._process.stdin.write(json.dumps({task: details}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args} ended: {self._process.wait()}")
        return Took(**json.loads(line))


@dataclass(frozen=True)
class Entry:
    """One that can be started: its name in the report, its Python and its program."""

    name: str
    python: str
    program: str
    arguments: tuple[str, ...] = ()

    @contextlib.contextmanager
    def running(self, **environment: str) -> Iterator[Contestant]:
        """Started; nothing is loaded yet."""
        command = [self.python, str(_PROGRAMS / self.program), *self.arguments]
        began = time.perf_counter()
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, cwd=CHECKOUT, env={**os.environ, **environment}
        ) as process:
            try:
                yield Contestant(process, began)
            finally:
                process.kill()


RASTER = Entry("threed, raster", sys.executable, "threed_pictures.py", ("raster",))
PATH_TRACED = Entry("threed, path_traced", sys.executable, "threed_pictures.py", ("path_traced",))
F3D = Entry("F3D", str(yardsticks.PYTHON), "f3d_pictures.py")
PYRENDER = Entry("pyrender", sys.executable, "pyrender_pictures.py")
CYCLES = Entry("Cycles", str(yardsticks.CYCLES_PYTHON), "cycles_pictures.py")


def cold(entry: Entry, seat: Seat, **scene: object) -> Took:
    """A process from its start to its first picture."""
    with entry.running() as contestant:
        contestant.open(**scene)
        drawn = contestant.draw(seat)
        return dataclasses.replace(drawn, wall_s=time.perf_counter() - contestant.began, cpu_s=drawn.all_cpu_s)


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A folder for models and for what libraries cache; `studio.exr` in it is the light of all who take a panorama."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        directions = panorama_directions(_PANORAMA_HEIGHT)
        light = studio.radiance("studio")(directions.reshape(-1, 3)).reshape(directions.shape)
        (folder / "studio.exr").write_bytes(exr(light))
        before = {key: os.environ.get(key) for key in ("XDG_CACHE_HOME", "TMPDIR")}
        os.environ.update(dict.fromkeys(before, name))
        try:
            yield folder
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})


def in_turns(entries: Sequence[T], number: int) -> Sequence[T]:
    """Each round begins with another one."""
    return [*entries[number % len(entries) :], *entries[: number % len(entries)]]
