"""The command line against the stand-in of tests/clients/python."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.clients.python import standin

from threed.cli import main


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a stack, in UTC, in an empty folder."""
    for name in ("THREED_URL", "THREED_TOKEN", "THREED_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("THREED_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[standin.Server]:
    """A server that the environment names."""
    with standin.running() as running:
        monkeypatch.setenv("THREED_URL", running.url)
        monkeypatch.setenv("THREED_TOKEN", standin.TOKEN)
        yield running


@pytest.fixture
def threed(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line without a terminal: its exit code, what it printed, what it complained."""

    def run(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def on_terminal() -> Callable[..., tuple[int, str]]:
    """Run a command line as a program whose output is a terminal of 80 columns: exit code and everything shown."""

    def run(*words: object) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        environment = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-m", "threed", *map(str, words)]
        program = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
        os.close(theirs)
        shown = bytearray()
        reader = threading.Thread(target=_drain, args=(ours, shown))
        reader.start()
        code = program.wait(60)
        reader.join(10)
        os.close(ours)
        return code, shown.decode()

    return run


def _drain(terminal: int, shown: bytearray) -> None:
    while True:
        try:
            block = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed.
            return
        if not block:
            return
        shown += block
