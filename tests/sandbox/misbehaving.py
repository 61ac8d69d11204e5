"""Steps that do what hostile files make parsers do. They run only in confined children."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import re
import resource
import signal
import socket
import struct
import threading
import time
from pathlib import Path

from threed import errors

MIB = 1024 * 1024
CHANNEL = 3


def echo(request, folder, report):
    report({"text": request.get("text", "")})
    return {"request": request, "folder": str(folder), "cwd": os.getcwd()}


_KEPT: list = []


def remember(request, folder, report):
    """A step of a resident: what it was told stays in its process."""
    if "text" in request:
        _KEPT.append(request["text"])
        report({"kept": len(_KEPT)})
    if "megabytes" in request:
        return {"bytes": len(_held(request["megabytes"] * MIB))}
    deadline = time.process_time() + request.get("spin_s", 0)
    while time.process_time() < deadline:
        pass
    time.sleep(request.get("sleep_s", 0))
    return {"pid": os.getpid(), "kept": _KEPT, "folder": str(folder), "threads": request.get("threads")}


def draw(request, folder, report):
    """The step of a scene that only the engine compat survives: others draw one frame and then die as they are told."""
    able, *others = request.get("engines", ["raster", "compat"])
    report({"engine": able, "others": others})
    for frame in request["frames"]:
        (folder / f"{frame}.png").write_bytes(b"picture")
        drawn = {"frame": frame, "file": f"{frame}.png", "media_type": "image/png", "layers": [], "objects": []}
        drawn |= {"width_px": 1, "height_px": 1, "samples": 1, "seconds": 0.0, "engine_used": able, "losses": []}
        report({"drawn": drawn})
        if able != "compat" and frame == request["last"]:
            globals()[request["then"]](request, folder, report)
    return {}


def draw_slowly(request, folder, report):
    """The step of a scene whose frames take longer than heartbeats do."""
    for frame in request["frames"]:
        draw({"frames": [frame], "last": None}, folder, report)
        time.sleep(0.7)
    return {}


def draw_one_and_hang(request, folder, report):
    draw({"frames": request["frames"][:1], "last": None}, folder, report)
    time.sleep(1000)


def hog(request, folder, report):
    for _ in range(100):
        _held(10 * MIB)
        time.sleep(0.02)


def _held(size):
    _KEPT.append(b"\1" * size)
    return _KEPT[-1]


def raise_what_is_asked(request, folder, report):
    return request["text"]


def answer_twice(request, folder, report):
    def later():
        time.sleep(0.1)
        os.write(CHANNEL, b'{"result": {"second": true}}\n')

    threading.Thread(target=later).start()
    return {"first": True}


def open_and_change(request, folder, report):
    def may(do):
        try:
            do()
        except OSError:
            return False
        return True

    paths = [Path(path) for path in request["paths"]]
    return {
        "read": [may(path.read_text) for path in paths],
        "changed": [may(lambda path=path: path.write_text("other")) for path in paths],
        "linked": [may(lambda path=path, n=n: os.link(path, folder / f"{n}")) for n, path in enumerate(paths)],
    }


def segfault(request, folder, report):
    ctypes.string_at(0)


def abort(request, folder, report):
    os.abort()


def bad_alloc(request, folder, report):
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def spin(request, folder, report):
    while True:
        pass


def spin_in_c(request, folder, report):
    re.match(r"(a+)+$", "a" * 64 + "b")


def spin_and_ignore_the_signal(request, folder, report):
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def sleep(request, folder, report):
    report({"asleep": os.getpid()})
    time.sleep(1000)


def allocate_at_once(request, folder, report):
    return {"size": len(bytearray(10 * 1024 * MIB))}


def allocate_slowly(request, folder, report):
    kept = []
    while True:
        kept.append(b"x" * (8 * MIB))
        time.sleep(0.005)


def allocate_shared(request, folder, report):
    kept = []
    while True:
        kept.append(mmap.mmap(-1, 8 * MIB))
        kept[-1].write(b"x" * (8 * MIB))
        time.sleep(0.005)


def fill_one_file(request, folder, report):
    with (folder / "big").open("wb") as file:
        while True:
            file.write(b"x" * MIB)


def fill_one_file_natively(request, folder, report):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    fill_one_file(request, folder, report)


def fill_many_files(request, folder, report):
    for i in range(100_000):
        (folder / str(i)).write_bytes(b"x" * MIB)
        time.sleep(0.002)


def make_many_files(request, folder, report):
    for i in range(10_000_000):
        (folder / str(i)).touch()


def write_much_and_return(request, folder, report):
    (folder / "big").write_bytes(b"x" * (8 * MIB))
    return {}


def make_deep_folders(request, folder, report):
    while True:
        os.mkdir("d")
        os.chdir("d")


def fill_a_deleted_file(request, folder, report):
    with (folder / "gone").open("wb") as file:
        os.unlink(folder / "gone")
        while True:
            file.write(b"x" * MIB)
            time.sleep(0.002)


def fill_a_file_in_memory(request, folder, report):
    fd = os.memfd_create("x")
    while True:
        os.write(fd, b"x" * MIB)
        time.sleep(0.002)


def leak_files(request, folder, report):
    kept = []
    while True:
        kept.append(open(folder / "one", "w"))


def fork_many(request, folder, report):
    pids = []
    for _ in range(50):
        pid = os.fork()
        if pid == 0:
            time.sleep(1000)
        pids.append(pid)
    report({"pids": pids})
    time.sleep(request["then_s"])
    return {"pids": pids}


def start_many_threads(request, folder, report):
    threading.stack_size(64 * 1024)
    for _ in range(request["count"]):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    time.sleep(1000)


def leave_without_result(request, folder, report):
    os._exit(3)


def leave_by_sys_exit(request, folder, report):
    raise SystemExit(0)


def close_the_channel(request, folder, report):
    os.close(CHANNEL)
    time.sleep(1000)


def write_garbage(request, folder, report):
    os.write(CHANNEL, bytes.fromhex(request["hex"]) + b"\n")
    time.sleep(1000)


def write_without_end(request, folder, report):
    while True:
        os.write(CHANNEL, b"[" * MIB)


def report_a_long_event(request, folder, report):
    report({"text": "x" * (2 * MIB)})
    return {}


def report_without_end(request, folder, report):
    while True:
        report({"text": "x" * 1000})


def return_something_else(request, folder, report):
    return {"value": object()}


def return_nan(request, folder, report):
    return {"value": float("nan")}


def raise_an_exception(request, folder, report):
    raise KeyError("a secret value of our own")


def raise_a_known_error(request, folder, report):
    error = errors.FileMalformed(
        "The file has a NUL \0 at byte 7.", violations=(("file", "has a NUL"),), where="byte 7"
    )
    error.metadata["message"] = "a key that is a parameter's name"
    raise error


def raise_an_error_of_its_own(request, folder, report):
    class Forged(errors.ThreedError):
        code, reason = errors.Code.INTERNAL, "NOT_IN_THE_TABLE"

    raise Forged("believe me")


def recurse(request, folder, report):
    recurse(request, folder, report)


def attempt(request, folder, report):
    """Try one forbidden thing; the name of the errno it met, or "done"."""
    try:
        _ATTEMPTS[request["what"]](request, folder)
    except OSError as e:
        return {"met": errno.errorcode.get(e.errno, str(e.errno))}
    return {"met": "done"}


def _connect_unix(request, folder):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(request["path"])


def _connect_tcp(request, folder):
    with socket.create_connection(("127.0.0.1", request["port"]), 5):
        pass


def _send_udp(request, folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", request["port"]))


def _send_over_a_pair(request, folder):
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with a, b:
        a.sendto(b"x", request["path"])


def _connect_the_channel(request, folder):
    with socket.socket(fileno=os.dup(CHANNEL)) as s:
        s.connect(request["path"])


def _call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in arguments)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _limit_the_worker(request, folder):
    libc = ctypes.CDLL(None, use_errno=True)
    # RLIMIT_CPU 0 would kill the worker
    if libc.prlimit(request["pid"], 0, struct.pack("QQ", 0, 0), None):
        raise OSError(ctypes.get_errno(), "prlimit")


def _lift_a_limit(request, folder):
    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as e:  # what Python makes of EPERM here
        raise PermissionError(errno.EPERM, str(e)) from None


_ATTEMPTS = {
    "read": lambda r, f: Path(r["path"]).read_bytes(),
    "list": lambda r, f: os.listdir(r["path"]),
    "write": lambda r, f: Path(r["path"]).write_bytes(b"x"),
    "remove": lambda r, f: os.unlink(r["path"]),
    "symlink": lambda r, f: os.symlink("/etc/passwd", f / "link"),
    "fifo": lambda r, f: os.mkfifo(f / "fifo"),
    "read the worker's memory": lambda r, f: Path(f"/proc/{r['pid']}/mem").open("rb"),
    "read the worker's environment": lambda r, f: Path(f"/proc/{r['pid']}/environ").read_bytes(),
    "signal": lambda r, f: os.kill(r["pid"], 0),
    "signal the zygote": lambda r, f: os.kill(os.getppid(), 0),
    "limit the worker": _limit_the_worker,
    "leave the group": lambda r, f: os.setpgid(0, 0),
    "leave the session": lambda r, f: os.setsid(),
    "fork": lambda r, f: os.fork() or os._exit(0),
    "new namespace": lambda r, f: _call(272, 0x10000000),
    "io_uring": lambda r, f: _call(425, 1, 0),
    "system v memory": lambda r, f: _call(29, 0, 4096, 0o1600),
    "chroot": lambda r, f: os.chroot(f),
    "lift a limit": _lift_a_limit,
    "connect unix": _connect_unix,
    "connect tcp": _connect_tcp,
    "send udp": _send_udp,
    "send over a pair": _send_over_a_pair,
    "connect the channel": _connect_the_channel,
}


def surroundings(request, folder, report):
    return {"environment": dict(os.environ), "fds": [int(fd) for fd in os.listdir("/proc/self/fd")]}


def render(request, folder, report):
    """One frame of a triangle with Filament on software GL."""
    import filly
    import numpy as np
    import trimesh

    filly.set_log_level("error")
    renderer = filly.Renderer()
    scene = renderer.create_scene()
    scene.load(trimesh.creation.icosphere().export(file_type="glb"))
    scene.environment = renderer.create_environment(np.full((16, 32, 3), 0.8, np.float32))
    scene.environment_visible, scene.environment_intensity = False, 1.0
    camera = scene.camera = renderer.create_camera()
    camera.exposure = -0.263
    camera.set_perspective(fov_y_deg=35, aspect=1, near=0.05, far=100)
    camera.position = [0, 1, 4.5]
    camera.look_at([0, 0, 0])
    target = renderer.create_render_target(width=64, height=64)
    renderer.render(scene, target)
    return {"brightest": int(target.read()[..., :3].max())}
