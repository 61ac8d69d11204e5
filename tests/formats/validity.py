"""The Khronos validator, asked about what an import wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from threed_workers.validator import Validator, missing


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    """(validator, the folder that it reads)."""
    folder = tmp_path_factory.mktemp("validator")
    made = Validator(folder)
    yield made, folder
    made.close()


def assert_valid(validator: tuple[Validator, Path], path: Path) -> None:
    """Not one error."""
    made, folder = validator
    shutil.copyfile(path, folder / "model.glb")
    report = made.validate(folder / "model.glb")
    assert report is not None
    assert [entry for entry in report["issues"]["messages"] if entry["severity"] == 0] == []


__all__ = ["assert_valid", "missing", "validator"]
