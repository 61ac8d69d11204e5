"""Every hostile file behaves as its manifest says: refused, survived or accepted; and nothing else happened."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parents[3] / "shared/hostile"
MANIFEST = json.loads((HOSTILE / "manifest.json").read_text()) if (HOSTILE / "manifest.json").exists() else None
pytestmark = pytest.mark.skipif(MANIFEST is None, reason="the hostile files are not beside this checkout")
ENTRIES = MANIFEST["entries"] if MANIFEST else []


class Canary:
    """A secret to be found, a port to be called and a name to be written, none of which may happen."""

    def __init__(self) -> None:
        self.text = MANIFEST["canary"]["text"]
        self.secret = Path(MANIFEST["canary"]["file"])
        self.secret.parent.mkdir(exist_ok=True)
        self.secret.write_text(self.text)
        self.contacts: list[object] = []
        self.server = _listening(MANIFEST["canary"]["port"])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, address = self.server.accept()
            except OSError:
                return
            self.contacts.append(address)
            connection.close()

    def close(self) -> None:
        self.server.close()


def _listening(port: int) -> socket.socket:
    """The files name this port, so when another run of these tests has it, we wait for our turn."""
    for _ in range(120):
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            time.sleep(1)
    raise AssertionError(f"port {port}, which the hostile files would call, is taken by something else")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What the import of every file came to, by file name."""
    base = tmp_path_factory.mktemp("hostile")
    canary = Canary()
    command = [sys.executable, str(Path(__file__).with_name("child.py"))]
    found = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=base) as child:
        for entry in ENTRIES:
            folder = base / "out"
            folder.mkdir()
            task = {"file": str(HOSTILE / entry["file"]), "filename": Path(entry["file"]).name, "folder": str(folder)}
            child.stdin.write(json.dumps(task) + "\n")
            child.stdin.flush()
            result = json.loads(child.stdout.readline())
            result["leaked"] = _leaks(folder, canary.text) or canary.text in json.dumps(result)
            found[entry["file"]] = result
            shutil.rmtree(folder)
        child.stdin.close()
    found["written"] = [str(path) for root in (base, Path("/tmp"), Path.cwd()) for path in _written(root)]
    found["contacts"] = list(canary.contacts)
    canary.close()
    return found


def _leaks(folder: Path, text: str) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return any(text.encode() in path.read_bytes() for path in files)


def _written(root: Path) -> list[Path]:
    return [root / name for name in os.listdir(root) if name.startswith(MANIFEST["canary"]["write"])]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"][:80])
def test_a_hostile_file_behaves_as_its_manifest_says(entry, outcomes):
    result = outcomes[entry["file"]]
    assert result["outcome"] in ("accepted", "refused"), result["message"]
    assert not result["leaked"]
    if entry["expected"] == "refuse":
        assert result["outcome"] == "refused"
    if entry["expected"] == "accept":
        assert result["outcome"] == "accepted", result["message"]
    if result["outcome"] == "refused":
        assert result["where"], result["message"]
        assert "no check foresaw" not in result["message"]


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.get("limits")], ids=lambda entry: entry["file"])
def test_a_hostile_file_stays_within_its_memory(entry, outcomes):
    allowed_mb = entry["limits"].get("rss_mb", 2048) + 256  # what is loaded before anything is read
    assert outcomes[entry["file"]]["rss_kb"] / 1024 < allowed_mb


def test_nothing_was_contacted_and_nothing_was_written_elsewhere(outcomes):
    assert outcomes["contacts"] == []
    assert outcomes["written"] == []
