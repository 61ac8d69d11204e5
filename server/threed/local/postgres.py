"""An embedded PostgreSQL: one server for one folder, on a private unix socket, with passwords.

    <folder>/cluster               PostgreSQL's data folder
    <folder>/run                   the socket (elsewhere when that path is too long, see folders.py)
    <folder>/threed.password       of the role `threed`: owns the database `threed`, is no superuser
    <folder>/superuser.password    of the role `postgres`: for backups and upgrades; the stack uses it only at start
    <folder>/lock                  held while a server runs

The server hears no TCP. Nobody is trusted for having reached the socket: a job that parses hostile files runs on the
same machine.
"""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from threed.local import cluster, unprivileged
from threed.local.folders import FolderLock, socket_folder
from threed.local.process import Child, Service, running

ROLE = DATABASE = "threed"
SUPERUSER = "postgres"
# Trigram and box indexes; the schema works without them, slower.
EXTENSIONS = ("pg_trgm", "cube")

_SOCKET = ".s.PGSQL.5432.lock"

# For many short statements of a job queue beside searches, on a machine shared with the workers.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the folder around the socket is 0700, and the password decides
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_checkpoints": "off",
    # A killed server starts again by itself only when a backend died; the postmaster is the supervisor's.
    "restart_after_crash": "on",
    "idle_in_transaction_session_timeout": "5min",
}


class Postgres:
    """The server of one folder. Make it, then hand `service()` to a supervisor or use `running()`.

    `settings` are added to SETTINGS. `durable=False` turns fsync off, for tests only.
    """

    def __init__(self, folder: Path, *, settings: dict[str, str] | None = None, durable: bool = True):
        self.folder = folder.absolute()
        self.cluster = self.folder / "cluster"
        self.durable = durable
        self.settings = SETTINGS | ({} if durable else {"fsync": "off", "full_page_writes": "off"}) | (settings or {})
        self._lock = FolderLock(self.folder)
        self._provisioned = False

    @functools.cached_property
    def socket_folder(self) -> Path:
        return socket_folder(self.folder / "run", _SOCKET, unprivileged.server_uid(self.cluster))

    @property
    def password(self) -> str:
        return cluster.secret(self.folder / f"{ROLE}.password")

    @property
    def url(self) -> str:
        """For SQLAlchemy, as the role `threed`."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """For SQLAlchemy, as the role `threed`, another database of this server."""
        return f"postgresql+psycopg://{ROLE}:{self.password}@/{database}?host={quote(str(self.socket_folder), safe='')}"

    @property
    def conninfo(self) -> str:
        """For psycopg and libpq, as the role `threed`."""
        return self._conninfo(ROLE, self.password, DATABASE)

    @property
    def superuser_conninfo(self) -> str:
        """For psycopg and libpq, as the superuser, on the database `postgres`."""
        return self._conninfo(SUPERUSER, cluster.secret(self.folder / "superuser.password"), "postgres")

    def service(self) -> Service:
        """The server for a supervisor. The caller holds the folder's lock: `with postgres.locked(): ...`."""
        program = str(cluster.programs() / "postgres")
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        argv = (program, "-D", str(self.cluster), "-k", str(self._prepared_socket_folder()), *settings)
        child = Child(
            name="postgres",
            argv=argv,
            # The `postgres` program reads none of it, and a superuser's COPY PROGRAM should not either.
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            uid=unprivileged.server_uid(self.cluster),
            stop_signal=signal.SIGINT,  # "fast": roll back, checkpoint, end
            death_signal=signal.SIGQUIT,  # "immediate": end every backend now; the next start recovers
            grace_s=20.0,
        )
        return Service(child=child, prepare=self.prepare, ready=self.ready)

    def locked(self) -> FolderLock:
        """The lock on this folder. Raises FolderBusy when another server's owner holds it."""
        return self._lock

    @contextlib.contextmanager
    def running(self) -> Iterator[Postgres]:
        """Run the server without a supervisor; it accepts connections inside the block."""
        with self.locked(), running(self.service(), self.folder / "logs"):
            yield self

    def _prepared_socket_folder(self) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.socket_folder

    def prepare(self) -> None:
        """Make the data folder when there is none; clear what a crash left when there is one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.cluster.exists():
            cluster.create(self.cluster, cluster.secret(self.folder / "superuser.password"), durable=self.durable)
        cluster.repair(self.cluster)
        uid = unprivileged.server_uid(self.cluster)
        if uid is not None:
            for folder in (self.folder, cluster.programs(), self.socket_folder.parent):
                unprivileged.let_pass(uid, folder)
        for leftover in self.socket_folder.glob(".s.PGSQL.*"):
            leftover.unlink()

    def ready(self) -> bool:
        """Whether the server accepts connections. The first time, also makes what is missing in it."""
        try:
            if not self._provisioned:
                self._provision()
                self._provisioned = True
            psycopg.connect(self.conninfo, connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def _provision(self) -> None:
        """Make the role, the database and the extensions, each only when it is missing."""
        with psycopg.connect(self.superuser_conninfo, connect_timeout=3, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER PASSWORD {}").format(
                        sql.Identifier(ROLE), sql.Literal(self.password)
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                self.create_database(connection, DATABASE)
            self._extend(DATABASE)

    def create_database(self, connection: psycopg.Connection, name: str) -> None:
        """Make an empty database that `threed` owns and nobody else may enter. `connection` is a superuser's."""
        database, role = sql.Identifier(name), sql.Identifier(ROLE)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))

    def _extend(self, database: str) -> None:
        superuser = self._conninfo(SUPERUSER, cluster.secret(self.folder / "superuser.password"), database)
        with psycopg.connect(superuser, connect_timeout=3, autocommit=True) as connection:
            rows = connection.execute("SELECT name FROM pg_available_extensions WHERE installed_version IS NULL")
            available = {name for (name,) in rows}
            for name in EXTENSIONS:
                if name in available:
                    connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))

    def _conninfo(self, role: str, password: str, database: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.socket_folder), user=role, password=password, dbname=database
        )
