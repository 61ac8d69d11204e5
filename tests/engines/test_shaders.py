"""Shaders that are compiled once and copied."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from threed_workers.engines import shaders


def test_a_child_works_on_a_copy_of_the_warm_shaders(tmp_path, monkeypatch):
    warm, folder = tmp_path / "warm", tmp_path / "job"
    (warm / "83").mkdir(parents=True)
    (warm / "83" / "dcb3").write_bytes(b"compiled")
    folder.mkdir()
    monkeypatch.setenv(shaders.VARIABLE, str(warm))
    monkeypatch.setenv("MESA_SHADER_CACHE_DIR", "elsewhere")
    shaders.reuse(folder)
    shaders.reuse(folder)
    assert (folder / "shaders" / "83" / "dcb3").read_bytes() == b"compiled"
    assert os.environ["MESA_SHADER_CACHE_DIR"] == str(folder / "shaders")


@pytest.mark.parametrize("value", ["", "/nowhere"])
def test_without_warm_shaders_nothing_changes(tmp_path, monkeypatch, value):
    monkeypatch.setenv(shaders.VARIABLE, value)
    shaders.reuse(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_warming_ends_well(able, tmp_path):
    able("raster")
    command = [sys.executable, "-W", "error", "-m", "threed_workers.engines.warming", str(tmp_path)]
    assert subprocess.run(command, capture_output=True).returncode == 0
