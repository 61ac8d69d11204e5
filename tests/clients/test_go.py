"""The Go client, by its own tests, against the stack as a user starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.servers.absent import absent
from tests.stack import RunningStack

MODULE = Path(__file__).parents[2] / "clients/go"


def go(*arguments: str, **environment: str) -> str:
    """What `go ...` prints in the module. Fails the test with it when go fails."""
    done = subprocess.run(
        ["go", *arguments],
        cwd=MODULE,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def modules() -> None:
    """Go, and the modules that go.sum names."""
    if shutil.which("go") is None:
        absent("The Go client is tested with Go 1.25 or newer; there is no `go` on PATH.")
    done = subprocess.run(["go", "mod", "download"], cwd=MODULE, capture_output=True, text=True)
    if done.returncode:
        absent(f"The modules of the Go client cannot be had here: {done.stderr.strip()[-500:]}")


def test_the_go_client_is_vetted_and_formatted():
    go("vet", "./...")
    unformatted = subprocess.run(["gofmt", "-l", "."], cwd=MODULE, capture_output=True, text=True, check=True).stdout
    assert unformatted == ""


def test_the_go_client_takes_a_model_in_and_a_picture_out(stack: RunningStack):
    printed = go("test", "-count=1", "-v", ".", THREED_URL=stack.url, THREED_TOKEN=stack.token("editor"))

    assert "--- SKIP" not in printed
    assert "--- PASS: TestAModelGoesInAndAPictureOfItComesOut" in printed
