"""Install the programs that the benchmarks compare with, in .tools/bench: `python benchmarks/yardsticks.py`.

They are never dependencies of the product. Pinned, so that two results mean the same. Idempotent.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from measuring import CHECKOUT
from tests.servers.folder import short_folder

from threed.local.ports import accepts, free_ports

HOME = CHECKOUT / ".tools" / "bench"
PYTHON = HOME / "python" / "bin" / "python"
CYCLES_PYTHON = HOME / "cycles" / "bin" / "python"
RIVALS = Path(__file__).resolve().parent / "rivals"
PYTHON_PACKAGES = (
    "fastapi==0.165.0",
    "uvicorn[standard]==0.54.0",
    "sqlalchemy[asyncio]==2.1.9",
    "psycopg[binary]==3.3.9",
    "pyjwt[crypto]==2.15.1",
    "f3d==4.0.0",
)
NODE_PACKAGES = ("@tus/server@2.4.5", "@tus/file-store@2.1.1", "gltfpack@1.3.0", "@gltf-transform/cli@4.5.1")
# Blender as a module, for Cycles. 890 MB, GPL: in an environment of its own, only where it is asked for.
CYCLES = "bpy==4.5.15"
_READY_S = 30


def install() -> None:
    """Make what is missing. Raises CalledProcessError when a registry does not answer."""
    stamp = HOME / "installed"
    wanted = "\n".join((*PYTHON_PACKAGES, *NODE_PACKAGES))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for program in ("uv", "npm"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is needed to install the yardsticks, and is not on the PATH.")
    HOME.mkdir(parents=True, exist_ok=True)
    subprocess.run(["uv", "venv", "--quiet", "--allow-existing", "--python", "3.11", HOME / "python"], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", PYTHON, *PYTHON_PACKAGES], check=True)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run(["npm", "install", "--prefix", HOME, *quiet, *NODE_PACKAGES], check=True)
    stamp.write_text(wanted)


def install_cycles() -> None:
    """The environment of CYCLES_PYTHON. Raises CalledProcessError when the registry does not answer."""
    stamp = HOME / "cycles" / "installed"
    if stamp.exists() and stamp.read_text() == CYCLES:
        return
    if not shutil.which("uv"):
        raise SystemExit("uv is needed to install Cycles, and is not on the PATH.")
    subprocess.run(["uv", "venv", "--quiet", "--allow-existing", "--python", "3.11", HOME / "cycles"], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", CYCLES_PYTHON, CYCLES], check=True)
    stamp.write_text(CYCLES)


class Rival:
    """A running yardstick. `url` is its address, `pid` its one process, `folder` where it may write."""

    def __init__(self, port: int, folder: Path, process: subprocess.Popen):
        self.url = f"http://127.0.0.1:{port}"
        self.port, self.folder, self.pid = port, folder, process.pid

    def forget_files(self) -> None:
        """Remove what was uploaded, and wait for the disk."""
        for path in self.folder.iterdir():
            if path.name != "log":
                path.unlink()
        os.sync()


@contextlib.contextmanager
def fastapi(module: str, **environment: str) -> Iterator[Rival]:
    """rivals/<module>.py in uvicorn, one process, with uvloop and httptools: as fast as it goes."""
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    program = (str(PYTHON), "-m", "uvicorn", f"{module}:app", "--app-dir", str(RIVALS), *options, "--port")
    with _running(program, environment) as rival:
        yield rival


@contextlib.contextmanager
def tus() -> Iterator[Rival]:
    """@tus/server with its FileStore, one process."""
    with _running(("node", str(RIVALS / "tus.cjs")), {"NODE_PATH": str(HOME / "node_modules")}) as rival:
        yield rival


@contextlib.contextmanager
def _running(program: tuple[str, ...], environment: dict[str, str]) -> Iterator[Rival]:
    install()
    (port,) = free_ports(1)
    with short_folder() as folder:
        variables = {**os.environ, "FOLDER": str(folder), **environment}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*program, str(port)], env=variables, stdout=log, stderr=log)
        try:
            limit = time.monotonic() + _READY_S
            while not accepts(port):
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"{program[0]} did not start:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.05)
            yield Rival(port, folder, process)
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    install()
    print(f"installed in {HOME.relative_to(CHECKOUT)}")
