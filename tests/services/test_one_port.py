"""Several server processes on one port (SO_REUSEPORT): each takes connections, and each can go."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.jobs.table import eventually

from threed.settings import Settings

_OWN_CONNECTIONS = [("grpc.use_local_subchannel_pool", 1)]


def test_two_servers_share_a_port_and_one_may_die(settings: Settings, tmp_path: Path):
    # Given two servers on the same port
    with server(settings, tmp_path / "one.log") as one, server(settings, tmp_path / "two.log") as two:
        # Then connections come to both
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                channel = stack.enter_context(grpc.insecure_channel(settings.listen, _OWN_CONNECTIONS))
                assert healthy(channel)
            taken = connections(one.pid, settings.listen), connections(two.pid, settings.listen)
            assert sum(taken) == 40 and min(taken) > 0, taken
        # And when one is killed, the other answers every new connection
        one.kill()
        one.wait()
        for _ in range(20):
            with grpc.insecure_channel(settings.listen, _OWN_CONNECTIONS) as channel:
                assert healthy(channel)


def healthy(channel: grpc.Channel) -> bool:
    request = health_pb2.HealthCheckRequest(service="threed.v1.AssetService")
    answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=60, wait_for_ready=True)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


@contextlib.contextmanager
def server(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`threed serve` in a process of its own, once it listens; killed at the end."""
    environment = {f"THREED_{name.upper()}": getattr(settings, name) for name in ("data_dir", "database_url", "listen")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "threed", "serve"], env=os.environ | environment, stdout=output, stderr=output
        )
    try:
        eventually(lambda: process.poll() is None and listens(process.pid, settings.listen), 60, log.read_text)
        yield process
    finally:
        process.kill()
        process.wait()


def listens(pid: int, address: str) -> bool:
    return bool(_sockets(pid, address, "0A"))


def connections(pid: int, address: str) -> int:
    """How many established connections to the address this process holds."""
    return len(_sockets(pid, address, "01"))


def _sockets(pid: int, address: str, state: str) -> set[str]:
    """Inodes of the process's TCP sockets whose local end is the address, in that state of /proc/net/tcp."""
    host, _, port = address.rpartition(":")
    local = f"{bytes(reversed([int(part) for part in host.split('.')])).hex().upper()}:{int(port):04X}"
    # gRPC listens on the address as IPv6 sees it.
    tables = [Path(f"/proc/{pid}/net/{table}").read_text() for table in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table.splitlines()]
    there = {line[9] for line in lines if line[1].endswith(local) and line[3] == state}
    held = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(os.readlink(fd).removeprefix("socket:[").removesuffix("]"))
    return there & held
