"""The engine `path_traced`: the shared suite, and light against closed forms."""

from __future__ import annotations

import pytest

from .suite import *  # noqa: F403


@pytest.fixture
def engine(able):
    return able("path_traced")
