"""The whole stack as a user starts it: `threed up` in a process of its own, for tests from the outside."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.servers.folder import short_folder

from threed.local.keys import open_keys
from threed.local.ports import free_ports

_START_S = 120
_WARM = "cache/shaders/warm"  # of threed_workers.shader_cache


@dataclass
class RunningStack:
    """`url` is the gateway; gRPC, gRPC-Web and REST share it."""

    data: Path
    port: int
    process: subprocess.Popen

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def token(
        self, role: str = "editor", project: str = "default", subject: str = "tester", lifetime_s: int = 3600
    ) -> str:
        return open_keys(self.data / "keys").mint(role=role, project=project, subject=subject, lifetime_s=lifetime_s)

    def rest(self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str) -> tuple:
        """One REST call: (status, parsed JSON or bytes). `body` is bytes, or anything that JSON can say."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method)
        if not isinstance(body, bytes | None):
            request.add_header("content-type", "application/json")
        request.add_header("authorization", f"Bearer {token or self.token()}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                return reply.status, _parsed(reply.headers.get("content-type", ""), reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _parsed(error.headers.get("content-type", ""), error.read())

    def wait_until_able(self, deadline_s: float = 60) -> None:
        """Until a worker has told what it can do."""
        deadline = time.monotonic() + deadline_s
        while not self.rest("GET", "/v1/capabilities")[1].get("formats"):
            assert time.monotonic() < deadline, "no worker told its capabilities"
            time.sleep(0.2)


@contextlib.contextmanager
def running_stack(data: Path, *arguments: str, **environment: str) -> Iterator[RunningStack]:
    """Start `threed up` on a folder, and stop it as Ctrl-C does."""
    (port,) = free_ports(1)
    _take_shaders(data)
    command = [sys.executable, "-m", "threed", "up", "--data", str(data), "--port", str(port), *arguments]
    log = open(data / "up.log", "ab")
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    log.close()
    stack = RunningStack(data, port, process)
    try:
        _await_health(stack)
        yield stack
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        _keep_shaders(data)


@functools.cache
def _shaders() -> Path:
    """Where the stacks of this run leave compiled shaders for each other: each would take half a minute for them."""
    folder = tempfile.TemporaryDirectory(prefix="threed-shaders-")
    atexit.register(folder.cleanup)
    return Path(folder.name) / "warm"


_running: list[Path] = []


def _take_shaders(data: Path) -> None:
    made = next((path for path in (_shaders(), *_running) if path.exists()), None)
    if made:
        shutil.copytree(made, data / _WARM, dirs_exist_ok=True)
    _running.append(data / _WARM)


def _keep_shaders(data: Path) -> None:
    _running.remove(data / _WARM)
    if (data / _WARM).exists() and not _shaders().exists():
        shutil.copytree(data / _WARM, _shaders())


def _await_health(stack: RunningStack) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(f"{stack.url}/healthz", timeout=2) as reply:
                if reply.status == 200:
                    return
        except OSError:
            pass
        log = (stack.data / "up.log").read_text(errors="replace")[-4000:]
        assert stack.process.poll() is None, f"threed up ended:\n{log}"
        assert time.monotonic() < deadline, f"threed up is not ready:\n{log}"
        time.sleep(0.1)


def _parsed(content_type: str, body: bytes) -> object:
    return json.loads(body) if content_type.startswith("application/json") and body else body


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """One stack for all tests that only use it."""
    with short_folder() as folder, running_stack(folder) as started:
        started.wait_until_able()
        yield started
