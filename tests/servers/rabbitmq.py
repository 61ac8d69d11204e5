"""A private RabbitMQ node for tests and benchmarks, from the system's package (Debian: rabbitmq-server).

Own ports, own data, own cookie and own epmd, all on loopback: it neither sees nor disturbs a broker of this machine.
A forgotten worker on a shared queue steals jobs, so every test gets a virtual host of its own.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.servers.absent import absent
from tests.servers.folder import short_folder

from threed.local.ports import LOOPBACK, accepts, answers, free_ports
from threed.local.process import Child, Service, running

# Not the one on the PATH: that wrapper changes the user and the data folder.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

USER = "test"


@dataclass(frozen=True)
class RabbitMQ:
    """A running node. `url("name")` is for pika and Dramatiq."""

    port: int
    management_port: int
    password: str
    pid: int

    def url(self, vhost: str) -> str:
        return f"amqp://{USER}:{self.password}@{LOOPBACK}:{self.port}/{quote(vhost, safe='')}"

    def manage(self, method: str, path: str) -> object:
        """One call of the management API, for example `manage("GET", "/api/queues")`. Raises OSError when refused."""
        connection = http.client.HTTPConnection(LOOPBACK, self.management_port, timeout=10)
        try:
            token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
            connection.request(method, path, headers={"authorization": f"Basic {token}"})
            reply = connection.getresponse()
            body = reply.read()
        finally:
            connection.close()
        if reply.status >= 300:
            raise OSError(f"{method} {path}: {reply.status} {body.decode(errors='replace')}")
        return json.loads(body) if body else None


class Node:
    """The files and ports of one node. They stay when it is killed: `with node.running()` again recovers it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port, self.management_port, self._distribution_port, self._epmd_port = free_ports(4)
        self.password = secrets.token_urlsafe(16)
        self._write_files()

    @contextlib.contextmanager
    def running(self) -> Iterator[RabbitMQ]:
        """The node accepts connections inside the block."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(running(self._epmd(), self.folder / "log"))
            process = stack.enter_context(running(self._broker(), self.folder / "log"))
            yield RabbitMQ(self.port, self.management_port, self.password, process.pid)

    def _write_files(self) -> None:
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        self.folder.joinpath("plugins").write_text("[rabbitmq_management].\n")
        self.folder.joinpath("rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n"
            f"management.tcp.ip = {LOOPBACK}\n"
            f"management.tcp.port = {self.management_port}\n"
            f"default_user = {USER}\n"
            f"default_pass = {self.password}\n"
            # A machine that compiles and renders beside the tests is often past 40 % of memory or low on disk.
            "vm_memory_high_watermark.relative = 0.9\n"
            "disk_free_limit.absolute = 50MB\n"
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),  # the cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"threed{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Read by the start script: become the broker instead of waiting beside it, so that our pid is its pid.
            "detached": "1",
        }

    def _epmd(self) -> Service:
        """Erlang's name server, ours, so that the node does not leave one running behind it."""
        argv = (shutil.which("epmd") or "epmd", "-address", LOOPBACK, "-port", str(self._epmd_port))
        child = Child("epmd", argv, env=self._environment())
        return Service(child, ready=lambda: accepts(self._epmd_port), ready_within_s=20)

    def _broker(self) -> Service:
        # A stop in good order takes 6 s, and confirmed messages do not need it.
        child = Child("rabbitmq", (str(PROGRAM),), env=self._environment(), stop_signal=signal.SIGKILL)
        return Service(child, ready=self._ready, ready_within_s=120)

    def _ready(self) -> bool:
        # 401: the management API is up, and asks who we are. It comes after the AMQP listener.
        return accepts(self.port) and answers(self.management_port, "/api/overview", status=401)


@contextlib.contextmanager
def rabbitmq_node() -> Iterator[RabbitMQ]:
    """A node of its own in a temporary folder."""
    with short_folder() as folder, Node(folder).running() as node:
        yield node


@contextlib.contextmanager
def fresh_vhost(node: RabbitMQ) -> Iterator[str]:
    """An empty virtual host, as an AMQP URL. Deleted at the end, with all connections to it."""
    vhost = f"test-{uuid.uuid4().hex}"
    node.manage("PUT", f"/api/vhosts/{vhost}")
    try:
        yield node.url(vhost)
    finally:
        node.manage("DELETE", f"/api/vhosts/{vhost}")


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """One node for the whole test run."""
    if not PROGRAM.exists() or not shutil.which("erl"):
        absent("RabbitMQ is not installed. On Debian: `apt-get install rabbitmq-server`.")
    with rabbitmq_node() as node:
        yield node


@pytest.fixture
def rabbitmq_url(rabbitmq: RabbitMQ) -> Iterator[str]:
    """An empty virtual host for one test, as an AMQP URL."""
    with fresh_vhost(rabbitmq) as url:
        yield url
