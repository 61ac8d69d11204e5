from __future__ import annotations

import time
from pathlib import Path

import pytest

from threed_workers.sandbox import Zygote, remove_folder

HERE = Path(__file__).parent


@pytest.fixture
def gone():
    """Whether the given processes end within ten seconds. One that only waits to be reaped has ended."""

    def gone(*pids: int) -> bool:
        return any(time.sleep(0.02) or not any(map(_runs, pids)) for _ in range(500))

    return gone


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture(scope="session")
def zygote():
    with Zygote(preload=["numpy", "misbehaving", "a_module_that_nobody_has"], module_dirs=[HERE]) as zygote:
        yield zygote


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "private"
    made.mkdir()
    yield made
    if made.exists():
        remove_folder(made)  # some steps make folders so deep that pytest could not remove them
