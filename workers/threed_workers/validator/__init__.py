"""The Khronos glTF validator: a confined Node child that lives as long as the worker, asked one file at a time.

It is no safety gate (it hangs and overflows on hostile input): our own checks run first, each question has a time
limit, and a child that dies or is late is replaced. Without Node, or without the package, there is no report.
"""

from __future__ import annotations

import json
import logging
import os
import select
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from threed_workers.sandbox import Limits, Program, spawn_program

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
PACKAGE = HERE / "node_modules" / "gltf-validator"
_LIMITS = Limits(memory_bytes=4 << 30, address_space_factor=None, cpu_s=None, wall_s=None, threads=64, open_files=1024)
_MAX_LINE = 4 << 20


def missing() -> str | None:
    """Why there is no validator here, and how to get it; None when there is one."""
    if shutil.which("node") is None:
        return "Node is not installed: apt-get install nodejs npm"
    if not PACKAGE.exists():
        return f"the package gltf-validator is not installed: npm ci --prefix {HERE}"
    return None


class Validator:
    """One child; calls from several threads wait for each other."""

    def __init__(self, scratch: Path, timeout_s: float = 60.0):
        """`scratch` is the one folder whose files it may read."""
        self._scratch = scratch
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._program: Program | None = None
        self._buffer = b""
        self._asked = 0

    def validate(self, path: Path) -> dict[str, Any] | None:
        """The validator's report on one .gltf or .glb; None when there is no validator, or it could not say."""
        if missing():
            return None
        with self._lock:
            try:
                return self._ask(path)
            except (OSError, TimeoutError, ValueError, KeyError) as error:
                log.warning("the validator gave no report on %s: %s", path.name, error)
                self._end()
                return None

    def close(self) -> None:
        with self._lock:
            self._end()

    def _ask(self, path: Path) -> dict[str, Any]:
        if self._program is None or self._program.poll() is not None:
            self._begin()
        self._asked += 1
        self._program.stdin.write(json.dumps({"id": self._asked, "file": str(path)}).encode() + b"\n")
        self._program.stdin.flush()
        answer = self._line()
        if answer.get("id") != self._asked or "report" not in answer:
            raise ValueError(str(answer.get("error", "an answer to another question"))[:200])
        return answer["report"]

    def _begin(self) -> None:
        self._end()
        folder = self._scratch / "validator"
        folder.mkdir(mode=0o700, exist_ok=True)
        argv = ["node", "--max-old-space-size=3072", str(HERE / "validate.js")]
        self._program = spawn_program(argv, _LIMITS, folder=folder, read_dirs=[HERE, self._scratch])
        self._line()

    def _end(self) -> None:
        if self._program is not None:
            self._program.stop()
            for pipe in (self._program.stdin, self._program.stdout, self._program.stderr):
                pipe.close()
        self._program, self._buffer = None, b""

    def _line(self) -> dict[str, Any]:
        deadline = time.monotonic() + self._timeout_s
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._program.stdout], [], [], left)[0]:
                raise TimeoutError(f"no answer in {self._timeout_s:g} s")
            piece = os.read(self._program.stdout.fileno(), 1 << 16)
            if not piece or len(self._buffer) > _MAX_LINE:
                raise OSError("it ended, or said too much")
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)
