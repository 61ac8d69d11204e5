"""Shaders that are compiled once and copied."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.engines.test_thumbnails import slanting

from threed_workers.engines import shaders


def test_a_child_works_on_a_copy_of_the_warm_shaders(tmp_path, monkeypatch):
    warm, folder = tmp_path / "warm", tmp_path / "job"
    (warm / "83").mkdir(parents=True)
    (warm / "83" / "dcb3").write_bytes(b"compiled")
    folder.mkdir()
    monkeypatch.setenv(shaders.VARIABLE, str(warm))
    monkeypatch.setenv("MESA_SHADER_CACHE_DIR", "elsewhere")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    shaders.reuse()
    shaders.reuse()
    assert (folder / "shaders" / "83" / "dcb3").read_bytes() == b"compiled"
    assert os.environ["MESA_SHADER_CACHE_DIR"] == str(folder / "shaders")


@pytest.mark.parametrize("value", ["", "/nowhere"])
def test_without_warm_shaders_nothing_changes(tmp_path, monkeypatch, value):
    monkeypatch.setenv(shaders.VARIABLE, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shaders.reuse()
    assert list(tmp_path.iterdir()) == []


def test_after_warming_most_models_compile_nothing(able, tmp_path):
    able("raster")
    # Given a folder that was warmed
    warm = tmp_path / "warm"
    warm.mkdir()
    command = [sys.executable, "-W", "error", "-m", "threed_workers.engines.warming", str(warm)]
    assert subprocess.run(command, capture_output=True).returncode == 0
    names = _names(warm)
    assert names
    for triangles in (1, 150_000):
        # When a fresh process draws a model of few or of many triangles
        folder = tmp_path / str(triangles)
        folder.mkdir()
        (folder / "model.glb").write_bytes(slanting(triangles + 1))
        code = "import pathlib, sys; from threed_workers.engines.thumbnails import thumbnails; "
        code += "thumbnails({'model': 'model.glb', 'engines': ['raster']}, pathlib.Path(sys.argv[1]), print)"
        environment = {**os.environ, shaders.VARIABLE: str(warm), "TMPDIR": str(folder)}
        subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, env=environment, check=True)
        # Then its copy holds no shader that the folder does not
        assert _names(folder / "shaders") == names


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}
