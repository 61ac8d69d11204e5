"""The invariants of the architecture: what is not there."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVER = ROOT / "server/threed"
WORKERS = ROOT / "workers/threed_workers"
HEAVY = ("numpy", "trimesh", "PIL", "orjson", "pygltflib", "filly", "pyrender", "threed_workers")
NAMES_OF_NOTHING = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc", "core", "shared"}


def modules(folder: Path) -> list[Path]:
    """Every module that was written by hand."""
    return [
        path for path in sorted(folder.rglob("*.py")) if "node_modules" not in path.parts and path.parent.name != "v1"
    ]


EVERY_MODULE = [*modules(SERVER), *modules(WORKERS)]


@pytest.mark.parametrize("module", ["threed.services", "threed.app", "threed.cli", "threed.local.stack"])
def test_the_server_loads_nothing_heavy(module):
    command = f"import {module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-P", "-c", command], capture_output=True, text=True, cwd="/", check=True)
    assert found.stdout.strip() == "[]"


def test_the_arrows_of_imports_point_one_way():
    program = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert answer.returncode == 0, answer.stdout[answer.stdout.find("Broken contracts") :]


def test_a_planted_import_is_noticed(tmp_path):
    # Given a copy of the contracts, and a package of the same shape where a service imports the workers
    config = (ROOT / ".importlinter").read_text()
    contract = config[: config.index("[importlinter:contract:server-light]")]
    (tmp_path / ".importlinter").write_text(contract)
    for package, text in {"threed": "", "threed/services": "import threed_workers", "threed_workers": ""}.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(text)
    # When the imports are checked
    program = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=tmp_path)
    # Then it is found
    assert answer.returncode == 1
    assert "threed.services -> threed_workers" in answer.stdout


def test_no_handler_mentions_a_status_code():
    words = {"StatusCode", "set_code", "abort", "abort_with_status", "set_details"}
    assert [path.name for path in modules(SERVER / "services") if mentions(path, words)] == []


def test_only_ids_reads_or_writes_an_id():
    # The command line is a client: like every caller it tells kinds apart by the prefix that the contract promises.
    free = {SERVER / "ids.py", *modules(SERVER / "cli")}
    prefixes = ("ast_", "upl_", "scn_", "rnd_", "drv_", "rcp_")
    made = {path: [text for text in strings(path) if text.startswith(prefixes)] for path in EVERY_MODULE}
    assert [path for path, texts in made.items() if texts and path not in free] == []


def test_only_settings_and_the_stack_read_the_environment():
    # Programs of our own are started with a whole environment, so local, cli and workers may look at theirs.
    allowed = {SERVER / "settings.py", *modules(SERVER / "local"), *modules(SERVER / "cli"), *modules(WORKERS)}
    readers = [path for path in EVERY_MODULE if mentions(path, {"environ", "getenv"})]
    assert [path for path in readers if path not in allowed] == []


def test_no_module_is_called_nothing_in_particular():
    assert [path for path in EVERY_MODULE if {path.stem, path.parent.name} & NAMES_OF_NOTHING] == []


def test_a_module_fits_a_head():
    assert [path for path in EVERY_MODULE if path.read_text().count("\n") > 450] == [], "one reason to exist, one file"


def test_every_module_says_what_it_is_for():
    assert [path for path in EVERY_MODULE if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_nothing_is_left_for_later():
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")
    assert [path for path in EVERY_MODULE if any(mark in path.read_text() for mark in marks)] == []


def mentions(path: Path, names: set[str]) -> set[str]:
    """Those of the names that the code of a module uses, as names or as attributes."""
    used = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    return used & names


def strings(path: Path) -> Iterator[str]:
    """Every string of a module's code, docstrings and f-strings' fixed parts too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
