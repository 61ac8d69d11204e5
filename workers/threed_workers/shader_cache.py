"""The worker's end of `engines.shaders` and `engines.tracing.llvm`: a folder that is warmed, and children only read."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from threed_workers.sandbox import Zygote

log = logging.getLogger(__name__)

_VARIABLE = "THREED_SHADERS"  # of engines.shaders, which a worker does not import: it brings the engines along
_LLVM = "TRACING_LLVM"  # of engines.tracing.variant
_WARMING_S = 600  # 33 s of processor time, behind everything else


class ShaderCache:
    """Compiled shaders below `folder`, which outlives workers."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._warm = folder / "warm"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def zygote(self, preload: Sequence[str]) -> Zygote:
        """A fork server whose children find the shaders, once they are there."""
        environment = {_VARIABLE: str(self._warm), _LLVM: str(self._folder / "llvm")}
        return Zygote(preload=list(preload), read_dirs=[self._folder], environment=environment)

    def warm(self) -> None:
        """Compile them, if nobody has. Never fails: without them, pictures cost half a processor second more."""
        self._look_for_llvm()
        if self._warm.exists():
            return
        self._remove_leftovers()
        fresh = tempfile.mkdtemp(dir=self._folder)
        try:
            # Behind every job: a worker that has just started may have much to do.
            command = ["nice", "-n", "15", sys.executable, "-m", "threed_workers.engines.warming", fresh]
            subprocess.run(command, capture_output=True, timeout=_WARMING_S, check=True)
            Path(fresh).rename(self._warm)
        except (subprocess.SubprocessError, OSError) as error:
            log.info("no warm shaders: %s", error)
            shutil.rmtree(fresh, ignore_errors=True)

    def _look_for_llvm(self) -> None:
        """Each time, because libraries come and go. Never fails: without, path tracing takes three times as long."""
        command = [sys.executable, "-m", "threed_workers.engines.tracing.llvm", str(self._folder / "llvm")]
        try:
            subprocess.run(["nice", "-n", "15", *command], capture_output=True, timeout=_WARMING_S, check=True)
        except (subprocess.SubprocessError, OSError) as error:
            log.info("no look for LLVM: %s", error)

    def _remove_leftovers(self) -> None:
        """What a worker that was killed while warming has left."""
        for other in self._folder.iterdir():
            if other.is_dir() and other != self._warm and time.time() - other.stat().st_mtime > 2 * _WARMING_S:
                shutil.rmtree(other, ignore_errors=True)
