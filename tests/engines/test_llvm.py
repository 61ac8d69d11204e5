"""Whether a libLLVM is used depends on a picture that it drew, not on its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from threed_workers.engines.tracing.variant import DRJIT, VARIABLE


def looked_for(folder: Path, library: Path) -> str:
    command = [sys.executable, "-m", "threed_workers.engines.tracing.llvm", str(folder / "llvm")]
    subprocess.run(command, check=True, env=os.environ | {DRJIT: str(library)}, timeout=120)
    return (folder / "llvm").read_text()


def test_a_library_that_cannot_draw_is_not_used(tmp_path):
    # Given something that is no LLVM, called one
    library = tmp_path / "libLLVM-19.so"
    library.write_bytes(b"\x7fELF")
    assert looked_for(tmp_path, library) != str(library)


def test_without_a_library_the_scalar_variant_runs(tmp_path):
    # Given a file that names a library which has gone
    (tmp_path / "llvm").write_text(str(tmp_path / "gone.so"))
    question = "from threed_workers.engines.tracing.variant import loaded; print(loaded()[1])"
    environment = os.environ | {VARIABLE: str(tmp_path / "llvm")}
    said = subprocess.run([sys.executable, "-c", question], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "scalar_rgb"
