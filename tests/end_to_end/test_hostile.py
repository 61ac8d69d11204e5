"""Hostile files through the whole stack: each ends with a reason, and nothing else happens anywhere."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from google.protobuf import json_format
from tests.end_to_end.bad_files import AT_ONCE, BY_A_WORKER
from tests.end_to_end.doors import Refused, Rest
from tests.end_to_end.job import model, ready, upload
from tests.servers.folder import short_folder
from tests.stack import RunningStack, running_stack

from threed.v1.assets_pb2 import Asset

HOSTILE = Path(__file__).parents[3] / "shared/hostile"
MANIFEST = json.loads((HOSTILE / "manifest.json").read_text()) if (HOSTILE / "manifest.json").exists() else None
# What a file may end with that is not wrong, only too much.
TOO_MUCH = {"JOB_TIMED_OUT", "JOB_OUT_OF_MEMORY"}
_AT_ONCE = 4
_JOB_S = 20


@pytest.fixture(autouse=True, scope="module")
def same_workers(stack: RunningStack) -> Iterator[None]:
    """Whatever comes in, the workers that were there before are there after."""
    before = workers(stack)
    yield
    assert workers(stack) == before, "a worker died"


def workers(stack: RunningStack) -> set[str]:
    """The start of every worker of the stack, which its supervisor keeps running: its log has one line for each."""
    lines = (stack.data / "logs/worker-0.log").read_text().splitlines()
    return {line for line in lines if " is ready, " in line}


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_is_seen_at_once_is_refused_at_once(door, name, refused):
    data, reason = AT_ONCE[name]
    with refused(reason) as refusal:
        upload(door, data, "chair.glb")
    assert (refusal.value.code, refusal.value.metadata.get("filename", "chair.glb")) == (3, "chair.glb")
    assert not door("ListAssets", filter=f"size_bytes={len(data)} AND status=UPLOADED").assets


def test_what_a_worker_sees_fails_with_its_reason(rest):
    # Given every bad file, uploaded one after the other
    sent = {name: upload(rest, data, "chair.bin").asset_id for name, (data, _) in BY_A_WORKER.items()}
    # When each is looked at
    ended = {name: watched(rest, asset_id) for name, asset_id in sent.items()}
    # Then each is FAILED for its own reason, says where, and has no file but the original
    reasons = {name: reason_of(asset) for name, asset in ended.items()}
    assert reasons == {name: reason for name, (_, reason) in BY_A_WORKER.items()}
    for name, asset in ended.items():
        assert asset.error.message.endswith((".", "?")), name
        assert [file.kind for file in asset.files] == [1], name
    # And the next good file is as welcome as ever
    assert ready(rest, model()).status == Asset.VALIDATED


def watched(door: Rest, asset_id: str) -> Asset:
    *_, last = door.watch("WatchAsset", asset_id=asset_id)
    return last.asset


def reason_of(asset: Asset) -> str:
    """The reason that an asset FAILED for."""
    said = json_format.MessageToDict(asset.error).get("details", [])
    return next((detail["reason"] for detail in said if detail["@type"].endswith("ErrorInfo")), "")


@dataclass
class Canary:
    """A secret to be found, a port to be called and a name to be written, none of which may happen."""

    said: dict[str, Any]
    contacts: list[object] = field(default_factory=list)

    @contextlib.contextmanager
    def watching(self) -> Iterator[Canary]:
        secret = Path(self.said["file"])
        secret.parent.mkdir(exist_ok=True)
        secret.write_text(self.said["text"])
        with socket.create_server(("127.0.0.1", self.said["port"])) as server:
            listener = threading.Thread(target=self._listen, args=(server,))
            listener.start()
            try:
                yield self
            finally:
                server.shutdown(socket.SHUT_RDWR)
                listener.join(10)

    def _listen(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it is shut
            while True:
                connection, address = server.accept()
                self.contacts.append(address)
                connection.close()

    def written(self, *roots: Path) -> list[Path]:
        """Files of the name that a hostile file would write, right there or below."""
        return [path for root in roots for path in _named(root, self.said["write"])]


def _named(root: Path, start: str) -> list[Path]:
    found = []
    for folder, folders, files in os.walk(root, onerror=None):
        found += [Path(folder) / name for name in (*folders, *files) if name.startswith(start)]
    return found


@dataclass(frozen=True)
class Ending:
    """What became of one hostile file."""

    accepted: bool
    reason: str
    answer: str


def taken(door: Rest, entry: dict[str, Any]) -> Ending:
    """Upload one file of the corpus, and follow it to its end."""
    path = HOSTILE / entry["file"]
    call = f"/v1/assets/upload?filename={quote(path.name)}"
    answer = door.send("POST", call, path.read_bytes(), content_type="application/octet-stream")
    if answer.status != 200:
        return Ending(False, answer.refusal().reason, answer.body.decode())
    asset = watched(door, answer.json["assetId"])
    text = json_format.MessageToJson(asset)
    return Ending(asset.status == Asset.VALIDATED, reason_of(asset), text)


@pytest.fixture(scope="module")
def impatient() -> Iterator[RunningStack]:
    """A stack that gives each job so little time that a file which is only slow cannot hold the others up."""
    with short_folder() as folder, running_stack(folder, THREED_JOB_TIMEOUT_S=str(_JOB_S)) as stack:
        stack.wait_until_able()
        yield stack


@pytest.mark.skipif(MANIFEST is None, reason="the hostile files are not beside this checkout")
def test_every_hostile_file_behaves_as_its_manifest_says(impatient: RunningStack):
    # Given a canary
    entries, stack = MANIFEST["entries"], impatient
    door, there_before = Rest(stack.address, stack.token()), workers(stack)
    with Canary(MANIFEST["canary"]).watching() as canary:
        # When all of them are uploaded, a few at once
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            endings = dict(zip([e["file"] for e in entries], pool.map(lambda e: taken(door, e), entries), strict=True))
    # Then nobody called, wrote where it may not, or read what it may not
    assert canary.contacts == []
    assert canary.written(stack.data, Path("/tmp/threed-canary"), Path.cwd()) == []
    assert [name for name, ending in endings.items() if canary.said["text"] in ending.answer] == []
    assert stored_with(stack, canary.said["text"]) == []
    assert workers(stack) == there_before, "a worker died"
    # And what must be refused is, what must be accepted is, and whatever is refused has a reason that is the file's own
    accepted = {name for name, ending in endings.items() if ending.accepted}
    assert {e["file"] for e in entries if e["expected"] == "refuse"} & accepted == set()
    controls = {e["file"] for e in entries if e["expected"] == "accept"}
    assert controls - accepted == set()
    refused = {e["file"]: endings[e["file"]].reason for e in entries if not endings[e["file"]].accepted}
    slow = {e["file"] for e in entries if e["expected"] == "survive" and refused.get(e["file"]) in TOO_MUCH}
    assert {name: why for name, why in refused.items() if not why.startswith("FILE_") and name not in slow} == {}


def stored_with(stack: RunningStack, text: str) -> list[Path]:
    """Stored files, other than what was uploaded, that hold the canary's text."""
    uploaded = {
        path.read_bytes() for path in HOSTILE.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    }
    files = [path for path in (stack.data / "blobs").rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in (data := path.read_bytes()) and data not in uploaded]


def test_an_upload_over_the_limit_is_refused_before_its_first_byte(door, refused):
    with refused("UPLOAD_TOO_LARGE"):
        door("CreateUpload", upload={"filename": "huge.glb", "size_bytes": 1 << 50})


def test_a_refused_upload_stores_nothing(rest):
    def unknown() -> str:
        try:
            upload(rest, AT_ONCE["a program"][0], "a.glb")
        except Refused as refusal:
            return refusal.reason
        return ""

    before = rest("ListAssets", show_deleted=True, page_size=1).assets
    assert {unknown() for _ in range(3)} == {"FILE_FORMAT_UNKNOWN"}
    assert rest("ListAssets", show_deleted=True, page_size=1).assets == before
