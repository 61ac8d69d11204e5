"""The page docs/formats.md is what the importers do today, and says so only where every reader could be asked."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from threed_workers import formats

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.skipif(find_spec("cascadio") is None, reason="cascadio is not installed")
def test_the_page_of_formats_is_current(tmp_path):
    subprocess.run([sys.executable, DOCS / "generate.py", "--into", tmp_path, "formats"], check=True)
    assert (tmp_path / "formats.md").read_text() == (DOCS / "formats.md").read_text(), "run docs/generate.py"


@pytest.mark.parametrize("format", formats.ALL, ids=lambda format: format.name)
def test_a_format_has_a_row_in_the_page(format):
    tables = re.findall(rf"^\| `{format.name}` \|", (DOCS / "formats.md").read_text(), re.MULTILINE)
    assert len(tables) == (3 if format.asset_type == "MODEL" else 1)


def test_without_the_reader_of_step_the_page_is_refused_with_a_sentence(tmp_path):
    # Given a Python that finds no cascadio
    hidden = f"import sys; sys.modules['cascadio'] = None; sys.path.insert(0, {str(DOCS)!r}); import generate"
    # When the page is asked for
    command = [sys.executable, "-c", f"{hidden}; generate.main()", "--into", tmp_path, "formats"]
    answer = subprocess.run(command, capture_output=True, text=True)
    # Then nothing is written, and a sentence says what to install
    assert answer.returncode == 1
    assert answer.stderr.strip().endswith("pip install 'threed[step]'.")
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "formats.md").exists()
