"""A client of the stand-in; THREED_URL and THREED_TOKEN point the tests that break nothing at a real stack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.python import standin

from threed_client import Client


@pytest.fixture(autouse=True)
def own_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes about unfinished uploads go to the test's folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def server() -> Iterator[standin.Server]:
    with standin.running() as running:
        yield running


@pytest.fixture
def client(server: standin.Server) -> Iterator[Client]:
    """A client of the stand-in, which the test may make misbehave."""
    with Client(server.url, standin.TOKEN, patience=2) as opened:
        yield opened


@pytest.fixture
def any_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of the real stack that THREED_URL names, else of the stand-in."""
    if url := os.environ.get("THREED_URL"):
        with Client(url, os.environ["THREED_TOKEN"]) as opened:
            yield opened
    else:
        yield request.getfixturevalue("client")
