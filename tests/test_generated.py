"""Generated code is what the contract says today: written again into an empty folder, it is the same byte for byte."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers.absent import absent

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".tools/bin"
NODE = ROOT / "clients/typescript/node_modules/.bin"
# Per language: the folders and files that it writes, and the programs that it needs.
LANGUAGES = {
    "python": (["server/threed/v1", "server/buf/validate"], []),
    "client": (["clients/python/threed_client/_gen"], []),
    "descriptors": (["envoy/descriptors.binpb"], []),
    "go": (
        ["clients/go/threed/v1", "clients/go/buf/validate"],
        [TOOLS / "protoc-gen-go", TOOLS / "protoc-gen-go-grpc"],
    ),
    "typescript": (["clients/typescript/src/gen"], [NODE / "protoc-gen-es"]),
    "openapi": (["docs/openapi.yaml"], [TOOLS / "protoc-gen-openapi"]),
}


def files(root: Path, places: list[str]) -> dict[str, bytes]:
    """Every file in these places, by its path from `root`."""
    found = [
        path for place in places for path in ([root / place] if (root / place).is_file() else (root / place).rglob("*"))
    ]
    kept = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}


@pytest.mark.parametrize("language", LANGUAGES)
def test_generated_code_is_current(language, tmp_path):
    places, programs = LANGUAGES[language]
    for program in programs:
        if not program.exists() and shutil.which(program.name) is None:
            absent(f"{program.name} is not installed: `make tools` and `npm ci` in clients/typescript bring it.")
    # When it is generated again
    command = [sys.executable, ROOT / "protos/generate.py", "--into", tmp_path, language]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    # Then nothing is added, missing or different
    committed, written = files(ROOT, places), files(tmp_path, places)
    assert sorted(committed) == sorted(written)
    stale = [name for name in committed if committed[name] != written[name]]
    assert stale == [], "run `make generate`, and commit what changed"


def test_nothing_else_is_generated():
    """A language that is added is compared too."""
    sys.path.insert(0, str(ROOT / "protos"))
    try:
        import generate
    finally:
        sys.path.pop(0)
    assert list(generate.LANGUAGES) == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_generated_code_is_marked_as_such(language):
    places = [place if (ROOT / place).is_file() else f"{place}/any" for place in LANGUAGES[language][0]]
    command = ["git", "check-attr", "linguist-generated", *places]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert [line for line in answer.stdout.splitlines() if not line.endswith(": true")] == []
