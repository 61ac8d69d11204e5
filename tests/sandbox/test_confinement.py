"""What a step cannot reach, tried for real from inside."""

from __future__ import annotations

import json
import os
import socket

import pytest

from threed_workers.sandbox import Limits, confine, landlock, seccomp

REFUSED = ("EACCES", "EPERM")


@pytest.fixture
def attempt(zygote, folder):
    def attempt(what, limits=Limits(), **request):  # noqa: B008  it is frozen
        with zygote.start(
            "misbehaving:attempt", {"what": what, "pid": os.getpid(), **request}, folder, limits
        ) as child:
            return child.result()["met"]

    return attempt


@pytest.fixture(params=["stream", "datagram"])
def unix_socket(request, tmp_path):
    kind = socket.SOCK_STREAM if request.param == "stream" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.bind(str(tmp_path / "s"))
        if request.param == "stream":
            s.listen()
        yield str(tmp_path / "s")


def test_files_outside_the_folder_cannot_be_read_written_or_removed(attempt, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("alive")
    assert attempt("read", path=str(canary)) in REFUSED
    assert attempt("list", path=str(tmp_path)) in REFUSED
    assert attempt("write", path=str(canary)) in REFUSED
    assert attempt("write", path=str(tmp_path / "new")) in REFUSED
    assert attempt("remove", path=str(canary)) in REFUSED
    assert canary.read_text() == "alive" and not (tmp_path / "new").exists()


@pytest.mark.parametrize("path", ["/etc/shadow", "/root/.bashrc", "/proc/1/cmdline"])
def test_secrets_of_the_system_cannot_be_read_even_by_root(attempt, path):
    assert attempt("read", path=path) in (*REFUSED, "ENOENT")


def test_the_folder_the_libraries_and_given_folders_are_there(attempt, folder, zygote, tmp_path):
    (folder / "in").write_text("x")
    assert attempt("read", path=str(folder / "in")) == "done"
    assert attempt("write", path=str(folder / "out")) == "done"
    assert attempt("read", path=os.__file__) == "done"
    given = tmp_path / "given"
    given.mkdir()
    for name, allowed in (("read", {"read_dirs": [given]}), ("write", {"write_dirs": [given]})):
        request = {
            "what": {"read": "list", "write": "write"}[name],
            "path": str(given / ("" if name == "read" else "x")),
        }
        with zygote.start("misbehaving:attempt", request, folder, **allowed) as child:
            assert child.result() == {"met": "done"}


@pytest.mark.parametrize("what", ["symlink", "fifo"])
def test_no_output_can_lead_its_reader_elsewhere(attempt, what):
    assert attempt(what) in REFUSED


def test_there_is_no_network(attempt):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert attempt("connect tcp", port=port) in REFUSED
        assert attempt("send udp", port=port) in REFUSED


def test_no_unix_socket_can_be_reached(attempt, unix_socket):
    for what in ("connect unix", "send over a pair", "connect the channel"):
        assert attempt(what, path=unix_socket) in REFUSED, what


@pytest.mark.parametrize(
    "what",
    [
        "signal", "signal the zygote", "limit the worker", "read the worker's memory", "read the worker's environment",
        "leave the group", "leave the session", "fork", "new namespace", "io_uring", "system v memory", "chroot",
        "lift a limit",
    ],
)  # fmt: skip
def test_neither_other_processes_nor_the_kernel_can_be_touched(attempt, what):
    assert attempt(what) in REFUSED


@pytest.mark.parametrize(
    "what", ["signal", "signal the zygote", "limit the worker", "leave the group", "new namespace"]
)
def test_a_step_that_may_fork_cannot_touch_others_either(attempt, what):
    assert attempt(what, Limits(processes=4)) in REFUSED


def test_nothing_of_the_worker_is_inherited(zygote, folder, monkeypatch):
    monkeypatch.setenv("THREED_SECRET", "hunter2")
    with open(os.devnull) as file, socket.socket() as s:
        os.set_inheritable(file.fileno(), True)
        os.set_inheritable(s.fileno(), True)
        with zygote.start("misbehaving:surroundings", {}, folder) as child:
            seen = child.result()
    assert "hunter2" not in str(seen["environment"])
    # 0 is /dev/null, 1 and 2 the log, 3 the channel, 4 its own /proc/self, 5 the folder being listed
    assert set(seen["fds"]) <= {0, 1, 2, 3, 4, 5}
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "MESA_SHADER_CACHE_DIR"):
        assert seen["environment"][name].startswith(f"{folder}/")


def test_a_kernel_without_landlock_is_reported_and_not_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(seccomp, "available", lambda: False)
    reading, writing = os.pipe()
    parent = os.getpid()
    if (pid := os.fork()) == 0:  # what is confined stays so
        try:
            layers = confine.Confinement(parent).apply(Limits(), str(tmp_path))
            (tmp_path.parent / "outside").write_text("it is not confined")
            os.write(writing, json.dumps(layers).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    layers = json.loads(os.read(reading, 65536))
    assert (layers["landlock"], layers["seccomp"], layers["rlimits"]) == (0, False, True)
    assert (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("free", [False, True])
def test_every_jump_of_the_filter_lands_inside_it(monkeypatch, machine, free):
    monkeypatch.setattr("platform.machine", lambda: machine)
    code = seccomp._filter(1234, may_fork=free, may_signal=free)
    for at, (kind, if_true, if_false, _) in enumerate(code):
        if kind & 7 == 5:  # a jump
            assert at + 1 + max(if_true, if_false) < len(code)
    assert code[-1][0] == 0x06 and len(code) < 4096
