"""What is drawn on a terminal, and what is not drawn elsewhere."""

from __future__ import annotations

import asyncio
import base64
import datetime
import io
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from tests.clients.python import standin
from tests.clients.python.samples import glb

from threed.cli import previews
from threed.cli.terminal import Progress, fields, moment, plain, size, table


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1536, "1.5 kB"), (999_999, "1.0 MB"), (12_345_678, "12 MB")],
)
def test_sizes_read_well(count, text):
    assert size(count) == text


def test_columns_are_aligned_by_what_is_seen():
    shown = table(("NAME", "SIZE"), [("椅子", 5), ("chair", 12)], right=("SIZE",))
    assert shown == "NAME   SIZE\n椅子      5\nchair    12"


def test_empty_fields_are_left_out():
    assert fields([("name", "x"), ("tags", ""), ("asset", "y")]) == "name   x\nasset  y"


def test_control_characters_are_replaced():
    assert plain("a\x1b[31mb\n\u202ec\x9b") == "a\ufffd[31mb\ufffd\ufffdc\ufffd"


def test_a_missing_time_is_a_dash():
    assert moment(None) == "-"
    assert len(moment(datetime.datetime.now(datetime.UTC))) == 19


def test_nothing_is_drawn_without_a_terminal():
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.part("a", 0.5, "half")
        progress.bytes("a", 5, 10)
    assert stream.getvalue() == ""


def test_an_upload_draws_one_line_and_takes_it_away(server, on_terminal, tmp_path):
    (tmp_path / "hall.glb").write_bytes(glb(3_000_000))
    code, shown = on_terminal("upload", tmp_path / "hall.glb")
    live, _, rest = shown.rpartition("\r\x1b[K")
    assert code == 0
    assert "\n" not in live, "the live line stays one line"
    assert "hall.glb  ━" in live and "100%  3.0 MB of 3.0 MB" in live and "100%  done" in live
    assert rest.startswith("hall.glb  ast_") and "VALIDATED" in rest
    assert all(len(part.split("\x1b")[0]) < 80 for part in live.split("\r"))


def test_a_render_says_its_frames_and_samples_on_one_line(server, on_terminal, tmp_path):
    server.frame_count = 3
    code, shown = on_terminal("render", "ast_0", "-o", tmp_path / "a.png")
    live, _, rest = shown.rpartition("\r\x1b[K")
    assert code == 0
    assert "\n" not in live and "a.png  ━" in live
    assert "0%  queued, 0 of 3 frames, 1 of 3 samples" in live
    assert rest.startswith(str(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM_PROGRAM": "WezTerm", "TERM": "xterm-256color"}, True),
        ({"LC_TERMINAL": "iTerm2"}, True),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux-0/default,1,0"}, False),
        ({"LC_TERMINAL": "iTerm2", "TERM": "screen-256color"}, False),
        ({"TERM": "xterm-kitty"}, False),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({}, False),
    ],
)
def test_pictures_go_only_to_terminals_that_show_them(environment, shown):
    assert previews.shows_pictures(environment) is shown


def test_a_preview_is_drawn_above_the_live_line(server, on_terminal, monkeypatch, tmp_path):
    # Given a terminal that shows pictures
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TERM_PROGRAM", "WezTerm")
    monkeypatch.delenv("TMUX", raising=False)
    # When a job is drawn
    code, shown = on_terminal("render", "ast_0", "-o", tmp_path / "a.png", "--preview")
    # Then its preview comes as it is, between saving the place of the cursor and going back to it
    image = base64.b64encode(standin.PREVIEW).decode()
    assert code == 0
    assert re.search(rf"\x1b7\r\x1b\[12A\x1b\]1337;File=inline=1;[^:]*:{re.escape(image)}\x07\x1b8", shown)
    assert shown.index("\n" * 12 if "\r\n" not in shown else "\r\n" * 12) < shown.index("\x1b]1337")


def test_a_terminal_without_unicode_gets_ascii():
    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    terminal = Terminal(io.BytesIO(), encoding="ascii")
    Progress(terminal).part("a", 1.0, "done")
    assert b"a  ######################## 100%  done" in terminal.buffer.getvalue()


def test_a_name_that_the_terminal_cannot_show_is_shown_as_far_as_it_goes(server, monkeypatch):
    server.add_asset("椅子.glb", b"x")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = subprocess.run([sys.executable, "-m", "threed", "assets"], capture_output=True, text=True, check=True)
    assert "??.glb" in done.stdout


def test_ctrl_c_ends_a_render_cleanly_and_cancels_the_job(server, tmp_path):
    # Given a render that hangs in a watch
    async def forever(messages, context):
        yield messages[0]
        await asyncio.Event().wait()

    server.watched = forever
    # These tests may run in the background of a shell, whose programs ignore Ctrl-C. Not with `preexec_fn`, for which
    # Python forks: gRPC's threads wake up in the child and abort it, sometimes (grpc/grpc#43055).
    hears = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-m", "threed", "render", "ast_0", "-o", str(tmp_path / "a.png")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    program = subprocess.Popen([sys.executable, "-c", hears, *command], **pipes, env=os.environ)
    while not server.called("WatchRenderJob"):
        assert program.poll() is None, program.communicate()
        time.sleep(0.05)
    time.sleep(0.2)
    # When it is interrupted
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    # Then the job is cancelled, and there is no traceback
    assert (program.returncode, out, err) == (130, "", "\nInterrupted.\n")
    assert len(server.called("CancelRenderJob")) == 1


def test_a_closed_pipe_ends_a_listing_quietly(server):
    for number in range(3000):
        server.add_asset(f"{number}.glb", b"x")
    command = f"{sys.executable} -m threed assets --limit 0 --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")
