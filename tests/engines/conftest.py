"""Whether an engine runs here, found out once, in a child as the product does."""

from __future__ import annotations

import functools
import os

import pytest

from threed_workers.engines.probe import probe_each


@functools.cache
def _probed() -> dict[str, str]:
    return {row["name"]: row["reason"] for row in probe_each()}


@pytest.fixture(scope="session")
def able():
    """A function (name of an engine) -> the name; skips the test when it cannot run here, and fails it in CI."""

    def check(name: str) -> str:
        reason = _probed()[name]
        if reason and os.environ.get("CI"):
            pytest.fail(f"The engine {name} must run in CI: {reason}")
        if reason:
            pytest.skip(f"engine {name}: {reason}")
        return name

    return check
