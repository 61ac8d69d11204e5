"""The README's examples run, in the order in which they stand, against a server."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from tests.clients.python.samples import glb

from threed_client import Upload

README = Path(__file__).parents[3] / "clients" / "python" / "README.md"


def test_the_examples_run(client, server, tmp_path, monkeypatch, capsys):
    # Given the files and variables that the examples speak of
    monkeypatch.chdir(tmp_path)
    for name in ("chair.glb", "city.glb"):
        Path(name).write_bytes(glb(100))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(glb())))
    chair = server.add_asset("chair.glb", glb()).asset_id
    known = {"sys": sys, "token": "a-good-token", "chair": chair}
    # When each is run, with this server's address and an upload that exists
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.S):
        upload = client.uploads.create(Upload(filename="city.glb"))
        code = block.replace("http://127.0.0.1:8080", server.url).replace("upl_06f3k9...", upload.upload_id)
        exec(compile(code, str(README), "exec"), known)
        known["client"] = client  # the first example closes its own
    # Then they did what they say
    assert Path("chair.png").read_bytes().startswith(b"\x89PNG")
    assert "4212 triangles" in capsys.readouterr().out
    assert len(server.scenes) == 1
