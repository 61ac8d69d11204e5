"""Loopback ports: find a free one, ask whether somebody answers."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import time

from threed.local.errors import PortTaken

LOOPBACK = "127.0.0.1"
_LISTENING = range(20000, 32768)
_ANSWER_WITHIN_S = 1.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment, all different.

    They lie below those that systems give to outgoing connections (from 32768 on Linux, 49152 on macOS): a server that
    starts again would otherwise now and then find its port in use by a client of somebody else.
    """
    found: list[int] = []
    candidates = iter(random.sample(_LISTENING, len(_LISTENING)))
    while len(found) < count:
        port = next(candidates)
        with contextlib.suppress(PortTaken):
            require_free(port)
            found.append(port)
    return found


def require_free(port: int, host: str = LOOPBACK, *, within_s: float = 0.0) -> None:
    """Raises PortTaken when somebody listens there, and still does after `within_s` seconds."""
    limit = time.monotonic() + within_s
    while (reason := _refusal(port, host)) is not None:
        if time.monotonic() >= limit:
            sentence = f"Port {port} on {host} cannot be used ({reason}). Stop that program, or choose another port."
            raise PortTaken(sentence)
        time.sleep(0.05)


def _refusal(port: int, host: str) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror
    return None


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Whether somebody accepts connections on that port."""
    try:
        socket.create_connection((host, port), timeout=_ANSWER_WITHIN_S).close()
    except OSError:
        return False
    return True


def answers(port: int, path: str, host: str = LOOPBACK, status: int = 200) -> bool:
    """Whether a plain HTTP GET of that path gets that status."""
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
