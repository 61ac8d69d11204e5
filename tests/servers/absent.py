"""What a test does when a real server that it needs is not installed."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip the test with the reason; in CI, where nothing may be missing, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} In CI this is an error.", pytrace=False)
    pytest.skip(reason)
