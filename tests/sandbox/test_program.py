"""External programs under the same layers, with real Node as the one that matters."""

from __future__ import annotations

import json
import shutil

import pytest

from threed import errors
from threed_workers.sandbox import Limits, spawn_program

LONG_LIVED = Limits(address_space_factor=None, cpu_s=None, wall_s=None)
node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed: apt-get install nodejs")

ASK = """
const fs = require('fs'), net = require('net');
const attempt = f => { try { f(); return 'done' } catch (e) { return e.code } };
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const {inside, outside} = JSON.parse(line);
  const seen = {
    read: attempt(() => fs.readFileSync(inside)), write: attempt(() => fs.writeFileSync(inside, 'x')),
    secret: attempt(() => fs.readFileSync(outside)), shadow: attempt(() => fs.readFileSync('/etc/shadow')),
    fork: require('child_process').spawnSync('/bin/true').error?.code ?? 'done',
    home: process.env.HOME,
  };
  net.connect(80, '127.0.0.1').on('error', e => console.log(JSON.stringify({...seen, network: e.code})));
});
"""


@node
def test_node_answers_line_by_line_and_reaches_only_what_it_was_given(folder, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "model.glb").write_text("x")
    (tmp_path / "canary").write_text("alive")
    question = json.dumps({"inside": str(scratch / "model.glb"), "outside": str(tmp_path / "canary")}).encode() + b"\n"
    with spawn_program(["node", "-e", ASK], LONG_LIVED, folder=folder, read_dirs=[scratch]) as program:
        for _ in range(2):
            program.stdin.write(question)
            program.stdin.flush()
            seen = json.loads(program.stdout.readline())
            assert seen["read"] == "done" and seen["home"] == str(folder)
            for refused in ("write", "secret", "shadow", "fork", "network"):
                assert seen[refused] in ("EACCES", "EPERM"), refused
        program.stop()
    assert program.stopped_by is None


@node
def test_node_is_killed_when_it_holds_too_much_memory(folder, gone):
    limits = Limits(memory_bytes=300 * 1024 * 1024, address_space_factor=None)
    hog = "const kept = []; setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 5)"
    with spawn_program(["node", "-e", hog], limits, folder=folder) as program:
        program.communicate()
    assert isinstance(program.stopped_by, errors.JobOutOfMemory)
    assert gone(program.pid)


def test_a_program_over_its_wall_time_is_killed(folder):
    with spawn_program(["sleep", "1000"], Limits(wall_s=0.3), folder=folder) as program:
        program.communicate()
    assert isinstance(program.stopped_by, errors.JobTimedOut)


def test_a_program_that_is_not_there_is_named(folder):
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        spawn_program(["no-such-program"], Limits(), folder=folder)
