"""The default stack of one machine, composed: PostgreSQL, then the servers, then the workers and Envoy.

The servers bring the schema up to date before they listen; whoever needs it starts after them.

    <data>/lock          held while the stack runs
    <data>/postgres      the database (postgres.py)
    <data>/blobs         uploads and files
    <data>/scratch       the workers' private job folders
    <data>/keys          what signs tokens and URLs (keys.py)
    <data>/logs          one log for each child
    <data>/run           the gateway's configuration and its admin socket

Only the gateway's port is for callers, and it is on loopback too; the ports behind it are free ones, new at each start.
A child finds everything in THREED_ variables (settings.py). Those of the operator's environment win, and a
THREED_DATABASE_URL among them takes the place of the embedded PostgreSQL. Where the children listen and what folder
they use is the stack's own business, and cannot be given.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from threed.local import envoy, files
from threed.local.folders import FolderLock, private, socket_folder
from threed.local.gateway import Gateway, render
from threed.local.keys import open_keys
from threed.local.ports import LOOPBACK, accepts, free_ports, require_free
from threed.local.postgres import Postgres
from threed.local.process import Child, Service
from threed.local.supervisor import Supervisor
from threed.settings import Settings

# For glibc: without, it maps and unmaps the 1 MiB of every message of an upload. Seen: 2.9 -> 2.3 s of processor time a
# GB, 335 -> 419 MB/s; the bound on arenas keeps the peak at 163 MB, where it was 153.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4194304", "MALLOC_TRIM_THRESHOLD_": "16777216", "MALLOC_ARENA_MAX": "2"}
_ADMIN_SOCKET = "envoy-admin.sock"
_CHUNK_ENVELOPE = 64 * 1024  # bytes around the bytes of a chunk
_MIGRATED_WITHIN_S = 600.0
_GRACE_S = 15.0  # longer than THREED_SHUTDOWN_GRACE_S, so that a server ends by itself


@dataclass(frozen=True)
class Commands:
    """How the stack's own programs are run. -P: they start in the data folder, which is no place for modules."""

    serve: tuple[str, ...] = (sys.executable, "-P", "-m", "threed", "serve")
    work: tuple[str, ...] = (sys.executable, "-P", "-m", "threed", "work")


@dataclass(frozen=True)
class TlsDoor:
    """A second public port, with TLS. Both files are PEM."""

    certificate: Path
    key: Path
    port: int = 8443


class Stack:
    """The stack of one data folder, with `servers` and `workers` processes and the public door on `port`.

    Each server process has a gRPC port of its own, so that the gateway can tell them apart and send a call to the one
    with the least to do; among processes that share a port the kernel binds a connection, and with it all its calls,
    to one of them by chance.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 8080,
        servers: int = 1,
        workers: int = 1,
        tls: TlsDoor | None = None,
        commands: Commands = Commands(),
        environment: Mapping[str, str] | None = None,
    ):
        self.data = data.expanduser().absolute()
        self.port, self.workers, self.tls = port, workers, tls
        self._commands = commands
        self._operator = dict(os.environ if environment is None else environment)
        self._blobs_port, *self._grpc_ports = free_ports(1 + servers)
        self.postgres = None if self._operator.get("THREED_DATABASE_URL") else Postgres(self.data / "postgres")

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def url(self) -> str:
        """What callers reach the stack by."""
        return f"http://{LOOPBACK}:{self.port}"

    async def run(self, announce: Callable[[], None] = lambda: None) -> None:
        """Start, call `announce` once the gateway answers, and stay until SIGINT or SIGTERM; then stop everything.

        Raises FolderBusy, PortTaken, ProgramMissing, ChildFailed: see errors.py.
        """
        with self.locked():
            await self.supervisor().run(announce)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the data folder; a second stack on it is refused."""
        with FolderLock(self.data):
            with self.postgres.locked() if self.postgres else contextlib.nullcontext():
                yield

    def supervisor(self) -> Supervisor:
        """The supervisor of this stack's stages. Call it under `locked()`: it makes keys and configuration.

        Raises PortTaken when somebody has the public port.
        """
        # Long before Envoy would notice; a gateway that was killed a moment ago may still be on its way out.
        require_free(self.port, within_s=2.0)
        _raise_file_limit()
        open_keys(self.data / "keys")
        gateway = self.gateway()
        config = private(self.data / "run") / "envoy.yaml"
        files.write(config, render(gateway).encode())
        database = [[self.postgres.service()]] if self.postgres else []
        servers = [self._server(number, port) for number, port in enumerate(self._grpc_ports)]
        workers = [self._worker(number) for number in range(self.workers)]
        door = envoy.service(config, self.port, gateway.admin_socket)
        return Supervisor([*database, servers, [*workers, door]], self.logs)

    def gateway(self) -> Gateway:
        """What the gateway has to know of this start. Call it under `locked()`.

        Raises ValueError naming a THREED_ variable that is wrong.
        """
        settings = Settings.from_environment(self.environment())
        source = settings.jwks_source
        remote = source.startswith(("http:", "https:"))
        return Gateway(
            port=self.port,
            grpc=tuple(f"{LOOPBACK}:{port}" for port in self._grpc_ports),
            blobs=None if settings.s3_endpoint else settings.blobs_listen,
            s3=settings.s3_endpoint or None,
            s3_bucket=settings.s3_bucket if settings.s3_endpoint else "",
            jwks_file=None if remote else Path(source),
            jwks_url=source if remote else None,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            max_chunk_bytes=settings.max_chunk_bytes + _CHUNK_ENVELOPE,
            admin_socket=socket_folder(self.data / "run", _ADMIN_SOCKET) / _ADMIN_SOCKET,
            **self._tls(),
        )

    def _tls(self) -> dict[str, Path | int]:
        if self.tls is None:
            return {}
        certificate, key = self.tls.certificate.absolute(), self.tls.key.absolute()
        return {"tls_certificate": certificate, "tls_key": key, "tls_port": self.tls.port}

    def environment(self) -> dict[str, str]:
        """The variables of every child of ours; a server gets THREED_LISTEN besides. Call it under `locked()`."""
        defaults = {"THREED_PUBLIC_URL": self.url}
        if self.postgres:
            defaults["THREED_DATABASE_URL"] = self.postgres.url
        fixed = {"THREED_DATA_DIR": str(self.data), "THREED_BLOBS_LISTEN": f"{LOOPBACK}:{self._blobs_port}"}
        given = {name: value for name, value in self._operator.items() if value or not name.startswith("THREED_")}
        return defaults | given | fixed

    def _server(self, number: int, port: int) -> Service:
        environment = _MALLOC | self.environment() | {"THREED_LISTEN": f"{LOOPBACK}:{port}"}
        child = Child(f"server-{number}", self._commands.serve, env=environment, cwd=self.data, grace_s=_GRACE_S)
        return Service(child, ready=lambda: accepts(port), ready_within_s=_MIGRATED_WITHIN_S)

    def _worker(self, number: int) -> Service:
        environment = self.environment()
        child = Child(f"worker-{number}", self._commands.work, env=environment, cwd=self.data, grace_s=_GRACE_S)
        return Service(child)


def _raise_file_limit() -> None:
    """Let the children open as many files as the system allows: each watcher is a connection in Envoy and a server."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS calls the hard limit infinite, and refuses it
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
